//! What a trial means: findings. Pure. What is said of the level of proof stands in `level`, what arrived in `content`,
//! times in `times`.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::record::{Check, Finding, Requirement};

use super::{
    alert_plan::{AlertPlan, Level},
    checks,
    observation::{Cause, Halt, Observation, Stage},
    plan::Until,
    seconds,
};
use crate::rules::{expression, manifest::Rule};

mod content;
mod level;
mod times;

use content::{as_posted, content};
pub(crate) use level::{LEVEL_IN_A_REAL_ONE, level};
pub(crate) use times::{decisive, measurements, times};
use times::{predicted_delay, time_to_notify};

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
        Err(why) => {
            let finding = checks::SERIES
                .inconclusive(&plan.name)
                .expected("series that make the condition true")
                .observed(why);
            let unfed = |expression| expression::selectors(expression).is_empty();
            if plan.expression.as_ref().is_some_and(unfed) {
                finding.remedy(format!(
                    "Leave it out of --all, in the --config file: drill.alerts: [{{alert: {}, skip: REASON}}].",
                    plan.alert.rule.name
                ))
            } else {
                finding
            }
        }
    };
    vec![place(series), place(as_written(plan))]
}

fn as_written(plan: &AlertPlan) -> Finding {
    let (rule, copy) = (&plan.written.rule, &plan.alert.rule);
    let hold = |rule: &Rule| seconds(rule.hold.as_secs_f64());
    let held = if rule.hold.is_zero() {
        String::new()
    } else {
        format!("`for` {} became {}, ", hold(rule), hold(copy))
    };
    match plan.time_scale {
        None => checks::AS_WRITTEN
            .passed(&plan.name)
            .expected("expression, `for`, labels and annotations as they stand")
            .observed("unchanged"),
        Some(by) => checks::AS_WRITTEN.not_checked(
            Requirement::Optional,
            &plan.name,
            format!(
                "an accelerated copy was drilled, {by} times as fast, as --time-scale asks: {held}the expression `{}`",
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
    findings.extend(once(plan, seen));
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
    findings.extend(once(plan, seen));
    findings.push(as_posted(&plan.name, seen, labels, annotations, plan.routing.as_ref()));
    findings.push(time_to_notify(plan, rounds));
    findings.push(predicted_delay(plan));
    findings
}

/// Whether the same came several times; nothing, where nobody counted.
fn once(plan: &AlertPlan, seen: &Observation) -> Option<Finding> {
    let expected = "one notification of it";
    match seen.copies {
        0 => None,
        1 => Some(checks::ONCE.passed(&plan.name).expected(expected).observed("one")),
        several => {
            let late = if plan.prediction.settling.is_zero() {
                ""
            } else {
                "; and where group_interval is no longer than members wait for each other, one that wakes up late tells again"
            };
            Some(checks::ONCE.warned(&plan.name).expected(expected).observed(format!(
                "{several}, with the same alerts of the same group for the same receiver: Alertmanagers that do not know of \
                 each other notify each on its own{late}"
            )))
        }
    }
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

/// What to do where the routes tell nobody.
const CORRECT_THE_ROUTE: &str =
    "Correct the route, the receiver or the interval that is named, in the configuration of Alertmanager";

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
                let finding =
                    check.failed(&plan.name).expected(expected(plan, stage)).observed(stopped(seen, halt));
                let silent = plan.routing.as_ref().and_then(|routing| routing.silent.as_ref());
                if silent == Some(&halt.reason) { finding.remedy(CORRECT_THE_ROUTE) } else { finding }
            }
            Cause::Environment | Cause::Stop | Cause::Unpredicted => {
                unreached(check, &plan.name, stopped(seen, halt))
            }
        },
        Some(halt) if halt.stage < stage => {
            unreached(check, &plan.name, format!("the alert stopped before: not {}", halt.stage.word()))
        }
        None if stage == Stage::Resolved && plan.until == Until::Received => {
            check.not_checked(Requirement::Optional, &plan.name, "--until received was asked for")
        }
        None if stage == Stage::Resolved && seen.resolved.is_none() && seen.ended.is_some() => {
            check.not_checked(Requirement::Optional, &plan.name, ended_quietly(plan, seen))
        }
        _ => check.passed(&plan.name).expected(expected(plan, stage)).observed(observed(seen, stage)),
    };
    finding.at(plan.alert.path.display().to_string(), Some(rule.line))
}

/// An alert that has ended, and whose receiver is not told.
fn ended_quietly(plan: &AlertPlan, seen: &Observation) -> String {
    let why = plan.routing.as_ref().and_then(|routing| routing.no_end_expected(seen.notified.as_ref()));
    if plan.level == Level::Notification {
        return format!("{}; it was posted as ended", why.unwrap_or_default());
    }
    let took = seen.ended.unwrap_or_default() - seen.cleared.unwrap_or_default();
    format!("{}; the alert ended {} after clearing", why.unwrap_or_default(), seconds(took.max(0.0)))
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
        Stage::Loaded if seen.replayed => "evaluated without an error".to_owned(),
        Stage::Loaded => "loaded and healthy".to_owned(),
        Stage::Quiet if seen.replayed => {
            format!("inactive after {} samples of healthy series", seen.healthy_scrapes.unwrap_or(0))
        }
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
