//! Private keys, read just far enough to say which public key belongs to them: a certificate and its key are
//! compared by that. The bytes of a key are borrowed, never kept, and no error repeats any of them.

use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer},
};
use sha2::{Digest, Sha256};

use super::ber::{
    self, BIT_STRING, Element, INTEGER, Malformed, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE,
};

/// A private key, or the place where one should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The line on which it begins, counted from 1, where the format has lines.
    pub line: Option<u32>,
    /// The name that it has in its store.
    pub alias: Option<String>,
    /// SHA-256 of the subject public key info (RFC 5280, 4.1) that belongs to it, or why there is none.
    pub public_key: Result<[u8; 32], KeyTrouble>,
}

/// Why nothing can be said about a private key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyTrouble {
    /// It is encrypted, and no password that was given fits.
    #[error("the private key is encrypted")]
    Encrypted,
    /// It is of a kind that this version does not know: its object identifier.
    #[error("the private key is of a kind that is not known here ({0})")]
    UnknownKind(String),
    /// It is damaged.
    #[error("the private key is damaged: {0}")]
    Damaged(String),
}

impl From<Malformed> for KeyTrouble {
    fn from(malformed: Malformed) -> Self {
        Self::Damaged(malformed.to_string())
    }
}

/// `rsaEncryption` (RFC 8017, A.1), with its parameters.
const RSA: [u8; 15] = [0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// The content of the object identifiers 1.2.840.113549.1.1, under which RSA has its kinds.
const RSA_FAMILY: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];

/// The SHA-256 of the public key that belongs to a private key in PKCS#8 (RFC 5208), PKCS#1 (RFC 8017) or
/// SEC 1 (RFC 5915).
///
/// # Errors
/// When the key is encrypted, damaged, or of a kind that is not known.
pub fn public_key_digest(der: &[u8]) -> Result<[u8; 32], KeyTrouble> {
    let mut inside = Reader::new(der).expect(SEQUENCE, "a sequence")?.inside();
    let info = if inside.optional(SEQUENCE)?.is_some() {
        return Err(KeyTrouble::Encrypted);
    } else {
        let version = inside.expect(INTEGER, "a version")?.number()?;
        let second = inside.next()?;
        match (second.tag, version) {
            (SEQUENCE, _) => of_pkcs8(der, second, inside.expect(OCTET_STRING, "the key")?)?,
            (INTEGER, _) => of_rsa(&RSA, second, inside.expect(INTEGER, "an exponent")?),
            (OCTET_STRING, 1) => of_curve(&PrivatePlace::Sec1(der)).ok_or_else(|| unknown_curve(inside))?,
            _ => return Err(Malformed::Missing { wanted: "a private key" }.into()),
        }
    };
    Ok(Sha256::digest(info).into())
}

/// Whether the bytes have the shape of a private key, encrypted or not.
#[must_use]
pub fn looks_like_a_key(der: &[u8]) -> bool {
    let shape = || -> Result<bool, Malformed> {
        let mut outer = Reader::new(der);
        let mut inside = outer.expect(SEQUENCE, "a sequence")?.inside();
        if !outer.is_empty() {
            return Ok(false);
        }
        let first = inside.next()?;
        let second = inside.next()?;
        Ok(match (first.tag, second.tag) {
            (SEQUENCE, OCTET_STRING) => inside.is_empty(),
            (INTEGER, SEQUENCE) => inside.next()?.tag == OCTET_STRING,
            (INTEGER, INTEGER) => first.content == [0] && inside.next()?.tag == INTEGER,
            (INTEGER, OCTET_STRING) => first.content == [1],
            _ => false,
        })
    };
    shape().unwrap_or(false)
}

fn of_pkcs8(der: &[u8], algorithm: Element<'_>, key: Element<'_>) -> Result<Vec<u8>, KeyTrouble> {
    let kind = algorithm.inside().expect(OBJECT_IDENTIFIER, "the kind of the key")?;
    if kind.content.starts_with(&RSA_FAMILY) {
        let mut numbers = Reader::new(key.content).expect(SEQUENCE, "an RSA key")?.inside();
        numbers.expect(INTEGER, "a version")?;
        let (modulus, exponent) =
            (numbers.expect(INTEGER, "a modulus")?, numbers.expect(INTEGER, "an exponent")?);
        let algorithm = if RSA[2..].starts_with(kind.whole) { &RSA[..] } else { algorithm.whole };
        return Ok(of_rsa(algorithm, modulus, exponent));
    }
    of_curve(&PrivatePlace::Pkcs8(der)).ok_or_else(|| KeyTrouble::UnknownKind(identifier(kind.content)))
}

