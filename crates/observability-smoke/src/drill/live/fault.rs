//! A real fault in a real Prometheus: commands of the user's cause it and end it, the user's own exporter shows it, and
//! the alert takes its own way. Nothing of ours is exposed or posted; so nothing marks it as a drill, and everybody who
//! may be told must have been named.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use evidence_report::{
    record::{Chart, Finding, Requirement},
    run::Run,
};
use futures_util::future::{Either, select};
use tokio::sync::{Mutex, watch};

use super::{
    super::{
        alert_plan::AlertPlan,
        assess,
        checks::{FAULT_ENDED, FENCE, LEFT_OUT, LEVEL},
        clock::Clock,
        cluster,
        injection::Injection,
        observation::Observation,
        owed::{self, Webhook},
        prometheus::Api,
        real::{
            self,
            peer::{Peer, State},
        },
        receiver::Receiver,
        series::Labels,
        table, timeline,
        trial::{Arrival, Trial},
        watch::Snapshot,
    },
    LivePlan,
    cascade::Cascade,
    checks,
    fault_fence::{Admitted, admitted},
    returning::Dead,
    scene::Scene,
    throughout,
    watching::{Watched, watch as watching},
};
use crate::{alertmanager::Configuration, http::Http};

/// After a stop nobody waits longer than this for the alert's end.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a real Prometheus and its Alertmanagers are reached with.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) http: &'a Http,
    pub(super) scene: &'a Scene,
    pub(super) peers: &'a [Peer],
    pub(super) states: &'a [(State, Configuration)],
    pub(super) dead: &'a [Dead],
}

/// Causes the faults, one after the other; what is seen goes into `run`.
pub(super) async fn observe(plan: &LivePlan<'_>, ground: &Ground<'_>, run: &Run) {
    run.owes([&FENCE, &checks::RULE_LOADED, &checks::PROMETHEUS]);
    run.finding(LEVEL.not_checked(Requirement::Optional, "the other alerts", LEVEL_OF_A_REAL_FAULT));
    for (name, reason) in &plan.skipped {
        run.finding(LEFT_OUT.not_checked(Requirement::Optional, name, format!("left out: {reason}")));
    }
    let Some(admitted) = admitted(plan, ground, run) else { return };
    let clock = Clock::start();
    let receiver = match Receiver::at(clock, plan.arguments.real.listen, "no fault was caused").await {
        Ok(receiver) => receiver,
        Err(finding) => return run.finding(finding),
    };
    run.owes([&FAULT_ENDED, &checks::DURATION, &checks::ENDED]);
    owed::in_a_real_prometheus(run, Webhook::is_ours(receiver.as_ref()));
    let api = Api::real(ground.http, &plan.url, &plan.headers);
    let starts = RefCell::new(BTreeSet::from([ground.scene.started.clone()]));
    let mut seen: Vec<(&AlertPlan, Vec<Observation>)> = Vec::new();
    for one in &admitted {
        let rounds = course(plan, ground, run, (one, &api, receiver.as_ref(), clock, &starts)).await;
        run.findings(assess::after(&one.plan, &rounds));
        for measurement in assess::measurements(&one.plan, &rounds) {
            run.measurement(measurement);
        }
        seen.push((&one.plan, rounds));
    }
    cluster::let_tell(run, receiver.as_ref(), admitted.iter().map(|one| &one.plan.prediction)).await;
    let all: Vec<&Observation> = seen.iter().flat_map(|(_, rounds)| rounds).collect();
    run.finding(throughout(plan, ground.scene, &all, &starts.into_inner(), &api).await);
    real::throughout(run, ground.peers, ground.states).await;
    if let [(alert, rounds)] = seen.as_slice()
        && let Some(seen) = assess::decisive(rounds)
        && let Some(timeline) = timeline::timeline(&alert.name, seen, &alert.prediction)
    {
        run.timeline(timeline);
    }
    let rows: Vec<_> = seen.iter().map(|(alert, rounds)| (*alert, rounds.as_slice())).collect();
    run.chart(Chart { title: "Alerts, in seconds after the fault".to_owned(), lines: table::table(&rows) });
}

/// What is proven, and what not.
const LEVEL_OF_A_REAL_FAULT: &str = "level of proof: a real fault, shown by your own exporter, scraped and evaluated by your own \
    Prometheus with the rule as it has loaded it, sent on its own route through your own Alertmanager; nothing of ours took part \
    but the webhook, where there is one. Other alerts that became active meanwhile are told, and not judged";

