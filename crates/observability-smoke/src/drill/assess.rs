//! What a trial means: findings and measurements. Pure.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::record::{Check, Decimal, Finding, Measurement, Objective, Requirement};

use super::{
    alert_plan::{AlertPlan, Level},
    checks,
    observation::{Cause, Halt, Observation, Stage},
    plan::Until,
    receiver::NotifiedAlert,
    seconds,
    spread::Spread,
};
use crate::rules::manifest::Rule;

/// The same with the user's own routes.
pub(crate) const LEVEL_WITH_ROUTES: &str = "fixture series scraped by a real Prometheus, routed, grouped and muted by your own \
    Alertmanager configuration in a real Alertmanager of ours, notified to our own webhook instead of your receivers; your \
    exporter, your scrape configuration and the integrations of your receivers are not part of it";

/// What of the level of proof is said in every evidence.
pub(crate) const LEVEL: &str = "fixture series scraped by a real Prometheus, notified by a real Alertmanager to our own webhook; \
    your exporter, your scrape configuration, your routes and your receivers are not part of it";

/// The same in a real Prometheus.
pub(crate) const LEVEL_IN_A_REAL_ONE: &str = "fixture series scraped by your own Prometheus, your rule as it has loaded it, \
    sent to your own Alertmanager with the label of a drill; your exporter and its scrape job, and the route that the \
    alert takes without the label, are not part of it";

/// The same where a command makes the fault.
pub(crate) const LEVEL_OF_A_FAULT: &str = "a real fault, seen by your own exporter, scraped by a real Prometheus of ours, \
    notified by a real Alertmanager to our own webhook; your scrape configuration, your routes and your receivers are \
    not part of it";

/// What is known before the drill begins.
#[must_use]
pub(crate) fn before(plan: &AlertPlan) -> Vec<Finding> {
    let rule = &plan.alert.rule;
    let place = |finding: Finding| finding.at(plan.alert.path.display().to_string(), Some(rule.line));
    let series = match &plan.fixture {
        Ok(_) => {
            let named = names(plan);
            let named = if named.is_empty() { named } else { format!(": {named}") };
            checks::SERIES
                .passed(&plan.name)
                .expected("series that make the condition true")
                .observed(format!("{}{named}", plan.source_in_words()))
        }
        Err(why) => checks::SERIES
            .inconclusive(&plan.name)
            .expected("series that make the condition true")
            .observed(why),
    };
    vec![place(series), place(as_written(plan))]
}

/// What the drill of these alerts does not reach.
#[must_use]
pub(crate) fn level(plans: &[AlertPlan]) -> Vec<Finding> {
    let of = |level| plans.iter().filter(|plan| plan.level == level).count();
    let said = |level, subject, words: &str| {
        let alerts = match (of(level), plans.len()) {
            (0, _) => return None,
            (some, all) if some == all => String::new(),
            (some, all) => format!(" ({some} of {all} alerts)"),
        };
        let reason = format!("level of proof{alerts}: {words}");
        Some(checks::LEVEL.not_checked(Requirement::Optional, subject, reason))
    };
    let fixture = if plans.iter().any(|plan| plan.routing.is_some()) {
        said(Level::Fixture, "your exporter and receivers", LEVEL_WITH_ROUTES)
    } else {
        said(Level::Fixture, "your exporter, routes and receivers", LEVEL)
    };
    let fault = said(Level::Fault, "your routes and receivers", LEVEL_OF_A_FAULT);
    fixture.into_iter().chain(fault).collect()
}

