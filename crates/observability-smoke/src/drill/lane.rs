//! One embedded stack, and the alerts that are drilled on it beside each other.

use std::collections::BTreeSet;

use evidence_report::run::Run;
use futures_util::future::{Either, join_all, select};
use tokio::sync::{Mutex, watch};

use super::{
    alert_plan::AlertPlan,
    clock::Clock,
    injection::{Fixture, Injection},
    observation::Observation,
    plan::Plan,
    receiver::Receiver,
    stack::{Programs, Scrape, Stack, StackError, Wiring},
    trial::{Arrival, Trial},
    watch::{Asked, Snapshot, watch},
};

/// What came of the alerts of a lane.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The trials of each alert, by its place in the plan.
    pub(super) seen: Vec<(usize, Vec<Observation>)>,
    /// The alerts whose drill did not begin, and why.
    pub(super) not_begun: Vec<(usize, StackError)>,
    /// Versions, for people.
    pub(super) versions: Vec<(&'static str, String)>,
    /// What the servers said last, where an alert stopped.
    pub(super) logs: Vec<(&'static str, String)>,
}

/// Drills the alerts of a lane. A rule that Prometheus refuses keeps only its own alert from its drill.
pub(super) async fn drill(plan: &Plan, run: &Run, programs: &Programs, number: usize) -> Outcome {
    let mut outcome = Outcome::default();
    let mut left = plan.lanes[number].clone();
    for attempt in 0_usize.. {
        if left.is_empty() {
            break;
        }
        match once(plan, run, programs, &format!("stack-{number}-{attempt}"), &left, &mut outcome).await {
            Ok(()) => break,
            Err(StackError::RulesRefused { index, message }) if index < left.len() => {
                let refused = left.remove(index);
                outcome.not_begun.push((refused, StackError::RulesRefused { index, message }));
            }
            Err(error) => {
                outcome.not_begun.extend(left.drain(..).map(|index| (index, error.clone())));
            }
        }
    }
    outcome
}

async fn once(
    plan: &Plan,
    run: &Run,
    programs: &Programs,
    folder: &str,
    lane: &[usize],
    outcome: &mut Outcome,
) -> Result<(), StackError> {
    let clock = Clock::start();
    let ours = |error: std::io::Error| StackError::NotReady {
        program: "our own server on loopback",
        why: error.to_string(),
    };
    let alerts: Vec<&AlertPlan> = lane.iter().map(|index| &plan.alerts[*index]).collect();
    let mut faults = Vec::new();
    let mut scrapes = Vec::new();
    for (place, alert) in alerts.iter().enumerate() {
        match &alert.hooks {
            Some(hooks) => {
                scrapes.extend(hooks.scrape.iter().map(|scrape| Scrape {
                    job: scrape.job.clone(),
                    targets: scrape.targets.clone(),
                    path: scrape.path.clone().unwrap_or_else(|| "/metrics".to_owned()),
                    honor_labels: false,
                }));
                faults.push(Injection::Hook(hooks.clone(), Mutex::new(None)));
            }
            None => {
                let fixture = Fixture::start(clock, alert.series().to_vec(), None).await.map_err(ours)?;
                scrapes.push(Scrape {
                    job: format!("drill-{place}"),
                    targets: vec![fixture.address().to_string()],
                    path: "/metrics".to_owned(),
                    honor_labels: true,
                });
                faults.push(Injection::Fixture(fixture));
            }
        }
    }
    let receiver = Receiver::start(clock, None).await.map_err(ours)?;
    let wiring = Wiring {
        folder: folder.to_owned(),
        rules: alerts.iter().map(|alert| crate::rules::manifest::write(&alert.alert.loaded)).collect(),
        scrape_interval: plan.scrape_interval,
        evaluation_interval: plan.evaluation_interval,
        scrapes,
        receiver: receiver.address(),
        routing: plan.routes.as_ref().map(|routes| routes.embedded(receiver.address())),
    };
    run.progress().phase("starting Prometheus and Alertmanager");
    let mut stack = Stack::start(run, programs, &wiring).await?;
    run.progress().note(format!("embedded stack: {}", stack.processes()));
    outcome.versions = versions(&stack).await;
    let asked = Asked {
        prometheus: stack.api.clone(),
        alertmanager: stack.alertmanager_api.clone(),
        targets: alerts.iter().any(|alert| alert.hooks.is_some()),
    };
    let (into, seen) = watch::channel(Snapshot::default());
    let trials = alerts.iter().zip(&faults).map(|(alert, fault)| {
        let seen = seen.clone();
        let (api, receiver) = (&asked.prometheus, &receiver);
        async move {
            let none = BTreeSet::new();
            let silent = alert.routing.as_ref().and_then(|routing| routing.silent.as_deref());
            let arrival = Arrival { webhook: Some(receiver), integrations: &none, silent };
            let trial = Trial { plan: alert, run, clock, api, seen, fault, arrival };
            let rounds = trial.observe(plan.repeat).await;
            told(run, alert, &rounds);
            rounds
        }
    });
    let observed = {
        let watching = std::pin::pin!(watch(&asked, clock, &into, || stack.casualty()));
        match select(std::pin::pin!(join_all(trials)), watching).await {
            Either::Left((observed, _)) => observed,
            // It asks for ever; this is never reached.
            Either::Right(((), trials)) => trials.await,
        }
    };
    if observed.iter().flatten().any(|seen| seen.halted.is_some()) {
        outcome.logs = stack.logs();
    }
    stack.end(run).await;
    outcome.seen.extend(lane.iter().copied().zip(observed));
    Ok(())
}

/// One line of progress about an alert that is done.
fn told(run: &Run, alert: &AlertPlan, rounds: &[Observation]) {
    let halted = rounds.last().and_then(|seen| seen.halted.as_ref());
    let what = match (halted, super::assess::times(rounds)) {
        (Some(halt), _) => format!("stopped, not {}", halt.stage.word()),
        (None, Some(took)) => format!("received after {took}"),
        (None, None) => "done".to_owned(),
    };
    run.progress().note(format!("{}: {what}", alert.name));
}

async fn versions(stack: &Stack) -> Vec<(&'static str, String)> {
    let mut versions = Vec::new();
    if let Ok(version) = stack.api.version().await {
        versions.push(("Prometheus", version));
    }
    if let Ok(version) = stack.alertmanager_api.alertmanager_version().await {
        versions.push(("Alertmanager", version));
    }
    versions
}
