//! One trial of one alert: healthy baseline, fault, pending, firing, notification, clearing, resolution.
//! It observes and judges nothing; each wait has a deadline, and ends when the run is asked to stop or when a
//! server of the stack has ended.

use std::{
    ops::AsyncFnMut,
    time::{Duration, Instant},
};

use evidence_report::run::Run;
use jiff::Timestamp;

use super::{
    clock::Clock,
    diagnosis,
    injection::Fixture,
    observation::{Cause, Halt, Observation, Stage},
    plan::{Plan, Until},
    prediction::BASELINE_SCRAPES,
    prometheus::ActiveAlert,
    receiver::Receiver,
    stack::Stack,
};

/// How often Prometheus is asked. What has a timestamp of its own is not limited by it.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// Prometheus' discovery takes 5 s until the first scrape; so much is granted to it.
const DISCOVERY: Duration = Duration::from_secs(20);

/// What every wait is granted beyond the prediction, at least: other work on the machine.
const GRACE: Duration = Duration::from_secs(5);

/// Everything that a trial works with.
pub(super) struct Trial<'a> {
    pub(super) plan: &'a Plan,
    pub(super) run: &'a Run,
    pub(super) clock: Clock,
    pub(super) stack: &'a mut Stack,
    pub(super) fixture: &'a Fixture,
    pub(super) receiver: &'a Receiver,
}

