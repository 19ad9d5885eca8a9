//! What a certificate says about itself, read once. It knows neither where it was found nor whether it is
//! any good.

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use aws_lc_rs::{
    encoding::AsDer,
    signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ParsedPublicKey},
};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::{
    der_parser::{Oid, der::Tag, oid},
    error::X509Error,
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
    prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate, X509Name},
    public_key::PublicKey,
};

use crate::wording::{hexadecimal, printable};

/// The last moment that X.509 can write, 9999-12-31 23:59:59 UTC: "no well-defined end" (RFC 5280, 4.1.2.5).
const NO_END: i64 = 253_402_300_799;

/// Longest shown name, in characters.
const NAME_LIMIT: usize = 120;

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The bytes, as they were found; none where only what they say was kept.
    pub der: CertificateDer<'static>,
    /// SHA-256 of the bytes.
    pub fingerprint: [u8; 32],
    /// A short name for people: the common name, or the first alternative name that people can read, or the whole
    /// subject.
    pub name: String,
    /// The issuer's short name.
    pub issuer: Arc<str>,
    /// The serial number in hexadecimal digits.
    pub serial: String,
    /// The time in which it is valid.
    pub validity: Validity,
    /// Whether it may issue others (basic constraints, RFC 5280, 4.2.1.9).
    pub is_issuer: bool,
    /// Whether issuer and subject are the same name.
    pub is_self_issued: bool,
    /// The subject, as encoded.
    pub subject_der: Vec<u8>,
    /// The issuer, as encoded.
    pub issuer_der: Arc<[u8]>,
    /// DNS names among the subject alternative names.
    pub dns_names: Vec<String>,
    /// IP addresses among the subject alternative names.
    pub ip_addresses: Vec<IpAddr>,
    /// Whom else the subject alternative names name: URIs (SPIFFE) and mail addresses as they stand there, other names
    /// by their object identifier with their bytes in hexadecimal digits.
    pub other_names: Vec<String>,
    /// The subject's common name, which clients have ignored for years.
    pub common_name: Option<String>,
    /// The kind of its key, as an object identifier.
    pub key_algorithm: Arc<str>,
    /// Size of an RSA key in bits.
    pub rsa_bits: Option<usize>,
    /// The public exponent of an RSA key, where 64 bits hold it.
    pub rsa_exponent: Option<u64>,
    /// The curve of an elliptic curve key, as an object identifier.
    pub curve: Option<Arc<str>>,
    /// SHA-256 of its public key (the SubjectPublicKeyInfo, RFC 5280, 4.1.2.7; of a key on a curve with both
    /// coordinates, also where its point is compressed): tells whether a private key belongs to it, and whether two certificates share one.
    pub public_key_digest: [u8; 32],
    /// The algorithm of the signature on it, as an object identifier.
    pub signature_algorithm: Arc<str>,
    /// What it may be used for, where it says so (extended key usage, RFC 5280, 4.2.1.12).
    pub usage: Option<Usage>,
    /// What its key may do, where it says so (key usage, RFC 5280, 4.2.1.3).
    pub key_use: Option<KeyUse>,
    /// Whether it promises that its server staples an OCSP response (RFC 7633).
    pub must_staple: bool,
    /// Where its issuer publishes revocations: the addresses of its CRL distribution points (RFC 5280,
    /// 4.2.1.13), as they stand there.
    pub crl_addresses: Vec<String>,
}

/// What a certificate may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Usage {
    /// To stand for a TLS server.
    pub server: bool,
    /// To stand for a TLS client.
    pub client: bool,
    /// Neither is named, only "anything" (anyExtendedKeyUsage), which some clients do not take for either.
    pub only_anything: bool,
}

/// What the key of a certificate may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUse {
    /// Take part in a TLS handshake: sign, encipher a key, or agree on one.
    pub handshake: bool,
    /// Take part in one for a client: sign, or agree on a key.
    pub client_handshake: bool,
    /// Sign certificates.
    pub certificates: bool,
    /// Sign revocation lists.
    pub revocations: bool,
}

/// The time in which a certificate is valid, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First moment.
    pub not_before: Timestamp,
    /// Last moment.
    pub not_after: Timestamp,
}

