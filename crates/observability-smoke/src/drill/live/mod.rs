//! The drill in a real Prometheus: series of ours, scraped by a job of the user's, make the rule fire that it has
//! loaded, and the alert takes its way through the real Alertmanagers. Real series and real people stand beside it, so
//! that everything it would touch is computed before anything is exposed.
//!
//! * [`plan`]: what was asked for. `scene`: what Prometheus says of itself.
//! * [`apart`], [`relabel`], [`reach`], [`approve`]: who would see the series, and whom the alerts would reach. Pure.
//! * `admission`: what has to hold before anything is exposed.
//! * `course`, `watching`: one alert after the other, from exposing its series to their end.
//! * `cascade`: which other alerts became active meanwhile. `returning`: whether an Alertmanager that was dead comes back.
//! * `fault`: instead of series, a command of the user's; `fault_fence`: whether it may be run, [`possible`]: whom the alerts may reach that it makes fire. Pure.
//! * [`remains`]: what a killed drill leaves.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use evidence_report::{
    record::{Chart, Finding, Requirement},
    run::Run,
};

use super::{
    assess,
    checks::{AS_WRITTEN, LEFT_OUT, LEVEL, LOADED, REAL_ROUTE, SERIES},
    clock::Clock,
    cluster,
    observation::{Cause, Observation},
    owed::{self, Webhook},
    prometheus::Api,
    real,
    receiver::Receiver,
    table, timeline,
};
use crate::http::{Http, Trust};

mod admission;
mod apart;
mod approve;
mod cascade;
pub(crate) mod checks;
mod course;
mod fault;
mod fault_fence;
mod plan;
mod possible;
mod reach;
mod relabel;
pub(crate) mod remains;
mod returning;
mod scene;
mod watching;

use admission::{Alertmanagers, alertmanagers, ready};
use approve::Approved;
use course::{Course, Outcome};
pub(crate) use plan::LivePlan;
use scene::Scene;
pub(crate) use scene::{AGAIN, DISCOVERY, LiveConfig};

/// The value of the drill's label on the target itself, for the series that Prometheus makes of every scrape.
const STANDING: &str = "standing";

/// Finding a target in a file takes Prometheus some seconds.
const STARTING: Duration = Duration::from_secs(6);

/// Drills the alerts of the plan, one after the other; what is seen goes into `run`.
pub(crate) async fn observe(plan: &LivePlan<'_>, run: &Run) {
    if !plan.arguments.run_hooks {
        run.owes(checks::OF_LIVE);
        let level = LEVEL.not_checked(
            Requirement::Optional,
            "your exporter and the alert's own route",
            format!("level of proof: {}", assess::LEVEL_IN_A_REAL_ONE),
        );
        run.finding(level);
        for (name, reason) in &plan.skipped {
            run.finding(LEFT_OUT.not_checked(Requirement::Optional, name, format!("left out: {reason}")));
        }
    }
    let http = match Http::new(if plan.url.0.scheme() == "https" { Trust::System } else { Trust::Nobody }) {
        Ok(http) => http,
        Err(error) => {
            return run
                .finding(checks::PROMETHEUS.inconclusive(plan.url.to_string()).observed(error.to_string()));
        }
    };
    run.progress().phase("asking Prometheus for its rules, its scrape job and its Alertmanagers");
    let job = &plan.arguments.real.drill_job;
    let brings_target = plan.targets_file.is_some();
    let scene = match run.stop().guard(scene::ask(&http, &plan.url, &plan.headers, job, brings_target)).await
    {
        Ok(Ok(scene)) => scene,
        Ok(Err(why)) => {
            let finding = checks::PROMETHEUS.failed(plan.url.to_string()).expected("an answer");
            let finding = finding.observed(format!("nothing was exposed: {why}"));
            return run.finding(finding.remedy("Correct --prometheus URL, or start Prometheus there."));
        }
        Err(_) => return,
    };
    run.fact("Prometheus", &scene.version);
    run.fact("Configuration of Prometheus", &scene.digest);
    let Some(Alertmanagers { peers, states, dead }) = alertmanagers(plan, &http, &scene, run).await else {
        return;
    };
    if plan.arguments.run_hooks {
        let ground =
            fault::Ground { http: &http, scene: &scene, peers: &peers, states: &states, dead: &dead };
        return fault::observe(plan, &ground, run).await;
    }
    let Some(ready) = ready(plan, &http, &scene, &states, run).await else { return };
    let clock = Clock::start();
    let receiver = match Receiver::at(clock, plan.arguments.real.listen, "nothing was exposed").await {
        Ok(receiver) => receiver,
        Err(finding) => return run.finding(finding),
    };
    run.owes([&AS_WRITTEN, &SERIES, &REAL_ROUTE, &checks::DURATION, &checks::ENDED]);
    owed::in_a_real_prometheus(run, Webhook::is_ours(receiver.as_ref()));
    let api = Api::real(&http, &plan.url, &plan.headers);
    let starts = RefCell::new(BTreeSet::from([scene.started.clone()]));
    let mut seen: Vec<(&Approved, Outcome)> = Vec::new();
    for approved in &ready {
        let course = Course {
            run,
            plan,
            approved,
            api: &api,
            http: &http,
            peers: &peers,
            dead: &dead,
            receiver: receiver.as_ref(),
            clock,
            id: run.id(),
            starts: &starts,
        };
        let mut outcome = course.run().await;
        as_sent(&scene, &mut outcome.rounds);
        seen.push((approved, outcome));
    }
    cluster::let_tell(run, receiver.as_ref(), ready.iter().map(|one| &one.plan.prediction)).await;
    let all: Vec<&Observation> = seen.iter().flat_map(|(_, outcome)| &outcome.rounds).collect();
    let starts = starts.into_inner();
    run.finding(throughout(plan, &scene, &all, &starts, &api).await);
    real::throughout(run, &peers, &states).await;
    show(&seen, run);
}

