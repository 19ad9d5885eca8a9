//! Whether what a server staples to its handshake (RFC 6066, 8) proves that its certificate was not revoked,
//! and whether a certificate that promises such a staple (RFC 7633, "must-staple") gets one.

use std::sync::Arc;

use aws_lc_rs::digest;
use evidence_report::record::{Finding, Requirement};
use jiff::Timestamp;
use x509_parser::{
    asn1_rs::BitString,
    prelude::{FromDer, X509Certificate},
    verify::verify_signature,
    x509::AlgorithmIdentifier,
};

use super::revocation::reason;
use crate::{
    certificate::Certificate,
    checks::TLS_STAPLE,
    stores::ocsp::{Answer, Answered, OcspResponse, Status},
    wording::{distance, hexadecimal, moment},
};

/// Clocks differ by so many seconds without harm.
const SKEW: i64 = 300;

const DAY: i64 = 86_400;

/// Without a next update a response is believed for so many seconds, as mozilla::pkix has it; clients that follow
/// RFC 5019 (4) believe none.
const WITHOUT_END: i64 = DAY;

/// After so many seconds mozilla::pkix believes none of a server's certificate, whatever its next update.
const OLDEST: i64 = 10 * DAY;

/// Judges what was stapled to the certificate of a server. `issuers` are those that may have issued it. Where
/// nothing was promised and nothing came, nothing is said.
#[must_use]
pub fn judge(
    subject: &str,
    leaf: &Certificate,
    issuers: &[Arc<Certificate>],
    stapled: &[u8],
    now: Timestamp,
) -> Option<Finding> {
    let expected = if leaf.must_staple {
        "a fresh OCSP response, as the certificate promises (must-staple)"
    } else {
        "an OCSP response that proves the certificate good"
    };
    if stapled.is_empty() {
        let observed = "none was stapled: clients that honour the promise refuse the connection";
        let remedy = format!(
            "Turn OCSP stapling on at the server, or have '{}' issued again without must-staple.",
            leaf.name
        );
        let finding = TLS_STAPLE.failed(subject).expected(expected).observed(observed).remedy(remedy);
        return leaf.must_staple.then_some(finding);
    }
    let finding = match Proof::of(leaf, issuers, stapled, now) {
        Proof::Good(words) => TLS_STAPLE.passed(subject).observed(words),
        Proof::Old(words) => TLS_STAPLE.warned(subject).observed(words),
        Proof::Revoked(at, words) => TLS_STAPLE
            .failed(subject)
            .observed(words)
            .hurts_at(at)
            .remedy(format!("Replace '{}' (serial {}) at once, with a new key.", leaf.name, leaf.serial)),
        Proof::None(words) if leaf.must_staple => TLS_STAPLE.failed(subject).observed(words),
        Proof::None(words) => TLS_STAPLE.warned(subject).observed(words),
        Proof::Unknown(words) => return Some(TLS_STAPLE.not_checked(Requirement::Optional, subject, words)),
    };
    Some(finding.expected(expected))
}

/// What a staple proves.
enum Proof {
    Good(String),
    /// Good, but so old that some clients do not believe it.
    Old(String),
    Revoked(Timestamp, String),
    /// Nothing, and why.
    None(String),
    /// It cannot be told.
    Unknown(String),
}

impl Proof {
    fn of(leaf: &Certificate, issuers: &[Arc<Certificate>], stapled: &[u8], now: Timestamp) -> Self {
        let answered = match OcspResponse::read_only(stapled) {
            Ok(OcspResponse::Answered(answered)) => answered,
            Ok(OcspResponse::Refused(why)) => {
                return Self::None(format!("what was stapled is the responder's refusal: {why}"));
            }
            Err(why) => return Self::None(format!("what was stapled is no OCSP response: {why}")),
        };
        let Some(issuer) = issuers.iter().find(|issuer| is_issuer(leaf, issuer)) else {
            let why = format!("the certificate of '{}', who issued this one, is not known here", leaf.issuer);
            return Self::Unknown(why);
        };
        let Some(answer) = answered.answers.iter().find(|answer| is_about(answer, leaf, issuer)) else {
            return Self::None("the response is about another certificate".to_owned());
        };
        if let Err(why) = authentic(&answered, issuer, now) {
            return Self::None(why);
        }
        Self::in_time(answer, now)
    }

