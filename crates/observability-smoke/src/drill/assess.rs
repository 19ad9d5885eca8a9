//! What a trial means: findings and measurements. Pure.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::record::{Check, Decimal, Finding, Measurement, Objective, Requirement};

use super::{
    checks,
    fixture::Source,
    observation::{Cause, Halt, Observation, Stage},
    plan::{Plan, Until},
    receiver::NotifiedAlert,
    seconds,
};
use crate::rules::manifest::Rule;

/// What of the level of proof is said in every evidence.
pub(crate) const LEVEL: &str = "fixture series scraped by a real Prometheus, notified by a real Alertmanager to our own webhook; \
    your exporter, your scrape configuration, your routes and your receivers are not part of it";

/// What is known before the drill begins.
#[must_use]
pub(crate) fn before(plan: &Plan) -> Vec<Finding> {
    let rule = &plan.alert.rule;
    let place = |finding: Finding| finding.at(plan.alert.path.display().to_string(), Some(rule.line));
    let series = match &plan.fixture {
        Ok(given) => {
            let source = match given.source {
                Source::Configuration => "given by the configuration file",
                Source::UnitTest => "given by a unit test",
                Source::Derived => "derived from the expression",
            };
            checks::SERIES
                .passed(&rule.name)
                .expected("series that make the condition true")
                .observed(format!("{} {source}: {}", given.series.len(), names(plan)))
        }
        Err(why) => checks::SERIES
            .inconclusive(&rule.name)
            .expected("series that make the condition true")
            .observed(why),
    };
    vec![
        checks::LEVEL.not_checked(
            Requirement::Optional,
            "your exporter, routes and receivers",
            format!("level of proof: {LEVEL}"),
        ),
        place(series),
        place(as_written(plan)),
    ]
}

fn as_written(plan: &Plan) -> Finding {
    let (rule, copy) = (&plan.written.rule, &plan.alert.rule);
    let hold = |rule: &Rule| seconds(rule.hold.as_secs_f64());
    match plan.time_scale {
        None => checks::AS_WRITTEN
            .passed(&rule.name)
            .expected("expression, `for`, labels and annotations as they stand")
            .observed("unchanged"),
        Some(by) => checks::AS_WRITTEN.not_checked(
            Requirement::Optional,
            &rule.name,
            format!(
                "an accelerated copy was drilled, {by} times as fast, as --time-scale asks: `for` {} became {}, the \
                 expression `{}`",
                hold(rule),
                hold(copy),
                copy.expression,
            ),
        ),
    }
}

