//! Whether there are backups at all, what the source itself complains of, and whether the archive of the
//! write-ahead log reaches as far as the backups need it.

use evidence_report::record::{Finding, Requirement};

use super::super::inventory::{Archive, Inventory, Weight};
use crate::{
    checks::{POLICY_ARCHIVE, POLICY_FOUND, POLICY_SOUND},
    wording::counted,
};

/// Only so many faults are listed one by one.
const LISTED: usize = 20;

pub(super) fn found(name: &str, seen: &Inventory) -> Vec<Finding> {
    let expected = format!("at least one backup at {}", seen.place);
    let mut findings = vec![match seen.backups.len() {
        0 => POLICY_FOUND.failed(name).expected(expected).observed("there is none"),
        count => POLICY_FOUND.passed(name).expected(expected).observed(format!(
            "{} at {}; time: {}; size: {}",
            counted(count as u64, "backup"),
            seen.place,
            seen.times,
            seen.sizes
        )),
    }];
    findings.extend(sound(name, seen));
    if !seen.backups.is_empty() {
        findings.push(archive(name, &seen.archive));
    }
    findings
}

fn sound(name: &str, seen: &Inventory) -> Vec<Finding> {
    let expected = "nothing to complain of";
    let told = seen.faults.iter().take(LISTED).map(|fault| {
        let subject = format!("{name}: {}", fault.subject);
        let made = match fault.weight {
            Weight::Bad => POLICY_SOUND.failed(subject),
            Weight::Doubtful => POLICY_SOUND.warned(subject),
        };
        made.expected(expected).observed(fault.said.clone())
    });
    let mut findings: Vec<_> = told.collect();
    if let Some(more) = seen.faults.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let observed = format!("{} more of that kind", counted(more as u64, "fault"));
        findings.push(POLICY_SOUND.failed(name).expected(expected).observed(observed));
    }
    if findings.is_empty() && !seen.backups.is_empty() {
        findings.push(
            POLICY_SOUND.passed(name).expected(expected).observed("no backup is empty or reported bad"),
        );
    }
    findings
}

fn archive(name: &str, archive: &Archive) -> Finding {
    let expected = "the archived write-ahead log that the backups need";
    match archive {
        Archive::NotTold(reason) => POLICY_ARCHIVE.not_checked(Requirement::Optional, name, *reason),
        Archive::Told { covers: true, words } => {
            POLICY_ARCHIVE.passed(name).expected(expected).observed(words.clone())
        }
        Archive::Told { covers: false, words } => {
            POLICY_ARCHIVE.failed(name).expected(expected).observed(words.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::{
        super::{super::inventory::Fault, samples::inventory},
        *,
    };

    #[test]
    fn no_backup_is_failed_and_never_a_pass() {
        let findings = found("nightly", &inventory(&[]));
        assert_eq!((findings.len(), findings[0].outcome), (1, Outcome::Failed));
        let findings = found("nightly", &inventory(&[(1, 10)]));
        assert!(findings.iter().any(|one| one.check.id == "policy.sound" && one.outcome == Outcome::Passed));
    }

    #[test]
    fn a_broken_archive_and_a_bad_backup_are_failed() {
        let mut seen = inventory(&[(1, 10)]);
        seen.archive = Archive::Told { covers: false, words: String::new() };
        let fault = Fault { subject: "x".to_owned(), said: "FAILED".to_owned(), weight: Weight::Bad };
        seen.faults = vec![fault; LISTED + 2];
        let findings = found("nightly", &seen);
        let of = |check| findings.iter().filter(move |one| one.check.id == check);
        assert_eq!(of("policy.sound").filter(|one| one.outcome == Outcome::Failed).count(), LISTED + 1);
        assert!(of("policy.archive").all(|one| one.outcome == Outcome::Failed));
    }
}
