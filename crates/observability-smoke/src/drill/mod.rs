//! The drill: from a fault to the notification received, stage by stage, on one clock.
//!
//! The user's own rule runs in the installed Prometheus; a fixture exporter of ours exposes the series that it
//! uses and switches them to faulty; the installed Alertmanager notifies our own webhook.
//!
//! * [`plan`]: what was asked for, complete: the alerts ([`selection`], [`alert_plan`]), their series
//!   ([`series`], [`fixture`], [`derivation`]) or [`hooks`], the delay to expect ([`prediction`], computed with
//!   [`model`]), and which of them share a stack ([`lanes`]).
//! * `lane`, `stack`, `watch`, `injection`, `receiver`, `trial`, `diagnosis`, `reason`: the world: servers, clocks and answers.
//! * `real`: the same alerts posted to a real Alertmanager, behind a fence of its own.
//! * `replay`: long rules, un-shortened, over blocks of their series.
//! * `live`: the same alerts in a real Prometheus, by series that it scrapes from us, behind that fence and a second.
//! * [`observation`], [`timeline`], [`spread`], [`table`], [`assess`]: what was seen, as values, and what it means.
//!   Pure.
//!
//! It knows nothing of probes and of exposition text.

use std::path::PathBuf;

use evidence_report::{
    record::{Chart, Environment, Finding, Requirement},
    run::{Run, Usage},
};
use futures_util::future::join_all;

mod acceleration;
pub(crate) mod alert_plan;
pub(crate) mod assess;
pub(crate) mod checks;
mod clock;
mod cluster;
pub(crate) mod config;
#[cfg(test)]
mod corpora;
mod derivation;
mod diagnosis;
pub(crate) mod fixture;
mod hooks;
mod injection;
mod lane;
mod lanes;
pub(crate) mod live;
mod loopback;
mod model;
pub(crate) mod observation;
mod owed;
mod phase;
pub(crate) mod plan;
pub(crate) mod prediction;
mod prometheus;
pub(crate) mod real;
mod reason;
pub(crate) mod receiver;
pub(crate) mod remains;
pub(crate) mod replay;
pub(crate) mod routes;
pub(crate) mod selection;
pub(crate) mod series;
mod spread;
pub(crate) mod stack;
mod table;
mod time_scale;
pub(crate) mod timeline;
mod trial;
mod watch;

use alert_plan::AlertPlan;
use lane::Outcome;
use observation::Observation;
use plan::Plan;
use stack::{Programs, StackError};

use crate::rules::version;

/// A drill that could not be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrillError {
    /// What was typed cannot be done.
    #[error(transparent)]
    Usage(#[from] Usage),
    /// A rule file is none.
    #[error("the rule file {path} cannot be used: {source}", path = path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// Why.
        source: crate::rules::manifest::ManifestError,
    },
    /// The alert cannot be picked.
    #[error(transparent)]
    Selection(#[from] selection::SelectionError),
    /// A unit-test file is none.
    #[error("the unit-test file {path} cannot be used: {source}", path = path.display())]
    UnitTests {
        /// The file.
        path: PathBuf,
        /// Why.
        source: crate::rules::unit_test::UnitTestError,
    },
    /// The series in the configuration are wrong.
    #[error("drill.alerts in the configuration, alert {alert}: {why}")]
    Series {
        /// The alert.
        alert: String,
        /// Why.
        why: String,
    },
    /// The drill would outlast the run.
    #[error("{0}")]
    TooLong(String),
}