impl Trial<'_> {
    /// Takes the alert through its stages, as far as it comes.
    pub(super) async fn observe(&mut self) -> Observation {
        let mut seen = Observation::default();
        if let Err(halt) = self.stages(&mut seen).await {
            seen.halted = Some(halt);
        }
        seen
    }

    async fn stages(&mut self, seen: &mut Observation) -> Result<(), Halt> {
        self.loaded().await?;
        self.quiet(seen).await?;
        self.wait_for_a_random_phase().await?;
        self.phase("fault on: waiting for the scrape");
        let fault = self.fixture.switch_on();
        seen.fault = Some(fault);
        self.scraped(seen).await?;
        self.pending(seen).await?;
        self.firing(seen).await?;
        self.received(seen).await?;
        if self.plan.until == Until::Received {
            return Ok(());
        }
        self.phase("notification received; fault cleared: waiting for the resolved notification");
        seen.cleared = Some(self.fixture.clear());
        self.resolved(seen).await
    }

    /// The healthy series were scraped, Alertmanager was discovered, and the rule was evaluated after that.
    async fn loaded(&mut self) -> Result<(), Halt> {
        self.phase("waiting for the first scrapes (Prometheus' discovery takes 5 s)");
        let intervals = self.plan.prediction.intervals;
        let (fixture, clock) = (self.fixture, self.clock);
        let patience = DISCOVERY + intervals.scrape * (BASELINE_SCRAPES + 1);
        let scraped = self
            .until(Stage::Loaded, patience, async |stack| {
                let enough = fixture.scrapes().count >= u64::from(BASELINE_SCRAPES);
                let discovered = enough && stack.api.alertmanagers().await.is_ok_and(|count| count > 0);
                discovered.then(|| clock.now())
            })
            .await?;
        let Some(scraped) = scraped else {
            let count = self.fixture.scrapes().count;
            let reason = format!("the fixture was scraped {count} times in {} s", patience.as_secs());
            return Err(halt(Stage::Loaded, Cause::Environment, reason));
        };
        let name = self.plan.alert.rule.name.clone();
        let patience = self.patience(intervals.recording + intervals.evaluation * 2);
        let health = self
            .until(Stage::Loaded, patience, async |stack| {
                let rules = stack.api.rules().await.ok()?;
                if let Some(broken) = rules.iter().find(|rule| rule.health == "err") {
                    return Some(Err(format!("{} cannot be evaluated: {}", broken.name, broken.last_error)));
                }
                let rule = rules.into_iter().find(|rule| rule.name == name)?;
                (rule.health == "ok" && clock.of(rule.last_evaluation) > scraped).then_some(Ok(()))
            })
            .await?;
        match health {
            Some(Ok(())) => Ok(()),
            Some(Err(reason)) => Err(halt(Stage::Loaded, Cause::Alert, reason)),
            None => {
                Err(halt(Stage::Loaded, Cause::Alert, "Prometheus does not evaluate the rule".to_owned()))
            }
        }
    }

    async fn quiet(&mut self, seen: &mut Observation) -> Result<(), Halt> {
        match self.stack.api.active(&self.plan.alert.rule.name).await {
            Err(error) => Err(halt(Stage::Quiet, Cause::Environment, error.to_string())),
            Ok(active) => match active.first() {
                None => {
                    seen.healthy_scrapes = Some(self.fixture.scrapes().count);
                    Ok(())
                }
                Some(alert) => {
                    let value = diagnosis::value(&self.stack.api, self.plan).await;
                    let reason = format!("{} before the fault: {value}", alert.state);
                    Err(halt(Stage::Quiet, Cause::Alert, reason))
                }
            },
        }
    }

    /// Faults do not wait for scrapes: without this, every trial would begin right after an evaluation.
    async fn wait_for_a_random_phase(&self) -> Result<(), Halt> {
        let intervals = self.plan.prediction.intervals;
        let fraction = f64::from(Timestamp::now().subsec_nanosecond().unsigned_abs() / 1000 % 1000) / 1000.0;
        let pause = tokio::time::sleep(intervals.scrape.max(intervals.evaluation).mul_f64(fraction));
        let stopped = |_| halt(Stage::Scraped, Cause::Stop, "the run was asked to stop".to_owned());
        self.run.stop().guard(pause).await.map_err(stopped)
    }

    async fn scraped(&mut self, seen: &mut Observation) -> Result<(), Halt> {
        let patience = self.patience(self.plan.prediction.intervals.scrape);
        let fixture = self.fixture;
        let scraped = self.until(Stage::Scraped, patience, async |_| fixture.scrapes().faulty).await?;
        seen.scraped = scraped;
        let reason = || format!("Prometheus did not scrape the fixture within {} s", patience.as_secs());
        scraped.map(drop).ok_or_else(|| halt(Stage::Scraped, Cause::Environment, reason()))
    }

    async fn pending(&mut self, seen: &mut Observation) -> Result<(), Halt> {
        self.phase("faulty series scraped: waiting for the condition");
        let patience = self.condition_patience();
        let name = self.plan.alert.rule.name.clone();
        let active = self
            .until(Stage::Pending, patience, async |stack| {
                stack.api.active(&name).await.ok().filter(|active| !active.is_empty())
            })
            .await?;
        let Some(active) = active else {
            self.was_evaluated(seen).await?;
            let reason = diagnosis::silent(&self.stack.api, self.plan, patience).await;
            return Err(halt(Stage::Pending, Cause::Alert, reason));
        };
        seen.pending = first_activity(&active).map(|at| self.clock.of(at));
        Ok(())
    }

    /// A machine so busy that Prometheus did not evaluate the rule since the fault says nothing of the alert.
    async fn was_evaluated(&self, seen: &Observation) -> Result<(), Halt> {
        let environment = |reason: String| halt(Stage::Pending, Cause::Environment, reason);
        let rules = self.stack.api.rules().await.map_err(|error| environment(error.to_string()))?;
        let name = &self.plan.alert.rule.name;
        let evaluated =
            rules.iter().filter(|rule| rule.name == *name).map(|rule| self.clock.of(rule.last_evaluation));
        if evaluated.fold(f64::NEG_INFINITY, f64::max) > seen.scraped.unwrap_or_default() {
            return Ok(());
        }
        Err(environment(
            "Prometheus has not evaluated the rule since it scraped the fault: it is too busy".to_owned(),
        ))
    }

    async fn firing(&mut self, seen: &mut Observation) -> Result<(), Halt> {
        self.phase("condition true: waiting until it has held long enough");
        let prediction = &self.plan.prediction;
        let patience = self.patience(prediction.hold + prediction.intervals.evaluation);
        let name = self.plan.alert.rule.name.clone();
        let clock = self.clock;
        let firing = self
            .until(Stage::Firing, patience, async |stack| {
                let active = stack.api.active(&name).await.ok()?;
                let firing: Vec<_> = active.into_iter().filter(|alert| alert.state == "firing").collect();
                (!firing.is_empty()).then(|| (clock.now(), firing))
            })
            .await?;
        let Some((noticed, firing)) = firing else {
            let reason = diagnosis::pending_only(&self.stack.api, self.plan, patience).await;
            return Err(halt(Stage::Firing, Cause::Alert, reason));
        };
        seen.instances = firing.len();
        seen.labels = firing[0].labels.clone();
        seen.firing = Some(noticed);
        Ok(())
    }

    async fn received(&mut self, seen: &mut Observation) -> Result<(), Halt> {
        self.phase("firing: waiting for the notification");
        let patience = self.patience(self.plan.prediction.intervals.evaluation);
        let name = self.plan.alert.rule.name.clone();
        let receiver = self.receiver;
        let received =
            self.until(Stage::Received, patience, async |_| receiver.inbox().firing(&name)).await?;
        let Some((at, alert)) = received else {
            let reason = diagnosis::undelivered(self.stack, self.plan, &receiver.inbox(), patience).await;
            return Err(halt(Stage::Received, Cause::Alert, reason));
        };
        seen.received = Some(at);
        // The notification carries the evaluation at which the alert fired: exact, where polling is not.
        let exact = self.clock.of(alert.starts_at);
        seen.firing = Some(seen.firing.map_or(exact, |noticed| exact.min(noticed)));
        // Of several instances the one that was notified is compared with what Prometheus has.
        let active = self.stack.api.active(&name).await.unwrap_or_default();
        if let Some(same) = active.into_iter().find(|one| one.labels == alert.labels) {
            seen.labels = same.labels;
        }
        seen.notified = Some(alert);
        Ok(())
    }

    async fn resolved(&mut self, seen: &mut Observation) -> Result<(), Halt> {
        let patience = self.patience(self.plan.prediction.until_resolved());
        let Some(instance) = seen.notified.clone() else { return Ok(()) };
        let receiver = self.receiver;
        let resolved =
            self.until(Stage::Resolved, patience, async |_| receiver.inbox().resolved(&instance)).await?;
        let Some(at) = resolved else {
            let reason = diagnosis::unresolved(&self.stack.api, self.plan, patience).await;
            return Err(halt(Stage::Resolved, Cause::Alert, reason));
        };
        seen.resolved = Some(at);
        Ok(())
    }

    /// Asks `check` again and again until it has an answer. `None` when `patience` is at its end.
    async fn until<T>(
        &mut self,
        stage: Stage,
        patience: Duration,
        mut check: impl AsyncFnMut(&Stack) -> Option<T>,
    ) -> Result<Option<T>, Halt> {
        let began = Instant::now();
        loop {
            let stopped = |_| halt(stage, Cause::Stop, "the run was asked to stop".to_owned());
            if let Some(found) = self.run.stop().guard(check(self.stack)).await.map_err(stopped)? {
                return Ok(Some(found));
            }
            if let Some(casualty) = self.stack.casualty() {
                return Err(halt(stage, Cause::Environment, casualty));
            }
            if began.elapsed() > patience {
                return Ok(None);
            }
            self.run.stop().guard(tokio::time::sleep(POLL)).await.map_err(stopped)?;
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
        self.run.progress().phase(format!("{}: {what}", self.plan.alert.rule.name));
    }
}

fn first_activity(active: &[ActiveAlert]) -> Option<Timestamp> {
    active.iter().map(|alert| alert.active_at).min()
}

fn halt(stage: Stage, cause: Cause, reason: String) -> Halt {
    Halt { stage, cause, reason }
}
