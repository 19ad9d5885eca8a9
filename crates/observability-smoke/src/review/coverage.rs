//! Coverage: each family of faults has an alert, and each alert is tested both ways. Pure.

use std::collections::BTreeMap;

use evidence_report::record::Finding;

use super::{Placed, RuleFile, alerts, checks, config::Family, placed};
use crate::rules::{
    expected::{Said, said},
    manifest::Rule,
    unit_test::Expectation,
};

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
pub(crate) fn tested(files: &[RuleFile], cases: &[Expectation]) -> Vec<Finding> {
    let judge = |alert: Placed<'_>| {
        let namesakes: Vec<&Rule> =
            alerts(files).map(|other| other.rule).filter(|other| other.name == alert.rule.name).collect();
        let of_it: Vec<Said> = cases.iter().map(|case| said(case, alert.rule, &namesakes)).collect();
        let (fires, quiet) = (of_it.contains(&Said::Fires), of_it.contains(&Said::Quiet));
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
    // A case in which an alert fires that is not there fails; one in which it is quiet never does.
    let mut fires_somewhere: BTreeMap<&str, bool> = BTreeMap::new();
    for case in cases {
        *fires_somewhere.entry(&case.alert).or_default() |= !case.firing.is_empty();
    }
    let unknown = |name: &str| !alerts(files).any(|alert| alert.rule.name == name);
    let in_vain =
        fires_somewhere.iter().filter(|(name, fires)| !**fires && unknown(name)).map(|(name, _)| {
            let finding = checks::TESTED.warned(*name).expected("a case about an alert of these files");
            let remedy = "Correct alertname in the unit test, or name the file with that alert, too.";
            finding
                .observed("a case in which it is quiet, and no alert is called so: nothing can fail it")
                .remedy(remedy)
        });
    alerts(files).map(judge).chain(in_vain).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evidence_report::record::Outcome;

    use super::*;

    fn files(text: &str) -> [RuleFile; 1] {
        [RuleFile { path: "r.yml".to_owned(), groups: crate::rules::manifest::read(text).unwrap() }]
    }

    fn case(alert: &str, firing: &[&[(&str, &str)]]) -> Expectation {
        let labels = |set: &&[(&str, &str)]| {
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Expectation {
            alert: alert.to_owned(),
            at: Duration::ZERO,
            firing: firing.iter().map(labels).collect(),
        }
    }

    #[test]
    fn a_case_about_an_alert_that_nobody_has_is_told() {
        let files = files("groups: [{name: a, rules: [{alert: A, expr: up}]}]");
        let cases = [case("A", &[&[]]), case("A", &[]), case("a", &[]), case("Elsewhere", &[&[]])];
        let found = tested(&files, &cases);
        let warned: Vec<_> = found.iter().filter(|one| one.outcome == Outcome::Warned).collect();
        assert_eq!((found.len(), warned.len()), (2, 1), "{found:?}");
        assert_eq!(warned[0].subject, "a");
        assert!(warned[0].observed.contains("nothing can fail it"));
    }

    #[test]
    fn a_case_counts_for_the_severity_that_it_names_alone() {
        let files = files(
            "groups: [{name: a, rules: [{alert: A, expr: up, labels: {severity: warning}}, \
             {alert: A, expr: up, labels: {severity: critical}}]}]",
        );
        let found = tested(&files, &[case("A", &[]), case("A", &[&[("severity", "warning")]])]);
        assert_eq!((found[0].outcome, found[1].outcome), (Outcome::Passed, Outcome::Warned), "{found:?}");
        assert!(found[1].observed.contains("none in which it must fire"), "{found:?}");
    }
}
