//! Whether certificates were revoked, by the lists of their issuers (RFC 5280, 5 and 6.3). Lists come from
//! files, or were fetched because somebody asked for it; here they are only read. A list counts when it is its
//! issuer's (the name fits, and the signature holds) and was made for certificates like this one.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use evidence_report::record::{Finding, Requirement};
use jiff::Timestamp;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::{
    delta::Place,
    scope,
    strength::{self, Grade},
};
use crate::{
    certificate::Certificate,
    checks::TLS_REVOCATION,
    stores::RevocationList,
    wording::{distance, hexadecimal, moment, printable},
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

/// removeFromCRL (RFC 5280, 5.3.1).
const REMOVED: u32 = 8;

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
        REMOVED => "removed from the list",
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

/// Judges certificates by the lists of their issuers: of each list the signature is verified and the entries are
/// gone through once, however many certificates there are.
pub struct Judge<'l> {
    lists: &'l Lists,
    by_issuer: HashMap<&'l [u8], Vec<Read<'l>>>,
    /// All certificates that may have issued one, by their names: those that were seen, and the trusted roots.
    issuers: HashMap<&'l [u8], Vec<&'l Certificate>>,
    now: Timestamp,
}

/// A list that was parsed.
struct Read<'l> {
    place: &'l str,
    list: &'l RevocationList,
    /// Which of the issuer's lists it is.
    among: Place,
    /// Until when it speaks: longer than the list alone, where a delta list was joined to it.
    until: Option<Timestamp>,
    /// Where the delta lists come from that were joined to it.
    joined: Vec<&'l str>,
    /// When and why, by the serial number.
    revoked: HashMap<String, (Timestamp, u32)>,
    /// Those whose key made its signature.
    signers: HashSet<[u8; 32]>,
}

