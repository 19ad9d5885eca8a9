//! Waivers, laid over the findings at the end of a run. A waiver hides nothing: what it sets aside is told with who, why
//! and until when; and a waiver that is of no use, or is over, is told too.

use jiff::Timestamp;

use super::waiver::{WAIVER, Waiver};
use crate::record::{Finding, Outcome, Requirement};

/// What a run has seen of what it was to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    Whole,
    /// A part: it was interrupted, or it is one shard of several.
    Part,
}

/// Sets aside what is waived, and says which waivers are over or of no use. `now` is the moment for which is
/// judged.
pub(crate) fn apply(
    waivers: &[Waiver],
    findings: &mut [Finding],
    now: Timestamp,
    extent: Extent,
) -> Vec<Finding> {
    waivers
        .iter()
        .filter_map(|waiver| {
            let finding = if now > waiver.until {
                over(waiver)
            } else if waiver.from.is_some_and(|from| now < from) {
                WAIVER.not_checked(Requirement::Optional, waiver.to_string(), "it has not begun yet")
            } else {
                lay(waiver, findings, extent)?
            };
            Some(finding.at(waiver.path.as_str(), Some(waiver.line).filter(|line| *line > 0)))
        })
        .collect()
}

fn over(waiver: &Waiver) -> Finding {
    let day = waiver.until.strftime("%Y-%m-%d");
    WAIVER
        .warned(waiver.to_string())
        .expected("a waiver that still holds, or none")
        .observed(format!(
            "expired {day} (approved by {}: {}); what it set aside counts again",
            waiver.approver, waiver.reason
        ))
        .remedy("Mend what it was for, and remove it; or have somebody decide anew.")
}

/// Sets aside; a finding where the waiver is of no use.
fn lay(waiver: &Waiver, findings: &mut [Finding], extent: Extent) -> Option<Finding> {
    let (mut used, mut unjudged) = (false, 0_u64);
    for finding in findings.iter_mut().filter(|finding| waiver.matches(finding)) {
        match finding.outcome {
            Outcome::Failed | Outcome::Warned => {
                *finding = finding.clone().waive(&waiver.approver, &waiver.reason, waiver.until);
                used = true;
            }
            Outcome::Waived => used = true,
            Outcome::Inconclusive | Outcome::NotChecked(Requirement::Required) => unjudged += 1,
            Outcome::Passed | Outcome::NotChecked(Requirement::Optional) => {}
        }
    }
    let expected = "at least one finding to set aside";
    match (used, unjudged, extent) {
        (true, ..) => None,
        (false, 1.., _) => Some(WAIVER.warned(waiver.to_string()).expected(expected).observed(format!(
            "matches {unjudged} finding{} that came to no result: what was not seen cannot be set aside",
            if unjudged == 1 { "" } else { "s" }
        ))),
        (false, 0, Extent::Part) => {
            Some(WAIVER.not_checked(Requirement::Optional, waiver.to_string(), IN_THIS_PART))
        }
        (false, 0, Extent::Whole) => Some(
            WAIVER
                .warned(waiver.to_string())
                .expected(expected)
                .observed("matches nothing that failed or warned"),
        ),
    }
}

/// Said of a waiver that a part of a run has no use for: another part may have.
pub(crate) const IN_THIS_PART: &str = "matches nothing that failed or warned in the part that was seen";

