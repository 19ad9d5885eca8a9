//! Posts the alerts to every peer, renews them, follows them to their receiver, and ends them again, whatever
//! happens. What is posted ends by itself within a minute.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use evidence_report::run::{Effect, Run};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        alert_plan::AlertPlan,
        clock::Clock,
        observation::{Cause, Halt, Observation, Stage},
        phase,
        plan::Until,
        prometheus::HeldAlert,
        receiver::Receiver,
        remains::Remnant,
        watch::Snapshot,
    },
    arrival,
    peer::{Counters, Peer, Post},
    remains::LeftAlerts,
};
use crate::alertmanager::Labels;

/// A posted alert ends by itself after this, unless it is renewed.
const LIVES: SignedDuration = SignedDuration::from_secs(60);

/// How often it is renewed: a restarted Alertmanager has forgotten it.
const RENEWED: Duration = Duration::from_secs(5);

/// Between two looks.
const POLL: Duration = Duration::from_millis(100);

/// What every wait is granted beyond the prediction.
const GRACE: Duration = Duration::from_secs(8);

/// An alert that may be posted.
#[derive(Debug)]
pub(super) struct Drilled {
    pub(super) plan: AlertPlan,
    pub(super) labels: Labels,
    pub(super) annotations: BTreeMap<String, String>,
    /// The kinds of integration through which it is told.
    pub(super) integrations: BTreeSet<String>,
    /// Why nobody will be told.
    pub(super) silent: Option<String>,
}

/// One round.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) run: &'a Run,
    pub(super) clock: Clock,
    pub(super) peers: &'a [Peer],
    pub(super) drilled: &'a [Drilled],
    pub(super) receiver: Option<&'a Receiver>,
}

