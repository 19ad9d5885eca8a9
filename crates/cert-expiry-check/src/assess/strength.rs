//! Whether a key and a signature are strong enough: against today's computers, and in the eyes of today's
//! clients.

use evidence_report::record::{Check, Finding, Outcome};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Judged, agreement::files::in_archive};
use crate::{
    certificate::Certificate,
    checks::{TLS_KEY, TLS_SIGNATURE},
    stores::Entry,
};

/// A judgement in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strength {
    /// How it stands.
    pub grade: Grade,
    /// What was seen.
    pub observed: String,
}

/// How a key or a signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Strong, and accepted everywhere.
    Fine,
    /// Strong enough, but some clients refuse it.
    Unusual,
    /// Clients refuse it, and rightly.
    Weak,
}

const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const DSA: &str = "1.2.840.10040.4.1";
const ELLIPTIC: &str = "1.2.840.10045.2.1";

/// Named curves: object identifier, name, bits, and whether every client knows it.
const CURVES: [(&str, &str, u16, bool); 12] = [
    ("1.2.840.10045.3.1.7", "P-256", 256, true),
    ("1.3.132.0.34", "P-384", 384, true),
    (P521, "P-521", 521, true),
    ("1.3.132.0.10", "secp256k1", 256, false),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256, false),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384, false),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512, false),
    ("1.3.132.0.33", "P-224", 224, false),
    ("1.3.132.0.32", "secp224k1", 224, false),
    ("1.2.840.10045.3.1.1", "P-192", 192, false),
    ("1.3.132.0.31", "secp192k1", 192, false),
    ("1.3.132.0.8", "secp160r1", 160, false),
];

/// Other keys: object identifier, name, grade.
const OTHER_KEYS: [(&str, &str, Grade); 5] = [
    ("1.3.101.112", "Ed25519", Grade::Fine),
    ("1.3.101.113", "Ed448", Grade::Unusual),
    (DSA, "DSA", Grade::Weak),
    ("1.2.840.10046.2.1", "Diffie-Hellman, which cannot sign", Grade::Weak),
    (RSA_PSS, "RSA for PSS only", Grade::Unusual),
];

/// secp521r1.
pub(super) const P521: &str = "1.3.132.0.35";

