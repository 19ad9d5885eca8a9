//! Compares what was seen of a rehearsal with what has to be. Pure.

use evidence_report::record::{Finding, Outcome, Requirement};

use super::{
    fault::{Expected, Fault},
    typed::{Seen, SeenFinding},
};

/// What came of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It was caught; what was said of it.
    Caught(String),
    /// It slipped through; what was said instead.
    Slipped(String),
    /// What is sound was left in peace.
    Quiet(String),
    /// It cannot be made on this machine, which says nothing about the tool; why.
    NotHere(String),
    /// It could not be made or looked at; why.
    Unable(String),
}

impl Proof {
    /// Whether the tool did what it should.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Caught(_) | Self::Quiet(_) | Self::NotHere(_))
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self, fault: &Fault) -> String {
        let (word, said) = match self {
            Self::Caught(said) => ("caught", said),
            Self::Slipped(said) => ("SLIPPED", said),
            Self::Quiet(said) => ("quiet", said),
            Self::NotHere(said) => ("not here", said),
            Self::Unable(said) => ("NOT MADE", said),
        };
        let check = if fault.is_sound() { String::new() } else { format!(" {}:", fault.proves.id) };
        format!("{word}{check} {}: {}", fault.title, shortened(said))
    }

    /// What the run's record says of it.
    pub(super) fn finding(&self, fault: &Fault) -> Finding {
        let subject = format!("self-test: {}", fault.title);
        let check = fault.proves;
        let expected = fault.expected().to_string();
        match self {
            Self::Caught(seen) | Self::Quiet(seen) => check.passed(subject).expected(expected).observed(seen),
            Self::Slipped(seen) => check
                .failed(subject)
                .expected(expected)
                .observed(seen)
                .remedy("Do not rely on this check of this build; report it as a defect."),
            Self::NotHere(why) => check.not_checked(Requirement::Optional, subject, why),
            Self::Unable(why) => check.not_checked(Requirement::Required, subject, why),
        }
    }
}

fn shortened(said: &str) -> String {
    const AT_MOST: usize = 160;
    let mut line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(AT_MOST).collect();
    if said.chars().nth(AT_MOST).is_some() {
        line.push('…');
    }
    line
}

/// Whether what was seen is what has to be.
pub(super) fn compare(seen: &Seen, expected: &Expected) -> Proof {
    let complaint = || seen.findings.iter().find(|finding| is_complaint(finding));
    let said = |finding: &SeenFinding| format!("{}: {}", finding.subject, finding.observed);
    let code = seen.code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
    if !seen.left.is_empty() {
        return Proof::Slipped(format!("left behind: {}", seen.left.join("; ")));
    }
    if expected.outcome == Outcome::Passed && expected.says.is_empty() {
        return match complaint() {
            Some(complaint) => Proof::Slipped(format!("{code}, {} {}", complaint.check, said(complaint))),
            None if seen.code != Some(0) || seen.findings.is_empty() => {
                Proof::Slipped(format!("{code}, {}", seen.last_words))
            }
            None => Proof::Quiet("nothing to complain of".to_owned()),
        };
    }
    let fits = |finding: &&SeenFinding| {
        finding.check == expected.check.id
            && finding.outcome == word(expected.outcome)
            && (expected.says.is_empty()
                || expected.says.iter().any(|words| finding.observed.contains(words)))
    };
    match (seen.findings.iter().find(fits), complaint()) {
        (Some(caught), _) if seen.code == Some(expected.code()) => {
            Proof::Caught(format!("{code}, {}", said(caught)))
        }
        (Some(caught), _) => Proof::Slipped(format!(
            "{code} instead of {}, though it was said: {}",
            expected.code(),
            said(caught)
        )),
        (None, Some(other)) => Proof::Slipped(format!(
            "{code}, found instead: {} {} {}",
            other.check,
            other.outcome,
            said(other)
        )),
        (None, None) => Proof::Slipped(format!("{code}, nothing was found; {}", seen.last_words)),
    }
}

fn is_complaint(finding: &SeenFinding) -> bool {
    !matches!(finding.outcome.as_str(), "passed" | "not_checked_optional")
}

/// The outcome, as the report says it.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Warned => "warned",
        Outcome::Failed => "failed",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Waived => "waived",
        Outcome::NotChecked(Requirement::Required) => "not_checked",
        Outcome::NotChecked(Requirement::Optional) => "not_checked_optional",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{RESTORE_COMPLETED, RESTORE_CONTENT};

    const EXPECTED: Expected =
        Expected { check: &RESTORE_CONTENT, outcome: Outcome::Failed, says: &["1 row missing"] };
    const SOUND: Expected = Expected { check: &RESTORE_CONTENT, outcome: Outcome::Passed, says: &[] };

    fn seen(code: i32, check: &str, outcome: &str, observed: &str) -> Seen {
        let finding = SeenFinding {
            check: check.to_owned(),
            outcome: outcome.to_owned(),
            subject: "shop.orders".to_owned(),
            observed: observed.to_owned(),
        };
        Seen { code: Some(code), findings: vec![finding], ..Seen::default() }
    }

    #[test]
    fn check_outcome_words_exit_code_and_remains_all_count() {
        let (id, observed) = (RESTORE_CONTENT.id, "1 row missing: 7 rows");
        let is_caught = |seen: Seen| matches!(compare(&seen, &EXPECTED), Proof::Caught(_));
        assert!(is_caught(seen(2, id, "failed", observed)));
        assert!(!is_caught(seen(2, RESTORE_COMPLETED.id, "failed", observed)));
        assert!(!is_caught(seen(2, id, "warned", observed)));
        assert!(!is_caught(seen(2, id, "failed", "1 row too many")));
        assert!(!is_caught(seen(3, id, "failed", observed)));
        let either = Expected { says: &["1 row missing", "rows missing"], ..EXPECTED };
        for (observed, wanted) in [("1 row missing: 7", true), ("2 rows missing", true), ("missing", false)] {
            let proof = compare(&seen(2, id, "failed", observed), &either);
            assert_eq!(matches!(proof, Proof::Caught(_)), wanted, "{observed}");
        }
        assert!(!is_caught(Seen { left: vec!["a folder".to_owned()], ..seen(2, id, "failed", observed) }));
        assert!(!is_caught(Seen { code: None, ..seen(2, id, "failed", observed) }));
    }

    #[test]
    fn of_what_is_sound_nothing_may_be_said() {
        let is_quiet = |seen: Seen| matches!(compare(&seen, &SOUND), Proof::Quiet(_));
        assert!(is_quiet(seen(0, RESTORE_CONTENT.id, "passed", "all tables")));
        assert!(is_quiet(seen(0, RESTORE_CONTENT.id, "not_checked_optional", "no objective")));
        for outcome in ["warned", "failed", "inconclusive", "not_checked"] {
            assert!(!is_quiet(seen(0, RESTORE_CONTENT.id, outcome, "")), "{outcome}");
        }
        assert!(!is_quiet(seen(3, RESTORE_CONTENT.id, "passed", "")));
        assert!(!is_quiet(Seen { code: Some(0), ..Seen::default() }), "nothing was looked at");
    }

    #[test]
    fn the_exit_code_follows_from_the_outcome() {
        let code = |outcome| Expected { outcome, ..EXPECTED }.code();
        assert_eq!(code(Outcome::Failed), 2);
        assert_eq!(code(Outcome::Inconclusive), 3);
        assert_eq!(code(Outcome::NotChecked(Requirement::Required)), 3);
        assert_eq!(code(Outcome::Passed), 0);
    }
}