/// Whether a subject fits a pattern in which `*` stands for any characters, also for none. Brackets mean
/// themselves: they stand in IPv6 addresses.
pub(crate) fn fits(pattern: &str, subject: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| subject.strip_prefix(first)) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Check, Tool};
    use proptest::prelude::*;

    static LIFETIME: Check = Check { id: "tls.lifetime", title: "", explanation: "", remedy: "" };
    static TOOL: Tool = Tool { name: "t", version: "1", checks: &[&LIFETIME, &WAIVER] };

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn waiver(subject: &str, until: &str) -> Waiver {
        Waiver {
            check: "tls.lifetime".into(),
            subject: subject.into(),
            reason: "OPS-17".into(),
            approver: "Security lead".into(),
            from: None,
            until: until.parse().unwrap(),
            path: "tool.yaml".into(),
            line: 3,
            column: 14,
        }
    }

    fn outcomes(waiver: &Waiver, extent: Extent) -> (Vec<Outcome>, Vec<Finding>) {
        let mut findings = vec![
            LIFETIME.failed("db-1:443"),
            LIFETIME.warned("db-2:443"),
            LIFETIME.inconclusive("db-3:443"),
            LIFETIME.not_checked(Requirement::Required, "db-4:443", "cut off"),
            LIFETIME.passed("db-5:443"),
            WAIVER.failed("db-6:443"),
        ];
        let told = apply(std::slice::from_ref(waiver), &mut findings, now(), extent);
        (findings.iter().map(|finding| finding.outcome).collect(), told)
    }

    #[test]
    fn failures_and_warnings_are_set_aside_and_nothing_else() {
        let (seen, told) = outcomes(&waiver("db-*", "2026-11-23T12:00:00Z"), Extent::Whole);
        use Outcome::{Failed, Inconclusive, NotChecked, Passed, Waived};
        let unseen = NotChecked(Requirement::Required);
        assert_eq!(seen, [Waived, Waived, Inconclusive, unseen, Passed, Failed]);
        assert_eq!(told, []);
    }

    #[test]
    fn a_finding_in_a_file_is_named_with_or_without_its_line() {
        for (subject, outcome) in [
            ("bad.pem", Outcome::Waived),
            ("bad.pem:7", Outcome::Waived),
            ("*.pem:7", Outcome::Waived),
            ("bad.pem:8", Outcome::Failed),
        ] {
            let mut findings = [LIFETIME.failed("bad.pem").at("bad.pem", Some(7))];
            apply(&[waiver(subject, "2026-12-23T00:00:00Z")], &mut findings, now(), Extent::Whole);
            assert_eq!(findings[0].outcome, outcome, "{subject}");
        }
    }

    #[test]
    fn a_waiver_that_is_over_counts_no_more_and_is_told() {
        let (seen, told) = outcomes(&waiver("db-*", "2026-11-23T11:59:59Z"), Extent::Whole);
        assert_eq!(seen[0], Outcome::Failed);
        assert_eq!(told[0].outcome, Outcome::Warned);
        assert!(told[0].observed.starts_with("expired 2026-11-23 (approved by Security lead: OPS-17)"));
    }

    #[test]
    fn a_waiver_of_no_use_is_told() {
        for (subject, extent, outcome, words) in [
            ("db-5:443", Extent::Whole, Outcome::Warned, "matches nothing that failed"),
            ("nobody", Extent::Whole, Outcome::Warned, "matches nothing that failed"),
            ("nobody", Extent::Part, Outcome::NotChecked(Requirement::Optional), "in the part that was seen"),
            ("db-3:443", Extent::Whole, Outcome::Warned, "matches 1 finding that came to no result"),
            ("db-4:443", Extent::Part, Outcome::Warned, "what was not seen cannot be set aside"),
        ] {
            let (seen, told) = outcomes(&waiver(subject, "2026-12-23T00:00:00Z"), extent);
            assert!(!seen.contains(&Outcome::Waived));
            assert_eq!((told.len(), told[0].outcome), (1, outcome), "{subject}");
            assert!(told[0].observed.contains(words), "{}", told[0].observed);
            assert_eq!(told[0].location.as_ref().and_then(|place| place.line), Some(3));
        }
    }

    #[test]
    fn a_run_in_which_everything_is_waived_is_no_pass() {
        let mut findings = vec![LIFETIME.failed("a")];
        apply(&[waiver("a", "2026-12-23T00:00:00Z")], &mut findings, now(), Extent::Whole);
        let verdict = crate::record::Verdict::worst(findings.iter().filter_map(|f| f.outcome.verdict()));
        assert_eq!(verdict, crate::record::Verdict::Inconclusive);
    }

    #[test]
    fn an_unknown_check_and_the_check_of_waivers_are_refused() {
        let mut wrong = waiver("a", "2026-12-23T00:00:00Z");
        assert!(wrong.is_of(&TOOL).is_ok());
        wrong.check = "tls.lifetme".into();
        let message = wrong.is_of(&TOOL).unwrap_err().to_string();
        assert!(
            message.contains("tool.yaml")
                && message.contains("line 3")
                && message.contains("there are: tls.lifetime"),
            "{message}"
        );
        wrong.check = WAIVER.id.into();
        assert!(wrong.is_of(&TOOL).is_err());
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, subject, expected) in [
            ("a:443", "a:443", true),
            ("a:443", "a:4433", false),
            ("*.example:443", "db.shop.example:443", true),
            ("*.example:443", "example:443", false),
            ("db-*:443", "db-:443", true),
            ("db-*-*:443", "db-1-2:443", true),
            ("*a*a", "a", false),
            ("*", "anything", true),
            ("[::1]:443", "[::1]:443", true),
            ("[::*]:443", "[::1]:443", true),
            ("a*", "ba", false),
        ] {
            assert_eq!(fits(pattern, subject), expected, "{pattern} {subject}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_made_of_a_subject_fits_it(subject in "[a*é:]{0,12}", from in 0_usize..12, to in 0_usize..12) {
            let characters: Vec<_> = subject.chars().collect();
            let (from, to) = (from.min(characters.len()), to.min(characters.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern: String =
                characters[..from].iter().chain(&['*']).chain(&characters[to..]).collect();
            prop_assert!(fits(&pattern, &subject), "{pattern} {subject}");
        }
    }
}
