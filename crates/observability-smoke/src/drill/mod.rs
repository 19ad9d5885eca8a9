//! The drill: from a fault to the notification received, stage by stage, on one clock.
//!
//! The user's own rule runs in the installed Prometheus; a fixture exporter of ours exposes the series that it
//! uses and switches them to faulty; the installed Alertmanager notifies our own webhook.
//!
//! * [`plan`]: what was asked for, complete: the alert ([`selection`]), its series ([`series`], [`fixture`],
//!   [`derivation`]), the delay to expect ([`prediction`], computed with [`model`]).
//! * `stack`, `injection`, `receiver`, `trial`, `diagnosis`: the world: servers, clocks and answers.
//! * [`observation`], [`timeline`], [`assess`]: what was seen, as values, and what it means. Pure.
//!
//! It knows nothing of probes and of exposition text.

use std::path::PathBuf;

use evidence_report::{
    record::{Environment, Finding, Requirement},
    run::{Run, Usage},
};

mod acceleration;
pub(crate) mod assess;
pub(crate) mod checks;
mod clock;
pub(crate) mod config;
#[cfg(test)]
mod corpora;
mod derivation;
mod diagnosis;
pub(crate) mod fixture;
mod injection;
mod loopback;
mod model;
pub(crate) mod observation;
pub(crate) mod plan;
pub(crate) mod prediction;
mod prometheus;
pub(crate) mod receiver;
pub(crate) mod selection;
pub(crate) mod series;
pub(crate) mod stack;
pub(crate) mod timeline;
mod trial;

use clock::Clock;
use injection::Fixture;
use plan::Plan;
use receiver::Receiver;
use stack::{Programs, Stack, StackError, Wiring};
use trial::Trial;

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

/// Drills the alert of the plan; what is seen goes into `run`.
pub(crate) async fn observe(plan: &Plan, run: &Run) {
    // Whatever the flags say: servers that we started ourselves are nobody's production.
    run.is_really(Environment::Local);
    run.owes(checks::ALL.iter().copied());
    facts(plan, run);
    run.findings(assess::before(plan));
    if let Err(error) = drill(plan, run).await {
        run.finding(not_begun(plan, &error));
        run.findings(assess::not_reached(plan, "the drill did not begin"));
    }
}

/// What keeps a drill from beginning: our environment, but for rules that Prometheus refuses.
fn not_begun(plan: &Plan, error: &StackError) -> Finding {
    let servers = "prometheus and alertmanager";
    let finding = match error {
        StackError::RulesRefused(_) => checks::LOADED.failed(&plan.alert.rule.name),
        StackError::Stopped => checks::STACK.not_checked(Requirement::Required, servers, ""),
        StackError::Missing { package, .. } => checks::STACK.inconclusive(servers).remedy(format!(
            "apt-get install -y --no-install-recommends {package}, or name the program by its flag"
        )),
        StackError::NotReady { .. } => checks::STACK
            .inconclusive(servers)
            .remedy("Run the drill again; when it ends so once more, start that program by hand and read what it says"),
    };
    finding.expected("both started on loopback, the rule loaded").observed(error.to_string())
}

fn facts(plan: &Plan, run: &Run) {
    let rule = &plan.alert.rule;
    run.fact("Alert", format!("{} ({}:{})", rule.name, plan.alert.path.display(), rule.line));
    run.fact("Intervals", plan.intervals_in_words());
    run.fact("Series", plan.source_in_words());
    if let Some(by) = plan.time_scale {
        run.fact("Accelerated copy", format!("{by} times as fast as the rule as written"));
        run.detail("Rule as written", &crate::rules::manifest::write(&plan.written.loaded));
    }
    run.detail("Rule as it was loaded", &crate::rules::manifest::write(&plan.alert.loaded));
    run.detail("Series of the fixture: healthy → faulty", &plan.series_in_words());
}

async fn drill(plan: &Plan, run: &Run) -> Result<(), StackError> {
    if plan.fixture.is_err() {
        run.findings(assess::not_reached(plan, "there are no series for it"));
        return Ok(());
    }
    let programs = Programs::find(plan.prometheus.as_deref(), plan.alertmanager.as_deref())?;
    let clock = Clock::start();
    let ours = |error: std::io::Error| StackError::NotReady {
        program: "our own server on loopback",
        why: error.to_string(),
    };
    let fixture = Fixture::start(clock, plan.series().to_vec()).await.map_err(ours)?;
    let receiver = Receiver::start(clock).await.map_err(ours)?;
    let rules = crate::rules::manifest::write(&plan.alert.loaded);
    let wiring = Wiring {
        rules: &rules,
        scrape_interval: plan.scrape_interval,
        evaluation_interval: plan.evaluation_interval,
        fixture: fixture.address(),
        receiver: receiver.address(),
    };
    run.progress().phase("starting Prometheus and Alertmanager");
    let mut stack = Stack::start(run, &programs, &wiring).await?;
    run.progress().note(format!("embedded stack: {}", stack.processes()));
    versions(run, &stack).await;
    let mut trial = Trial { plan, run, clock, stack: &mut stack, fixture: &fixture, receiver: &receiver };
    let observation = trial.observe().await;
    run.progress().phase("ending Prometheus and Alertmanager");
    if observation.halted.is_some() {
        for (program, log) in stack.logs() {
            run.detail(format!("Last lines of the log of {program}"), &log);
        }
    }
    stack.end(run).await;
    conclude(plan, run, &observation);
    Ok(())
}

async fn versions(run: &Run, stack: &Stack) {
    if let Ok(version) = stack.api.version().await {
        run.fact("Prometheus", version);
    }
    if let Ok(version) = stack.alertmanager_api.alertmanager_version().await {
        run.fact("Alertmanager", version);
    }
}

fn conclude(plan: &Plan, run: &Run, observation: &observation::Observation) {
    run.findings(assess::after(plan, observation));
    for measurement in assess::measurements(plan, observation) {
        run.measurement(measurement);
    }
    if let Some(timeline) = timeline::timeline(&plan.subject_in_words(), observation, &plan.prediction) {
        run.timeline(timeline);
    }
}

/// Seconds as people read them: milliseconds below ten, tenths above.
#[must_use]
pub(crate) fn seconds(seconds: f64) -> String {
    let text = if seconds < 10.0 { format!("{seconds:.3}") } else { format!("{seconds:.1}") };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{} s", if text.is_empty() { "0" } else { text })
}