/// Signatures that can be forged, or whose hash is broken.
const BROKEN_SIGNATURES: [(&str, &str); 7] = [
    ("1.2.840.113549.1.1.2", "MD2 with RSA"),
    ("1.2.840.113549.1.1.3", "MD4 with RSA"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.3.14.3.2.29", "SHA-1 with RSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
];

/// Signatures that are fine.
const GOOD_SIGNATURES: [(&str, &str); 10] = [
    ("1.2.840.113549.1.1.11", "SHA-256 with RSA"),
    ("1.2.840.113549.1.1.12", "SHA-384 with RSA"),
    ("1.2.840.113549.1.1.13", "SHA-512 with RSA"),
    ("1.2.840.10045.4.3.2", "SHA-256 with ECDSA"),
    ("1.2.840.10045.4.3.3", "SHA-384 with ECDSA"),
    ("1.2.840.10045.4.3.4", "SHA-512 with ECDSA"),
    ("1.3.101.112", "Ed25519"),
    ("1.2.840.10045.4.3.1", "SHA-224 with ECDSA"),
    ("1.2.840.113549.1.1.14", "SHA-224 with RSA"),
    ("1.3.101.113", "Ed448"),
];

/// SHA-1, as a hash of RSASSA-PSS (RFC 4055, 3.1), and as its default.
const SHA1: &str = "1.3.14.3.2.26";

/// How strong the key of a certificate is.
#[must_use]
pub fn key(certificate: &Certificate) -> Strength {
    let strength = |grade, observed: String| Strength { grade, observed };
    if let (RSA, Some(bits)) = (&*certificate.key_algorithm, certificate.rsa_bits) {
        return rsa(bits, certificate.rsa_exponent);
    }
    if *certificate.key_algorithm == *ELLIPTIC {
        let Some(curve) = &certificate.curve else {
            let observed = "an elliptic curve key whose curve is written out instead of named";
            return strength(Grade::Weak, observed.to_owned());
        };
        return match CURVES.iter().find(|(id, ..)| **id == **curve) {
            Some((_, name, bits, _)) if *bits < 256 => strength(Grade::Weak, format!("{name}, {bits} bits")),
            Some((_, name, _, true)) => strength(Grade::Fine, (*name).to_owned()),
            Some((_, name, ..)) => strength(Grade::Unusual, format!("{name}, which browsers do not know")),
            None => strength(Grade::Unusual, format!("the curve {curve}, which browsers do not know")),
        };
    }
    match OTHER_KEYS.iter().find(|(id, ..)| **id == *certificate.key_algorithm) {
        Some((_, name, Grade::Unusual)) => {
            strength(Grade::Unusual, format!("{name}, which browsers do not take"))
        }
        Some((_, name, grade)) => strength(*grade, (*name).to_owned()),
        None => strength(Grade::Unusual, format!("a key of the kind {}", certificate.key_algorithm)),
    }
}

fn rsa(bits: usize, exponent: Option<u64>) -> Strength {
    let size = format!("RSA, {bits} bits");
    let (grade, observed) = match (bits, exponent) {
        (_, Some(1)) => (Grade::Weak, format!("{size}, exponent 1: anybody can sign with it")),
        (_, Some(even)) if even % 2 == 0 => (Grade::Weak, format!("{size}, exponent {even}: no RSA key")),
        (..2048, _) => (Grade::Weak, format!("{size}: fewer than 2048")),
        (8193.., _) => (Grade::Unusual, format!("{size}: many clients take no more than 8192")),
        (_, Some(small @ ..65_537)) => (Grade::Fine, format!("{size}, with the small exponent {small}")),
        _ => (Grade::Fine, size),
    };
    Strength { grade, observed }
}

/// How strong the signature on a certificate is.
#[must_use]
pub fn signature(certificate: &Certificate) -> Strength {
    let algorithm = &*certificate.signature_algorithm;
    let named = |table: &[(&str, &str)]| {
        table.iter().find(|(id, _)| *id == algorithm).map(|(_, name)| (*name).to_owned())
    };
    if algorithm == RSA_PSS {
        return pss(certificate);
    }
    if let Some(observed) = named(&BROKEN_SIGNATURES) {
        return Strength { grade: Grade::Weak, observed };
    }
    match named(&GOOD_SIGNATURES) {
        Some(observed) => Strength { grade: Grade::Fine, observed },
        None => Strength { grade: Grade::Unusual, observed: format!("the algorithm {algorithm}") },
    }
}

/// RSASSA-PSS names its hash among its parameters; without any it is SHA-1.
fn pss(certificate: &Certificate) -> Strength {
    use x509_parser::signature_algorithm::SignatureAlgorithm;
    let hash = X509Certificate::from_der(&certificate.der).ok().and_then(|(_, parsed)| {
        match SignatureAlgorithm::try_from(&parsed.signature_algorithm) {
            Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
                Some(parameters.hash_algorithm_oid().to_id_string())
            }
            _ => None,
        }
    });
    match hash.as_deref() {
        None | Some(SHA1) => Strength { grade: Grade::Weak, observed: "SHA-1 with RSA-PSS".to_owned() },
        Some("2.16.840.1.101.3.4.2.1") => fine("SHA-256 with RSA-PSS"),
        Some("2.16.840.1.101.3.4.2.2") => fine("SHA-384 with RSA-PSS"),
        Some("2.16.840.1.101.3.4.2.3") => fine("SHA-512 with RSA-PSS"),
        Some(other) => Strength { grade: Grade::Unusual, observed: format!("RSA-PSS with the hash {other}") },
    }
}

fn fine(observed: &str) -> Strength {
    Strength { grade: Grade::Fine, observed: observed.to_owned() }
}

/// The key of a certificate, as a finding.
#[must_use]
pub fn key_finding(subject: &str, certificate: &Certificate) -> Finding {
    let remedy = format!(
        "Make a new key (P-256, or RSA with 2048 bits or more), and have '{}' issued for it.",
        certificate.name
    );
    finding(&TLS_KEY, subject, "2048 bits of RSA, or 256 of an elliptic curve", &key(certificate), remedy)
}

/// The signature on a certificate, as a finding. On a trusted root nobody looks at it: do not ask for one.
#[must_use]
pub fn signature_finding(subject: &str, certificate: &Certificate) -> Finding {
    let remedy = format!(
        "Have '{}' issued again, signed with SHA-256, by a CA that still may: '{}' signed this one.",
        certificate.name, certificate.issuer
    );
    finding(&TLS_SIGNATURE, subject, "a hash of SHA-256 or better", &signature(certificate), remedy)
}

/// Whether an issuer that lies beside a certificate of a server is there to be served with it. By itself, or under a
/// name of its own, it may be one of many in a store of trust, and at the signature of a root nobody looks.
pub(super) fn is_link(entry: &Entry) -> bool {
    entry.alias.is_none() && entry.certificate.as_ref().is_ok_and(|issuer| !issuer.is_self_issued)
}

