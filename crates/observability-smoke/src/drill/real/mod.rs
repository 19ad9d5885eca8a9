//! The drill against a real Alertmanager: alerts are posted to it as Prometheus would, behind a fence, and
//! followed to their receiver. It says nothing about rules and series.

pub(super) mod arrival;
pub(super) mod dead;
pub(super) mod fence;
pub(super) mod peer;
mod plan;
pub(crate) mod remains;
mod round;
mod sweep;
mod turns;

use std::time::Duration;

use evidence_report::{
    record::{Chart, Finding, Requirement},
    run::Run,
};
use jiff::Timestamp;

use super::{
    alert_plan::AlertPlan,
    assess, checks,
    clock::Clock,
    cluster,
    observation::Observation,
    owed::{self, Webhook},
    prediction::{Grouping, Prediction},
    receiver::Receiver,
    routes::Routing,
    table,
};
use crate::{
    alertmanager::{Configuration, Labels},
    http::{Http, Trust},
};
use peer::{Peer, State};
use round::{Drilled, Round};

pub(crate) use fence::LABEL;
pub(crate) use plan::RealPlan;
pub(super) use plan::may_be_drilled;
pub(crate) use sweep::sweep;

/// Drills the alerts of the plan; what is seen goes into `run`.
pub(crate) async fn observe(plan: &RealPlan, run: &Run) {
    run.owes([&checks::FENCE]);
    run.findings([checks::LEVEL.not_checked(
        Requirement::Optional,
        "your rules and series",
        "level of proof: the alerts were posted to Alertmanager; nothing is said about PromQL, series and rules",
    )]);
    for (name, reason) in &plan.skipped {
        run.finding(checks::LEFT_OUT.not_checked(Requirement::Optional, name, format!("left out: {reason}")));
    }
    let peers = match peers(plan) {
        Ok(peers) => peers,
        Err(why) => return run.finding(checks::PEER.inconclusive("alertmanager").observed(why)),
    };
    let Some((peers, states)) = states(peers, plan, run).await else { return };
    if let Some(finding) = differing(&peers, &states) {
        run.finding(finding);
        for posted in &plan.alerts {
            run.findings(assess::not_posted(&posted.plan, "nothing was posted"));
        }
        return;
    }
    let Some(drilled) = fenced(plan, run, &states) else { return };
    let Some((_, configuration)) = states.first() else { return };
    let turns = turns::turns(drilled, |one| &one.labels, configuration);
    if let Some(finding) = too_long(plan, &turns) {
        run.finding(finding);
        for posted in &plan.alerts {
            run.findings(assess::not_posted(&posted.plan, "nothing was posted"));
        }
        return;
    }
    let clock = Clock::start();
    let receiver = match Receiver::at(clock, plan.listen, "nothing was posted").await {
        Ok(receiver) => receiver,
        Err(finding) => return run.finding(finding),
    };
    owed::posted(run, Webhook::is_ours(receiver.as_ref()));
    let mut seen = Vec::new();
    for drilled in &turns {
        let round = Round { run, clock, peers: &peers, drilled, receiver: receiver.as_ref() };
        // A stop is for the turns that have not begun, too.
        let stopped = !seen.is_empty() && run.stop().is_requested();
        let turn = if stopped { vec![Vec::new(); drilled.len()] } else { round.observe(plan.repeat).await };
        seen.extend(turn);
    }
    let drilled: Vec<_> = turns.into_iter().flatten().collect();
    cluster::let_tell(run, receiver.as_ref(), drilled.iter().map(|one| &one.plan.prediction)).await;
    conclude(run, &peers, &states, &drilled, &seen).await;
}

fn peers(plan: &RealPlan) -> Result<Vec<Peer>, String> {
    let needs_tls = plan.peers.iter().any(|url| url.0.scheme() == "https");
    let http = Http::new(if needs_tls { Trust::System } else { Trust::Nobody })
        .map_err(|error| error.to_string())?;
    let peer = |url: &crate::config::Url| Peer {
        url: url.clone(),
        http: http.clone(),
        headers: plan.headers.clone(),
    };
    Ok(plan.peers.iter().map(peer).collect())
}

