//! Whether recovery came where it was to end. Pure: what the server said comes in, a judgement goes out.

use evidence_report::record::Finding;
use jiff::Timestamp;

use crate::{
    checks::{ENVIRONMENT, RECOVERY_TARGET},
    plan::RecoveryTarget,
    wal::Lsn,
};

/// How recovery ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Stopped {
    /// The last place that was replayed.
    pub(super) place: Option<Lsn>,
    /// The newest commit that was replayed.
    pub(super) newest_commit: Option<Timestamp>,
    /// The way that it took, as far as the archive's histories tell.
    pub(super) way: String,
    /// Whether the server waits to be promoted; otherwise it has promoted itself.
    pub(super) paused: bool,
    /// What the server reported meanwhile.
    pub(super) reports: Vec<String>,
}

/// Words of the reports that say why the log could not be read on.
const REASONS: [&str; 9] = [
    "invalid record",
    "invalid magic",
    "invalid resource manager",
    "invalid contrecord",
    "incorrect",
    "unexpected pageaddr",
    "record with",
    "out-of-sequence",
    "there is no contrecord",
];

impl Stopped {
    /// `recovery stopping …`, as the server says it when it meets its target.
    fn met(&self) -> Option<&str> {
        self.reports.iter().rev().map(String::as_str).find(|report| report.starts_with("recovery stopping"))
    }

    fn too_small(&self) -> Option<&str> {
        let small = |report: &&str| report.contains("insufficient parameter settings");
        self.reports.iter().map(String::as_str).find(small)
    }
}

