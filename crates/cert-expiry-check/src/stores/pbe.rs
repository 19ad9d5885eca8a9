//! Encryption by password, as PKCS#12 stores and PKCS#8 keys have it: PBES2 (RFC 8018) and the older schemes of
//! RFC 7292, and the integrity codes of both. It knows neither stores nor files; what it decrypts is wiped.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    digest, hmac, pbkdf2,
};
use cbc::{
    Decryptor,
    cipher::{BlockModeDecrypt, InnerIvInit, KeyIvInit, block_padding::Pkcs7},
};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use zeroize::Zeroizing;

use super::ber::{Element, INTEGER, Malformed, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE};

/// A password to try.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret<'a> {
    /// None at all. To the older schemes that is something else than an empty one.
    Absent,
    /// This, which may be empty.
    Text(&'a str),
}

impl<'a> Secret<'a> {
    /// As PBES2 takes it.
    fn utf8(self) -> &'a [u8] {
        match self {
            Self::Absent => b"",
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// As the older schemes take it: UTF-16 with two zero bytes behind (RFC 7292, B.1).
    fn utf16(self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Absent => Zeroizing::default(),
            Self::Text(text) => {
                let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 2 + 2));
                text.encode_utf16().for_each(|unit| bytes.extend(unit.to_be_bytes()));
                bytes.extend([0, 0]);
                bytes
            }
        }
    }
}

/// How many rounds of hashing may still be spent on a store: a file can ask for billions.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Budget {
    /// Seconds of work at most; the programs in use ask for 1 to 600,000 rounds at a time.
    pub(super) fn for_passwords(given: usize) -> Self {
        Self(8_000_000 + 2_000_000 * u64::try_from(given).unwrap_or(0))
    }

    fn spend(&mut self, rounds: u32) -> Result<NonZeroU32, Refusal> {
        let rounds =
            NonZeroU32::new(rounds).ok_or(Malformed::Odd("a password that is hashed in 0 rounds"))?;
        self.0 = self.0.checked_sub(u64::from(rounds.get())).ok_or(Refusal::TooMuchWork)?;
        Ok(rounds)
    }
}

/// Why something is not decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The password does not fit.
    #[error("the password does not fit")]
    WrongPassword,
    /// A scheme that is not read here: its object identifier.
    #[error("it is encrypted in a way that is not known here ({0})")]
    UnknownScheme(String),
    /// The password would have to be hashed too often.
    #[error("it asks for more rounds of hashing than any program writes")]
    TooMuchWork,
    /// The description of the scheme is damaged.
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

impl From<&Element<'_>> for Refusal {
    fn from(identifier: &Element<'_>) -> Self {
        Self::UnknownScheme(super::key::identifier(identifier.content))
    }
}

/// The content of 1.2.840.113549.1.12.1, the schemes of PKCS#12.
const PKCS12_SCHEMES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// 1.2.840.113549.1.5, PKCS#5.
const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
const PBKDF2: u8 = 12;
const PBES2: u8 = 13;
const PBMAC1: u8 = 14;
/// 1.2.840.113549.2, digests and their codes.
const RSA_DIGESTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// 1.3.14.3.2.26, SHA-1.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// 2.16.840.1.101.3.4.2, the SHA-2 family.
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
/// 2.16.840.1.101.3.4.1, AES.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
/// 1.2.840.113549.3, RC2 (2) and triple DES (7) as PBES2 has them.
const RSA_CIPHERS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03];

/// Decrypts what was encrypted by this algorithm.
///
/// # Errors
/// When the password does not fit, or the scheme is unknown or damaged.
pub(super) fn decrypt(
    algorithm: Element<'_>,
    ciphertext: &[u8],
    secret: Secret<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut algorithm = algorithm.inside();
    let kind = algorithm.expect(OBJECT_IDENTIFIER, "the kind of the encryption")?;
    let parameters = algorithm.expect(SEQUENCE, "the parameters of the encryption")?.inside();
    if kind.content.strip_prefix(PKCS5) == Some(&[PBES2]) {
        return pbes2(parameters, ciphertext, secret, budget);
    }
    match kind.content.strip_prefix(PKCS12_SCHEMES) {
        Some([scheme @ 3..=6]) => pkcs12_scheme(*scheme, parameters, ciphertext, secret, budget),
        _ => Err((&kind).into()),
    }
}

