//! Certificate revocation lists (RFC 5280, 5), read for what they say about themselves. Whose certificates
//! are on them, and whether their signatures hold, is judged elsewhere.

use std::sync::Arc;

use jiff::Timestamp;
use x509_parser::{
    der_parser::{Oid, oid},
    error::X509Error,
    prelude::{CertificateRevocationList, FromDer},
};

use super::{
    ber::{INTEGER, Malformed, Reader, SEQUENCE},
    distribution_point::Issuing,
};
use crate::{
    certificate::{in_words, short_name},
    wording::{hexadecimal, printable},
};

/// Delta CRL indicator (5.2.4).
const DELTA_INDICATOR: Oid<'static> = oid!(2.5.29.27);
/// Issuing distribution point (5.2.5).
const ISSUING: Oid<'static> = oid!(2.5.29.28);

/// A revocation list, or the place where one should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// The line on which it begins, counted from 1, where the format has lines.
    pub line: Option<u32>,
    /// The list, or what is wrong with it.
    pub list: Result<Arc<RevocationList>, String>,
}

/// One certificate revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// The bytes, as they were found.
    pub der: Vec<u8>,
    /// The issuer's short name, for people.
    pub issuer: String,
    /// The issuer, as encoded.
    pub issuer_der: Vec<u8>,
    /// Its number in hexadecimal digits (5.2.3).
    pub number: Option<String>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one will be there at the latest; some issuers do not say.
    pub next_update: Option<Timestamp>,
    /// How many certificates are on it.
    pub revoked: usize,
    /// Whether it only says what has changed since another one (5.2.4).
    pub is_delta: bool,
    /// The number of the oldest list that a delta list may be joined to, in hexadecimal digits.
    pub base: Option<String>,
    /// For which certificates it speaks, or what is wrong with what it says about that.
    pub scope: Result<Issuing, String>,
}

impl RevocationList {
    /// Reads one list and nothing else.
    ///
    /// # Errors
    /// When the bytes are no revocation list.
    pub fn read_only(bytes: &[u8]) -> Result<Self, String> {
        let (rest, parsed) =
            CertificateRevocationList::from_der(bytes).map_err(|error| refusal(bytes, &error))?;
        if !rest.is_empty() {
            return Err(format!("{} bytes follow the list", rest.len()));
        }
        let moment = |seconds: i64| {
            let cut = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
            Timestamp::from_second(cut).unwrap_or(Timestamp::MAX)
        };
        let number = parsed.crl_number().map(|number| printable(&format!("{number:x}"), 40));
        let delta = parsed.extensions().iter().find(|extension| extension.oid == DELTA_INDICATOR);
        let scope = parsed.extensions().iter().find(|extension| extension.oid == ISSUING);
        let base = delta.and_then(|delta| Reader::new(delta.value).expect(INTEGER, "a number").ok());
        Ok(Self {
            der: bytes.to_vec(),
            issuer: short_name(parsed.issuer()),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            number,
            this_update: moment(parsed.last_update().timestamp()),
            next_update: parsed.next_update().map(|update| moment(update.timestamp())),
            revoked: parsed.iter_revoked_certificates().count(),
            is_delta: delta.is_some(),
            scope: scope.map_or_else(|| Ok(Issuing::default()), |scope| Issuing::read(scope.value)),
            base: base.map(|number| printable(hexadecimal(number.content).trim_start_matches('0'), 40)),
        })
    }
}

/// Whether the bytes have the shape of a list up to its date: where a certificate has a serial number or two
/// dates, a list has one.
#[must_use]
pub fn looks_like_one(bytes: &[u8]) -> bool {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let shape = || -> Result<bool, Malformed> {
        let mut list = Reader::new(bytes).expect(SEQUENCE, "a list")?.inside();
        let mut list = list.expect(SEQUENCE, "what is signed")?.inside();
        list.optional(INTEGER)?;
        list.expect(SEQUENCE, "an algorithm")?;
        list.expect(SEQUENCE, "an issuer")?;
        Ok(matches!(list.next()?.tag, UTC_TIME | GENERALIZED_TIME))
    };
    shape().unwrap_or(false)
}

fn refusal(bytes: &[u8], error: &x509_parser::nom::Err<X509Error>) -> String {
    if Reader::new(bytes).next() == Err(Malformed::Cut) {
        "it ends in the middle".to_owned()
    } else {
        format!("it is no X.509 revocation list ({})", in_words(error))
    }
}