/// Says what was seen.
fn show(seen: &[(&Approved, Outcome)], run: &Run) {
    for (approved, outcome) in seen {
        conclude(approved, outcome, run);
    }
    if let [(approved, outcome)] = seen {
        let alert = &approved.plan;
        let decisive = assess::decisive(&outcome.rounds);
        let shown = decisive.and_then(|seen| timeline::timeline(&alert.name, seen, &alert.prediction));
        if let Some(timeline) = shown {
            run.timeline(timeline);
        }
    }
    let rows: Vec<_> =
        seen.iter().map(|(approved, outcome)| (&approved.plan, outcome.rounds.as_slice())).collect();
    run.chart(Chart { title: "Alerts, in seconds after the fault".to_owned(), lines: table::table(&rows) });
}

/// What Alertmanager is sent has passed the alert relabelling: that is what a notification is held against.
fn as_sent(scene: &Scene, rounds: &mut [Observation]) {
    for seen in rounds {
        if let Ok(sent) = scene.as_sent(&seen.labels)
            && let Some(labels) = sent.into_iter().next()
        {
            seen.labels = labels;
        }
    }
}

async fn throughout(
    plan: &LivePlan<'_>,
    scene: &Scene,
    rounds: &[&Observation],
    starts: &BTreeSet<String>,
    api: &Api,
) -> Finding {
    let subject = plan.url.to_string();
    let expected = "answers to the end, and is not restarted";
    let halted = rounds.iter().filter_map(|seen| seen.halted.as_ref());
    let gone = halted.clone().find(|halt| halt.is_of_a_prometheus_gone());
    let finding = if let Some(halt) = gone {
        checks::PROMETHEUS
            .failed(subject)
            .observed(format!("gone in the middle of the drill: {}", halt.reason))
    } else if !api.is_ready().await {
        checks::PROMETHEUS.failed(subject).observed("it does not answer any more")
    } else if let Some(again) = starts.iter().find(|start| **start != scene.started) {
        checks::PROMETHEUS
            .warned(subject)
            .observed(format!("restarted in the middle of the drill, at {again}"))
    } else {
        checks::PROMETHEUS.passed(subject).observed("it did")
    };
    finding.expected(expected)
}

fn conclude(approved: &Approved, outcome: &Outcome, run: &Run) {
    let alert = &approved.plan;
    let environment = outcome.rounds.iter().filter_map(|seen| seen.halted.as_ref());
    if let Some(halt) = environment.into_iter().find(|halt| halt.cause == Cause::Environment) {
        // Said once, in its own words, where nothing else would say it.
        run.finding(
            LOADED
                .inconclusive(&alert.name)
                .expected("a drill that nothing outside disturbs")
                .observed(&halt.reason)
                .remedy("Mend what is in the way, and drill again: nothing is known of the alert."),
        );
    }
    run.findings(assess::after(alert, &outcome.rounds));
    let expected = "no alert of the drill is left";
    run.finding(match &outcome.left {
        None => checks::ENDED.passed(&alert.name).expected(expected).observed("none is"),
        Some(why) => checks::ENDED.inconclusive(&alert.name).expected(expected).observed(why),
    });
    for measurement in assess::measurements(alert, &outcome.rounds) {
        run.measurement(measurement);
    }
}