/// Drills the alerts of the plan on embedded stacks; what is seen goes into `run`.
pub(crate) async fn observe(plan: &Plan, run: &Run) {
    // Whatever the flags say: servers that we started ourselves are nobody's production.
    run.is_really(Environment::Local);
    owed::on_our_stack(run);
    run.owes(plan.alerts.iter().filter(|alert| alert.hooks.is_some()).map(|_| &checks::FAULT_ENDED));
    facts(plan, run);
    run.findings(assess::level(&plan.alerts));
    for alert in &plan.alerts {
        run.findings(assess::before(alert));
        if alert.fixture.is_err() {
            run.findings(assess::not_reached(alert, "there are no series for it"));
        }
    }
    for (name, reason) in &plan.skipped {
        run.finding(checks::LEFT_OUT.not_checked(Requirement::Optional, name, format!("left out: {reason}")));
    }
    let mut seen: Vec<Vec<Observation>> = plan.alerts.iter().map(|_| Vec::new()).collect();
    match Programs::find(plan.prometheus.as_deref(), plan.alertmanager.as_deref()) {
        Err(error) if !plan.lanes.is_empty() => {
            run.finding(not_begun(SERVERS, &error));
            for alert in plan.lanes.iter().flatten().map(|index| &plan.alerts[*index]) {
                run.findings(assess::not_reached(alert, "the drill did not begin"));
            }
        }
        Err(_) => {}
        Ok(programs) => {
            let numbers: Vec<_> = (0..plan.lanes.len()).collect();
            for wave in numbers.chunks(plan::LANES_AT_ONCE) {
                let lanes = wave.iter().map(|number| lane::drill(plan, run, &programs, *number));
                for (number, outcome) in wave.iter().zip(join_all(lanes).await) {
                    conclude(plan, run, *number, outcome, &mut seen);
                }
            }
        }
    }
    show(plan, run, &seen);
}

/// The subject of what is said of the servers.
const SERVERS: &str = "prometheus and alertmanager";

/// What keeps a drill from beginning: our environment, but for rules that Prometheus refuses.
fn not_begun(subject: &str, error: &StackError) -> Finding {
    let finding = match error {
        StackError::RulesRefused { .. } => checks::LOADED.failed(subject),
        StackError::Stopped => checks::STACK.not_checked(Requirement::Required, subject, ""),
        StackError::Missing { package, .. } => checks::STACK.inconclusive(subject).remedy(format!(
            "apt-get install -y --no-install-recommends {package}, or name the program by its flag"
        )),
        StackError::NoProgram { program, .. } => checks::STACK.inconclusive(subject).remedy(format!(
            "Correct --{program} FILE: it names the program itself (a configuration is given with \
             --alertmanager-config). Without it the installed one is taken"
        )),
        StackError::NotReady { .. } => checks::STACK
            .inconclusive(subject)
            .remedy("Run the drill again; when it ends so once more, start that program by hand and read what it says"),
    };
    finding.expected("both started on loopback, the rule loaded").observed(error.to_string())
}

/// An alert whose rule Prometheus refuses: its own fault, unless only a newer one can know what it says.
pub(crate) fn refused(alert: &AlertPlan, message: &str) -> Finding {
    let newer = crate::rules::refusal::only_newer(&alert.alert.loaded).into_iter().next();
    let of_expression = || {
        let doubt = version::doubt(alert.expression.as_ref()?, &alert.alert.rule.expression)?;
        let elsewhere = !matches!(doubt, version::Doubt::OursAlone(_));
        elsewhere.then(|| doubt.why().to_owned())
    };
    let finding = match newer.or_else(of_expression) {
        None => checks::LOADED.failed(&alert.name),
        Some(what) => checks::LOADED.inconclusive(&alert.name).remedy(format!(
            "This Prometheus is older than the rule file, or lacks a feature of it ({what}): name one that takes it with \
             --prometheus FILE"
        )),
    };
    let finding = finding.expected("a rule that Prometheus loads").observed(message);
    finding.at(alert.alert.path.display().to_string(), Some(alert.alert.rule.line))
}

