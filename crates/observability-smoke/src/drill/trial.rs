//! The trials of one alert: healthy baseline, fault, pending, firing, notification, clearing, resolution.
//! It observes and judges nothing; each wait has a deadline, and ends when the run is asked to stop or when a
//! server of the stack has ended.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use evidence_report::run::Run;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    alert_plan::AlertPlan,
    clock::Clock,
    diagnosis,
    injection::Injection,
    observation::{Cause, Halt, Observation, Stage},
    phase,
    plan::Until,
    prediction::BASELINE_SCRAPES,
    prometheus::{ActiveAlert, Api},
    real::{arrival::sent_more, peer::Counters},
    receiver::Receiver,
    watch::{POLL, Snapshot},
};

/// Prometheus' discovery takes 5 s until the first scrape; so much is granted to it.
const DISCOVERY: Duration = Duration::from_secs(20);

/// Prometheus sends a firing alert again after a minute (`--rules.alert.resend-delay`), unless it is told otherwise.
const RESENT: Duration = Duration::from_secs(60);

/// So long at most a wait is prolonged while Prometheus does not answer: one that is gone is told before.
const AWAY: Duration = Duration::from_secs(60);

/// What every wait is granted beyond the prediction, at least: other work on the machine.
const GRACE: Duration = Duration::from_secs(5);

/// Everything that a trial works with.
pub(super) struct Trial<'a> {
    pub(super) plan: &'a AlertPlan,
    pub(super) run: &'a Run,
    pub(super) clock: Clock,
    pub(super) api: &'a Api,
    pub(super) seen: watch::Receiver<Snapshot>,
    pub(super) fault: &'a Injection,
    pub(super) arrival: Arrival<'a>,
}

/// What tells that a notification arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    /// Our webhook; without one, Alertmanager's own counters.
    pub(super) webhook: Option<&'a Receiver>,
    /// The kinds of integration that would count it.
    pub(super) integrations: &'a BTreeSet<String>,
    /// Why nobody will be told, where that is known.
    pub(super) silent: Option<&'a str>,
}