/// Bytes that are no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Validity {
    /// From Unix seconds. The end of X.509 time lies a day beyond what a [`Timestamp`] holds, and is cut.
    #[must_use]
    pub fn from_unix(not_before: i64, not_after: i64) -> Self {
        let timestamp = |seconds: i64| {
            let cut = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
            Timestamp::from_second(cut).unwrap_or(Timestamp::MAX)
        };
        Self { not_before: timestamp(not_before), not_after: timestamp(not_after) }
    }

    /// Seconds from the first to the last moment; negative when the end lies before the beginning.
    #[must_use]
    pub fn lifetime(&self) -> i64 {
        self.not_after.as_second() - self.not_before.as_second()
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        // Whole seconds: the last one counts to its end.
        (self.not_before.as_second()..=self.not_after.as_second()).contains(&at.as_second())
    }

    /// Whether it says that it has no end.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.not_after.as_second() >= NO_END.min(Timestamp::MAX.as_second())
    }
}

impl Certificate {
    /// Reads one certificate, and gives back what follows it.
    ///
    /// # Errors
    /// When the bytes do not begin with an X.509 certificate.
    pub fn read(bytes: &[u8]) -> Result<(Self, &[u8]), Unreadable> {
        let (rest, parsed) =
            X509Certificate::from_der(bytes).map_err(|error| Unreadable(reason(bytes, &error)))?;
        let der = &bytes[..bytes.len() - rest.len()];
        let mut dns_names = Vec::new();
        let mut ip_addresses = Vec::new();
        let (mut readable, mut other_names) = (None, Vec::new());
        if let Ok(Some(names)) = parsed.subject_alternative_name() {
            for name in &names.value.general_names {
                match name {
                    GeneralName::DNSName(name) => dns_names.push((*name).to_owned()),
                    GeneralName::IPAddress(octets) => ip_addresses.extend(ip_address(octets)),
                    GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
                        readable.get_or_insert(*name);
                        other_names.push((*name).to_owned());
                    }
                    GeneralName::OtherName(kind, value) => {
                        other_names.push(format!("{kind}={}", hexadecimal(value)));
                    }
                    _ => {}
                }
            }
        }
        let common_name = common_name(parsed.subject());
        let name = common_name
            .clone()
            .or_else(|| dns_names.first().cloned())
            .or_else(|| ip_addresses.first().map(ToString::to_string))
            .or_else(|| readable.map(str::to_owned))
            .unwrap_or_else(|| whole_name(parsed.subject()));
        let certificate = Self {
            der: CertificateDer::from(der.to_vec()),
            fingerprint: Sha256::digest(der).into(),
            name: printable(&name, NAME_LIMIT),
            issuer: short_name(parsed.issuer()).into(),
            serial: hexadecimal(parsed.raw_serial()),
            validity: Validity::from_unix(
                parsed.validity().not_before.timestamp(),
                parsed.validity().not_after.timestamp(),
            ),
            is_issuer: parsed.is_ca(),
            is_self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
            subject_der: parsed.subject().as_raw().to_vec(),
            issuer_der: parsed.issuer().as_raw().into(),
            dns_names,
            ip_addresses,
            other_names,
            common_name,
            key_algorithm: identifier(&parsed.public_key().algorithm.algorithm),
            rsa_bits: match parsed.public_key().parsed() {
                Ok(PublicKey::RSA(key)) => Some(key.key_size()),
                _ => None,
            },
            rsa_exponent: match parsed.public_key().parsed() {
                Ok(PublicKey::RSA(key)) => key.try_exponent().ok(),
                _ => None,
            },
            curve: curve(&parsed),
            public_key_digest: public_key_digest(parsed.public_key()),
            signature_algorithm: identifier(&parsed.signature_algorithm.algorithm),
            usage: usage(&parsed),
            key_use: key_use(&parsed),
            must_staple: must_staple(&parsed),
            crl_addresses: crl_addresses(&parsed),
        };
        Ok((certificate, rest))
    }

    /// Reads one certificate and nothing else.
    ///
    /// # Errors
    /// When the bytes are no X.509 certificate, or more than one.
    pub fn read_only(bytes: &[u8]) -> Result<Self, Unreadable> {
        match Self::read(bytes)? {
            (certificate, []) => Ok(certificate),
            (_, rest) => Err(Unreadable(format!("{} bytes follow the certificate", rest.len()))),
        }
    }
}