fn facts(plan: &Plan, run: &Run) {
    if let Some(routes) = &plan.routes {
        let path = routes.path.display();
        run.fact("Alertmanager configuration", format!("{path}, {}", routes.configuration.digest));
    }
    let [alert] = plan.alerts.as_slice() else {
        run.fact("Alerts", plan.alerts.len().to_string());
        run.fact("Embedded stacks", plan.lanes.len().to_string());
        let copies = plan.alerts.iter().filter(|alert| alert.time_scale.is_some()).count();
        if copies > 0 {
            run.fact("Accelerated copies", format!("{copies} of {} alerts", plan.alerts.len()));
        }
        let rules = plan.alerts.iter().map(|alert| {
            let heading = alert.subject_in_words();
            format!("{heading}\n{}", indented(&alert.series_in_words()))
        });
        run.detail("Series of the fixtures: healthy → faulty", &rules.collect::<Vec<_>>().join("\n"));
        return;
    };
    let rule = &alert.alert.rule;
    run.fact("Alert", format!("{} ({}:{})", rule.name, alert.alert.path.display(), rule.line));
    run.fact("Intervals", alert.intervals_in_words());
    run.fact("Series", alert.source_in_words());
    if let Some(by) = alert.time_scale {
        run.fact("Accelerated copy", format!("{by} times as fast as the rule as written"));
        run.detail("Rule as written", &crate::rules::manifest::write(&alert.written.loaded));
    }
    run.detail("Rule as it was loaded", &crate::rules::manifest::write(&alert.alert.loaded));
    run.detail("Series of the fixture: healthy → faulty", &alert.series_in_words());
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn conclude(plan: &Plan, run: &Run, number: usize, outcome: Outcome, seen: &mut [Vec<Observation>]) {
    let stack =
        if plan.lanes.len() == 1 { SERVERS.to_owned() } else { format!("{SERVERS} (stack {})", number + 1) };
    let mut told = false;
    for (index, error) in &outcome.not_begun {
        let alert = &plan.alerts[*index];
        match error {
            StackError::RulesRefused { message, .. } => run.finding(refused(alert, message)),
            _ if !told => {
                told = true;
                run.finding(not_begun(&stack, error));
            }
            _ => {}
        }
        run.findings(assess::not_reached(alert, "the drill did not begin"));
    }
    if outcome.seen.is_empty() {
        return;
    }
    let all: Vec<_> = outcome.seen.iter().flat_map(|(_, rounds)| rounds).collect();
    run.finding(assess::stack(&stack, &all));
    if number == 0 {
        for (name, version) in &outcome.versions {
            run.fact(*name, version);
        }
    }
    for (program, log) in &outcome.logs {
        let which = if plan.lanes.len() == 1 { String::new() } else { format!(" (stack {})", number + 1) };
        run.detail(format!("Last lines of the log of {program}{which}"), log);
    }
    for (index, rounds) in outcome.seen {
        let alert = &plan.alerts[index];
        run.findings(assess::after(alert, &rounds));
        for measurement in assess::measurements(alert, &rounds) {
            run.measurement(measurement);
        }
        seen[index] = rounds;
    }
}

/// The timeline of one alert, or the table of many.
fn show(plan: &Plan, run: &Run, seen: &[Vec<Observation>]) {
    if let ([alert], [rounds]) = (plan.alerts.as_slice(), seen) {
        let decisive = assess::decisive(rounds);
        let shown =
            decisive.and_then(|seen| timeline::timeline(&alert.subject_in_words(), seen, &alert.prediction));
        if let Some(timeline) = shown {
            run.timeline(timeline);
        }
        if plan.repeat == 1 {
            return;
        }
    }
    let rows: Vec<_> =
        plan.alerts.iter().zip(seen).map(|(alert, rounds)| (alert, rounds.as_slice())).collect();
    run.chart(Chart { title: "Alerts, in seconds after the fault".to_owned(), lines: table::table(&rows) });
}

/// Seconds as people read them: milliseconds below ten, tenths above.
#[must_use]
pub(crate) fn seconds(seconds: f64) -> String {
    let text = if seconds < 10.0 { format!("{seconds:.3}") } else { format!("{seconds:.1}") };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{} s", if text.is_empty() { "0" } else { text })
}
