//! OCSP responses (RFC 6960, 4.2.1), as servers staple them, read for what they say. Whether one belongs to a
//! certificate, and whether its signature holds, is judged elsewhere: the bytes that were signed are kept as
//! they came, because a signature does not hold over bytes that were written again.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::ber::{self, Element, Malformed, Reader, context};

/// ENUMERATED.
const ENUMERATED: u8 = 0x0a;
/// GeneralizedTime.
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, `[1]` and `[2]` of elements that hold no elements.
const PRIMITIVE: [u8; 3] = [0x80, 0x81, 0x82];

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const BASIC: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];

/// What a responder said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OcspResponse {
    /// It answered.
    Answered(Box<Answered>),
    /// It gave no answer, and says why (4.2.1, OCSPResponseStatus).
    Refused(&'static str),
}

/// A signed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The bytes that were signed.
    pub signed: Vec<u8>,
    /// The algorithm of the signature, as encoded.
    pub algorithm: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// Certificates that came along, for a responder to which the issuer has delegated its answers.
    pub certificates: Vec<Vec<u8>>,
    /// What is said, certificate by certificate.
    pub answers: Vec<Answer>,
}

/// What is said about one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// With what the issuer's name and key are hashed, as an encoded object identifier.
    pub hash: Vec<u8>,
    /// Hash of the issuer's name.
    pub issuer_name: Vec<u8>,
    /// Hash of the issuer's key.
    pub issuer_key: Vec<u8>,
    /// The certificate's serial number, as encoded.
    pub serial: Vec<u8>,
    /// How it stands.
    pub status: Status,
    /// When that was known to be so.
    pub this_update: Timestamp,
    /// Until when it may be believed.
    pub next_update: Option<Timestamp>,
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked, then, and for this reason (RFC 5280, 5.3.1).
    Revoked(Timestamp, Option<u32>),
    /// The responder does not know it.
    Unknown,
}

impl OcspResponse {
    /// Reads one response and nothing else.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn read_only(bytes: &[u8]) -> Result<Self, String> {
        response(bytes).map_err(|malformed| malformed.to_string())
    }
}

fn response(bytes: &[u8]) -> Result<OcspResponse, Malformed> {
    let mut outside = Reader::new(bytes);
    let mut whole = outside.expect(ber::SEQUENCE, "an OCSP response")?.inside();
    if !outside.is_empty() {
        return Err(Malformed::Odd("something behind it"));
    }
    match whole.expect(ENUMERATED, "the status of the response")?.number()? {
        0 => {}
        1 => return Ok(OcspResponse::Refused("malformedRequest")),
        2 => return Ok(OcspResponse::Refused("internalError")),
        3 => return Ok(OcspResponse::Refused("tryLater")),
        5 => return Ok(OcspResponse::Refused("sigRequired")),
        6 => return Ok(OcspResponse::Refused("unauthorized")),
        _ => return Err(Malformed::Odd("an unknown status")),
    }
    let mut carrier = whole.expect(context(0), "the response itself")?.inside();
    let mut typed = carrier.expect(ber::SEQUENCE, "the type of the response")?.inside();
    if typed.expect(ber::OBJECT_IDENTIFIER, "the type of the response")?.content != BASIC {
        return Err(Malformed::Odd("a type other than the basic one"));
    }
    let octets = typed.expect(ber::OCTET_STRING, "the basic response")?.octets()?;
    answered(&octets).map(|answered| OcspResponse::Answered(Box::new(answered)))
}

fn answered(bytes: &[u8]) -> Result<Answered, Malformed> {
    let mut basic = Reader::new(bytes).expect(ber::SEQUENCE, "the basic response")?.inside();
    let data = basic.expect(ber::SEQUENCE, "what was signed")?;
    let algorithm = basic.expect(ber::SEQUENCE, "the algorithm of the signature")?.whole.to_vec();
    let signature = match basic.expect(ber::BIT_STRING, "the signature")?.content {
        [0, signature @ ..] => signature.to_vec(),
        _ => return Err(Malformed::Odd("a signature of broken bytes")),
    };
    let mut certificates = Vec::new();
    if let Some(carrier) = basic.optional(context(0))? {
        let mut each = carrier.inside().expect(ber::SEQUENCE, "its certificates")?.inside();
        while !each.is_empty() {
            certificates.push(each.expect(ber::SEQUENCE, "a certificate")?.whole.to_vec());
        }
    }
    Ok(Answered { signed: data.whole.to_vec(), algorithm, signature, certificates, answers: answers(data)? })
}

fn answers(data: Element<'_>) -> Result<Vec<Answer>, Malformed> {
    let mut data = data.inside();
    let _version = data.optional(context(0))?;
    // By name [1] or by key [2]. The signature tells who it was.
    let responder = data.next()?;
    if responder.tag != context(1) && responder.tag != context(2) {
        return Err(Malformed::Missing { wanted: "the responder" });
    }
    moment(data.expect(GENERALIZED_TIME, "the time of the answer")?)?;
    let mut each = data.expect(ber::SEQUENCE, "the answers")?.inside();
    let mut answers = Vec::new();
    while !each.is_empty() {
        answers.push(answer(each.expect(ber::SEQUENCE, "an answer")?)?);
    }
    Ok(answers)
}