/// RFC 7292, C: triple DES and RC2 with keys that the older derivation makes.
fn pkcs12_scheme(
    scheme: u8,
    mut parameters: Reader<'_>,
    ciphertext: &[u8],
    secret: Secret<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let salt = parameters.expect(OCTET_STRING, "a salt")?.content;
    let rounds = budget.spend(parameters.expect(INTEGER, "a count of rounds")?.number()?)?;
    let derive =
        |purpose, length| derive(&digest::SHA1_FOR_LEGACY_USE_ONLY, purpose, secret, salt, rounds, length);
    let iv = derive(Purpose::Iv, 8);
    let key = |length| derive(Purpose::Key, length);
    let mode = match scheme {
        3 => Legacy::TripleDes(key(24)),
        4 => Legacy::TripleDes(key(16)),
        5 => Legacy::Rc2(key(16), 128),
        _ => Legacy::Rc2(key(5), 40),
    };
    mode.decrypt(&iv, ciphertext)
}

/// RFC 8018, 6.2.
fn pbes2(
    mut parameters: Reader<'_>,
    ciphertext: &[u8],
    secret: Secret<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let derivation = parameters.expect(SEQUENCE, "the way from the password to the key")?;
    let mut scheme = parameters.expect(SEQUENCE, "the cipher")?.inside();
    let kind = scheme.expect(OBJECT_IDENTIFIER, "the cipher")?;
    let aes = match kind.content.strip_prefix(AES) {
        Some([2]) => Some((&cipher::AES_128, 16)),
        Some([22]) => Some((&cipher::AES_192, 24)),
        Some([42]) => Some((&cipher::AES_256, 32)),
        _ => None,
    };
    if let Some((algorithm, length)) = aes {
        let iv = scheme.expect(OCTET_STRING, "an initial value")?.content;
        let iv = iv.try_into().map_err(|_| Malformed::Odd("an initial value of the wrong length"))?;
        let key = derived_by_pbkdf2(derivation, length, secret, budget)?;
        return aes_cbc(algorithm, &key, DecryptionContext::Iv128(iv), ciphertext);
    }
    if kind.content.strip_prefix(RSA_CIPHERS) == Some(&[7]) {
        let iv = scheme.expect(OCTET_STRING, "an initial value")?.content;
        let key = derived_by_pbkdf2(derivation, 24, secret, budget)?;
        return Legacy::TripleDes(key).decrypt(iv, ciphertext);
    }
    Err((&kind).into())
}