impl Trial<'_> {
    /// Takes the alert through its stages, as far as it comes, so many times; it ends with the first time that
    /// the alert stops.
    pub(super) async fn observe(&self, rounds: u32) -> Vec<Observation> {
        let mut all: Vec<Observation> = Vec::new();
        for round in 0..rounds {
            if let Some(before) = all.last() {
                self.phase(&format!(
                    "trial {} of {rounds}: waiting until the last one is forgotten",
                    round + 1
                ));
                if self.forgotten(before).await.is_err() {
                    break;
                }
                self.fault.rearm();
            }
            let mut seen = Observation { hooked: self.plan.hooks.is_some(), ..Observation::default() };
            if let Err(halt) = self.stages(&mut seen).await {
                seen.halted = Some(halt);
            }
            if let (Some(webhook), Some(arrived)) = (self.arrival.webhook, &seen.notified) {
                let since = seen.fault.unwrap_or_default();
                seen.copies = webhook.look(|inbox| inbox.copies(since, arrived));
            }
            if let Err(why) = self.fault.end_if_caused(self.run).await {
                seen.left_behind = Some(why);
            }
            let stops = seen.halted.is_some() || seen.left_behind.is_some();
            all.push(seen);
            if stops {
                break;
            }
        }
        all
    }

    /// A range that still holds the last fault would make the next one seem quicker; and a cluster must have told all.
    async fn forgotten(&self, before: &Observation) -> Result<(), Halt> {
        let prediction = &self.plan.prediction;
        let range = prediction.range + prediction.intervals.offset;
        let left = range.max(prediction.settling).as_secs_f64()
            - (self.clock.now() - before.cleared.unwrap_or_default());
        let pause = Duration::try_from_secs_f64(left.max(0.0)).unwrap_or_default();
        self.pause(Stage::Quiet, pause).await
    }

    async fn stages(&self, seen: &mut Observation) -> Result<(), Halt> {
        let since = self.loaded().await?;
        let since = self.seen_healthy(since).await?;
        self.quiet(seen, since).await?;
        self.wait_for_a_random_phase().await?;
        self.phase("fault on: waiting for the scrape");
        let before = self.seen.borrow().counters.clone();
        let caused = self.fault.cause(self.run, self.clock, &self.plan.name).await;
        let caused = caused.map_err(|why| halt(Stage::Scraped, Cause::Environment, why));
        seen.fault = Some(caused?);
        self.scraped(seen).await?;
        self.pending(seen).await?;
        self.firing(seen).await?;
        self.accepted(seen).await?;
        self.received(seen, &before).await?;
        if self.plan.until == Until::Received {
            return Ok(());
        }
        self.phase("notification received; fault cleared: waiting for the resolved notification");
        let cleared = self.fault.clear(self.run, self.clock).await;
        let cleared = cleared.map_err(|why| halt(Stage::Resolved, Cause::Environment, why));
        seen.cleared = Some(cleared?);
        self.resolved(seen).await
    }

    /// The healthy series were scraped, Alertmanager was discovered, and the rule was evaluated after that.
    async fn loaded(&self) -> Result<f64, Halt> {
        self.phase("waiting for the first scrapes (Prometheus' discovery takes 5 s)");
        let intervals = self.plan.prediction.intervals;
        let patience = DISCOVERY + intervals.scrape * (BASELINE_SCRAPES + 1);
        let scraped = self
            .until(Stage::Loaded, patience, |seen| {
                let enough = self.fault.scrapes(seen, self.clock) >= u64::from(BASELINE_SCRAPES);
                (enough && seen.alertmanagers > 0).then(|| self.clock.now())
            })
            .await?;
        let Some(scraped) = scraped else {
            let count = self.fault.scrapes(&self.seen.borrow(), self.clock);
            let reason = format!("the series were scraped {count} times in {} s", patience.as_secs());
            return Err(halt(Stage::Loaded, Cause::Environment, reason));
        };
        let name = &self.plan.alert.rule.name;
        let patience = self.patience(intervals.recording + intervals.evaluation * 2);
        let health = self
            .until(Stage::Loaded, patience, |seen| {
                if let Some(broken) = diagnosis::broken(self.plan, &seen.rules) {
                    return Some(Err(format!("{} cannot be evaluated: {}", broken.name, broken.last_error)));
                }
                let rule = seen.rules.iter().find(|rule| rule.name == *name)?;
                let evaluated = rule.health == "ok" && self.clock.of(rule.last_evaluation) > scraped;
                evaluated.then(|| Ok(self.clock.now()))
            })
            .await?;
        match health {
            Some(Ok(at)) => Ok(at),
            Some(Err(reason)) => Err(halt(Stage::Loaded, Cause::Alert, reason)),
            None => {
                Err(halt(Stage::Loaded, Cause::Alert, "Prometheus does not evaluate the rule".to_owned()))
            }
        }
    }

    /// A rule that looks back by `query_offset` sees the healthy series only then.
    async fn seen_healthy(&self, since: f64) -> Result<f64, Halt> {
        let intervals = self.plan.prediction.intervals;
        if intervals.offset.is_zero() {
            return Ok(since);
        }
        self.phase("waiting until the rule, which looks behind by query_offset, sees the healthy series");
        self.pause(Stage::Quiet, intervals.offset + intervals.evaluation).await?;
        Ok(self.clock.now())
    }

    async fn quiet(&self, seen: &mut Observation, since: f64) -> Result<(), Halt> {
        let name = &self.plan.alert.rule.name;
        let fresh = self
            .until(Stage::Quiet, GRACE, |now| {
                (now.asked > since && now.active.is_some()).then(|| now.active(name))
            })
            .await?;
        let Some(active) = fresh else {
            let reason = "Prometheus does not answer".to_owned();
            return Err(halt(Stage::Quiet, Cause::Environment, reason));
        };
        match active.first() {
            None => {
                seen.healthy_scrapes = Some(self.fault.scrapes(&self.seen.borrow(), self.clock));
                Ok(())
            }
            Some(alert) => {
                let value = diagnosis::value(self.api, self.plan).await;
                let reason = format!("{} before the fault: {value}", alert.state);
                Err(halt(Stage::Quiet, Cause::Alert, reason))
            }
        }
    }

    /// Faults do not wait for scrapes: without this, every trial would begin right after an evaluation.
    async fn wait_for_a_random_phase(&self) -> Result<(), Halt> {
        let intervals = self.plan.prediction.intervals;
        let pause = phase::some_of(intervals.scrape.max(intervals.evaluation));
        self.pause(Stage::Scraped, pause).await
    }

    async fn pause(&self, stage: Stage, pause: Duration) -> Result<(), Halt> {
        let stopped = |_| {
            let now = self.seen.borrow();
            let silent = now.asked > 0.0 && now.active.is_none();
            let why = if silent { ", and Prometheus does not answer" } else { "" };
            halt(stage, Cause::Stop, format!("the run was asked to stop{why}"))
        };
        self.run.stop().guard(tokio::time::sleep(pause)).await.map_err(stopped)
    }

    async fn scraped(&self, seen: &mut Observation) -> Result<(), Halt> {
        let patience = self.patience(self.plan.prediction.intervals.scrape);
        let fault = seen.fault.unwrap_or_default();
        let scraped = self
            .until(Stage::Scraped, patience, |now| self.fault.first_scrape_after(now, self.clock, fault))
            .await?;
        seen.scraped = scraped;
        let reason = || format!("Prometheus did not scrape the series within {} s", patience.as_secs());
        scraped.map(drop).ok_or_else(|| halt(Stage::Scraped, Cause::Environment, reason()))
    }

    async fn pending(&self, seen: &mut Observation) -> Result<(), Halt> {
        self.phase("faulty series scraped: waiting for the condition");
        let patience = self.condition_patience();
        let name = &self.plan.alert.rule.name;
        let active = self
            .until(Stage::Pending, patience, |now| Some(now.active(name)).filter(|active| !active.is_empty()))
            .await?;
        let Some(active) = active else {
            self.was_evaluated(seen)?;
            let reason = diagnosis::silent(self.api, self.plan, patience).await;
            return Err(halt(Stage::Pending, Cause::Alert, reason));
        };
        seen.pending = first_activity(&active).map(|at| self.clock.of(at));
        Ok(())
    }

    /// A machine so busy that Prometheus did not evaluate the rule since the fault says nothing of the alert.
    fn was_evaluated(&self, seen: &Observation) -> Result<(), Halt> {
        let now = self.seen.borrow();
        let name = &self.plan.alert.rule.name;
        let evaluated = now
            .rules
            .iter()
            .filter(|rule| rule.name == *name)
            .map(|rule| self.clock.of(rule.last_evaluation));
        if evaluated.fold(f64::NEG_INFINITY, f64::max) > seen.scraped.unwrap_or_default() {
            return Ok(());
        }
        let reason =
            "Prometheus has not evaluated the rule since it scraped the fault: it is too busy, or gone";
        Err(halt(Stage::Pending, Cause::Environment, reason.to_owned()))
    }

    async fn firing(&self, seen: &mut Observation) -> Result<(), Halt> {
        self.phase("condition true: waiting until it has held long enough");
        let prediction = &self.plan.prediction;
        let patience = self.patience(prediction.hold + prediction.intervals.evaluation);
        let name = &self.plan.alert.rule.name;
        let firing = self
            .until(Stage::Firing, patience, |now| {
                let active = now.active(name);
                let firing: Vec<_> = active.into_iter().filter(|alert| alert.state == "firing").collect();
                (!firing.is_empty()).then(|| (self.clock.now(), firing))
            })
            .await?;
        let Some((noticed, firing)) = firing else {
            let reason = diagnosis::pending_only(self.api, self.plan, patience).await;
            return Err(halt(Stage::Firing, Cause::Alert, reason));
        };
        seen.instances = firing.len();
        seen.labels = firing[0].labels.clone();
        seen.firing = Some(noticed);
        Ok(())
    }

    async fn accepted(&self, seen: &mut Observation) -> Result<(), Halt> {
        self.phase("firing: waiting for Alertmanager");
        let patience = self.patience(self.plan.prediction.intervals.evaluation);
        let name = &self.plan.alert.rule.name;
        let accepted = self
            .until(Stage::Accepted, patience, |now| {
                let first = now.held(name).map(|one| self.clock.of(one.updated_at)).reduce(f64::min)?;
                Some(first.min(self.clock.now()))
            })
            .await?;
        seen.accepted = accepted;
        let reason = || {
            let waited = patience.as_secs();
            let active = self.seen.borrow().active(name);
            let why = active.iter().find_map(|one| diagnosis::unaccepted(&one.labels)).unwrap_or_default();
            format!("Prometheus fires, but Alertmanager does not have the alert after {waited} s{why}")
        };
        accepted.map(drop).ok_or_else(|| halt(Stage::Accepted, Cause::Alert, reason()))
    }

    async fn received(&self, seen: &mut Observation, before: &[Counters]) -> Result<(), Halt> {
        self.phase("in Alertmanager: waiting for the notification");
        let prediction = &self.plan.prediction;
        let patience = // A group that is there since a drill before tells of new alerts only at its next interval.
            self.patience(prediction.intervals.evaluation + prediction.grouping.wait + prediction.grouping.interval);
        let name = &self.plan.alert.rule.name;
        let fault = seen.fault.unwrap_or_default();
        // One that was restarted has forgotten the alert, until Prometheus sends it again.
        let forgotten = || self.seen.borrow().held(name).next().is_none();
        let Some(webhook) = self.arrival.webhook else {
            seen.received = self.counted(Stage::Received, patience, before).await?;
            if seen.received.is_none() && forgotten() {
                self.phase("Alertmanager has forgotten the alert: waiting until Prometheus sends it again");
                seen.received = self.counted(Stage::Received, patience + RESENT, before).await?;
            }
            return seen.received.map(drop).ok_or_else(|| self.undelivered(patience));
        };
        let arrival =
            |now: &Snapshot| webhook.look(|inbox| inbox.firing(fault, |labels| now.is_ours(labels, name)));
        let mut arrived = self.until(Stage::Received, patience, arrival).await?;
        if arrived.is_none() && forgotten() {
            self.phase("Alertmanager has forgotten the alert: waiting until Prometheus sends it again");
            arrived = self.until(Stage::Received, patience + RESENT, arrival).await?;
        }
        let Some(arrived) = arrived else { return Err(self.undelivered(patience)) };
        seen.received = Some(arrived.at);
        // The notification carries the evaluation at which the alert fired: exact, where polling is not.
        let exact = self.clock.of(arrived.alert.starts_at);
        seen.firing = Some(seen.firing.map_or(exact, |noticed| exact.min(noticed)));
        seen.accepted = seen.accepted.map(|accepted| accepted.min(arrived.at));
        // Of several instances the one that was notified is compared with what Prometheus has.
        let active = self.seen.borrow().active(name);
        if let Some(same) = active.into_iter().find(|one| one.labels == arrived.alert.labels) {
            seen.labels = same.labels;
        }
        seen.notified = Some(arrived);
        Ok(())
    }

    /// When an Alertmanager has counted more notifications than before.
    async fn counted(
        &self,
        stage: Stage,
        patience: Duration,
        before: &[Counters],
    ) -> Result<Option<f64>, Halt> {
        let integrations = self.arrival.integrations;
        self.until(stage, patience, |now| {
            let mut pairs = before.iter().zip(&now.counters);
            pairs.any(|(before, now)| sent_more(before, now, integrations)).then(|| self.clock.now())
        })
        .await
    }

    fn undelivered(&self, patience: Duration) -> Halt {
        let now = self.seen.borrow();
        let name = &self.plan.alert.rule.name;
        let unreadable =
            self.arrival.webhook.and_then(|webhook| webhook.look(|inbox| inbox.unreadable.first().cloned()));
        let reason = match (unreadable, self.arrival.silent) {
            (Some(unreadable), _) => format!("what Alertmanager posted could not be read: {unreadable}"),
            (None, Some(silent)) => silent.to_owned(),
            (None, None) => diagnosis::undelivered(&now, name, patience),
        };
        halt(Stage::Received, Cause::Alert, reason)
    }

    async fn resolved(&self, seen: &mut Observation) -> Result<(), Halt> {
        let patience = self.patience(self.plan.prediction.until_resolved());
        let cleared = seen.cleared.unwrap_or_default();
        let routing = self.plan.routing.as_ref();
        if routing.and_then(|routing| routing.no_end_expected(seen.notified.as_ref())).is_some() {
            return self.ended(seen, patience).await;
        }
        let instance = seen.notified.as_ref().map(|arrived| &arrived.alert);
        let resolved = match (self.arrival.webhook, instance) {
            (Some(webhook), Some(instance)) => {
                self.until(Stage::Resolved, patience, |_| {
                    webhook.look(|inbox| inbox.resolved(cleared, instance))
                })
                .await?
            }
            _ => {
                let before = self.seen.borrow().counters.clone();
                self.counted(Stage::Resolved, patience, &before).await?
            }
        };
        let Some(at) = resolved else {
            let reason = diagnosis::unresolved(self.api, self.plan, patience).await;
            return Err(halt(Stage::Resolved, Cause::Alert, reason));
        };
        seen.resolved = Some(at);
        Ok(())
    }

    /// Nobody is told of the end: that Prometheus has ended the alert is all there is to see.
    async fn ended(&self, seen: &mut Observation, patience: Duration) -> Result<(), Halt> {
        let name = &self.plan.alert.rule.name;
        let cleared = seen.cleared.unwrap_or_default();
        seen.ended = self
            .until(Stage::Resolved, patience, |now| {
                let gone = now.asked > cleared && now.active.is_some() && now.active(name).is_empty();
                gone.then(|| self.clock.now())
            })
            .await?;
        if seen.ended.is_some() {
            return Ok(());
        }
        let value = diagnosis::value(self.api, self.plan).await;
        let reason = format!("still active in Prometheus {} s after clearing: {value}", patience.as_secs());
        Err(halt(Stage::Resolved, Cause::Alert, reason))
    }

    /// Looks at what the servers say again and again until `check` has an answer. `None` when `patience` is at
    /// its end.
    async fn until<T>(
        &self,
        stage: Stage,
        patience: Duration,
        mut check: impl FnMut(&Snapshot) -> Option<T>,
    ) -> Result<Option<T>, Halt> {
        let began = Instant::now();
        let (mut looked, mut lost) = (began, Duration::ZERO);
        loop {
            {
                let now = self.seen.borrow();
                // What Prometheus does not say while it is away is not held against the alert.
                if now.active.is_none() {
                    lost = (lost + looked.elapsed()).min(AWAY);
                }
                looked = Instant::now();
                if let Some(found) = check(&now) {
                    return Ok(Some(found));
                }
                if let Some(casualty) = &now.casualty {
                    return Err(halt(stage, Cause::Environment, casualty.clone()));
                }
            }
            if began.elapsed() > patience + lost {
                return Ok(None);
            }
            self.pause(stage, POLL).await?;
        }
    }

    /// The prediction and some more: a wait that ends too early would blame the alert.
    fn patience(&self, predicted: Duration) -> Duration {
        let intervals = self.plan.prediction.intervals;
        predicted + GRACE.max((intervals.scrape + intervals.evaluation) * 2)
    }

    /// Where the condition's own delay is unknown, its longest range is waited for.
    fn condition_patience(&self) -> Duration {
        let prediction = &self.plan.prediction;
        let unknown = if prediction.condition.is_none() { prediction.range } else { Duration::ZERO };
        self.patience(prediction.until_pending() + unknown)
    }

    fn phase(&self, what: &str) {
        self.run.progress().phase(format!("{}: {what}", self.plan.name));
    }
}

fn first_activity(active: &[ActiveAlert]) -> Option<Timestamp> {
    active.iter().map(|alert| alert.active_at).min()
}

fn halt(stage: Stage, cause: Cause, reason: String) -> Halt {
    Halt { stage, cause, reason }
}