type With<'a> = (&'a Admitted, &'a Api, Option<&'a Receiver>, Clock, &'a RefCell<BTreeSet<String>>);

/// Takes one alert through its stages, and looks at its end.
async fn course(
    plan: &LivePlan<'_>,
    ground: &Ground<'_>,
    run: &Run,
    (one, api, receiver, clock, starts): With<'_>,
) -> Vec<Observation> {
    let alert = &one.plan;
    let Some(hooks) = &alert.hooks else { return Vec::new() };
    let rule = &alert.alert.rule;
    let mark: Labels = rule
        .labels
        .iter()
        .filter(|(_, value)| !value.contains("{{"))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let fault = Injection::Hook(hooks.clone(), Mutex::new(None));
    let (into, seen) = watch::channel(Snapshot { mark: mark.clone(), ..Snapshot::default() });
    let arrival =
        Arrival { webhook: receiver, integrations: &one.integrations, silent: one.silent.as_deref() };
    let trial = Trial { plan: alert, run, clock, api, seen, fault: &fault, arrival };
    let others = RefCell::new(Cascade::default());
    let watched = Watched {
        api,
        http: ground.http,
        url: &plan.url,
        headers: &plan.headers,
        peers: ground.peers,
        dead: ground.dead,
        others: Some(&others),
        mark: &mark,
        alert: &rule.name,
        counters: receiver.is_none(),
        targets: true,
        starts,
    };
    let rounds = {
        let watching = std::pin::pin!(watching(&watched, clock, &into));
        match select(std::pin::pin!(trial.observe(plan.arguments.repeat)), watching).await {
            Either::Left((rounds, _)) => rounds,
            // It asks for ever; this is never reached.
            Either::Right(((), trials)) => trials.await,
        }
    };
    if rounds.iter().any(|seen| seen.fault.is_some()) {
        tell_others(plan, &alert.name, &others.into_inner(), &rounds, (run, clock));
        run.finding(ended(alert, &mark, api, run).await);
    }
    rounds
}

/// Tells which other alerts became active while the fault lasted.
fn tell_others(
    plan: &LivePlan<'_>,
    name: &str,
    others: &Cascade,
    rounds: &[Observation],
    (run, clock): (&Run, Clock),
) {
    let span = |seen: &Observation| Some((seen.fault?, seen.cleared.unwrap_or_else(|| clock.now())));
    let spans: Vec<_> = rounds.iter().filter_map(span).collect();
    let groups = plan.files.rules.iter().flat_map(|file| &file.groups);
    let files = groups.flat_map(|group| &group.rules).map(|rule| rule.name.clone()).collect();
    let told = others.told(&spans, &files);
    run.progress().note(format!("other alerts while the fault of {name} lasted: {told}"));
    run.fact(format!("Other alerts while the fault of {name} lasted"), told);
}

/// Whether Prometheus has ended the alert after the fault was.
async fn ended(alert: &AlertPlan, mark: &Labels, api: &Api, run: &Run) -> Finding {
    run.progress().phase(format!("{}: fault ended; waiting until the alert has", alert.name));
    let prediction = &alert.prediction;
    let worst = prediction.until_resolved() + prediction.intervals.scrape;
    let (began, expected) = (Instant::now(), "the alert has ended with the fault");
    loop {
        let patience = if run.stop().is_requested() { FAREWELL.min(worst) } else { worst + FAREWELL };
        let said = match api.active().await {
            Ok(active) => {
                let ours = |labels: &Labels| {
                    labels.get("alertname") == Some(&alert.alert.rule.name)
                        && mark.iter().all(|(name, value)| labels.get(name) == Some(value))
                };
                match active.iter().find(|one| ours(&one.labels)) {
                    None => return checks::ENDED.passed(&alert.name).expected(expected).observed("it has"),
                    Some(one) => format!("the alert is still {} in Prometheus", one.state),
                }
            }
            Err(error) => format!("Prometheus does not say whether the alert has ended: {error}"),
        };
        if began.elapsed() > patience {
            return checks::ENDED.inconclusive(&alert.name).expected(expected).observed(said).remedy(
                "Look whether the fault is really over, and at the alert in Prometheus; nothing of the drill is left there",
            );
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