/// What clients will refuse of a certificate that lies somewhere, to be served; what is sound of it is counted. What
/// lies in an archive is no longer in use.
pub(super) fn of_stored(place: &str, certificate: &Certificate, judged: &mut Judged) -> Vec<Finding> {
    let signature = (!certificate.is_self_issued).then(|| signature_finding(place, certificate));
    let of_both = [Some(key_finding(place, certificate)), signature].into_iter().flatten();
    let (bad, sound): (Vec<_>, Vec<_>) =
        of_both.partition(|one| one.outcome == Outcome::Failed && in_archive(place).is_none());
    judged.quiet.extend(sound.iter().map(|finding| finding.check));
    bad
}

fn finding(
    check: &'static Check,
    subject: &str,
    expected: &str,
    strength: &Strength,
    remedy: String,
) -> Finding {
    let finding = match strength.grade {
        Grade::Fine => check.passed(subject),
        Grade::Unusual => check.warned(subject).remedy(remedy),
        Grade::Weak => check.failed(subject).remedy(remedy),
    };
    finding.expected(expected).observed(strength.observed.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template() -> Certificate {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        Certificate::read_only(made.cert.der()).unwrap()
    }

    #[test]
    fn rsa_keys_are_judged_by_size_and_exponent() {
        for (bits, exponent, expected) in [
            (512, Some(65_537), Grade::Weak),
            (2047, Some(65_537), Grade::Weak),
            (2048, Some(65_537), Grade::Fine),
            (3071, None, Grade::Fine),
            (4096, Some(65_537), Grade::Fine),
            (8192, Some(65_537), Grade::Fine),
            (8193, Some(65_537), Grade::Unusual),
            (4096, Some(1), Grade::Weak),
            (4096, Some(4), Grade::Weak),
            (4096, Some(3), Grade::Fine),
            (4096, Some(17), Grade::Fine),
        ] {
            let mut certificate = template();
            certificate.key_algorithm = RSA.into();
            certificate.rsa_bits = Some(bits);
            certificate.rsa_exponent = exponent;
            assert_eq!(key(&certificate).grade, expected, "{bits} bits, exponent {exponent:?}");
        }
        assert!(rsa(4096, Some(3)).observed.contains("small exponent 3"));
    }

    #[test]
    fn curves_and_other_keys_are_judged_by_name() {
        let with = |algorithm: &str, curve: Option<&str>| {
            let mut certificate = template();
            certificate.key_algorithm = algorithm.into();
            certificate.curve = curve.map(Into::into);
            key(&certificate).grade
        };
        for (curve, expected) in [
            ("1.2.840.10045.3.1.7", Grade::Fine),
            ("1.3.132.0.34", Grade::Fine),
            ("1.3.132.0.35", Grade::Fine),
            ("1.3.132.0.33", Grade::Weak),
            ("1.2.840.10045.3.1.1", Grade::Weak),
            ("1.3.132.0.8", Grade::Weak),
            ("1.3.132.0.10", Grade::Unusual),
            ("1.2.3.4", Grade::Unusual),
        ] {
            assert_eq!(with(ELLIPTIC, Some(curve)), expected, "{curve}");
        }
        assert_eq!(with(ELLIPTIC, None), Grade::Weak, "explicit parameters");
        assert_eq!(with("1.3.101.112", None), Grade::Fine);
        assert_eq!(with("1.3.101.113", None), Grade::Unusual);
        assert_eq!(with(DSA, None), Grade::Weak);
        assert_eq!(with("1.2.3.4", None), Grade::Unusual);
    }

    #[test]
    fn signatures_are_judged_by_their_hash() {
        let with = |algorithm: &str| {
            let mut certificate = template();
            certificate.signature_algorithm = algorithm.into();
            signature(&certificate)
        };
        for (algorithm, expected) in [
            ("1.2.840.113549.1.1.4", "MD5 with RSA"),
            ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
            ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
        ] {
            let strength = with(algorithm);
            assert_eq!((strength.grade, strength.observed.as_str()), (Grade::Weak, expected));
        }
        assert_eq!(with("1.2.840.10045.4.3.2"), fine("SHA-256 with ECDSA"));
        assert_eq!(with("1.2.3.4").grade, Grade::Unusual);
    }

    proptest! {
        #[test]
        fn more_bits_are_never_weak_where_fewer_are_not(bits in 512_usize..8192, more in 0_usize..4096) {
            let grade = |bits| rsa(bits, Some(65_537)).grade;
            prop_assert!(grade(bits + more) < Grade::Weak || grade(bits) == Grade::Weak);
        }
    }
}