fn as_written(plan: &AlertPlan) -> Finding {
    let (rule, copy) = (&plan.written.rule, &plan.alert.rule);
    let hold = |rule: &Rule| seconds(rule.hold.as_secs_f64());
    match plan.time_scale {
        None => checks::AS_WRITTEN
            .passed(&plan.name)
            .expected("expression, `for`, labels and annotations as they stand")
            .observed("unchanged"),
        Some(by) => checks::AS_WRITTEN.not_checked(
            Requirement::Optional,
            &plan.name,
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

fn names(plan: &AlertPlan) -> String {
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
pub(crate) fn not_reached(plan: &AlertPlan, reason: &str) -> Vec<Finding> {
    let name = &plan.name;
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

/// What was seen, judged: by the trial in which the alert stopped, or else by the slowest.
#[must_use]
pub(crate) fn after(plan: &AlertPlan, rounds: &[Observation]) -> Vec<Finding> {
    let Some(seen) = decisive(rounds) else { return Vec::new() };
    let stages = STAGES.iter().map(|(stage, check)| stage_finding(plan, seen, *stage, check));
    let mut findings: Vec<_> = stages.collect();
    findings.push(content(plan, seen));
    findings.push(time_to_notify(plan, rounds));
    findings.push(predicted_delay(plan));
    findings.extend(fault_ended(plan, rounds));
    findings
}

/// The findings of an alert that was not posted.
#[must_use]
pub(crate) fn not_posted(plan: &AlertPlan, reason: &str) -> Vec<Finding> {
    let checks = [&checks::NOTIFIED, &checks::CONTENT, &checks::RESOLVED];
    checks.into_iter().map(|check: &'static Check| unreached(check, &plan.name, reason)).collect()
}

/// What was seen of an alert that was posted with these labels and annotations, judged.
#[must_use]
pub(crate) fn after_post(
    plan: &AlertPlan,
    rounds: &[Observation],
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let Some(seen) = decisive(rounds) else { return not_posted(plan, "nothing was posted") };
    let stages = STAGES.iter().filter(|(stage, _)| *stage >= Stage::Received);
    let mut findings: Vec<_> =
        stages.map(|(stage, check)| stage_finding(plan, seen, *stage, check)).collect();
    let subject = &plan.name;
    let expected = format!("{} labels and {} annotations as posted", labels.len(), annotations.len());
    findings.push(match &seen.notified {
        None => unseen(subject, seen),
        Some(arrived) => {
            let compared = [
                ("label", labels, &arrived.alert.labels),
                ("annotation", annotations, &arrived.alert.annotations),
            ];
            let wrong: Vec<_> = compared
                .into_iter()
                .flat_map(|(kind, posted, got)| {
                    posted
                        .iter()
                        .filter(|(name, value)| got.get(*name) != Some(value))
                        .map(move |(name, _)| format!("{kind} {name} did not arrive as posted"))
                })
                .collect();
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
    });
    findings.push(time_to_notify(plan, rounds));
    findings.push(predicted_delay(plan));
    findings
}

/// Of a notification whose content nobody saw.
fn unseen(name: &str, seen: &Observation) -> Finding {
    if seen.received.is_some() {
        let reason = "proven by Alertmanager's counters, which do not show what was sent (--listen does)";
        return checks::CONTENT.not_checked(Requirement::Optional, name, reason);
    }
    unreached(&checks::CONTENT, name, "no notification was received")
}

/// The trial that decides: the one in which the alert stopped, or else the slowest.
#[must_use]
pub(crate) fn decisive(rounds: &[Observation]) -> Option<&Observation> {
    let slowest = |one: &&Observation, other: &&Observation| {
        let time = |seen: &Observation| seen.time_to_notify().unwrap_or_default();
        time(one).total_cmp(&time(other))
    };
    rounds.iter().find(|seen| seen.halted.is_some()).or_else(|| rounds.iter().max_by(slowest))
}

/// The times to notify of all trials.
#[must_use]
pub(crate) fn times(rounds: &[Observation]) -> Option<Spread> {
    Spread::of(rounds.iter().filter_map(Observation::time_to_notify))
}

fn fault_ended(plan: &AlertPlan, rounds: &[Observation]) -> Option<Finding> {
    plan.hooks.as_ref()?;
    let expected = "the command that ends the fault succeeds";
    let left = rounds.iter().find_map(|seen| seen.left_behind.as_ref());
    Some(match left {
        Some(why) => checks::FAULT_ENDED.failed(&plan.name).expected(expected).observed(why),
        None => checks::FAULT_ENDED.passed(&plan.name).expected(expected).observed("it did"),
    })
}

/// Whether the servers of a stack lived, for all alerts on it.
#[must_use]
pub(crate) fn stack(subject: &str, rounds: &[&Observation]) -> Finding {
    let expected = "both live until the drill has ended";
    let halts = rounds.iter().filter_map(|seen| seen.halted.as_ref());
    match halts.into_iter().find(|halt| halt.cause == Cause::Environment) {
        Some(Halt { reason, .. }) => {
            checks::STACK.inconclusive(subject).expected(expected).observed(reason)
                .remedy("Run the drill again; when it ends so once more, read the last lines of the logs in the evidence")
        }
        None => checks::STACK.passed(subject).expected(expected).observed("both did"),
    }
}

fn stage_finding(plan: &AlertPlan, seen: &Observation, stage: Stage, check: &'static Check) -> Finding {
    let rule = &plan.alert.rule;
    let finding = match &seen.halted {
        Some(halt) if check_of(halt.stage) == stage => match halt.cause {
            Cause::Alert => {
                check.failed(&plan.name).expected(expected(plan, stage)).observed(stopped(seen, halt))
            }
            Cause::Environment | Cause::Stop => unreached(check, &plan.name, stopped(seen, halt)),
        },
        Some(halt) if halt.stage < stage => {
            unreached(check, &plan.name, format!("the alert stopped before: not {}", halt.stage.word()))
        }
        None if stage == Stage::Resolved && plan.until == Until::Received => {
            check.not_checked(Requirement::Optional, &plan.name, "--until received was asked for")
        }
        _ => check.passed(&plan.name).expected(expected(plan, stage)).observed(observed(seen, stage)),
    };
    finding.at(plan.alert.path.display().to_string(), Some(rule.line))
}

/// The stage whose check says of another one that it was not reached.
const fn check_of(stage: Stage) -> Stage {
    match stage {
        Stage::Scraped => Stage::Pending,
        Stage::Accepted => Stage::Received,
        stage => stage,
    }
}

/// The last stage that was reached, and why it went no further.
fn stopped(seen: &Observation, halt: &Halt) -> String {
    let last =
        [Stage::Received, Stage::Accepted, Stage::Firing, Stage::Pending, Stage::Scraped, Stage::Quiet]
            .into_iter()
            .find(|stage| seen.reached(*stage));
    match last {
        Some(last) => format!("stopped at {}: {}", last.word(), halt.reason),
        None => halt.reason.clone(),
    }
}

fn expected(plan: &AlertPlan, stage: Stage) -> String {
    let at_most = |by: Duration| seconds(by.as_secs_f64());
    match stage {
        Stage::Loaded => "loaded, and evaluated without an error".to_owned(),
        Stage::Quiet => "inactive with the healthy series scraped and evaluated".to_owned(),
        Stage::Scraped => format!("scraped within {}", at_most(plan.prediction.intervals.scrape)),
        Stage::Pending => {
            format!("condition true within {} of the fault", at_most(plan.prediction.until_pending()))
        }
        Stage::Firing => format!("firing within {} of the fault", at_most(plan.prediction.until_firing())),
        Stage::Accepted => "in Alertmanager".to_owned(),
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
        Stage::Accepted => format!("in Alertmanager {} after the fault", after_fault(seen.accepted)),
        Stage::Received => format!("received {} after the fault", after_fault(seen.received)),
        Stage::Resolved => {
            let took = seen.resolved.unwrap_or_default() - seen.cleared.unwrap_or_default();
            format!("received {} after clearing", seconds(took.max(0.0)))
        }
    }
}

fn content(plan: &AlertPlan, seen: &Observation) -> Finding {
    let rule = &plan.alert.rule;
    let Some(notified) = &seen.notified else {
        return unseen(&plan.name, seen);
    };
    let notified = &notified.alert;
    let wrong = differences(rule, &seen.labels, notified);
    let said = format!(
        "alertname, {} labels and {} annotations of the rule",
        rule.labels.len(),
        rule.annotations.len()
    );
    let finding = if wrong.is_empty() {
        let firing =
            format!("status {}, labels {}", notified.status, super::series::display(&notified.labels));
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

fn time_to_notify(plan: &AlertPlan, rounds: &[Observation]) -> Finding {
    let name = &plan.name;
    let times = times(rounds);
    if let (Some(by), Some(took)) = (plan.time_scale, times) {
        let reason = format!(
            "{took} was measured on a copy {by} times as fast: it is not the time of the rule as written",
        );
        return checks::TIME_TO_NOTIFY.not_checked(Requirement::Optional, name, reason);
    }
    let Some(objective) = plan.objective else {
        let reason = match times {
            Some(took) => format!("measured {took}; no objective was given (--objective DURATION)"),
            None => "no objective was given (--objective DURATION)".to_owned(),
        };
        return checks::TIME_TO_NOTIFY.not_checked(Requirement::Optional, name, reason);
    };
    let expected = format!("at most {}", seconds(objective.as_secs_f64()));
    match times {
        None => unreached(&checks::TIME_TO_NOTIFY, name, "no notification was received").expected(expected),
        Some(took) if took.greatest <= objective.as_secs_f64() => {
            checks::TIME_TO_NOTIFY.passed(name).expected(expected).observed(took.to_string())
        }
        Some(took) => checks::TIME_TO_NOTIFY.failed(name).expected(expected).observed(took.to_string()),
    }
}

/// With an accelerated copy the prediction for the rule as written is all that stands against the objective.
fn predicted_delay(plan: &AlertPlan) -> Finding {
    let name = &plan.name;
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
pub(crate) fn measurements(plan: &AlertPlan, rounds: &[Observation]) -> Vec<Measurement> {
    let labelled = |metric: &str, value: f64| {
        let measurement = Measurement::seconds(metric, value).label("alert", &plan.name);
        match plan.time_scale {
            Some(by) => measurement.label("time_scale", by.to_string()),
            None => measurement,
        }
    };
    let mut measured = Vec::new();
    if let Some(took) = times(rounds) {
        let measurement = labelled("time_to_notify_seconds", took.greatest);
        measured.push(match plan.objective.filter(|_| plan.time_scale.is_none()) {
            Some(objective) => {
                measurement.objective(Objective::AtMost(Decimal::new(objective.as_secs_f64(), 3)))
            }
            None => measurement,
        });
        if took.count > 1 {
            measured.push(labelled("time_to_notify_median_seconds", took.median));
            measured.push(labelled("time_to_notify_min_seconds", took.least));
        }
    }
    let resolved = rounds.iter().filter_map(|seen| Some(seen.resolved? - seen.cleared?));
    if let Some(took) = Spread::of(resolved) {
        measured.push(labelled("time_to_resolve_seconds", took.greatest));
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