impl<'l> Judge<'l> {
    /// `issuers` are all certificates that may have issued one: those that were seen, and the trusted roots.
    #[must_use]
    pub fn new(lists: &'l Lists, issuers: &'l [Arc<Certificate>], now: Timestamp) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for issuer in issuers {
            by_name.entry(issuer.subject_der.as_slice()).or_default().push(issuer.as_ref());
        }
        let mut by_issuer: HashMap<_, Vec<Read<'_>>> = HashMap::new();
        for source in lists.given.iter().chain(lists.fetched.values()) {
            let Ok(list) = &source.list else { continue };
            let issuer = list.issuer_der.as_slice();
            let known = by_issuer.entry(issuer).or_default();
            if !known.iter().any(|read| read.list.der == list.der) {
                known.extend(Read::of(&source.place, list, by_name.get(issuer).map_or(&[], Vec::as_slice)));
            }
        }
        by_issuer.values_mut().for_each(|reads| join(reads));
        Self { lists, by_issuer, issuers: by_name, now }
    }

    /// Whether there is anything to say of it: somebody asked for the lists, or gave one of its issuer.
    #[must_use]
    pub fn concerns(&self, suspect: &Suspect<'_>) -> bool {
        let is_given = |source: &Source| {
            source
                .list
                .as_ref()
                .is_ok_and(|list| list.issuer_der.as_slice() == &*suspect.certificate.issuer_der)
        };
        !suspect.certificate.is_self_issued
            && !suspect.places.is_empty()
            && (self.lists.are_wanted || self.lists.given.iter().any(is_given))
    }

    /// What the lists say about one.
    #[must_use]
    pub fn finding(&self, suspect: &Suspect<'_>) -> Option<Finding> {
        (!self.lists.given.is_empty() || self.lists.are_wanted).then(|| self.one(suspect)).flatten()
    }

    fn one(&self, suspect: &Suspect<'_>) -> Option<Finding> {
        let (lists, now) = (self.lists, self.now);
        let certificate = suspect.certificate;
        if certificate.is_self_issued {
            return None;
        }
        let subject = subject(suspect)?;
        let expected = "not revoked by its issuer";
        let mut reasons = Vec::new();
        let mut passed = None;
        for read in self.by_issuer.get(certificate.issuer_der.as_ref()).into_iter().flatten() {
            match self.said(certificate, read) {
                Said::Revoked(at, code) => {
                    let which = format!("revoked {}, {} ({})", moment(at), distance(now, at), reason(code));
                    let finding = TLS_REVOCATION.failed(subject).expected(expected).observed(format!(
                        "{which}, says the {}{}",
                        read.in_words(),
                        elsewhere(suspect)
                    ));
                    let remedy = format!(
                        "Replace '{}' (serial {}) at once, with a new key, wherever it is presented.",
                        certificate.name, certificate.serial
                    );
                    return Some(finding.remedy(remedy).hurts_at(at));
                }
                Said::NotRevoked => passed = Some(read),
                Said::Nothing(why) => reasons.push(format!("{}: {why}", printable(read.place, 160))),
            }
        }
        if let Some(read) = passed {
            let until = read.until.map_or_else(String::new, |next| format!(", good until {}", moment(next)));
            let observed = format!("not on the {}{until}", read.in_words());
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

    fn said(&self, certificate: &Certificate, read: &Read<'_>) -> Said {
        let (list, now) = (read.list, self.now);
        let may_sign = |issuer: &&Certificate| {
            issuer.key_use.is_none_or(|key_use| key_use.revocations)
                && read.signers.contains(&issuer.fingerprint)
                // A signature that nobody verifies any more does not hide a revocation.
                && (strength::signature(certificate).grade == Grade::Weak || certificate.is_signed_by(issuer))
        };
        let mut issuers = self.issuers.get(&*certificate.issuer_der).into_iter().flatten().copied();
        if !issuers.any(|issuer| may_sign(&issuer)) {
            let why =
                "its signature is not that of the certificate's issuer, or the issuer is not known here";
            return Said::Nothing(why.to_owned());
        }
        let listed = read.revoked.get(significant(&certificate.serial));
        // Even a list that has ended, or that was made for others, proves it: a revocation is for good, but for what is
        // only on hold, and an issuer gives each serial number once.
        if let Some(&(at, code)) = listed.filter(|(_, code)| *code != REMOVED)
            && !scope::is_about_something_else(list)
        {
            return Said::Revoked(at, code);
        }
        if list.is_delta {
            let base = read.among.base().map_or_else(String::new, |number| format!(" number {number}"));
            return Said::Nothing(format!(
                "it is a delta list, which says only what changed since the issuer's list{base}: name that list, or a later \
                 one, beside it with --crl"
            ));
        }
        if let Some(why) = scope::silence(list, certificate) {
            return Said::Nothing(why);
        }
        match read.until {
            Some(next) if next.as_second() < now.as_second() => {
                Said::Nothing(format!("the list ended {}, {}", moment(next), distance(now, next)))
            }
            _ if list.this_update.as_second() > now.as_second() + SKEW => {
                Said::Nothing(format!("the list is from the future: made {}", moment(list.this_update)))
            }
            _ => Said::NotRevoked,
        }
    }
}

impl<'l> Read<'l> {
    /// Nothing, where it cannot be parsed: that is said where the list lies.
    fn of(place: &'l str, list: &'l RevocationList, issuers: &[&Certificate]) -> Option<Self> {
        let (_, parsed) = CertificateRevocationList::from_der(&list.der).ok()?;
        let mut revoked = HashMap::new();
        // An entry without a word about its issuer has the one before it (5.3.3).
        let mut is_own = true;
        for entry in parsed.iter_revoked_certificates() {
            is_own = scope::is_entry_of(&list.issuer_der, entry).unwrap_or(is_own);
            if !is_own {
                continue;
            }
            let at = Timestamp::from_second(entry.revocation_date.timestamp()).unwrap_or(list.this_update);
            let code = entry.reason_code().map_or(0, |(_, code)| u32::from(code.0));
            revoked.entry(significant_bytes(entry.raw_serial())).or_insert((at, code));
        }
        let signers = issuers.iter().filter(|issuer| signed(&parsed, issuer));
        let signers = signers.map(|issuer| issuer.fingerprint).collect();
        let (among, until, joined) = (Place::of(list), list.next_update, Vec::new());
        Some(Self { place, list, among, until, joined, revoked, signers })
    }

    /// `list of 'Root' in root.crl`.
    fn in_words(&self) -> String {
        let kind = if self.list.is_delta { "delta list" } else { "list" };
        let joined =
            self.joined.iter().map(|place| format!(" with the delta list in {}", printable(place, 160)));
        let joined: String = joined.collect();
        format!("{kind} of '{}' in {}{joined}", self.list.issuer, printable(self.place, 160))
    }
}

/// Joins the delta lists of an issuer to those of its lists that they change, the newest delta last. The deltas
/// themselves stay: what is revoked on one is revoked, whatever it can be joined to.
fn join(reads: &mut [Read<'_>]) {
    let (mut deltas, mut whole): (Vec<_>, Vec<_>) = reads.iter_mut().partition(|read| read.list.is_delta);
    deltas.sort_by(|one, other| one.among.newer_last(&other.among));
    for list in &mut whole {
        for delta in &deltas {
            if list.among.may_be_joined_by(&delta.among) && !list.signers.is_disjoint(&delta.signers) {
                list.revoked.extend(delta.revoked.iter().map(|(serial, what)| (serial.clone(), *what)));
                list.until = list.until.max(delta.until);
                list.joined.push(delta.place);
            }
        }
    }
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

fn signed(list: &CertificateRevocationList<'_>, issuer: &Certificate) -> bool {
    X509Certificate::from_der(&issuer.der)
        .is_ok_and(|(_, issuer)| list.verify_signature(issuer.public_key()).is_ok())
}

/// A serial number without the zeros in front.
fn significant(hexadecimal: &str) -> &str {
    hexadecimal.trim_start_matches('0')
}

fn significant_bytes(bytes: &[u8]) -> String {
    significant(&hexadecimal(bytes)).to_owned()
}
