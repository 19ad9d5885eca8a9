//! The suites of TLS 1.3 with AES-128 in CCM (RFC 5116, RFC 6655), which small devices insist on and rustls' provider
//! leaves out. Made of the provider's AES: CBC for the tag, a counter for the text (NIST SP 800-38C). It reads
//! what a server presents and writes the end of a handshake; no secret ever travels over it.

use std::sync::LazyLock;

use aws_lc_rs::{
    cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey},
    constant_time::verify_slices_are_equal,
    error::Unspecified,
    iv::FixedLength,
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

const BLOCK: usize = 16;

/// How long the tag is.
struct Ccm(usize);

static LONG_TAG: LazyLock<Option<Tls13CipherSuite>> =
    LazyLock::new(|| suite(CipherSuite::TLS13_AES_128_CCM_SHA256, &Ccm(16)));
static SHORT_TAG: LazyLock<Option<Tls13CipherSuite>> =
    LazyLock::new(|| suite(CipherSuite::TLS13_AES_128_CCM_8_SHA256, &Ccm(8)));

/// The suites, the stronger one first.
pub(super) fn suites() -> impl Iterator<Item = SupportedCipherSuite> {
    [LONG_TAG.as_ref(), SHORT_TAG.as_ref()].into_iter().flatten().map(SupportedCipherSuite::Tls13)
}

/// Hash and key derivation are those of the suite with GCM.
fn suite(suite: CipherSuite, aead_alg: &'static Ccm) -> Option<Tls13CipherSuite> {
    let SupportedCipherSuite::Tls13(sibling) = TLS13_AES_128_GCM_SHA256 else { return None };
    let hash_provider = sibling.common.hash_provider;
    // RFC 9001, B.2.
    let common = CipherSuiteCommon { suite, hash_provider, confidentiality_limit: 1 << 23 };
    Some(Tls13CipherSuite { common, hkdf_provider: sibling.hkdf_provider, aead_alg, quic: None })
}

impl Tls13AeadAlgorithm for Ccm {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Direction { keys: Keys::new(key.as_ref()), iv, tag: self.0 })
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Direction { keys: Keys::new(key.as_ref()), iv, tag: self.0 })
    }

    fn key_len(&self) -> usize {
        BLOCK
    }

    fn extract_keys(&self, _: AeadKey, _: Iv) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

/// One direction of a connection.
struct Direction {
    keys: Result<Keys, Unspecified>,
    iv: Iv,
    tag: usize,
}

impl MessageEncrypter for Direction {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut text = message.payload.to_vec();
        text.extend(message.typ.to_array());
        let nonce = Nonce::new(&self.iv, sequence).0;
        let sealed = (self.keys.as_ref())
            .map_err(|error| *error)
            .and_then(|keys| keys.seal(&nonce, &make_tls13_aad(length), &text, self.tag))
            .map_err(|_| Error::EncryptError)?;
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_slice(&sealed);
        Ok(OutboundOpaqueMessage::new(ContentType::ApplicationData, ProtocolVersion::TLSv1_2, payload))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1 + self.tag
    }
}

impl MessageDecrypter for Direction {
    fn decrypt<'m>(
        &mut self,
        mut message: InboundOpaqueMessage<'m>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'m>, Error> {
        let nonce = Nonce::new(&self.iv, sequence).0;
        let sealed: &mut [u8] = &mut message.payload;
        let text = (self.keys.as_ref())
            .map_err(|error| *error)
            .and_then(|keys| keys.open(&nonce, &make_tls13_aad(sealed.len()), sealed, self.tag))
            .map_err(|_| Error::DecryptError)?;
        sealed[..text.len()].copy_from_slice(&text);
        let length = text.len();
        message.payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}

/// One key, for both things that are done with it.
struct Keys {
    chain: EncryptingKey,
    counter: EncryptingKey,
}

impl Keys {
    fn new(key: &[u8]) -> Result<Self, Unspecified> {
        let unbound = || UnboundCipherKey::new(&AES_128, key);
        Ok(Self { chain: EncryptingKey::cbc(unbound()?)?, counter: EncryptingKey::ctr(unbound()?)? })
    }

