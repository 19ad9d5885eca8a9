//! What arrived, held against what the rule says, and against what was posted. Pure.

use std::collections::BTreeMap;

use evidence_report::record::{Finding, Requirement};

use super::{
    super::{
        alert_plan::AlertPlan, checks, observation::Observation, receiver::NotifiedAlert, routes::Routing,
    },
    unreached,
};
use crate::{drill::series, rules::manifest::Rule};

/// Of a notification whose content nobody saw.
fn unseen(name: &str, seen: &Observation) -> Finding {
    if seen.received.is_some() {
        let reason = "proven by Alertmanager's counters, which do not show what was sent (--listen does)";
        return checks::CONTENT.not_checked(Requirement::Optional, name, reason);
    }
    unreached(&checks::CONTENT, name, "no notification was received")
}

/// What arrived of an alert that was posted.
pub(super) fn as_posted(
    subject: &str,
    seen: &Observation,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
    routing: Option<&Routing>,
) -> Finding {
    let expected = format!("{} labels and {} annotations as posted", labels.len(), annotations.len());
    match &seen.notified {
        None => unseen(subject, seen),
        Some(arrived) => {
            let compared = [
                ("label", labels, &arrived.alert.labels),
                ("annotation", annotations, &arrived.alert.annotations),
            ];
            let mut wrong: Vec<_> = compared
                .into_iter()
                .flat_map(|(kind, posted, got)| {
                    posted
                        .iter()
                        .filter(|(name, value)| got.get(*name) != Some(value))
                        .map(move |(name, _)| format!("{kind} {name} did not arrive as posted"))
                })
                .collect();
            wrong.extend(routing.and_then(|routing| routing.objection(arrived)));
            let finding = if wrong.is_empty() {
                let by = arrived.group.keys().cloned().collect::<Vec<_>>().join(", ");
                checks::CONTENT
                    .passed(subject)
                    .observed(format!("receiver {}, grouped by {by}", arrived.receiver))
            } else {
                checks::CONTENT.failed(subject).observed(wrong.join("; "))
            };
            finding.expected(expected)
        }
    }
}

/// What arrived of an alert that fired.
pub(super) fn content(plan: &AlertPlan, seen: &Observation) -> Finding {
    let rule = &plan.alert.rule;
    let Some(notified) = &seen.notified else {
        return unseen(&plan.name, seen);
    };
    let arrived = notified;
    let notified = &notified.alert;
    let mut wrong = differences(rule, &seen.labels, notified);
    wrong.extend(plan.routing.as_ref().and_then(|routing| routing.objection(arrived)));
    let said = format!(
        "alertname, {} labels and {} annotations of the rule",
        rule.labels.len(),
        rule.annotations.len()
    );
    let finding = if wrong.is_empty() {
        let firing = format!("status {}, labels {}", notified.status, series::display(&notified.labels));
        checks::CONTENT.passed(&plan.name).observed(firing)
    } else {
        checks::CONTENT.failed(&plan.name).observed(wrong.join("; "))
    };
    finding.expected(said).at(plan.alert.path.display().to_string(), Some(rule.line))
}