impl Round<'_> {
    /// So many trials of all alerts at once, each at a random phase of Alertmanager's timers; the last one is that in
    /// which an alert stops.
    pub(super) async fn observe(&self, repeat: u32) -> Vec<Vec<Observation>> {
        let mut all: Vec<Vec<Observation>> = self.drilled.iter().map(|_| Vec::new()).collect();
        let predictions = || self.drilled.iter().map(|one| one.plan.prediction);
        let longest = predictions().map(|one| one.grouping.interval).max().unwrap_or_default();
        let settling = predictions().map(|one| one.settling).max().unwrap_or_default();
        for trial in 1..=repeat {
            if trial > 1 {
                let until = if settling.is_zero() {
                    String::new()
                } else {
                    format!(
                        ", in {} s: until then a member of the cluster may still tell of the last one",
                        settling.as_secs()
                    )
                };
                self.run.progress().phase(format!("trial {trial} of {repeat}{until}"));
                let pause = tokio::time::sleep(settling + phase::some_of(longest));
                if self.run.stop().guard(pause).await.is_err() {
                    break;
                }
            }
            let seen = self.trial().await;
            let stops = seen.iter().any(|one| one.halted.is_some());
            for (all, one) in all.iter_mut().zip(seen) {
                all.push(one);
            }
            if stops {
                break;
            }
        }
        all
    }

    /// From the post to the resolved notification, for all alerts at once.
    async fn trial(&self) -> Vec<Observation> {
        let mut seen: Vec<_> = self.drilled.iter().map(|_| Observation::default()).collect();
        let left = LeftAlerts {
            peers: self.peers.iter().map(|peer| peer.url.to_string()).collect(),
            alerts: self.drilled.iter().map(|one| one.labels.clone()).collect(),
        };
        let undo =
            "observability-smoke sweep, once Alertmanager answers (with --config where it asks for a token)";
        let undo = undo.to_owned();
        let effect = Effect::Elsewhere { what: Remnant::Alerts(left).journaled(), undo };
        let entry = match self.run.journal().note(effect) {
            Ok(entry) => entry,
            Err(error) => {
                let reason = format!("nothing was posted, for the journal cannot be written: {error}");
                seen.iter_mut()
                    .for_each(|one| halt(one, Stage::Accepted, Cause::Environment, reason.clone()));
                return seen;
            }
        };
        self.follow(&mut seen).await;
        // Also after a stop: what was posted is ended.
        let cleared = self.clock.now();
        let ended = self.end().await;
        if ended.is_ok() {
            let _ = self.run.journal().strike(entry);
        }
        self.resolved(&mut seen, cleared, ended.err()).await;
        for one in &mut seen {
            if let (Some(receiver), Some(arrived)) = (self.receiver, &one.notified) {
                let since = one.fault.unwrap_or_default();
                one.copies = receiver.look(|inbox| inbox.copies(since, arrived));
            }
        }
        seen
    }

    async fn post(&self, starts_at: Timestamp, ends_at: Timestamp) -> Vec<String> {
        let posts: Vec<_> = (self.drilled.iter())
            .map(|one| Post { labels: &one.labels, annotations: &one.annotations, starts_at, ends_at })
            .collect();
        let answers = join_all(self.peers.iter().map(|peer| peer.post(&posts))).await;
        let failed = self.peers.iter().zip(answers);
        failed
            .filter_map(|(peer, answer)| Some(format!("posting to {}: {}", peer.url, answer.err()?)))
            .collect()
    }

    /// Follows the alerts until each has arrived or has stopped.
    async fn follow(&self, seen: &mut [Observation]) {
        self.run.progress().phase("posting to Alertmanager, and waiting for the notifications");
        let before = self.counters().await;
        let (starts_at, posted) = (Timestamp::now(), self.clock.now());
        let mut failed = self.post(starts_at, starts_at + LIVES).await;
        let (began, mut renewed) = (Instant::now(), Instant::now());
        for (one, drilled) in seen.iter_mut().zip(self.drilled) {
            one.fault = Some(posted);
            one.labels = drilled.labels.clone();
        }
        loop {
            let held = join_all(self.peers.iter().map(Peer::held)).await;
            let counters = if self.receiver.is_none() { self.counters().await } else { Vec::new() };
            let now = self.clock.now();
            for (one, drilled) in seen.iter_mut().zip(self.drilled) {
                // One that does not answer is told of at the end; the others must have it.
                let mut answered = held.iter().flatten().peekable();
                let everywhere = answered.peek().is_some()
                    && answered.all(|held| held.iter().any(|other| other.labels == drilled.labels));
                if one.accepted.is_none() && everywhere {
                    one.accepted = Some(now);
                }
                self.arrived(one, drilled, (&before, &counters), now);
                if one.received.is_none()
                    && one.halted.is_none()
                    // A group that is there since a trial before tells of new alerts only at its next interval.
                    && began.elapsed() > drilled.plan.prediction.until_notified() + drilled.plan.prediction.grouping.interval + GRACE
                {
                    let (stage, cause, reason) = stopped(one, drilled, &held, &failed);
                    halt(one, stage, cause, reason);
                }
            }
            let open = seen.iter().any(|one| one.received.is_none() && one.halted.is_none());
            if !open {
                return;
            }
            if self.run.stop().guard(tokio::time::sleep(POLL)).await.is_err() {
                for one in seen.iter_mut().filter(|one| one.received.is_none() && one.halted.is_none()) {
                    halt(one, Stage::Received, Cause::Stop, "the run was asked to stop".to_owned());
                }
                return;
            }
            if renewed.elapsed() > RENEWED {
                failed = self.post(starts_at, Timestamp::now() + LIVES).await;
                renewed = Instant::now();
            }
        }
    }

    fn arrived(
        &self,
        one: &mut Observation,
        drilled: &Drilled,
        counters: (&[Counters], &[Counters]),
        now: f64,
    ) {
        if one.received.is_some() || one.halted.is_some() {
            return;
        }
        match self.receiver {
            Some(receiver) => {
                let fits = |labels: &Labels| *labels == drilled.labels;
                let fault = one.fault.unwrap_or_default();
                if let Some(arrived) = receiver.look(|inbox| inbox.firing(fault, fits)) {
                    one.received = Some(arrived.at);
                    one.accepted = Some(one.accepted.unwrap_or(arrived.at).min(arrived.at));
                    one.notified = Some(arrived);
                }
            }
            None => {
                let (before, after) = counters;
                let sent = before
                    .iter()
                    .zip(after)
                    .any(|(before, after)| arrival::sent_more(before, after, &drilled.integrations));
                if sent && one.accepted.is_some() && drilled.silent.is_none() {
                    one.received = Some(now);
                }
            }
        }
    }

    async fn counters(&self) -> Vec<Counters> {
        let all = join_all(self.peers.iter().map(Peer::counters)).await;
        all.into_iter().map(Result::unwrap_or_default).collect()
    }

    async fn end(&self) -> Result<(), String> {
        self.run.progress().phase("ending the posted alerts");
        let now = Timestamp::now();
        let failed = self.post(now - SignedDuration::from_secs(1), now).await;
        if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
    }

    async fn resolved(&self, seen: &mut [Observation], cleared: f64, not_ended: Option<String>) {
        let longest = self.drilled.iter().map(|one| one.plan.prediction.until_resolved()).max();
        let patience = longest.unwrap_or_default() + GRACE;
        let began = Instant::now();
        for (one, drilled) in seen.iter_mut().zip(self.drilled).filter(|(one, _)| one.halted.is_none()) {
            one.cleared = Some(cleared);
            let routing = drilled.plan.routing.as_ref();
            let quiet = routing.and_then(|routing| routing.no_end_expected(one.notified.as_ref()));
            // Posted as ended is all that becomes of it.
            one.ended = quiet.filter(|_| not_ended.is_none()).map(|_| cleared);
        }
        let before = self.counters().await;
        loop {
            let counters = if self.receiver.is_none() { self.counters().await } else { Vec::new() };
            let open = |one: &Observation, drilled: &Drilled| {
                one.halted.is_none()
                    && one.resolved.is_none()
                    && one.ended.is_none()
                    && drilled.plan.until == Until::Resolved
            };
            for (one, drilled) in
                seen.iter_mut().zip(self.drilled).filter(|(one, drilled)| open(one, drilled))
            {
                match (self.receiver, one.notified.clone()) {
                    (Some(receiver), Some(arrived)) => {
                        one.resolved = receiver.look(|inbox| inbox.resolved(cleared, &arrived.alert));
                    }
                    _ => {
                        let sent = before
                            .iter()
                            .zip(&counters)
                            .any(|(before, now)| arrival::sent_more(before, now, &drilled.integrations));
                        one.resolved = sent.then(|| self.clock.now());
                    }
                }
                if one.resolved.is_none() && began.elapsed() > patience {
                    let why =
                        not_ended.clone().unwrap_or_else(|| "Alertmanager did not tell of it".to_owned());
                    let waited = patience.as_secs();
                    let reason = format!("no resolved notification within {waited} s: {why}");
                    let cause = if not_ended.is_some() { Cause::Environment } else { Cause::Alert };
                    halt(one, Stage::Resolved, cause, reason);
                }
            }
            let waiting = seen.iter().zip(self.drilled).any(|(one, drilled)| open(one, drilled));
            if !waiting || self.run.stop().guard(tokio::time::sleep(POLL)).await.is_err() {
                break;
            }
        }
        for (one, drilled) in seen.iter_mut().zip(self.drilled) {
            let open = one.halted.is_none() && one.resolved.is_none() && one.ended.is_none();
            if open && drilled.plan.until == Until::Resolved {
                halt(one, Stage::Resolved, Cause::Stop, "the run was asked to stop".to_owned());
            }
        }
    }
}

