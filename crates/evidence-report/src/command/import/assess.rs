//! From what another tool told to findings. Pure but for the run that it adds them to.

use std::{collections::HashMap, time::Duration};

use clap::ValueEnum;
use jiff::Timestamp;

use super::{
    checks::{COMPLETE, RECENT},
    told::{Account, Said, Told, Unreadable},
};
use crate::{
    record::{Check, Finding, Outcome, Requirement},
    run::{Mask, Run, redact},
};

/// Of each kind that is no pass so many results are kept one by one; the rest is counted.
const KEPT: u64 = 2_000;

/// What a skipped test counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(in crate::command) enum Skipped {
    /// It is shown, and neutral.
    #[default]
    Optional,
    /// It stands in the way of a pass.
    Required,
}

/// How often a file said what.
pub(super) type Counts = HashMap<Said, u64>;

/// Takes in the results of one file.
pub(super) struct Tally<'r> {
    run: &'r Run,
    check: &'static Check,
    skipped: Skipped,
    /// The file, where there are several.
    file: Option<String>,
    /// What a good result would be.
    expected: &'static str,
    counts: Counts,
}

impl<'r> Tally<'r> {
    pub(super) fn new(
        run: &'r Run,
        check: &'static Check,
        skipped: Skipped,
        file: Option<String>,
        expected: &'static str,
    ) -> Self {
        Self { run, check, skipped, file, expected, counts: Counts::new() }
    }

    pub(super) fn take(&mut self, told: Told) {
        let number = self.counts.entry(told.said).or_insert(0);
        *number += 1;
        // The run itself counts what passed beyond what is kept.
        if told.said == Said::Passed || *number <= KEPT {
            let finding = finding(self.check, told, self.skipped, self.file.as_deref(), self.expected);
            self.run.finding(finding);
        }
    }

    pub(super) fn end(self) -> Counts {
        for (said, number) in &self.counts {
            if *said != Said::Passed && *number > KEPT {
                self.run.counted(self.check, outcome(*said, self.skipped), number - KEPT);
            }
        }
        self.counts
    }
}

fn outcome(said: Said, skipped: Skipped) -> Outcome {
    match (said, skipped) {
        (Said::Passed, _) => Outcome::Passed,
        (Said::Warned, _) => Outcome::Warned,
        (Said::Failed, _) => Outcome::Failed,
        (Said::Undecided, _) => Outcome::Inconclusive,
        (Said::Skipped, Skipped::Optional) => Outcome::NotChecked(Requirement::Optional),
        (Said::Skipped, Skipped::Required) => Outcome::NotChecked(Requirement::Required),
    }
}

fn finding(
    check: &'static Check,
    told: Told,
    skipped: Skipped,
    file: Option<&str>,
    expected: &'static str,
) -> Finding {
    // Messages of others hold what their programs printed: secrets go, as they do from a captured command.
    let words = match told.said {
        Said::Passed => told.words,
        _ => redact::text(&Mask::default().text(&told.words)),
    };
    let subject = file.map_or_else(|| told.subject.clone(), |file| format!("{file}: {}", told.subject));
    let finding = match outcome(told.said, skipped) {
        Outcome::Passed => check.passed(subject),
        Outcome::Warned => check.warned(subject),
        Outcome::Failed => check.failed(subject),
        Outcome::NotChecked(requirement) => check.not_checked(requirement, subject, words.clone()),
        Outcome::Inconclusive | Outcome::Waived => check.inconclusive(subject),
    };
    let finding = finding.expected(expected).observed(words);
    match told.place {
        Some((path, line)) => finding.at(path, line),
        None => finding,
    }
}

/// The same file was named before.
pub(super) fn again(name: &str, first: &str) -> Finding {
    COMPLETE
        .warned(name)
        .expected("each report once")
        .observed(format!("it is {first} once more, to the letter: counted once"))
        .remedy("Name each report once; of a command that copies reports, find out why it copied this one.")
}

/// The file could not be opened.
pub(super) fn unread(name: &str, error: &std::io::Error) -> Finding {
    let finding = COMPLETE.inconclusive(name).expected("a report that can be read");
    finding
        .observed(format!("reading it: {error}"))
        .remedy("Name a file that exists, that you may read, and that is a report.")
}