fn of_rsa(algorithm: &[u8], modulus: Element<'_>, exponent: Element<'_>) -> Vec<u8> {
    let numbers = ber::written(SEQUENCE, &[modulus.whole, exponent.whole]);
    ber::written(SEQUENCE, &[algorithm, &ber::written(BIT_STRING, &[&[0], &numbers])])
}

enum PrivatePlace<'a> {
    Pkcs8(&'a [u8]),
    Sec1(&'a [u8]),
}

/// Keys on curves: the public one is computed from the private one.
fn of_curve(place: &PrivatePlace<'_>) -> Option<Vec<u8>> {
    let der = match place {
        PrivatePlace::Pkcs8(der) => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(*der)),
        PrivatePlace::Sec1(der) => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(*der)),
    };
    any_supported_type(&der).ok()?.public_key().map(|info| info.to_vec())
}

fn unknown_curve(mut rest: Reader<'_>) -> KeyTrouble {
    let curve = rest.optional(ber::context(0)).ok().flatten().and_then(|named| named.inside().next().ok());
    match curve {
        Some(curve) if curve.tag == OBJECT_IDENTIFIER => KeyTrouble::UnknownKind(identifier(curve.content)),
        _ => KeyTrouble::Damaged("it is none on a curve that is known here".to_owned()),
    }
}

/// An object identifier in its usual digits.
pub(super) fn identifier(content: &[u8]) -> String {
    x509_parser::der_parser::oid::Oid::new(content.into()).to_id_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest_of(key: &rcgen::KeyPair) -> [u8; 32] {
        use rcgen::PublicKeyData;
        Sha256::digest(key.subject_public_key_info()).into()
    }

    #[test]
    fn the_public_key_of_each_kind_is_found() {
        for kind in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ECDSA_P521_SHA512,
            &rcgen::PKCS_ED25519,
            &rcgen::PKCS_RSA_SHA256,
        ] {
            let key = rcgen::KeyPair::generate_for(kind).unwrap();
            let der = key.serialize_der();
            assert_eq!(public_key_digest(&der), Ok(digest_of(&key)), "{kind:?}");
            assert!(looks_like_a_key(&der));
            for end in 0..der.len() {
                assert!(public_key_digest(&der[..end]).is_err(), "{kind:?} cut at {end}");
            }
        }
    }

    #[test]
    fn an_rsa_key_is_found_in_its_old_form() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let pkcs8 = key.serialize_der();
        let mut inside = Reader::new(&pkcs8).next().unwrap().inside();
        inside.next().unwrap();
        inside.next().unwrap();
        let pkcs1 = inside.next().unwrap().content;
        assert_eq!(public_key_digest(pkcs1), Ok(digest_of(&key)));
        assert!(looks_like_a_key(pkcs1));
    }

    #[test]
    fn an_encrypted_key_and_an_unknown_one_say_so() {
        let algorithm = ber::written(SEQUENCE, &[&[0x06, 3, 0x2b, 0x65, 0x71]]);
        let key = ber::written(OCTET_STRING, &[&[7; 57]]);
        let encrypted = ber::written(SEQUENCE, &[&algorithm, &key]);
        assert_eq!(public_key_digest(&encrypted), Err(KeyTrouble::Encrypted));
        let ed448 = ber::written(SEQUENCE, &[&[0x02, 1, 0], &algorithm, &key]);
        assert_eq!(public_key_digest(&ed448), Err(KeyTrouble::UnknownKind("1.3.101.113".to_owned())));
        assert!(looks_like_a_key(&ed448));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = public_key_digest(&bytes);
            let _ = public_key_digest(&ber::written(SEQUENCE, &[&[2, 1, 0], &bytes]));
        }
    }
}