fn answer(element: Element<'_>) -> Result<Answer, Malformed> {
    let mut parts = element.inside();
    let mut identity = parts.expect(ber::SEQUENCE, "the certificate's identity")?.inside();
    let mut hash = identity.expect(ber::SEQUENCE, "a hash algorithm")?.inside();
    let hash = hash.expect(ber::OBJECT_IDENTIFIER, "a hash algorithm")?.content.to_vec();
    let issuer_name = identity.expect(ber::OCTET_STRING, "the issuer's name")?.octets()?.into_owned();
    let issuer_key = identity.expect(ber::OCTET_STRING, "the issuer's key")?.octets()?.into_owned();
    let serial = identity.expect(ber::INTEGER, "the serial number")?.content.to_vec();
    let status = status(parts.next()?)?;
    let this_update = moment(parts.expect(GENERALIZED_TIME, "the time of the status")?)?;
    let next_update = match parts.optional(context(0))? {
        Some(carrier) => Some(moment(carrier.inside().expect(GENERALIZED_TIME, "the next update")?)?),
        None => None,
    };
    Ok(Answer { hash, issuer_name, issuer_key, serial, status, this_update, next_update })
}

fn status(element: Element<'_>) -> Result<Status, Malformed> {
    if element.tag == PRIMITIVE[0] {
        return Ok(Status::Good);
    }
    if element.tag == PRIMITIVE[2] {
        return Ok(Status::Unknown);
    }
    if element.tag != context(1) {
        return Err(Malformed::Missing { wanted: "good, revoked or unknown" });
    }
    let mut revoked = element.inside();
    let at = moment(revoked.expect(GENERALIZED_TIME, "the time of the revocation")?)?;
    let reason = match revoked.optional(context(0))? {
        Some(carrier) => Some(carrier.inside().expect(ENUMERATED, "the reason")?.number()?),
        None => None,
    };
    Ok(Status::Revoked(at, reason))
}

/// `20261123205500Z`; fractions of a second, which nobody needs, are passed over.
fn moment(element: Element<'_>) -> Result<Timestamp, Malformed> {
    const ODD: Malformed = Malformed::Odd("a time that is none");
    let text = std::str::from_utf8(element.content).map_err(|_| ODD)?;
    let text = text.strip_suffix('Z').ok_or(ODD)?;
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    if whole.len() != 14 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ODD);
    }
    let civil = DateTime::strptime("%Y%m%d%H%M%S", whole).map_err(|_| ODD)?;
    TimeZone::UTC.to_timestamp(civil).map_err(|_| ODD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refusals_and_nonsense_are_told_apart() {
        let refused = |status: u8| OcspResponse::read_only(&[0x30, 3, ENUMERATED, 1, status]);
        assert_eq!(refused(3), Ok(OcspResponse::Refused("tryLater")));
        assert_eq!(refused(6), Ok(OcspResponse::Refused("unauthorized")));
        for (bytes, words) in [
            (&[][..], "ends in the middle"),
            (b"hello", ""),
            (&[0x30, 3, ENUMERATED, 1, 4], "unknown status"),
            (&[0x30, 3, ENUMERATED, 1, 0], "middle"),
            (&[0x30, 3, ENUMERATED, 1, 3, 0], "something behind it"),
        ] {
            let error = OcspResponse::read_only(bytes).unwrap_err();
            assert!(error.contains(words), "{bytes:02x?}: {error}");
        }
    }

    #[test]
    fn times_are_read_to_the_second() {
        let read = |text: &str| {
            let bytes = ber::written(GENERALIZED_TIME, &[text.as_bytes()]);
            moment(Reader::new(&bytes).next().unwrap()).ok().map(|at| at.as_second())
        };
        assert_eq!(read("20270115080000Z"), Some(1_800_000_000));
        assert_eq!(read("20270115080000.123Z"), Some(1_800_000_000));
        for nonsense in ["20270115080000", "2027011508000Z", "20271315080000Z", "20270115 80000Z", ""] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    /// Real responses of OpenSSL's responder, kept as seeds for the fuzzer too.
    fn seeds() -> Vec<(String, Vec<u8>)> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/ocsp");
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| {
                let path = entry.unwrap().path();
                (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
            })
            .collect()
    }

    #[test]
    fn real_responses_are_read() {
        let seeds = seeds();
        assert!(seeds.len() >= 4, "{seeds:?}");
        for (name, bytes) in seeds {
            let read = OcspResponse::read_only(&bytes);
            let status = match &read {
                Ok(OcspResponse::Answered(answered)) => answered.answers.first().map(|answer| answer.status),
                _ => None,
            };
            let expected = match name.split('-').next() {
                Some("cut" | "noise" | "length") => {
                    assert!(read.is_err(), "{name}: {read:?}");
                    continue;
                }
                Some("good") => matches!(status, Some(Status::Good)),
                Some("revoked") => matches!(status, Some(Status::Revoked(_, Some(1)))),
                Some("unknown") => matches!(status, Some(Status::Unknown)),
                _ => matches!(read, Ok(OcspResponse::Refused(_))),
            };
            assert!(expected, "{name}: {read:?}");
            for end in 0..bytes.len() {
                assert!(OcspResponse::read_only(&bytes[..end]).is_err(), "{name} cut at {end}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = OcspResponse::read_only(&bytes);
        }

        #[test]
        fn a_real_response_with_a_byte_turned_is_read_or_refused(position: usize, value: u8) {
            for (_, mut bytes) in seeds() {
                let position = position % bytes.len();
                bytes[position] = value;
                let _ = OcspResponse::read_only(&bytes);
            }
        }
    }
}