impl Certificate {
    /// Whether the curve of its key is written out instead of named, which RFC 5480, 2.1.1 forbids: the digest of
    /// its key is then like no other.
    #[must_use]
    pub fn writes_its_curve_out(&self) -> bool {
        self.curve.is_none() && self.key_algorithm == identifier(&EC_PUBLIC_KEY)
    }

    /// Whether its issuer goes by the other's name.
    #[must_use]
    pub fn names_as_issuer(&self, other: &Self) -> bool {
        *self.issuer_der == *other.subject_der
    }

    /// Whether the other's key made its signature. Both have to have their bytes.
    #[must_use]
    pub fn is_signed_by(&self, other: &Self) -> bool {
        let (ours, theirs) = (X509Certificate::from_der(&self.der), X509Certificate::from_der(&other.der));
        match (ours, theirs) {
            (Ok((_, ours)), Ok((_, theirs))) => ours.verify_signature(Some(theirs.public_key())).is_ok(),
            _ => false,
        }
    }
}

/// What nearly every certificate names, in words: they are read thousands of times.
static USUAL: LazyLock<Vec<(Oid<'static>, Arc<str>)>> = LazyLock::new(|| {
    let usual = [
        EC_PUBLIC_KEY,
        oid!(1.2.840.10045.3.1.7),
        oid!(1.3.132.0.34),
        oid!(1.2.840.10045.4.3.2),
        oid!(1.2.840.10045.4.3.3),
        oid!(1.2.840.113549.1.1.1),
        oid!(1.2.840.113549.1.1.11),
        oid!(1.2.840.113549.1.1.12),
        oid!(1.3.101.112),
    ];
    usual.into_iter().map(|oid| (oid.clone(), oid.to_id_string().into())).collect()
});

const EC_PUBLIC_KEY: Oid<'static> = oid!(1.2.840.10045.2.1);

/// An object identifier in dotted numbers.
fn identifier(oid: &Oid<'_>) -> Arc<str> {
    let usual = USUAL.iter().find(|(usual, _)| usual == oid);
    usual.map_or_else(|| oid.to_id_string().into(), |(_, words)| Arc::clone(words))
}

fn curve(parsed: &X509Certificate<'_>) -> Option<Arc<str>> {
    let algorithm = &parsed.public_key().algorithm;
    let named = algorithm.parameters.as_ref().filter(|_| algorithm.algorithm == EC_PUBLIC_KEY)?;
    // Of a curve that is written out, the sequence would be read as one.
    named.as_oid().ok().filter(|_| named.tag() == Tag::Oid).map(|oid| identifier(&oid))
}

fn public_key_digest(key: &SubjectPublicKeyInfo<'_>) -> [u8; 32] {
    match with_both_coordinates(key) {
        Some(usual) => Sha256::digest(usual).into(),
        None => Sha256::digest(key.raw).into(),
    }
}

/// A key whose point is compressed (RFC 5480, 2.2) in the form that nearly every other one has; nothing for those, and
/// for curves that are not known here.
fn with_both_coordinates(key: &SubjectPublicKeyInfo<'_>) -> Option<Vec<u8>> {
    const BOTH_COORDINATES: u8 = 4;
    let is_usual = key.subject_public_key.data.first() == Some(&BOTH_COORDINATES);
    if key.algorithm.algorithm != EC_PUBLIC_KEY || is_usual {
        return None;
    }
    let known = [&ECDSA_P256_SHA256_ASN1, &ECDSA_P384_SHA384_ASN1, &ECDSA_P521_SHA512_ASN1];
    let parsed = known.into_iter().find_map(|known| ParsedPublicKey::new(known, key.raw).ok())?;
    Some(parsed.as_der().ok()?.as_ref().to_vec())
}

fn usage(parsed: &X509Certificate<'_>) -> Option<Usage> {
    let extension = parsed.extended_key_usage().ok().flatten()?;
    let usage = extension.value;
    Some(Usage {
        server: usage.server_auth || usage.any,
        client: usage.client_auth || usage.any,
        only_anything: usage.any && !usage.server_auth && !usage.client_auth,
    })
}

fn key_use(parsed: &X509Certificate<'_>) -> Option<KeyUse> {
    let usage = parsed.key_usage().ok().flatten()?.value;
    Some(KeyUse {
        client_handshake: usage.digital_signature() || usage.key_agreement(),
        handshake: usage.digital_signature() || usage.key_encipherment() || usage.key_agreement(),
        certificates: usage.key_cert_sign(),
        revocations: usage.crl_sign(),
    })
}

