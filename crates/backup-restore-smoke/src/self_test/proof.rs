//! Compares what was seen of a rehearsal with what has to be. Pure.

use evidence_report::{
    record::{Outcome, Requirement},
    self_test::{Expected, Proof},
};

use super::typed::{Seen, SeenFinding};

/// Whether what was seen is what has to be.
pub(super) fn compare(seen: &Seen, expected: &Expected) -> Proof {
    let complaint = || seen.findings.iter().find(|finding| is_complaint(finding));
    let said = |finding: &SeenFinding| format!("{}: {}", finding.subject, finding.observed);
    let code = seen.code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
    if !seen.left.is_empty() {
        return Proof::Slipped(format!("left behind: {}", seen.left.join("; ")));
    }
    if expected.is_sound() {
        return match complaint() {
            Some(complaint) => Proof::Slipped(format!("{code}, {} {}", complaint.check, said(complaint))),
            None if seen.code != Some(0) || seen.findings.is_empty() => {
                Proof::Slipped(format!("{code}, {}", seen.last_words))
            }
            None => Proof::Quiet,
        };
    }
    let fits = |finding: &&SeenFinding| {
        finding.check == expected.check.id
            && finding.outcome == word(expected.outcome)
            && expected.is_said_by(&finding.observed)
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

    const EXPECTED: Expected<'_> =
        Expected { check: &RESTORE_CONTENT, outcome: Outcome::Failed, says: &["1 row missing"] };
    const SOUND: Expected<'_> = Expected { check: &RESTORE_CONTENT, outcome: Outcome::Passed, says: &[] };

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
        let is_quiet = |seen: Seen| matches!(compare(&seen, &SOUND), Proof::Quiet);
        assert!(is_quiet(seen(0, RESTORE_CONTENT.id, "passed", "all tables")));
        assert!(is_quiet(seen(0, RESTORE_CONTENT.id, "not_checked_optional", "no objective")));
        for outcome in ["warned", "failed", "inconclusive", "not_checked"] {
            assert!(!is_quiet(seen(0, RESTORE_CONTENT.id, outcome, "")), "{outcome}");
        }
        assert!(!is_quiet(seen(3, RESTORE_CONTENT.id, "passed", "")));
        assert!(!is_quiet(Seen { code: Some(0), ..Seen::default() }), "nothing was looked at");
    }
}