    /// The text, encrypted, and its tag.
    fn seal(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        text: &[u8],
        tag: usize,
    ) -> Result<Vec<u8>, Unspecified> {
        let mut buffer = self.authenticate(nonce, associated, text, tag)?.to_vec();
        buffer.extend_from_slice(text);
        self.count(nonce, &mut buffer)?;
        Ok([&buffer[BLOCK..], &buffer[..tag]].concat())
    }

    /// The text behind what was sealed.
    fn open(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        sealed: &[u8],
        tag: usize,
    ) -> Result<Vec<u8>, Unspecified> {
        let split = sealed.len().checked_sub(tag).ok_or(Unspecified)?;
        let mut buffer = sealed[split..].to_vec();
        buffer.resize(BLOCK, 0);
        buffer.extend_from_slice(&sealed[..split]);
        self.count(nonce, &mut buffer)?;
        let text = buffer.split_off(BLOCK);
        let expected = self.authenticate(nonce, associated, &text, tag)?;
        verify_slices_are_equal(&buffer[..tag], &expected[..tag])?;
        Ok(text)
    }

    /// The tag before its encryption (SP 800-38C, 6.1 and A.2): the last block of everything, chained.
    fn authenticate(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        text: &[u8],
        tag: usize,
    ) -> Result<[u8; BLOCK], Unspecified> {
        let length = u32::try_from(text.len()).map_err(|_| Unspecified)?.to_be_bytes();
        let associated_length = u16::try_from(associated.len()).map_err(|_| Unspecified)?.to_be_bytes();
        let flags = 0x40 | u8::try_from((tag - 2) / 2).map_err(|_| Unspecified)? << 3 | 2;
        let mut blocks = [&[flags], &nonce[..], &length[1..], &associated_length, associated].concat();
        blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
        blocks.extend_from_slice(text);
        blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
        self.chain.less_safe_encrypt(&mut blocks, beginning([0; BLOCK]))?;
        blocks.last_chunk().copied().ok_or(Unspecified)
    }

    /// The tag's block is encrypted under the counter 0, the text from 1 on (A.3).
    fn count(&self, nonce: &[u8; 12], buffer: &mut [u8]) -> Result<(), Unspecified> {
        let mut first = [0; BLOCK];
        first[0] = 2;
        first[1..13].copy_from_slice(nonce);
        self.counter.less_safe_encrypt(buffer, beginning(first)).map(drop)
    }
}

fn beginning(block: [u8; BLOCK]) -> EncryptionContext {
    EncryptionContext::Iv128(FixedLength::from(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-38C, C.3: a nonce of 12 bytes, a tag of 8.
    #[test]
    fn an_example_of_the_standard_is_sealed_and_opened() {
        let key: Vec<u8> = (0x40..0x50).collect();
        let keys = Keys::new(&key).unwrap();
        let nonce: [u8; 12] = std::array::from_fn(|index| 0x10 + u8::try_from(index).unwrap());
        let (associated, text): (Vec<u8>, Vec<u8>) = ((0..20).collect(), (0x20..0x38).collect());
        let sealed = keys.seal(&nonce, &associated, &text, 8).unwrap();
        assert_eq!(
            crate::wording::hexadecimal(&sealed),
            "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"
        );
        assert_eq!(keys.open(&nonce, &associated, &sealed, 8).unwrap(), text);
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let keys = Keys::new(&[7; 16]).unwrap();
        for tag in [8, 16] {
            let sealed = keys.seal(&[1; 12], b"heads", b"some text", tag).unwrap();
            assert_eq!(keys.open(&[1; 12], b"heads", &sealed, tag).unwrap(), b"some text");
            for position in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[position] ^= 1;
                assert!(keys.open(&[1; 12], b"heads", &changed, tag).is_err());
            }
            assert!(keys.open(&[1; 12], b"tails", &sealed, tag).is_err());
            assert!(keys.open(&[2; 12], b"heads", &sealed, tag).is_err());
            assert!(keys.open(&[1; 12], b"heads", &sealed[..tag - 1], tag).is_err());
        }
    }
}