/// What the notification does not say as the rule, and Prometheus, say it.
fn differences(rule: &Rule, labels: &BTreeMap<String, String>, notified: &NotifiedAlert) -> Vec<String> {
    let mut wrong = Vec::new();
    if notified.generator_url.is_empty() {
        wrong.push("the link to the expression (generatorURL) did not arrive".to_owned());
    }
    for (label, value) in labels {
        match notified.labels.get(label) {
            Some(arrived) if arrived == value => {}
            Some(arrived) => {
                wrong.push(format!("label {label} arrived as \"{arrived}\", Prometheus has \"{value}\""))
            }
            None => wrong.push(format!("label {label} did not arrive")),
        }
    }
    let templates =
        [("label", &rule.labels, &notified.labels), ("annotation", &rule.annotations, &notified.annotations)];
    for (kind, stated, arrived) in templates {
        for (name, text) in stated {
            match arrived.get(name) {
                // Prometheus drops a label whose value is empty.
                None if kind == "label" && text.is_empty() => {}
                None if kind == "label" && text.contains("{{") && !labels.contains_key(name) => {
                    let why = format!("label {name} is empty: its template {text} came to nothing");
                    wrong.push(format!("{why} for {}", series::display(labels)));
                }
                None => wrong.push(format!("{kind} {name} did not arrive")),
                Some(value) if value.contains("<error expanding template") => {
                    wrong.push(format!("the template of {kind} {name} fails: {value}"));
                }
                Some(value) if value.contains("<no value>") => {
                    wrong.push(format!("{kind} {name} has no value in \"{value}\""));
                }
                Some(value) if !text.contains("{{") && value != text => {
                    wrong.push(format!("{kind} {name} arrived as \"{value}\""));
                }
                Some(_) => {}
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::rules::manifest;

    fn rule() -> Rule {
        let text = "groups: [{name: a, rules: [{alert: A, expr: up, labels: {severity: critical}, annotations: \
            {summary: 'Queue {{ $labels.queue }}', runbook_url: doc/a.md}}]}]";
        manifest::read(text).unwrap().remove(0).rules.remove(0)
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const LABELS: [(&str, &str); 3] = [("alertname", "A"), ("queue", "mail"), ("severity", "critical")];

    fn compare(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> String {
        let notified = NotifiedAlert {
            status: "firing".into(),
            labels: map(labels),
            annotations: map(annotations),
            starts_at: Timestamp::UNIX_EPOCH,
            ends_at: Timestamp::UNIX_EPOCH,
            generator_url: "http://127.0.0.1/graph".into(),
        };
        differences(&rule(), &map(&LABELS), &notified).join("; ")
    }

    #[test]
    fn a_label_whose_template_comes_to_nothing_is_told_from_one_that_was_lost() {
        let mut rule = rule();
        rule.labels.insert("host".to_owned(), "{{ $labels.host }}".to_owned());
        let whole = [("summary", "Queue mail"), ("runbook_url", "doc/a.md")];
        let notified = |labels: &[(&str, &str)]| NotifiedAlert {
            status: "firing".into(),
            labels: map(labels),
            annotations: map(&whole),
            starts_at: Timestamp::UNIX_EPOCH,
            ends_at: Timestamp::UNIX_EPOCH,
            generator_url: "http://127.0.0.1/graph".into(),
        };
        assert_eq!(
            differences(&rule, &map(&LABELS), &notified(&LABELS)),
            [
                "label host is empty: its template {{ $labels.host }} came to nothing for {alertname=\"A\",queue=\"mail\",severity=\"critical\"}"
            ]
        );
        let mut known = map(&LABELS);
        known.insert("host".to_owned(), "a".to_owned());
        assert!(differences(&rule, &known, &notified(&LABELS)).join("; ").contains("host did not arrive"));
    }

    #[test]
    fn what_does_not_arrive_as_the_rule_states_it_is_named() {
        let whole = [("summary", "Queue mail"), ("runbook_url", "doc/a.md")];
        assert_eq!(compare(&LABELS, &whole), "");
        assert_eq!(
            compare(&[("alertname", "A"), ("queue", "post"), ("severity", "critical")], &whole),
            "label queue arrived as \"post\", Prometheus has \"mail\""
        );
        assert!(compare(&LABELS[..2], &whole).contains("label severity did not arrive"));
        assert_eq!(compare(&LABELS, &whole[..1]), "annotation runbook_url did not arrive");
        assert!(
            compare(&LABELS, &[("summary", "x"), ("runbook_url", "doc/b.md")])
                .contains("arrived as \"doc/b.md\"")
        );
        let failed = [("summary", "<error expanding template: x>"), ("runbook_url", "doc/a.md")];
        assert!(compare(&LABELS, &failed).contains("the template of annotation summary fails"));
    }
}