/// Those that answer, with what each says of itself; `None` when one does not that must, or its configuration is not
/// understood: then nothing is posted.
async fn states(
    peers: Vec<Peer>,
    plan: &RealPlan,
    run: &Run,
) -> Option<(Vec<Peer>, Vec<(State, Configuration)>)> {
    let (mut living, mut states) = (Vec::new(), Vec::new());
    for peer in peers {
        let subject = peer.url.to_string();
        let finding = match run.stop().guard(peer.state()).await {
            Err(_) => checks::PEER.not_checked(Requirement::Required, subject, "the run was asked to stop"),
            Ok(Err(why)) => {
                let finding = dead::no_answer(&peer.url, &why, &plan.may_be_dead, "nothing was posted");
                if dead::may_be_dead(&peer.url, &plan.may_be_dead) {
                    run.finding(finding);
                    continue;
                }
                finding
            }
            Ok(Ok(mut state)) => match std::mem::replace(&mut state.configuration, Err(String::new())) {
                Ok(configuration) => {
                    run.fact(format!("Alertmanager {}", peer.url), &state.version);
                    run.fact(format!("Configuration of {}", peer.url), &configuration.digest);
                    states.push((state, configuration));
                    living.push(peer);
                    continue;
                }
                Err(why) => checks::FENCE
                    .inconclusive(subject)
                    .expected("a configuration from which routes can be computed")
                    .observed(format!("nothing was posted: {why}")),
            },
        };
        run.finding(finding);
        living.clear();
        break;
    }
    if living.is_empty() {
        for posted in &plan.alerts {
            run.findings(assess::not_posted(&posted.plan, "nothing was posted"));
        }
        return None;
    }
    Some((living, states))
}

/// The alerts that may be posted; `None` when one may not, and then none is.
fn fenced(plan: &RealPlan, run: &Run, states: &[(State, Configuration)]) -> Option<Vec<Drilled>> {
    let now = Timestamp::now();
    let (mut drilled, mut refused) = (Vec::new(), false);
    for posted in &plan.alerts {
        let name = &posted.plan.name;
        let expected =
            format!("only these receivers: {}", plan.allowed.iter().cloned().collect::<Vec<_>>().join(", "));
        let natural = match &posted.labels {
            Ok(labels) => labels.clone(),
            Err(why) => {
                refused = true;
                run.finding(
                    checks::FENCE
                        .inconclusive(name)
                        .expected(expected)
                        .observed(format!("nothing was posted: {why}"))
                        .remedy(UNKNOWN_ROUTE),
                );
                continue;
            }
        };
        let mut labels = natural.clone();
        labels.insert(LABEL.to_owned(), run.id().to_owned());
        let mut objections: Vec<String> = states
            .iter()
            .flat_map(|(_, configuration)| fence::objections(configuration, &labels, &plan.allowed, now))
            .map(|objection| objection.to_string())
            .collect();
        objections.dedup();
        run.findings(states.first().map(|(_, configuration)| real_route(name, configuration, &natural, now)));
        if objections.is_empty() {
            let reached = states
                .iter()
                .flat_map(|(_, configuration)| configuration.route(&labels, now))
                .collect::<Vec<_>>();
            let ways: Vec<_> = reached.iter().map(|one| (one.clone(), &labels)).collect();
            let first = states.first().map(|(_, configuration)| configuration);
            let routing = Routing::of(&ways).by(first);
            let grouping = Grouping {
                wait: reached.iter().map(|one| one.options.group_wait).max().unwrap_or_default(),
                interval: reached.iter().map(|one| one.options.group_interval).max().unwrap_or_default(),
            };
            let receivers: Vec<_> = reached.iter().map(|one| one.receiver().to_owned()).collect();
            run.finding(checks::FENCE.passed(name).expected(expected).observed(receivers.join(", ")));
            let mut annotations = posted.plan.written.rule.annotations.clone();
            annotations.insert(LABEL.to_owned(), "This is a drill: nothing is broken.".to_owned());
            let silent = arrival::silent(first, &reached);
            let settling = cluster::settled_after(states.len(), grouping.interval, plan.peer_timeout);
            drilled.push(Drilled {
                plan: AlertPlan {
                    prediction: Prediction { settling, ..Prediction::of_a_post(grouping) },
                    prediction_as_written: Prediction::of_a_post(grouping),
                    routing: Some(routing),
                    ..posted.plan.clone()
                },
                labels,
                annotations,
                integrations: arrival::integrations(
                    states.iter().map(|(_, configuration)| configuration),
                    &reached,
                ),
                silent,
            });
        } else {
            refused = true;
            let observed = format!("nothing was posted: {}", objections.join("; "));
            run.finding(checks::FENCE.inconclusive(name).expected(expected).observed(observed));
        }
    }
    if refused {
        for posted in &plan.alerts {
            run.findings(assess::not_posted(&posted.plan, "nothing was posted"));
        }
        return None;
    }
    Some(drilled)
}

/// What to do with an alert whose labels are known only when it fires.
const UNKNOWN_ROUTE: &str = "Drill it where it fires, with --embedded or --prometheus URL. To post the others, name them with --alert, or \
    give this one `skip: why` under drill.alerts in the configuration.";