fn aes_cbc(
    algorithm: &'static cipher::Algorithm,
    key: &[u8],
    iv: DecryptionContext,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let key = UnboundCipherKey::new(algorithm, key).and_then(PaddedBlockDecryptingKey::cbc_pkcs7);
    let mut bytes = Zeroizing::new(ciphertext.to_vec());
    let length = key
        .and_then(|key| key.decrypt(&mut bytes, iv).map(|plain| plain.len()))
        .map_err(|_| Refusal::WrongPassword)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// RFC 8018, 5.2 and A.2.
fn derived_by_pbkdf2(
    derivation: Element<'_>,
    length: usize,
    secret: Secret<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut derivation = derivation.inside();
    let kind = derivation.expect(OBJECT_IDENTIFIER, "the way from the password to the key")?;
    if kind.content.strip_prefix(PKCS5) != Some(&[PBKDF2]) {
        return Err((&kind).into());
    }
    let mut parameters = derivation.expect(SEQUENCE, "the parameters of PBKDF2")?.inside();
    let salt = parameters.expect(OCTET_STRING, "a salt")?.content;
    let rounds = budget.spend(parameters.expect(INTEGER, "a count of rounds")?.number()?)?;
    parameters.optional(INTEGER)?;
    let function = match parameters.optional(SEQUENCE)? {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(named) => {
            let kind = named.inside().expect(OBJECT_IDENTIFIER, "a hash function")?;
            match kind.content.strip_prefix(RSA_DIGESTS) {
                Some([7]) => pbkdf2::PBKDF2_HMAC_SHA1,
                Some([9]) => pbkdf2::PBKDF2_HMAC_SHA256,
                Some([10]) => pbkdf2::PBKDF2_HMAC_SHA384,
                Some([11]) => pbkdf2::PBKDF2_HMAC_SHA512,
                _ => return Err((&kind).into()),
            }
        }
    };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(function, rounds, salt, secret.utf8(), &mut key);
    Ok(key)
}

/// Ciphers of blocks of eight bytes.
enum Legacy {
    /// With a key of two or three parts.
    TripleDes(Zeroizing<Vec<u8>>),
    /// With a key, and how many bits of it count.
    Rc2(Zeroizing<Vec<u8>>, usize),
}

impl Legacy {
    fn decrypt(&self, iv: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let mut bytes = Zeroizing::new(ciphertext.to_vec());
        let odd_length = |_| Malformed::Odd("an initial value of the wrong length");
        let plain = match self {
            Self::TripleDes(key) if key.len() == 16 => Decryptor::<TdesEde2>::new_from_slices(key, iv)
                .map_err(odd_length)?
                .decrypt_padded::<Pkcs7>(&mut bytes),
            Self::TripleDes(key) => Decryptor::<TdesEde3>::new_from_slices(key, iv)
                .map_err(odd_length)?
                .decrypt_padded::<Pkcs7>(&mut bytes),
            Self::Rc2(key, bits) => {
                let cipher = Rc2::new_with_eff_key_len(key, *bits);
                Decryptor::inner_iv_slice_init(cipher, iv)
                    .map_err(odd_length)?
                    .decrypt_padded::<Pkcs7>(&mut bytes)
            }
        };
        let length = plain.map_err(|_| Refusal::WrongPassword)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// Whether a password fits the integrity code of a store (RFC 7292, 4; RFC 9579).
///
/// # Errors
/// When the code is of an unknown kind or damaged.
pub(super) fn fits(
    code: Element<'_>,
    content: &[u8],
    secret: Secret<'_>,
    budget: &mut Budget,
) -> Result<bool, Refusal> {
    let mut code = code.inside();
    let mut stored = code.expect(SEQUENCE, "an integrity code")?.inside();
    let algorithm = stored.expect(SEQUENCE, "the kind of the integrity code")?;
    let value = stored.expect(OCTET_STRING, "an integrity code")?.content;
    let mut algorithm = algorithm.inside();
    let kind = algorithm.expect(OBJECT_IDENTIFIER, "the kind of the integrity code")?;
    if kind.content.strip_prefix(PKCS5) == Some(&[PBMAC1]) {
        let mut parameters = algorithm.expect(SEQUENCE, "the parameters of the integrity code")?.inside();
        let derivation = parameters.expect(SEQUENCE, "the way from the password to the key")?;
        let scheme = parameters.expect(SEQUENCE, "an integrity code")?;
        let kind = scheme.inside().expect(OBJECT_IDENTIFIER, "an integrity code")?;
        let algorithm = match kind.content.strip_prefix(RSA_DIGESTS) {
            Some([9]) => hmac::HMAC_SHA256,
            Some([10]) => hmac::HMAC_SHA384,
            Some([11]) => hmac::HMAC_SHA512,
            _ => return Err((&kind).into()),
        };
        let length = key_length(derivation)?.unwrap_or(algorithm.digest_algorithm().output_len());
        let key = derived_by_pbkdf2(derivation, length, secret, budget)?;
        return Ok(hmac::verify(&hmac::Key::new(algorithm, &key), content, value).is_ok());
    }
    let (algorithm, digest) = match (kind.content, kind.content.strip_prefix(SHA2)) {
        (SHA1, _) => (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA1_FOR_LEGACY_USE_ONLY),
        (_, Some([1])) => (hmac::HMAC_SHA256, &digest::SHA256),
        (_, Some([2])) => (hmac::HMAC_SHA384, &digest::SHA384),
        (_, Some([3])) => (hmac::HMAC_SHA512, &digest::SHA512),
        (_, Some([4])) => (hmac::HMAC_SHA224, &digest::SHA224),
        _ => return Err((&kind).into()),
    };
    let salt = code.expect(OCTET_STRING, "a salt")?.content;
    let rounds = budget.spend(code.optional(INTEGER)?.map_or(Ok(1), |rounds| rounds.number())?)?;
    let key = derive(digest, Purpose::Code, secret, salt, rounds, digest.output_len());
    Ok(hmac::verify(&hmac::Key::new(algorithm, &key), content, value).is_ok())
}

/// The length of the key that PBKDF2 is asked for, where it is.
fn key_length(derivation: Element<'_>) -> Result<Option<usize>, Refusal> {
    const LONGEST: u32 = 128;
    let mut derivation = derivation.inside();
    derivation.expect(OBJECT_IDENTIFIER, "the way from the password to the key")?;
    let mut parameters = derivation.expect(SEQUENCE, "the parameters of PBKDF2")?.inside();
    parameters.next()?;
    parameters.next()?;
    match parameters.optional(INTEGER)?.map(|length| length.number()).transpose()? {
        Some(length @ 1..=LONGEST) => Ok(usize::try_from(length).ok()),
        Some(_) => Err(Malformed::Odd("a key of an unlikely length").into()),
        None => Ok(None),
    }
}

/// What bytes are derived for (RFC 7292, B.3).
#[derive(Clone, Copy)]
enum Purpose {
    Key = 1,
    Iv = 2,
    Code = 3,
}

/// RFC 7292, B.2.
fn derive(
    algorithm: &'static digest::Algorithm,
    purpose: Purpose,
    secret: Secret<'_>,
    salt: &[u8],
    rounds: NonZeroU32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = algorithm.block_len();
    let filled = |bytes: &[u8]| {
        let length = bytes.len().div_ceil(block) * block;
        Zeroizing::new(bytes.iter().copied().cycle().take(length).collect::<Vec<u8>>())
    };
    let purpose = vec![purpose as u8; block];
    let mut mixed = Zeroizing::new([filled(salt).as_slice(), filled(&secret.utf16()).as_slice()].concat());
    let mut derived = Zeroizing::new(Vec::with_capacity(length + algorithm.output_len()));
    while derived.len() < length {
        let mut context = digest::Context::new(algorithm);
        context.update(&purpose);
        context.update(&mixed);
        let mut round = context.finish();
        for _ in 1..rounds.get() {
            round = digest::digest(algorithm, round.as_ref());
        }
        derived.extend_from_slice(round.as_ref());
        let sum = filled(round.as_ref());
        mixed.chunks_mut(block).for_each(|chunk| add_one_more_than(chunk, &sum[..block]));
    }
    derived.truncate(length);
    derived
}

/// `number + summand + 1`, as large numbers of the same length; what runs over is dropped.
fn add_one_more_than(number: &mut [u8], summand: &[u8]) {
    let mut carry = 1_u16;
    for (digit, more) in number.iter_mut().zip(summand).rev() {
        carry += u16::from(*digit) + u16::from(*more);
        *digit = carry.to_be_bytes()[1];
        carry >>= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_added() {
        for (number, summand, sum) in [
            ([0_u8, 0, 0], [0_u8, 0, 0], [0_u8, 0, 1]),
            ([0, 0xff, 0xff], [0, 0, 0], [1, 0, 0]),
            ([0xff, 0xff, 0xff], [0xff, 0xff, 0xff], [0xff, 0xff, 0xff]),
        ] {
            let mut digits = number;
            add_one_more_than(&mut digits, &summand);
            assert_eq!(digits, sum);
        }
    }

    #[test]
    fn a_budget_ends() {
        let mut budget = Budget::for_passwords(0);
        assert!(budget.spend(600_000).is_ok());
        assert_eq!(budget.spend(0), Err(Malformed::Odd("a password that is hashed in 0 rounds").into()));
        assert_eq!(budget.spend(u32::MAX), Err(Refusal::TooMuchWork));
    }
}
