//! Whether certificates were revoked, by the lists of their issuers (RFC 5280, 5 and 6.3). Lists come from
//! files, or were fetched because somebody asked for it; here they are only read. A list counts when it is its
//! issuer's: the name fits, and the signature holds.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use evidence_report::record::{Finding, Requirement};
use jiff::Timestamp;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::strength::{self, Grade};
use crate::{
    certificate::Certificate,
    checks::TLS_REVOCATION,
    stores::RevocationList,
    wording::{distance, moment, printable},
};

/// A certificate, who may have issued it, and where it was seen.
#[derive(Debug)]
pub struct Suspect<'c> {
    /// It.
    pub certificate: &'c Arc<Certificate>,
    /// Where; sorted, at least one.
    pub places: Vec<String>,
}

/// A list, and where it came from: a file, or an address.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where from.
    pub place: String,
    /// The list, or why there is none.
    pub list: Result<Arc<RevocationList>, String>,
}

/// What is known about revocation.
#[derive(Debug, Default)]
pub struct Lists {
    /// From files.
    pub given: Vec<Source>,
    /// From addresses in certificates, by address; only where somebody asked for it.
    pub fetched: HashMap<String, Source>,
    /// Whether they were asked for.
    pub are_wanted: bool,
}

/// Clocks differ by so many seconds without harm.
const SKEW: i64 = 300;

/// Why a certificate was revoked (RFC 5280, 5.3.1).
#[must_use]
pub fn reason(code: u32) -> &'static str {
    match code {
        1 => "key compromise",
        2 => "CA compromise",
        3 => "affiliation changed",
        4 => "superseded",
        5 => "cessation of operation",
        6 => "on hold",
        8 => "removed from the list",
        9 => "privilege withdrawn",
        10 => "attribute authority compromise",
        _ => "no reason given",
    }
}

/// What one list says about one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    NotRevoked,
    Revoked(Timestamp, u32),
    /// The list is of no use, and why.
    Nothing(String),
}

/// Judges certificates by the lists of their issuers. `issuers` are all certificates that may have issued one:
/// those that were seen, and the trusted roots.
#[must_use]
pub fn judge(
    suspects: &[Suspect<'_>],
    lists: &Lists,
    issuers: &[Arc<Certificate>],
    now: Timestamp,
) -> Vec<Finding> {
    if lists.given.is_empty() && !lists.are_wanted {
        return Vec::new();
    }
    let read = Read::new(lists);
    suspects.iter().filter_map(|suspect| one(suspect, lists, &read, issuers, now)).collect()
}

/// Whether there is anything to say of any of them: somebody asked for their lists, or gave one of their issuer.
#[must_use]
pub fn are_listed(suspects: &[Suspect<'_>], lists: &Lists) -> bool {
    let given: BTreeSet<_> = lists
        .given
        .iter()
        .filter_map(|source| Some(source.list.as_ref().ok()?.issuer_der.as_slice()))
        .collect();
    suspects
        .iter()
        .filter(|suspect| !suspect.certificate.is_self_issued && !suspect.places.is_empty())
        .any(|suspect| lists.are_wanted || given.contains(suspect.certificate.issuer_der.as_ref()))
}

/// Lists that were parsed once, by the name of their issuer.
struct Read<'l> {
    by_issuer: HashMap<&'l [u8], Vec<(&'l str, &'l RevocationList, CertificateRevocationList<'l>)>>,
}

impl<'l> Read<'l> {
    fn new(lists: &'l Lists) -> Self {
        let mut by_issuer: HashMap<_, Vec<_>> = HashMap::new();
        for source in lists.given.iter().chain(lists.fetched.values()) {
            let Ok(list) = &source.list else { continue };
            let Ok((_, parsed)) = CertificateRevocationList::from_der(&list.der) else { continue };
            let known: &mut Vec<_> = by_issuer.entry(list.issuer_der.as_slice()).or_default();
            if !known.iter().any(|(_, other, _): &(_, &RevocationList, _)| other.der == list.der) {
                known.push((source.place.as_str(), list.as_ref(), parsed));
            }
        }
        Self { by_issuer }
    }
}

