//! What is expected of an Alertmanager's configuration, without any server: batch route tests, and what no alert
//! reaches. Pure.

use std::collections::BTreeSet;

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::{checks, config::ExpectedRoute};
use crate::alertmanager::{
    Configuration, Labels,
    route::{Muted, Reached},
};

/// Judges the expectations, each with the way that the labels took.
pub(crate) fn expected(
    routes: &[ExpectedRoute],
    configuration: &Configuration,
    at: Timestamp,
) -> Vec<Finding> {
    let judge = |route: &ExpectedRoute| {
        let reached = configuration.route(&route.labels, at);
        let receivers: Vec<_> = reached.iter().map(|reached| reached.receiver().to_owned()).collect();
        let check = &checks::ROUTES_EXPECTED;
        let subject = in_words(&route.labels);
        let finding =
            if receivers == route.receivers { check.passed(subject) } else { check.failed(subject) };
        finding.expected(route.receivers.join(", ")).observed(ways(&reached))
    };
    routes.iter().map(judge).collect()
}

/// Labels as `amtool` shows them.
pub(crate) fn in_words(labels: &Labels) -> String {
    let words: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", words.join(", "))
}

/// The ways through the tree: `{severity="critical"} → pager`.
pub(crate) fn ways(reached: &[Reached]) -> String {
    let way = |reached: &Reached| {
        let silent = match &reached.muted {
            Muted::No => String::new(),
            Muted::During(name) => format!(" (silent now: within {name})"),
            Muted::Outside(names) => format!(" (silent now: outside of {})", names.join(", ")),
            Muted::Unknown(name) => {
                format!(" (whether silent now: the time zone of {name} is not known here)")
            }
        };
        format!("{} → {}{silent}", reached.path, reached.receiver())
    };
    reached.iter().map(way).collect::<Vec<_>>().join("; ")
}

/// The labels that a rule gives its alert whatever its series are.
pub(crate) fn fixed_labels(alert: &super::Placed<'_>) -> Labels {
    let mut labels: Labels = alert
        .rule
        .labels
        .iter()
        .filter(|(_, value)| !value.contains("{{"))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    labels.insert("alertname".to_owned(), alert.rule.name.clone());
    labels
}

/// Receivers that no alert reaches, and inhibit rules that have no source or no target among them.
pub(crate) fn unreached(
    configuration: &Configuration,
    sets: &[Labels],
    expected: &[ExpectedRoute],
) -> Vec<Finding> {
    let check = &checks::ROUTES_UNREACHED;
    let sets: Vec<&Labels> = sets.iter().chain(expected.iter().map(|route| &route.labels)).collect();
    let reached: BTreeSet<String> = sets
        .iter()
        .flat_map(|labels| configuration.route(labels, Timestamp::UNIX_EPOCH))
        .map(|reached| reached.options.receiver)
        .collect();
    let mut findings = Vec::new();
    for receiver in configuration.receivers.iter().filter(|receiver| !reached.contains(&receiver.name)) {
        let finding =
            check.warned(format!("receiver {}", receiver.name)).expected("an alert that reaches it");
        findings.push(finding.observed("no alert of the rules and no label set of rules.routes does"));
    }
    for rule in &configuration.inhibit_rules {
        let source = sets.iter().any(|labels| rule.takes_source(labels));
        let target = sets.iter().any(|labels| rule.takes_target(labels));
        let missing = match (source, target) {
            (true, true) => continue,
            (false, true) => "no alert is its source",
            (true, false) => "no alert is its target",
            (false, false) => "no alert is its source, and none its target",
        };
        let subject = format!("inhibit rule, line {}: {rule}", rule.line);
        findings.push(check.warned(subject).expected("alerts on both sides").observed(missing));
    }
    if findings.is_empty() {
        let said = format!(
            "{} receivers, {} inhibit rules",
            configuration.receivers.len(),
            configuration.inhibit_rules.len()
        );
        findings.push(check.passed("all of them").observed(said));
    }
    findings
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn wrong_routes_and_what_nobody_reaches_are_named() {
        let text = "route: {receiver: a, routes: [{matchers: [severity=critical], receiver: b}, {matchers: [severity=crit], receiver: c}]}\nreceivers: [{name: a}, {name: b}, {name: c}]\ninhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=info]}]\n";
        let configuration = Configuration::read(text).unwrap();
        let routes: Vec<ExpectedRoute> = serde_saphyr::from_str(
            "[{labels: {severity: critical}, receivers: [b]}, {labels: {severity: warning}, receivers: [b]}]",
        )
        .unwrap();
        let judged = expected(&routes, &configuration, Timestamp::UNIX_EPOCH);
        assert_eq!((judged[0].outcome, judged[1].outcome), (Outcome::Passed, Outcome::Failed));
        assert_eq!(judged[0].observed, "{severity=\"critical\"} → b");
        assert_eq!(judged[1].observed, "default route → a");
        let subjects: Vec<_> =
            unreached(&configuration, &[], &routes).into_iter().map(|f| f.subject).collect();
        assert_eq!(
            subjects,
            ["receiver c", "inhibit rule, line 3: {severity=\"critical\"} mutes {severity=\"info\"}"]
        );
    }
}