/// The TLS feature extension (RFC 7633): a sequence of integers, of which 5 is `status_request`.
fn must_staple(parsed: &X509Certificate<'_>) -> bool {
    const TLS_FEATURE: Oid<'static> = oid!(1.3.6.1.5.5.7.1.24);
    const STATUS_REQUEST: &[u8] = &[0x02, 0x01, 0x05];
    let extension = parsed.extensions().iter().find(|extension| extension.oid == TLS_FEATURE);
    let features = extension.and_then(|extension| extension.value.get(2..)).unwrap_or_default();
    features.chunks(STATUS_REQUEST.len()).any(|feature| feature == STATUS_REQUEST)
}

fn crl_addresses(parsed: &X509Certificate<'_>) -> Vec<String> {
    let points = parsed.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => Some(points),
        _ => None,
    });
    let names = points.into_iter().flat_map(|points| points.points.iter()).filter_map(|point| {
        match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            _ => None,
        }
    });
    names
        .flatten()
        .filter_map(|name| match name {
            GeneralName::URI(address) => Some((*address).to_owned()),
            _ => None,
        })
        .collect()
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().find_map(|value| value.as_str().ok()).map(str::to_owned)
}

/// The common name, or else the whole one, fit to be shown.
pub(crate) fn short_name(name: &X509Name<'_>) -> String {
    printable(&common_name(name).unwrap_or_else(|| whole_name(name)), NAME_LIMIT)
}

fn whole_name(name: &X509Name<'_>) -> String {
    let whole = name.to_string();
    if whole.is_empty() { "(no name)".to_owned() } else { whole }
}

/// What was wrong with what should have been a certificate.
fn reason(bytes: &[u8], error: &x509_parser::nom::Err<X509Error>) -> String {
    if is_cut(bytes) {
        return "it ends in the middle".to_owned();
    }
    format!("it is no X.509 certificate ({})", in_words(error))
}

/// What was wrong, in the parser's words, without its wrapping.
pub(crate) fn in_words(error: &x509_parser::nom::Err<X509Error>) -> String {
    use x509_parser::nom::Err::{Error, Failure, Incomplete};
    match error {
        Incomplete(_) => "an element of it ends in the middle".to_owned(),
        Error(X509Error::Der(error)) | Failure(X509Error::Der(error)) => error.to_string(),
        Error(error) | Failure(error) => error.to_string(),
    }
}

/// Whether the length that stands at the front (X.690, 8.1.3) says that there should be more.
fn is_cut(bytes: &[u8]) -> bool {
    let (header, length) = match bytes {
        [0x30, length @ 0..=0x7f, ..] => (2, usize::from(*length)),
        [0x30, count @ 0x81..=0x84, rest @ ..] => {
            let count = usize::from(count - 0x80);
            let Some(digits) = rest.get(..count) else { return true };
            (2 + count, digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))
        }
        [] | [0x30] => return true,
        _ => return false,
    };
    bytes.len() - header < length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_end_of_time_is_cut_to_what_a_timestamp_holds() {
        let validity = Validity::from_unix(1_700_000_000, NO_END);
        assert_eq!(validity.not_after.as_second(), Timestamp::MAX.as_second());
        assert!(validity.is_endless());
        assert!(!Validity::from_unix(0, 4_000_000_000).is_endless());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Certificate::read(&bytes);
        }

        #[test]
        fn a_certificate_with_a_byte_turned_is_read_or_refused(position in 0_usize..400, value: u8) {
            let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
            let mut bytes = made.cert.der().to_vec();
            let position = position % bytes.len();
            bytes[position] = value;
            let _ = Certificate::read(&bytes);
        }
    }

    #[test]
    fn identifiers_are_dotted_numbers_whether_usual_or_not() {
        assert_eq!(&*identifier(&oid!(1.2.840.10045.3.1.7)), "1.2.840.10045.3.1.7");
        assert_eq!(&*identifier(&oid!(1.3.101.113)), "1.3.101.113");
        assert!(USUAL.iter().all(|(oid, words)| oid.to_id_string() == **words));
    }

    #[test]
    fn every_cut_of_a_certificate_is_refused() {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let bytes = made.cert.der();
        assert!(Certificate::read_only(bytes).is_ok());
        for end in 0..bytes.len() {
            assert!(Certificate::read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