fn one(
    suspect: &Suspect<'_>,
    lists: &Lists,
    read: &Read<'_>,
    issuers: &[Arc<Certificate>],
    now: Timestamp,
) -> Option<Finding> {
    let certificate = suspect.certificate;
    if certificate.is_self_issued {
        return None;
    }
    let subject = subject(suspect)?;
    let expected = "not revoked by its issuer";
    let mut reasons = Vec::new();
    let mut passed = None;
    for (place, list, parsed) in read.by_issuer.get(certificate.issuer_der.as_ref()).into_iter().flatten() {
        match said(certificate, list, parsed, issuers, now) {
            Said::Revoked(at, code) => {
                let which = format!("revoked {}, {} ({})", moment(at), distance(now, at), reason(code));
                let finding = TLS_REVOCATION.failed(subject).expected(expected).observed(format!(
                    "{which}, says the list of '{}' in {}{}",
                    list.issuer,
                    printable(place, 160),
                    elsewhere(suspect)
                ));
                let remedy = format!(
                    "Replace '{}' (serial {}) at once, with a new key, wherever it is presented.",
                    certificate.name, certificate.serial
                );
                return Some(finding.remedy(remedy).hurts_at(at));
            }
            Said::NotRevoked => passed = Some((*place, *list)),
            Said::Nothing(why) => reasons.push(format!("{}: {why}", printable(place, 160))),
        }
    }
    if let Some((place, list)) = passed {
        let until =
            list.next_update.map_or_else(String::new, |next| format!(", good until {}", moment(next)));
        let observed = format!("not on the list of '{}' in {}{until}", list.issuer, printable(place, 160));
        return Some(TLS_REVOCATION.passed(subject).expected(expected).observed(observed));
    }
    reasons.extend(unfetched(certificate, lists));
    if reasons.is_empty() && !lists.are_wanted {
        // Somebody named the lists of other issuers: this one is not what they asked about.
        return None;
    }
    let why = if reasons.is_empty() {
        "the certificate names no address of its issuer's list".to_owned()
    } else {
        reasons.join("; ")
    };
    Some(TLS_REVOCATION.not_checked(Requirement::Optional, subject, why).remedy(
        "Nothing, if the responder is only down for a while; otherwise name the list of this issuer with --crl FILE.",
    ))
}

fn subject(suspect: &Suspect<'_>) -> Option<String> {
    let certificate = suspect.certificate;
    if certificate.is_issuer {
        return Some(format!("issuer '{}', serial {}", certificate.name, certificate.serial));
    }
    suspect.places.first().cloned()
}

fn elsewhere(suspect: &Suspect<'_>) -> String {
    let named = suspect.places.iter().skip(usize::from(!suspect.certificate.is_issuer));
    let named: Vec<_> = named.take(3).map(|place| printable(place, 100)).collect();
    let more = if suspect.places.len() > 4 { " and more" } else { "" };
    match (named.is_empty(), suspect.certificate.is_issuer) {
        (true, _) => String::new(),
        (false, true) => format!("; seen at {}{more}", named.join(", ")),
        (false, false) => format!("; also seen at {}{more}", named.join(", ")),
    }
}

/// Why the lists at a certificate's own addresses are not there.
fn unfetched(certificate: &Certificate, lists: &Lists) -> Vec<String> {
    let failed = |address: &String| match &lists.fetched.get(address)?.list {
        Ok(_) => None,
        Err(why) => Some(format!("{}: {why}", printable(address, 160))),
    };
    certificate.crl_addresses.iter().filter_map(failed).collect()
}

fn said(
    certificate: &Certificate,
    list: &RevocationList,
    parsed: &CertificateRevocationList<'_>,
    issuers: &[Arc<Certificate>],
    now: Timestamp,
) -> Said {
    if list.is_delta {
        return Said::Nothing("it is a delta list, which says only what changed".to_owned());
    }
    let may_sign = |issuer: &&Arc<Certificate>| {
        certificate.names_as_issuer(issuer)
            && issuer.key_use.is_none_or(|key_use| key_use.revocations)
            && signed(parsed, issuer)
            // A signature that nobody verifies any more does not hide a revocation.
            && (strength::signature(certificate).grade == Grade::Weak || certificate.is_signed_by(issuer))
    };
    if !issuers.iter().any(|issuer| may_sign(&issuer)) {
        let why = "its signature is not that of the certificate's issuer, or the issuer is not known here";
        return Said::Nothing(why.to_owned());
    }
    let serial = significant(&certificate.serial);
    let entry =
        parsed.iter_revoked_certificates().find(|entry| significant_bytes(entry.raw_serial()) == serial);
    if let Some(entry) = entry {
        let at = Timestamp::from_second(entry.revocation_date.timestamp()).unwrap_or(list.this_update);
        let code = entry.reason_code().map_or(0, |(_, code)| u32::from(code.0));
        // Even a list that has ended proves it: a revocation is for good, but for what is only on hold.
        return if code == 8 { Said::NotRevoked } else { Said::Revoked(at, code) };
    }
    match list.next_update {
        Some(next) if next.as_second() < now.as_second() => {
            Said::Nothing(format!("the list ended {}, {}", moment(next), distance(now, next)))
        }
        _ if list.this_update.as_second() > now.as_second() + SKEW => {
            Said::Nothing(format!("the list is from the future: made {}", moment(list.this_update)))
        }
        _ => Said::NotRevoked,
    }
}

fn signed(list: &CertificateRevocationList<'_>, issuer: &Certificate) -> bool {
    X509Certificate::from_der(&issuer.der)
        .is_ok_and(|(_, issuer)| list.verify_signature(issuer.public_key()).is_ok())
}

/// A serial number without the zeros in front.
fn significant(hexadecimal: &str) -> String {
    hexadecimal.trim_start_matches('0').to_owned()
}

fn significant_bytes(bytes: &[u8]) -> String {
    significant(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
