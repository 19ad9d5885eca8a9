//! What `renew-due` answers, from the certificates that were seen and from what could not be seen. Pure.

use std::process::ExitCode;

use evidence_report::record::{Check, Finding, Outcome, Requirement};
use jiff::Timestamp;

use super::rule::{Rule, used_percent};
use crate::{
    certificate::Certificate,
    checks::{
        FILE_CERTIFICATE, FILE_READABLE, FILES_FOUND, NETWORK_FOUND, STARTTLS_OFFERED, TARGETS_NAMED,
        TLS_CERTIFICATE, TLS_HANDSHAKE, TLS_NAME, TLS_REACHABLE,
    },
    wording::{distance, moment, printable, span},
};

/// The exit code for "cannot tell": systemd's `ExecCondition=` takes 1 to 254 for "skip", and only this one,
/// and an abnormal end, for a failure.
pub const CANNOT_TELL: u8 = 255;

/// What keeps this command from knowing: the certificate in question was not seen, or another one was.
static KEEPS_FROM_KNOWING: [&Check; 10] = [
    &TARGETS_NAMED,
    &FILES_FOUND,
    &FILE_READABLE,
    &FILE_CERTIFICATE,
    &NETWORK_FOUND,
    &TLS_REACHABLE,
    &STARTTLS_OFFERED,
    &TLS_HANDSHAKE,
    &TLS_CERTIFICATE,
    &TLS_NAME,
];

/// A certificate that would be renewed, and where it was seen.
#[derive(Debug, Clone)]
pub struct Candidate<'c> {
    /// The first of its places.
    pub place: String,
    /// It.
    pub certificate: &'c Certificate,
}

/// The answer, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// At least one certificate is due.
    Due(String),
    /// None is, and all were seen.
    NotDue(String),
    /// None of those that were seen is due, and not all were seen.
    CannotTell(String),
}

impl Answer {
    /// 0, 1 or 255: what `step certificate needs-renewal` answers, and `ExecCondition=` expects.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Due(_) => 0,
            Self::NotDue(_) => 1,
            Self::CannotTell(_) => CANNOT_TELL,
        })
    }
}

/// Answers. Whatever is due is due, even where something else could not be seen.
#[must_use]
pub fn answer(candidates: &[Candidate<'_>], findings: &[Finding], rule: &Rule, now: Timestamp) -> Answer {
    let mut by_moment: Vec<_> = candidates
        .iter()
        .map(|candidate| (rule.due_from(candidate.certificate.validity), candidate))
        .collect();
    by_moment.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.place.cmp(&other.place)));
    let due = by_moment.iter().filter(|(from, _)| *from <= now).count();
    let unseen: Vec<_> = findings.iter().filter(|finding| keeps_from_knowing(finding)).collect();
    match (by_moment.first(), unseen.first()) {
        (Some((_, first)), _) if due > 0 => {
            let others =
                [more(due - 1, "more due"), more(unseen.len(), "more that could not be seen")].concat();
            Answer::Due(format!("{}{others}", describe(first, now)))
        }
        (_, Some(first)) => {
            let subject = printable(&first.subject, 200);
            let why = format!("{subject}: {}", printable(&first.observed, 300));
            Answer::CannotTell(format!("{why}{}", more(unseen.len() - 1, "more that could not be seen")))
        }
        (Some((from, first)), None) => {
            let when = if first.certificate.validity.is_endless() {
                "never due".to_owned()
            } else {
                format!("due from {}, {}", moment(*from), distance(now, *from))
            };
            let others = match by_moment.len() {
                1 => String::new(),
                all => format!(" (the first of {all})"),
            };
            Answer::NotDue(format!("{}; {when}{others}", describe(first, now)))
        }
        (None, None) => Answer::CannotTell("no certificate of a server or client was found".to_owned()),
    }
}

fn more(count: usize, words: &str) -> String {
    if count == 0 { String::new() } else { format!(" (and {count} {words})") }
}

fn keeps_from_knowing(finding: &Finding) -> bool {
    let wrong = matches!(
        finding.outcome,
        Outcome::Failed | Outcome::Inconclusive | Outcome::NotChecked(Requirement::Required)
    );
    wrong && KEEPS_FROM_KNOWING.contains(&finding.check)
}

/// One certificate on one line.
#[must_use]
pub fn describe(candidate: &Candidate<'_>, now: Timestamp) -> String {
    let Certificate { validity, name, .. } = candidate.certificate;
    let place = printable(&candidate.place, 200);
    if validity.lifetime() < 0 {
        return format!("{place}: '{name}' ends before it begins");
    }
    if validity.is_endless() {
        return format!("{place}: '{name}' has no end (9999-12-31)");
    }
    if now < validity.not_before {
        return format!("{place}: '{name}' begins only on {}", moment(validity.not_before));
    }
    let lifetime = span(u64::try_from(validity.lifetime()).unwrap_or(0));
    let verb = if validity.not_after < now { "expired" } else { "expires" };
    let (end, when) = (moment(validity.not_after), distance(now, validity.not_after));
    match used_percent(*validity, now) {
        100.. => format!("{place}: '{name}' has used up its {lifetime}; {verb} {end}, {when}"),
        used => format!("{place}: '{name}' has used {used} % of its {lifetime}; {verb} {end}, {when}"),
    }
}
