//! What the tests of the rules share: files as texts, and findings as lines that can be compared.

use serde::de::DeserializeOwned;

use crate::record::{Finding, Outcome};

/// A rule as it stands in a policy.
pub(super) fn rule<R: DeserializeOwned>(text: &str) -> R {
    serde_saphyr::from_str(text).unwrap()
}

/// What did not pass, a line each: `failed oncall.roster file:line subject: observed`.
pub(super) fn told(findings: &[Finding]) -> Vec<String> {
    let bad = findings.iter().filter(|finding| finding.outcome != Outcome::Passed);
    bad.map(line).collect()
}

/// One finding as a line.
pub(super) fn line(finding: &Finding) -> String {
    let word = match finding.outcome {
        Outcome::Failed => "failed",
        Outcome::Warned => "warned",
        Outcome::Inconclusive => "inconclusive",
        Outcome::NotChecked(_) => "not checked",
        Outcome::Passed => "passed",
        Outcome::Waived => "waived",
    };
    let place = finding.location.as_ref().map_or_else(String::new, |place| {
        let line = place.line.map_or_else(String::new, |line| format!(":{line}"));
        format!(" {}{line}", place.path)
    });
    assert!(
        !finding.expected.is_empty() || word == "not checked",
        "{finding:?} says not what would be right"
    );
    format!("{word} {}{place} {}: {}", finding.check.id, finding.subject, finding.observed)
}

/// Asserts that exactly one finding did not pass, and that its line contains this.
#[track_caller]
pub(super) fn one(findings: &[Finding], part: &str) {
    let told = told(findings);
    assert!(told.len() == 1 && told[0].contains(part), "'{part}' in {told:#?}");
}

/// Asserts that everything passed, and that something did.
#[track_caller]
pub(super) fn right(findings: &[Finding]) {
    assert_eq!(told(findings), [""; 0]);
    assert!(!findings.is_empty(), "nothing was checked");
}