/// Why the log was not read on, as far as the server said it.
pub(super) fn why_it_ended(reports: &[String]) -> Option<String> {
    let reason = |report: &&String| REASONS.iter().any(|word| report.contains(word));
    let newest = reports.iter().rev().find(|report| report.starts_with("last completed transaction"));
    let said: Vec<_> = reports.iter().rev().find(reason).into_iter().chain(newest).cloned().collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// Judges a recovery that came to an end.
pub(super) fn judge(target: &RecoveryTarget, inclusive: bool, stopped: &Stopped) -> Finding {
    let expected = match target {
        RecoveryTarget::Lsn(_) | RecoveryTarget::Time(_) if !inclusive => {
            format!("recovery to just before {target}")
        }
        _ => format!("recovery to {target}"),
    };
    let Some(place) = stopped.place else {
        return RECOVERY_TARGET.failed("recovery").expected(expected).observed("nothing was replayed");
    };
    let commit = stopped.newest_commit.map_or_else(String::new, |at| format!(", newest commit of {at}"));
    let on = if stopped.way.is_empty() { String::new() } else { format!(" on timeline {}", stopped.way) };
    let at = format!("replayed to {place}{on}{commit}");
    if let (Some(said), None) = (stopped.too_small(), stopped.met()) {
        return ENVIRONMENT.inconclusive("room of the copy").expected(expected).observed(said);
    }
    let enough = match target {
        RecoveryTarget::End { expected } => place >= *expected,
        RecoveryTarget::Lsn(wanted) => stopped.met().is_some() && (!inclusive || place >= *wanted),
        RecoveryTarget::Time(wanted) => {
            stopped.met().is_some() && stopped.newest_commit.is_none_or(|commit| commit <= *wanted)
        }
        RecoveryTarget::Consistent | RecoveryTarget::Name(_) => stopped.met().is_some(),
    };
    if enough {
        return RECOVERY_TARGET.passed("recovery").expected(expected).observed(at);
    }
    let why = why_it_ended(&stopped.reports).map_or_else(String::new, |why| format!("; {why}"));
    RECOVERY_TARGET.failed("recovery").expected(expected).observed(format!("{at} and no further{why}"))
}

/// A target before the backup was begun: PostgreSQL stops at the first later commit of the log, and has no eye for those
/// that lie in the files already. Where one comes before the copy is consistent it refuses by itself.
pub(super) fn judge_beginning(
    target: &RecoveryTarget,
    backup: &str,
    begun: Option<Timestamp>,
) -> Option<Finding> {
    let (RecoveryTarget::Time(wanted), Some(begun)) = (target, begun) else { return None };
    (begun > *wanted).then(|| {
        RECOVERY_TARGET
            .failed(backup)
            .expected(format!("a backup that was begun before {target}"))
            .observed(format!(
                "it was begun {begun}: what was committed up to then is in its files, and no recovery takes it out"
            ))
            .remedy(
                "Take an older backup (--backup, --set, --backup-id), or a later time; where the backup is older than it \
                 says, the clock that made it was wrong.",
            )
    })
}

/// Judges a server that ended in the middle of its recovery: its last error, and what led to it.
pub(super) fn judge_death(
    target: &RecoveryTarget,
    last: Option<(String, String)>,
    reports: &[String],
    older: &[String],
) -> Finding {
    let expected = format!("recovery to {target}");
    let (code, message) = last.unwrap_or_else(|| ("no SQLSTATE".to_owned(), "it said nothing".to_owned()));
    let why = why_it_ended(reports).map_or_else(String::new, |why| format!("; {why}"));
    let observed = format!("the server ended: {message} ({code}){why}");
    // Class 53 is a lack of memory, space or connections; F0 and 22023 are mistakes in our own configuration.
    if code.starts_with("53") || code.starts_with("F0") || code == "22023" {
        return ENVIRONMENT.inconclusive("scratch server").expected(expected).observed(observed);
    }
    // A restore point does not say when it was made: an older backup may lie before it.
    if let (RecoveryTarget::Name(_), [newest, ..]) = (target, older)
        && message.contains("before configured recovery target")
    {
        let observed = format!(
            "the log behind the newest backup holds no such restore point ({message}); older backups were not tried"
        );
        let remedy = format!(
            "If it was made before the newest backup ended, name the newest backup of before it: {newest}{}. If it was made \
             afterwards, its segment has not come to the archive; if on another timeline, name that with \
             --target-timeline.",
            older[1..].iter().map(|other| format!(", or {other}")).collect::<String>()
        );
        return RECOVERY_TARGET.inconclusive("recovery").expected(expected).observed(observed).remedy(remedy);
    }
    let finding = RECOVERY_TARGET.failed("recovery").expected(expected).observed(observed);
    match target {
        RecoveryTarget::Time(_) if message.contains("before configured recovery target") => finding.remedy(
            "The archive holds no commit after this time. If it should, segments are missing; if the source was \
             idle then, take a time at or before its last commit, or a place (--target-lsn).",
        ),
        RecoveryTarget::Name(_) if message.contains("before configured recovery target") => finding.remedy(
            "The log behind this backup holds no such restore point. If it was written before this backup ended, take an \
             older one (--set, --backup-id, --backup); if afterwards, its segment has not come to the archive; if on \
             another timeline, name that with --target-timeline.",
        ),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    fn stopped(place: u64, reports: &[&str]) -> Stopped {
        Stopped {
            place: Some(Lsn(place)),
            newest_commit: Some(Timestamp::from_second(100).unwrap()),
            way: "1".to_owned(),
            paused: true,
            reports: reports.iter().map(|report| (*report).to_owned()).collect(),
        }
    }

    #[test]
    fn a_target_is_reached_or_it_is_not() {
        let met = ["recovery stopping after reaching consistency"];
        let time = |second| RecoveryTarget::Time(Timestamp::from_second(second).unwrap());
        for (target, inclusive, place, reports, outcome) in [
            (RecoveryTarget::End { expected: Lsn(9) }, true, 9, &[][..], Outcome::Passed),
            (RecoveryTarget::End { expected: Lsn(9) }, true, 8, &[][..], Outcome::Failed),
            (RecoveryTarget::Lsn(Lsn(9)), true, 9, &met[..], Outcome::Passed),
            (RecoveryTarget::Lsn(Lsn(9)), true, 8, &met[..], Outcome::Failed),
            (RecoveryTarget::Lsn(Lsn(9)), false, 8, &met[..], Outcome::Passed),
            (RecoveryTarget::Name("x".into()), true, 9, &[][..], Outcome::Failed),
            (RecoveryTarget::Consistent, true, 9, &met[..], Outcome::Passed),
            (time(100), true, 9, &met[..], Outcome::Passed),
            (time(99), true, 9, &met[..], Outcome::Failed),
            (
                RecoveryTarget::Consistent,
                true,
                9,
                &["hot standby is not possible because of insufficient parameter settings"][..],
                Outcome::Inconclusive,
            ),
        ] {
            assert_eq!(
                judge(&target, inclusive, &stopped(place, reports)).outcome,
                outcome,
                "{target} {place}"
            );
        }
        assert_eq!(judge(&RecoveryTarget::Consistent, true, &Stopped::default()).outcome, Outcome::Failed);
    }

    #[test]
    fn a_target_before_the_backup_is_not_reached() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let time = RecoveryTarget::Time(at(100));
        for (target, begun, refused) in [
            (&time, Some(99), false),
            (&time, Some(100), false),
            (&time, Some(101), true),
            (&time, None, false),
            (&RecoveryTarget::Consistent, Some(101), false),
        ] {
            let judged = judge_beginning(target, "base", begun.map(at));
            assert_eq!(
                judged.is_some_and(|finding| finding.outcome == Outcome::Failed),
                refused,
                "{begun:?}"
            );
        }
    }

    #[test]
    fn a_death_tells_why_and_whose_fault_it_is() {
        let reports = ["invalid record length at 0/3000148: wanted 24, got 0".to_owned()];
        let dead = |code: &str, message: &str| {
            judge_death(&RecoveryTarget::Consistent, Some((code.into(), message.into())), &reports, &[])
        };
        let ended = dead("XX000", "recovery ended before configured recovery target was reached");
        assert_eq!(ended.outcome, Outcome::Failed);
        assert!(ended.observed.contains("0/3000148"), "{}", ended.observed);
        assert_eq!(dead("53100", "could not write").outcome, Outcome::Inconclusive);
        assert_eq!(judge_death(&RecoveryTarget::Consistent, None, &[], &[]).outcome, Outcome::Failed);
        let ended = "recovery ended before configured recovery target was reached";
        let unknown = |older: &[String]| {
            let last = Some(("XX000".to_owned(), ended.to_owned()));
            judge_death(&RecoveryTarget::Name("x".to_owned()), last, &reports, older)
        };
        assert_eq!(unknown(&[]).outcome, Outcome::Failed);
        let older = unknown(&["--set B".to_owned(), "--set A".to_owned()]);
        assert_eq!(older.outcome, Outcome::Inconclusive);
        assert!(older.remedy.contains("--set B, or --set A."), "{older:?}");
    }
}