/// Whether the file is the whole story.
pub(super) fn complete(name: &str, account: &Result<Account, Unreadable>, counts: &Counts) -> Vec<Finding> {
    let expected = "a whole report, with at least one test that was run";
    let told = told(counts);
    let account = match account {
        Ok(account) => account,
        Err(error) => {
            let finding = COMPLETE.inconclusive(name).expected(expected);
            return vec![finding.observed(format!("{error}; read before that: {told}")).at(name, error.line)];
        }
    };
    let of_gap = |gap: &String| COMPLETE.inconclusive(name).expected(expected).observed(gap);
    let mut findings: Vec<_> = account.gaps.iter().map(of_gap).collect();
    if findings.is_empty() {
        // Skipped tests are neutral: a report of nothing else must not pass by being whole.
        let made =
            counts.iter().filter(|(said, _)| **said != Said::Skipped).map(|(_, number)| number).sum::<u64>();
        findings.push(match (counts.is_empty(), made) {
            (true, _) => COMPLETE.inconclusive(name).expected(expected).observed("it holds no result"),
            (false, 0) => {
                let observed = format!("nothing in it was really run: {told}");
                COMPLETE.inconclusive(name).expected(expected).observed(observed)
            }
            (false, _) => COMPLETE.passed(name).expected(expected).observed(told),
        });
    }
    findings
}

fn told(counts: &Counts) -> String {
    let kinds = [
        (Said::Failed, "failed"),
        (Said::Undecided, "undecided"),
        (Said::Warned, "warned"),
        (Said::Skipped, "skipped"),
        (Said::Passed, "passed"),
    ];
    let words: Vec<_> =
        kinds.iter().filter_map(|(said, word)| Some(format!("{} {word}", counts.get(said)?))).collect();
    if words.is_empty() { "nothing".into() } else { words.join(", ") }
}

/// Whether the report is young enough. `told` is the time in it, `changed` when its file was last written.
pub(super) fn recent(
    name: &str,
    told: Option<Timestamp>,
    changed: Option<Timestamp>,
    max_age: Duration,
    now: Timestamp,
) -> Finding {
    const AHEAD: i64 = 3600;
    let expected = format!("made within the last {} h", max_age.as_secs().div_ceil(3600));
    let (at, source) = match (told, changed) {
        (Some(at), _) => (at, "as it says itself"),
        (None, Some(at)) => (at, "when the file was last written; it tells no time itself"),
        (None, None) => {
            let reason = "it tells no time, and standard input has none";
            return RECENT.not_checked(Requirement::Optional, name, reason).expected(expected);
        }
    };
    let age = now.as_second() - at.as_second();
    let observed = format!("{}, {source}", at.strftime("%Y-%m-%d %H:%M UTC"));
    let finding = if age < -AHEAD {
        RECENT.inconclusive(name).remedy("Set the clocks of both machines right.")
    } else if u64::try_from(age).unwrap_or(0) > max_age.as_secs() {
        RECENT.failed(name)
    } else {
        RECENT.passed(name)
    };
    finding.expected(expected).observed(observed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_as_old_as_it_says() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let day = Duration::from_secs(86_400);
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let outcome = |told, changed| recent("x", told, changed, day, now).outcome;
        assert_eq!(outcome(at("2026-11-26T12:00:00Z"), None), Outcome::Passed);
        assert_eq!(outcome(at("2026-11-26T11:59:59Z"), None), Outcome::Failed);
        assert_eq!(
            outcome(at("2026-11-26T11:59:59Z"), Some(now)),
            Outcome::Failed,
            "a copy makes it no younger"
        );
        assert_eq!(outcome(None, Some(now)), Outcome::Passed);
        assert_eq!(outcome(at("2026-11-27T13:00:00Z"), None), Outcome::Passed);
        assert_eq!(outcome(at("2026-11-27T13:00:01Z"), None), Outcome::Inconclusive);
        assert_eq!(outcome(None, None), Outcome::NotChecked(Requirement::Optional));
    }

    #[test]
    fn an_empty_report_and_a_gap_are_inconclusive() {
        let of = |account, counts: &Counts| complete("x", &Ok(account), counts)[0].outcome;
        let one = Counts::from([(Said::Passed, 1)]);
        assert_eq!(of(Account::default(), &one), Outcome::Passed);
        assert_eq!(of(Account::default(), &Counts::new()), Outcome::Inconclusive);
        assert_eq!(of(Account::default(), &Counts::from([(Said::Skipped, 5)])), Outcome::Inconclusive);
        let gap = Account { gaps: vec!["cut".into()], ..Account::default() };
        assert_eq!(of(gap, &one), Outcome::Inconclusive);
        let broken = Err(Unreadable { why: "cut".into(), line: Some(3) });
        let finding = &complete("x", &broken, &one)[0];
        assert_eq!(finding.outcome, Outcome::Inconclusive);
        assert!(finding.observed.contains("read before that: 1 passed"));
        assert_eq!(finding.location.as_ref().unwrap().line, Some(3));
    }

    #[test]
    fn skipped_never_passes() {
        for skipped in [Skipped::Optional, Skipped::Required] {
            assert_ne!(outcome(Said::Skipped, skipped).verdict(), Some(crate::record::Verdict::Passed));
        }
    }
}