type Held = Result<Vec<HeldAlert>, crate::http::NoAnswer>;

/// Where an alert stopped, and why.
fn stopped(one: &Observation, drilled: &Drilled, held: &[Held], failed: &[String]) -> (Stage, Cause, String) {
    if let Some(why) = held.iter().find_map(|held| held.as_ref().err()) {
        return (Stage::Received, Cause::Environment, format!("Alertmanager does not answer: {why}"));
    }
    if one.accepted.is_none() {
        let why =
            if failed.is_empty() { "it was posted, and is not there".to_owned() } else { failed.join("; ") };
        return (Stage::Accepted, Cause::Alert, why);
    }
    if let Some(silent) = &drilled.silent {
        return (Stage::Received, Cause::Alert, silent.clone());
    }
    let first = held.iter().find_map(|held| held.as_ref().ok()).cloned().unwrap_or_default();
    let ours = |other: &HeldAlert| other.labels == drilled.labels;
    let ours = first.iter().filter(|other| ours(other)).cloned().collect::<Vec<_>>();
    let others =
        first.into_iter().filter(|other| other.labels.get("alertname") != drilled.labels.get("alertname"));
    let name = drilled.labels.get("alertname").cloned().unwrap_or_default();
    let snapshot = Snapshot { held: Some(ours.into_iter().chain(others).collect()), ..Snapshot::default() };
    (Stage::Received, Cause::Alert, super::super::diagnosis::held_back(&snapshot, &name))
}

fn halt(one: &mut Observation, stage: Stage, cause: Cause, reason: String) {
    one.halted = Some(Halt { stage, cause, reason });
}