fn names(plan: &Plan) -> String {
    let series = plan.series();
    let shown: Vec<_> = series.iter().take(3).map(super::series::Series::name).collect();
    let more = if series.len() > 3 { format!(" and {} more", series.len() - 3) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// The stages' checks, in order.
const STAGES: [(Stage, &Check); 6] = [
    (Stage::Loaded, &checks::LOADED),
    (Stage::Quiet, &checks::QUIET),
    (Stage::Pending, &checks::PENDING),
    (Stage::Firing, &checks::FIRING),
    (Stage::Received, &checks::NOTIFIED),
    (Stage::Resolved, &checks::RESOLVED),
];

/// A check that was not reached. What to do is said once, where the alert stopped.
fn unreached(check: &'static Check, name: &str, reason: impl Into<String>) -> Finding {
    check.not_checked(Requirement::Required, name, reason).remedy("")
}

/// The findings of a drill that did not begin: nothing was checked, and that is said check by check.
#[must_use]
pub(crate) fn not_reached(plan: &Plan, reason: &str) -> Vec<Finding> {
    let name = &plan.alert.rule.name;
    [
        &checks::QUIET,
        &checks::PENDING,
        &checks::FIRING,
        &checks::NOTIFIED,
        &checks::CONTENT,
        &checks::RESOLVED,
    ]
    .into_iter()
    .map(|check: &'static Check| unreached(check, name, reason))
    .collect()
}

/// What was seen, judged.
#[must_use]
pub(crate) fn after(plan: &Plan, seen: &Observation) -> Vec<Finding> {
    let mut findings = vec![stack(seen)];
    findings.extend(STAGES.iter().map(|(stage, check)| stage_finding(plan, seen, *stage, check)));
    findings.push(content(plan, seen));
    findings.push(time_to_notify(plan, seen));
    findings.push(predicted_delay(plan));
    findings
}

fn stack(seen: &Observation) -> Finding {
    let subject = "prometheus and alertmanager";
    match &seen.halted {
        Some(Halt { cause: Cause::Environment, reason, .. }) => {
            checks::STACK.inconclusive(subject).expected("both live until the drill has ended").observed(reason)
                .remedy("Run the drill again; when it ends so once more, read the last lines of the logs in the evidence")
        }
        _ => checks::STACK.passed(subject).expected("both live until the drill has ended").observed("both did"),
    }
}

fn stage_finding(plan: &Plan, seen: &Observation, stage: Stage, check: &'static Check) -> Finding {
    let rule = &plan.alert.rule;
    let finding = match &seen.halted {
        Some(halt) if halt.stage == stage || (stage == Stage::Pending && halt.stage == Stage::Scraped) => {
            match halt.cause {
                Cause::Alert => {
                    check.failed(&rule.name).expected(expected(plan, stage)).observed(stopped(seen, halt))
                }
                Cause::Environment | Cause::Stop => unreached(check, &rule.name, stopped(seen, halt)),
            }
        }
        Some(halt) if halt.stage < stage => {
            unreached(check, &rule.name, format!("the alert stopped before: not {}", halt.stage.word()))
        }
        None if stage == Stage::Resolved && plan.until == Until::Received => {
            check.not_checked(Requirement::Optional, &rule.name, "--until received was asked for")
        }
        _ => check.passed(&rule.name).expected(expected(plan, stage)).observed(observed(seen, stage)),
    };
    finding.at(plan.alert.path.display().to_string(), Some(rule.line))
}

/// The last stage that was reached, and why it went no further.
fn stopped(seen: &Observation, halt: &Halt) -> String {
    let last = [Stage::Received, Stage::Firing, Stage::Pending, Stage::Scraped, Stage::Quiet]
        .into_iter()
        .find(|stage| seen.reached(*stage));
    match last {
        Some(last) => format!("stopped at {}: {}", last.word(), halt.reason),
        None => halt.reason.clone(),
    }
}

fn expected(plan: &Plan, stage: Stage) -> String {
    let at_most = |by: Duration| seconds(by.as_secs_f64());
    match stage {
        Stage::Loaded => "loaded, and evaluated without an error".to_owned(),
        Stage::Quiet => "inactive with the healthy series scraped and evaluated".to_owned(),
        Stage::Scraped => format!("scraped within {}", at_most(plan.prediction.intervals.scrape)),
        Stage::Pending => {
            format!("condition true within {} of the fault", at_most(plan.prediction.until_pending()))
        }
        Stage::Firing => format!("firing within {} of the fault", at_most(plan.prediction.until_firing())),
        Stage::Received => {
            format!("received within {} of the fault", at_most(plan.prediction.until_notified()))
        }
        Stage::Resolved => {
            format!("received within {} of clearing", at_most(plan.prediction.until_resolved()))
        }
    }
}

fn observed(seen: &Observation, stage: Stage) -> String {
    let after_fault =
        |time: Option<f64>| seconds((time.unwrap_or_default() - seen.fault.unwrap_or_default()).max(0.0));
    match stage {
        Stage::Loaded => "loaded and healthy".to_owned(),
        Stage::Quiet => {
            format!("inactive after {} scrapes of healthy series", seen.healthy_scrapes.unwrap_or(0))
        }
        Stage::Scraped => format!("scraped after {}", after_fault(seen.scraped)),
        Stage::Pending => format!("true {} after the fault", after_fault(seen.pending)),
        Stage::Firing => {
            let instances =
                if seen.instances == 1 { String::new() } else { format!(", {} instances", seen.instances) };
            format!("fired {} after the fault{instances}", after_fault(seen.firing))
        }
        Stage::Received => format!("received {} after the fault", after_fault(seen.received)),
        Stage::Resolved => {
            let took = seen.resolved.unwrap_or_default() - seen.cleared.unwrap_or_default();
            format!("received {} after clearing", seconds(took.max(0.0)))
        }
    }
}

fn content(plan: &Plan, seen: &Observation) -> Finding {
    let rule = &plan.alert.rule;
    let Some(notified) = &seen.notified else {
        return unreached(&checks::CONTENT, &rule.name, "no notification was received");
    };
    let wrong = differences(rule, &seen.labels, notified);
    let said = format!(
        "alertname, {} labels and {} annotations of the rule",
        rule.labels.len(),
        rule.annotations.len()
    );
    let finding = if wrong.is_empty() {
        let firing =
            format!("status {}, labels {}", notified.status, super::series::display(&notified.labels));
        checks::CONTENT.passed(&rule.name).observed(firing)
    } else {
        checks::CONTENT.failed(&rule.name).observed(wrong.join("; "))
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

fn time_to_notify(plan: &Plan, seen: &Observation) -> Finding {
    let name = &plan.alert.rule.name;
    if let (Some(by), Some(took)) = (plan.time_scale, seen.time_to_notify()) {
        let reason = format!(
            "{} was measured on a copy {by} times as fast: it is not the time of the rule as written",
            seconds(took)
        );
        return checks::TIME_TO_NOTIFY.not_checked(Requirement::Optional, name, reason);
    }
    let Some(objective) = plan.objective else {
        let reason = match seen.time_to_notify() {
            Some(took) => {
                format!("measured {}; no objective was given (--objective DURATION)", seconds(took))
            }
            None => "no objective was given (--objective DURATION)".to_owned(),
        };
        return checks::TIME_TO_NOTIFY.not_checked(Requirement::Optional, name, reason);
    };
    let expected = format!("at most {}", seconds(objective.as_secs_f64()));
    match seen.time_to_notify() {
        None => unreached(&checks::TIME_TO_NOTIFY, name, "no notification was received").expected(expected),
        Some(took) if took <= objective.as_secs_f64() => {
            checks::TIME_TO_NOTIFY.passed(name).expected(expected).observed(seconds(took))
        }
        Some(took) => checks::TIME_TO_NOTIFY.failed(name).expected(expected).observed(seconds(took)),
    }
}

/// With an accelerated copy the prediction for the rule as written is all that stands against the objective.
fn predicted_delay(plan: &Plan) -> Finding {
    let name = &plan.alert.rule.name;
    let prediction = &plan.prediction_as_written;
    let predicted = prediction.until_notified();
    let sum = format!("{} = {}", seconds(predicted.as_secs_f64()), prediction.sum());
    let Some(objective) = plan.objective else {
        let reason = format!("{sum}; no objective was given (--objective DURATION)");
        return checks::PREDICTED_DELAY.not_checked(Requirement::Optional, name, reason);
    };
    let finding = match (predicted <= objective, plan.time_scale) {
        (true, _) => checks::PREDICTED_DELAY.passed(name),
        (false, None) => checks::PREDICTED_DELAY.warned(name),
        (false, Some(_)) => checks::PREDICTED_DELAY.failed(name),
    };
    finding.expected(format!("at most {}", seconds(objective.as_secs_f64()))).observed(sum)
}

/// What was measured, and what was predicted.
#[must_use]
pub(crate) fn measurements(plan: &Plan, seen: &Observation) -> Vec<Measurement> {
    let name = &plan.alert.rule.name;
    let labelled = |metric: &str, value: f64| {
        let measurement = Measurement::seconds(metric, value).label("alert", name);
        match plan.time_scale {
            Some(by) => measurement.label("time_scale", by.to_string()),
            None => measurement,
        }
    };
    let mut measured = Vec::new();
    if let Some(took) = seen.time_to_notify() {
        let measurement = labelled("time_to_notify_seconds", took);
        measured.push(match plan.objective.filter(|_| plan.time_scale.is_none()) {
            Some(objective) => {
                measurement.objective(Objective::AtMost(Decimal::new(objective.as_secs_f64(), 3)))
            }
            None => measurement,
        });
    }
    if let (Some(cleared), Some(resolved)) = (seen.cleared, seen.resolved) {
        measured.push(labelled("time_to_resolve_seconds", resolved - cleared));
    }
    let predicted = plan.prediction.until_notified().as_secs_f64();
    measured.push(labelled("predicted_time_to_notify_seconds", predicted));
    measured
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