    fn in_time(answer: &Answer, now: Timestamp) -> Self {
        if let Status::Revoked(at, code) = answer.status {
            let why = reason(code.unwrap_or(0));
            let words = format!("revoked {}, {} ({why}), says its issuer", moment(at), distance(now, at));
            return Self::Revoked(at, words);
        }
        if answer.status == Status::Unknown {
            return Self::None("the responder does not know the certificate".to_owned());
        }
        let (made, now_seconds) = (answer.this_update, now.as_second());
        if made.as_second() > now_seconds + SKEW {
            return Self::None(format!("the response is from the future: {}", moment(made)));
        }
        let age = now_seconds - made.as_second();
        let since = format!("{}, {}", moment(made), distance(now, made));
        match answer.next_update {
            Some(next) if next.as_second() < now_seconds => Self::None(format!(
                "the response is stale: it ended {}, {}",
                moment(next),
                distance(now, next)
            )),
            None if age > WITHOUT_END => Self::None(format!(
                "the response is stale: it is as of {since}, and names no next update: clients believe it for a day at most"
            )),
            None => Self::Good(format!("good, as of {since}")),
            Some(next) => {
                let until = format!("good, until {}, {}", moment(next), distance(now, next));
                match age > OLDEST {
                    true => Self::Old(format!(
                        "{until}, but as of {since}: clients with Mozilla's verifier believe none older than 10 d"
                    )),
                    false => Self::Good(until),
                }
            }
        }
    }
}

fn is_issuer(leaf: &Certificate, issuer: &Certificate) -> bool {
    leaf.names_as_issuer(issuer) && leaf.is_signed_by(issuer)
}

/// Whether an answer is about this certificate: its issuer's name and key, hashed, and its serial number
/// (RFC 6960, 4.1.1).
fn is_about(answer: &Answer, leaf: &Certificate, issuer: &Certificate) -> bool {
    let algorithm = match answer.hash.as_slice() {
        [0x2b, 0x0e, 0x03, 0x02, 0x1a] => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01] => &digest::SHA256,
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02] => &digest::SHA384,
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03] => &digest::SHA512,
        _ => return false,
    };
    let hashes_to = |bytes: &[u8], hash: &[u8]| digest::digest(algorithm, bytes).as_ref() == hash;
    let Ok((_, parsed)) = X509Certificate::from_der(&issuer.der) else { return false };
    let key = &parsed.public_key().subject_public_key.data;
    let serial = hexadecimal(&answer.serial);
    serial.trim_start_matches('0') == leaf.serial.trim_start_matches('0')
        && hashes_to(&issuer.subject_der, &answer.issuer_name)
        && hashes_to(key, &answer.issuer_key)
}

/// Whether the issuer signed, or somebody whom the issuer has certified for that (RFC 6960, 4.2.2.2).
fn authentic(answered: &Answered, issuer: &Certificate, now: Timestamp) -> Result<(), String> {
    if signed_by(answered, &issuer.der) {
        return Ok(());
    }
    let Some(der) = answered.certificates.iter().find(|der| signed_by(answered, der)) else {
        return Err(format!(
            "its signature is neither that of '{}' nor of a responder of theirs",
            issuer.name
        ));
    };
    let responder = Certificate::read_only(der)
        .map_err(|error| format!("the responder's certificate cannot be read: {error}"))?;
    if !is_issuer(&responder, issuer) {
        return Err(format!("'{}' signed it, whom '{}' did not certify", responder.name, issuer.name));
    }
    if !may_sign_responses(der) {
        return Err(format!("'{}' signed it, who may not (no OCSPSigning)", responder.name));
    }
    if !responder.validity.contains(now) {
        return Err(format!("'{}' signed it, whose own certificate is out of its time", responder.name));
    }
    Ok(())
}

fn signed_by(answered: &Answered, signer: &[u8]) -> bool {
    let (Ok((_, signer)), Ok((_, algorithm))) =
        (X509Certificate::from_der(signer), AlgorithmIdentifier::from_der(&answered.algorithm))
    else {
        return false;
    };
    let signature = BitString::new(0, &answered.signature);
    verify_signature(signer.public_key(), &algorithm, &signature, &answered.signed).is_ok()
}

fn may_sign_responses(der: &[u8]) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(der) else { return false };
    parsed.extended_key_usage().ok().flatten().is_some_and(|usage| usage.value.ocsp_signing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn in_time(age: i64, left: Option<i64>) -> Proof {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        let answer = Answer {
            hash: Vec::new(),
            issuer_name: Vec::new(),
            issuer_key: Vec::new(),
            serial: Vec::new(),
            status: Status::Good,
            this_update: at(-age),
            next_update: left.map(at),
        };
        Proof::in_time(&answer, now)
    }

    #[test]
    fn a_response_is_believed_for_its_time_and_no_longer() {
        for (age, left, expected) in [
            (0, Some(7 * DAY), "good"),
            (-SKEW, Some(7 * DAY), "good"),
            (-SKEW - 1, Some(7 * DAY), "none"),
            (7 * DAY, Some(0), "good"),
            (7 * DAY, Some(-1), "none"),
            (10 * DAY, Some(DAY), "good"),
            (10 * DAY + 1, Some(DAY), "old"),
            (55 * DAY, Some(400 * DAY), "old"),
            (55 * DAY, Some(-1), "none"),
            (DAY, None, "good"),
            (DAY + 1, None, "none"),
        ] {
            let came = match in_time(age, left) {
                Proof::Good(_) => "good",
                Proof::Old(_) => "old",
                Proof::None(_) => "none",
                Proof::Revoked(..) | Proof::Unknown(_) => "something else",
            };
            assert_eq!(came, expected, "{age} s old, {left:?} s left");
        }
    }
}
