//! Coverage: each family of faults has an alert, and each alert is tested both ways. Pure.

use std::collections::BTreeMap;

use evidence_report::record::Finding;

use super::{Placed, RuleFile, alerts, checks, config::Family, placed};
use crate::rules::unit_test::UnitTest;

/// Judges the families.
pub(crate) fn families(files: &[RuleFile], families: &[Family]) -> Vec<Finding> {
    let judge = |family: &Family| {
        let of: Vec<_> = alerts(files)
            .filter(|alert| belongs(alert, family))
            .map(|alert| alert.rule.name.clone())
            .collect();
        let check = &checks::COVERAGE;
        let finding = if of.is_empty() { check.failed(&family.family) } else { check.passed(&family.family) };
        let seen =
            if of.is_empty() { "no alert of the files belongs to it".to_owned() } else { of.join(", ") };
        finding.expected("at least one alert").observed(seen)
    };
    families.iter().map(judge).collect()
}

fn belongs(alert: &Placed<'_>, family: &Family) -> bool {
    let whole = |pattern: &regex::Regex, name: &str| {
        pattern.find_iter(name).any(|found| found.start() == 0 && found.end() == name.len())
    };
    family.alert.as_ref().is_none_or(|pattern| whole(&pattern.0, &alert.rule.name))
        && family.labels.iter().all(|(name, value)| alert.rule.labels.get(name) == Some(value))
}

/// Judges which alerts have a case in which they must fire, and one in which they must not.
pub(crate) fn tested(files: &[RuleFile], tests: &[UnitTest]) -> Vec<Finding> {
    let mut seen: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for expectation in tests.iter().flat_map(|test| &test.expectations) {
        let (fires, quiet) = seen.entry(&expectation.alert).or_default();
        *(if expectation.fires { fires } else { quiet }) = true;
    }
    let judge = |alert: Placed<'_>| {
        let (fires, quiet) = seen.get(alert.rule.name.as_str()).copied().unwrap_or_default();
        let observed = match (fires, quiet) {
            (true, true) => "both",
            (true, false) => "a case in which it fires, none in which it must not",
            (false, true) => "a case in which it is quiet, none in which it must fire",
            (false, false) => "no case",
        };
        let check = &checks::TESTED;
        let finding =
            if fires && quiet { check.passed(alert.subject()) } else { check.warned(alert.subject()) };
        placed(
            finding.expected("a case in which it must fire, and one in which it must not").observed(observed),
            &alert,
        )
    };
    alerts(files).map(judge).collect()
}