/// That the drill would outlast the run, where it would: Alertmanager's timers cannot be scaled.
fn too_long(plan: &RealPlan, turns: &[Vec<Drilled>]) -> Option<Finding> {
    let slowest_of =
        |turn: &[Drilled]| turn.iter().map(|one| &one.plan).max_by_key(|one| one.one_trial()).cloned();
    let slowest: Vec<AlertPlan> = turns.iter().filter_map(|turn| slowest_of(turn)).collect();
    let whole = slowest.iter().map(|one| {
        let between = one.prediction.grouping.interval * 2;
        (one.one_trial() + one.prediction.settling) * plan.repeat + between * plan.repeat.saturating_sub(1)
    });
    let whole: Duration = whole.sum();
    let slowest = slowest.iter().max_by_key(|one| one.one_trial())?;
    let timeout = plan.settings.timeout;
    if whole <= timeout {
        return None;
    }
    let seconds = |time: Duration| super::seconds(time.as_secs_f64());
    let minutes = (whole.as_secs() + 30) / 60 + 1;
    let observed = format!(
        "nothing was posted: up to {}; {}: posted to notification {}, ended to resolved {}",
        seconds(whole),
        slowest.name,
        seconds(slowest.prediction.until_notified()),
        seconds(slowest.prediction.until_resolved()),
    );
    let remedy =
        format!("Give it the time: --timeout {minutes}m; or end at the notification: --until received");
    let finding = super::live::checks::DURATION.inconclusive("the whole drill");
    Some(finding.expected(format!("at most {}", seconds(timeout))).observed(observed).remedy(remedy))
}

/// Where the alert goes in reality, without the drill's label: computed, not proven.
pub(super) fn real_route(
    name: &str,
    configuration: &Configuration,
    natural: &Labels,
    now: Timestamp,
) -> Finding {
    let reached = configuration.route(natural, now);
    let words: Vec<_> = reached.iter().map(|one| format!("{} by {}", one.receiver(), one.path)).collect();
    let words = words.join("; ");
    let expected = "without the drill's label: a receiver that tells somebody, now";
    match arrival::silent(Some(configuration), &reached) {
        Some(why) => checks::REAL_ROUTE.failed(name).expected(expected).observed(format!("{words}: {why}")),
        None => checks::REAL_ROUTE.passed(name).expected(expected).observed(words),
    }
}

/// That peers have different configurations, where they have: then nobody knows which of them routes.
pub(super) fn differing(peers: &[Peer], states: &[(State, Configuration)]) -> Option<Finding> {
    let (first, others) = states.split_first()?;
    let other = others.iter().position(|(_, other)| other.digest != first.1.digest)? + 1;
    let subject = peers[other].url.to_string();
    let expected = format!("the configuration of {}, {}", peers[0].url, first.1.digest);
    Some(checks::FENCE.inconclusive(subject).expected(expected).observed(format!(
        "nothing was sent, for the peers would route differently: {}",
        states[other].1.digest
    )))
}

/// Whether each Alertmanager is still there, and still the same process.
pub(super) async fn throughout(run: &Run, peers: &[Peer], states: &[(State, Configuration)]) {
    for (peer, (before, _)) in peers.iter().zip(states) {
        let subject = peer.url.to_string();
        let expected = "answers to the end, and is not restarted";
        let finding = match tokio::time::timeout(Duration::from_secs(6), peer.state()).await {
            Ok(Ok(after)) if after.since == before.since => checks::PEER.passed(subject).observed("it did"),
            Ok(Ok(after)) => checks::PEER
                .warned(subject)
                .observed(format!("restarted in the middle of the drill, at {}", after.since)),
            Ok(Err(why)) => {
                checks::PEER.failed(subject).observed(format!("gone in the middle of the drill: {why}"))
            }
            Err(_) => checks::PEER.failed(subject).observed("no answer any more"),
        };
        run.finding(finding.expected(expected));
    }
}

async fn conclude(
    run: &Run,
    peers: &[Peer],
    states: &[(State, Configuration)],
    drilled: &[Drilled],
    seen: &[Vec<Observation>],
) {
    throughout(run, peers, states).await;
    for (one, rounds) in drilled.iter().zip(seen) {
        run.findings(assess::after_post(&one.plan, rounds, &one.labels, &one.annotations));
        for measurement in assess::measurements(&one.plan, rounds) {
            run.measurement(measurement);
        }
    }
    let rows: Vec<_> = drilled.iter().zip(seen).map(|(one, rounds)| (&one.plan, rounds.as_slice())).collect();
    run.chart(Chart {
        title: "Alerts, in seconds after they were posted".to_owned(),
        lines: table::table(&rows),
    });
}

/// Labels as people write them.
#[must_use]
pub(crate) fn in_braces(labels: &Labels) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
