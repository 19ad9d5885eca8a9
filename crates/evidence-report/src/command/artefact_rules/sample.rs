//! The rules of the sample repository over its files, as a user's check runs them.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::{Rule, assess, observe, trial::told};
use crate::record::{Finding, Outcome, Verdict};

#[derive(Deserialize)]
struct Rules {
    items: BTreeMap<u32, Item>,
}

/// Of the policy only the rules; the rest has tests of its own.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    rules: Vec<Rule>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/parallel-ops-track")
}

fn rules() -> Vec<Rule> {
    let text = fs_err::read_to_string(root().join("ops/tracker-policy.yaml")).unwrap();
    let rules: Rules = serde_saphyr::from_str(&text).unwrap();
    rules.items.into_values().flat_map(|item| item.rules).collect()
}

fn findings(as_of: &str) -> Vec<Finding> {
    let rules = rules();
    assess(&rules, &observe(&root(), &rules), as_of.parse().unwrap()).findings
}

#[test]
fn everything_that_the_sample_shows_holds_on_its_day() {
    let findings = findings("2026-11-27T12:00:00Z");
    assert_eq!(
        told(&findings),
        [
            "waived scan.findings doc/operations/evidence/scans/dependency.sarif:33 dependency, OSV-Scanner: GHSA-x0x0-0000-0001: severity 7.5, at go.mod:17"
        ]
    );
    let passed = findings.iter().filter(|finding| finding.outcome == Outcome::Passed);
    assert!(passed.clone().count() > 50);
    assert!(passed.clone().all(|finding| finding.location.is_some()
        || finding.check.id.starts_with("config")
        || finding.check.id.starts_with("network")));
}

#[test]
fn half_a_year_later_what_has_a_cadence_is_over() {
    let over: Vec<_> = told(&findings("2027-05-27T12:00:00Z"));
    for id in [
        "runbook.review",
        "drill.executed",
        "drill.planned",
        "secrets.rotation",
        "scan.findings",
        "audit.export",
        "audit.trace",
        "rollback.drill",
        "config.approval",
    ] {
        assert!(over.iter().any(|line| line.starts_with(&format!("failed {id}"))), "{id} in {over:#?}");
    }
}

#[test]
fn a_slip_in_a_rule_is_told_with_the_line_of_the_rule() {
    for (text, line, word) in [
        ("items:\n  2:\n    rules:\n      - rule: roster\n        fil: a.md\n", "line 4", "`fil`"),
        ("items:\n  2:\n    rules:\n      - rule: rooster\n        file: a.md\n", "line 4", "rooster"),
        ("items:\n  2:\n    rules:\n      - rule: roster\n", "line 4", "file"),
        (
            "items:\n  2:\n    rules:\n      - rule: rollback\n        file: a.md\n        objective: soon\n",
            "line 4",
            "soon",
        ),
    ] {
        let error = serde_saphyr::from_str::<Rules>(text).err().unwrap().without_snippet().to_string();
        assert!(error.contains(line) && error.contains(word), "{error}");
    }
}

/// What a rule is not shown never passes.
#[test]
fn a_file_withheld_is_never_a_pass() {
    let mut withheld = 0;
    for rule in rules() {
        for pattern in rule.needs() {
            let files = observe(&root(), [&rule]).paths(pattern).to_vec();
            for file in &files {
                let observed = observe(&root(), [&rule]).without(file);
                let findings = rule.assess(&observed, "2026-11-27T12:00:00Z".parse().unwrap());
                let stands = findings.iter().filter_map(|finding| finding.outcome.verdict());
                assert!(Verdict::worst(stands) > Verdict::Warned, "{rule:?} passes without {file}");
                withheld += 1;
            }
        }
    }
    assert!(withheld > 25, "{withheld}");
}
