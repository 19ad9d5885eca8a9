//! The suites of TLS 1.3 with AES-128 in CCM (RFC 5116, RFC 6655), which small devices insist on and rustls' provider
//! leaves out. They read what a server presents and write the end of a handshake; no secret ever travels over them.

use std::{marker::PhantomData, sync::LazyLock};

use aes::Aes128;
use ccm::{
    Ccm, KeyInit,
    aead::{Aead, Payload},
    consts::{U8, U12, U16},
};
use rustls::{
    CipherSuite, CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion,
    SupportedCipherSuite, Tls13CipherSuite,
    crypto::{
        aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher::{
            AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
            Nonce, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm,
            UnsupportedOperationError, make_tls13_aad,
        },
    },
};

type LongTag = Ccm<Aes128, U16, U12>;
type ShortTag = Ccm<Aes128, U8, U12>;

/// A key of AES-128, in bytes.
const KEY: usize = 16;

static LONG_TAG: LazyLock<Option<Tls13CipherSuite>> =
    LazyLock::new(|| suite(CipherSuite::TLS13_AES_128_CCM_SHA256, &Mode::<LongTag, 16>(PhantomData)));
static SHORT_TAG: LazyLock<Option<Tls13CipherSuite>> =
    LazyLock::new(|| suite(CipherSuite::TLS13_AES_128_CCM_8_SHA256, &Mode::<ShortTag, 8>(PhantomData)));

/// The suites, the stronger one first.
pub(super) fn suites() -> impl Iterator<Item = SupportedCipherSuite> {
    [LONG_TAG.as_ref(), SHORT_TAG.as_ref()].into_iter().flatten().map(SupportedCipherSuite::Tls13)
}

/// Hash and key derivation are those of the suite with GCM.
fn suite(suite: CipherSuite, aead_alg: &'static dyn Tls13AeadAlgorithm) -> Option<Tls13CipherSuite> {
    let SupportedCipherSuite::Tls13(sibling) = TLS13_AES_128_GCM_SHA256 else { return None };
    let hash_provider = sibling.common.hash_provider;
    // RFC 9001, B.2.
    let common = CipherSuiteCommon { suite, hash_provider, confidentiality_limit: 1 << 23 };
    Some(Tls13CipherSuite { common, hkdf_provider: sibling.hkdf_provider, aead_alg, quic: None })
}

/// What seals and opens, with a nonce of twelve bytes and a tag of `TAG`.
struct Mode<Cipher, const TAG: usize>(PhantomData<Cipher>);

impl<Cipher, const TAG: usize> Tls13AeadAlgorithm for Mode<Cipher, TAG>
where
    Cipher: Aead<NonceSize = U12> + KeyInit + Send + Sync + 'static,
{
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Direction::<Cipher, TAG>::new(&key, iv))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Direction::<Cipher, TAG>::new(&key, iv))
    }

    fn key_len(&self) -> usize {
        KEY
    }

    fn extract_keys(&self, _: AeadKey, _: Iv) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

/// One direction of a connection.
struct Direction<Cipher, const TAG: usize> {
    /// `None` for a key of another length, which no schedule of these suites makes.
    cipher: Option<Cipher>,
    iv: Iv,
}

impl<Cipher: KeyInit, const TAG: usize> Direction<Cipher, TAG> {
    fn new(key: &AeadKey, iv: Iv) -> Self {
        Self { cipher: Cipher::new_from_slice(key.as_ref()).ok(), iv }
    }
}

impl<Cipher, const TAG: usize> MessageEncrypter for Direction<Cipher, TAG>
where
    Cipher: Aead<NonceSize = U12> + Send + Sync,
{
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut text = message.payload.to_vec();
        text.extend(message.typ.to_array());
        let nonce = Nonce::new(&self.iv, sequence).0;
        let payload = Payload { msg: &text, aad: &make_tls13_aad(length) };
        let sealed = (self.cipher.as_ref())
            .and_then(|cipher| cipher.encrypt(&nonce.into(), payload).ok())
            .ok_or(Error::EncryptError)?;
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_slice(&sealed);
        Ok(OutboundOpaqueMessage::new(ContentType::ApplicationData, ProtocolVersion::TLSv1_2, payload))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1 + TAG
    }
}

impl<Cipher, const TAG: usize> MessageDecrypter for Direction<Cipher, TAG>
where
    Cipher: Aead<NonceSize = U12> + Send + Sync,
{
    fn decrypt<'m>(
        &mut self,
        mut message: InboundOpaqueMessage<'m>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'m>, Error> {
        let nonce = Nonce::new(&self.iv, sequence).0;
        let sealed: &mut [u8] = &mut message.payload;
        let payload = Payload { msg: sealed, aad: &make_tls13_aad(sealed.len()) };
        let text = (self.cipher.as_ref())
            .and_then(|cipher| cipher.decrypt(&nonce.into(), payload).ok())
            .ok_or(Error::DecryptError)?;
        let length = text.len();
        sealed[..length].copy_from_slice(&text);
        message.payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_as_long_as_the_suites_say() {
        fn sealed<Cipher: Aead<NonceSize = U12> + KeyInit>() -> usize {
            let cipher = Cipher::new_from_slice(&[7; KEY]).unwrap();
            cipher.encrypt(&[1; 12].into(), b"text".as_slice()).unwrap().len() - 4
        }
        assert_eq!((sealed::<LongTag>(), sealed::<ShortTag>()), (16, 8));
    }
}
