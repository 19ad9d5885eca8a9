//! The course of one alert through a real Prometheus: its series are exposed, looked at as they are stored, made
//! faulty, and taken away again, whatever happens; and nobody goes before the alert has ended.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use evidence_report::run::{Effect, Run};
use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{
    super::{
        clock::Clock,
        injection::{Fixture, Injection},
        observation::{Cause, Halt, Observation, Stage},
        prometheus::Api,
        real::{LABEL, peer::Peer},
        receiver::Receiver,
        remains::Remnant,
        series::{Behaviour, Labels, display},
        trial::{Arrival, Trial},
        watch::Snapshot,
    },
    approve::Approved,
    plan::LivePlan,
    remains::{LeftSeries, forget_target, write_targets},
    returning::Dead,
    watching::{Watched, watch},
};
use crate::http::Http;

/// Prometheus reads a file of targets, and finds what is new in it, within this.
const DISCOVERED_WITHIN: Duration = Duration::from_secs(15);

/// After a stop nobody waits longer than this for the alert's end.
const FAREWELL: Duration = Duration::from_secs(5);

/// The port of the last alert's series may still be closing.
const PORT_FREE_WITHIN: Duration = Duration::from_secs(3);

/// Everything that a course works with.
pub(super) struct Course<'a> {
    pub(super) run: &'a Run,
    pub(super) plan: &'a LivePlan<'a>,
    pub(super) approved: &'a Approved,
    pub(super) api: &'a Api,
    pub(super) http: &'a Http,
    pub(super) peers: &'a [Peer],
    pub(super) dead: &'a [Dead],
    pub(super) receiver: Option<&'a Receiver>,
    pub(super) clock: Clock,
    pub(super) id: &'a str,
    pub(super) starts: &'a RefCell<BTreeSet<String>>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) rounds: Vec<Observation>,
    /// Why the alert may still be there, and until when.
    pub(super) left: Option<String>,
}

impl Course<'_> {
    /// Takes the alert through its stages, and everything away again.
    pub(super) async fn run(&self) -> Outcome {
        let left = LeftSeries {
            prometheus: self.plan.url.0.to_string(),
            alert: self.approved.plan.alert.rule.name.clone(),
            mark: self.approved.mark.clone(),
            until: Timestamp::now()
                .saturating_add(signed(self.at_worst() + self.until_gone()))
                .unwrap_or(Timestamp::MAX),
            targets_file: self.plan.targets_file.clone(),
        };
        let undo =
            "wait until then; observability-smoke sweep looks again, once Prometheus answers".to_owned();
        let effect = Effect::Elsewhere { what: Remnant::Series(left.clone()).journaled(), undo };
        let entry = match self.run.journal().note(effect) {
            Ok(entry) => entry,
            Err(error) => {
                return nothing(format!("nothing was exposed, for the journal cannot be written: {error}"));
            }
        };
        let rounds = match self.exposed().await {
            Ok(rounds) => rounds,
            Err(halt) => vec![Observation { halted: Some(halt), ..Observation::default() }],
        };
        let away = rounds.iter().filter_map(|seen| seen.halted.as_ref()).any(Halt::is_of_a_prometheus_gone);
        let outcome = Outcome { rounds, left: self.gone(&left, away).await };
        if outcome.left.is_none() {
            let _ = self.run.journal().strike(entry);
        }
        outcome
    }

    /// The longest that the trials can take.
    fn at_worst(&self) -> Duration {
        super::admission::duration(&self.approved.plan, self.plan.arguments.repeat)
    }

    /// From the end of the series to the end of the alert.
    fn until_gone(&self) -> Duration {
        let prediction = &self.approved.plan.prediction;
        prediction.until_resolved() + prediction.intervals.scrape
    }

    async fn exposed(&self) -> Result<Vec<Observation>, Halt> {
        let environment = |why: String| halt(Stage::Loaded, Cause::Environment, why);
        let fixture = self.fixture().await.map_err(environment)?;
        let fault = Injection::Fixture(fixture);
        let rounds = self.seen(&fault).await;
        if let Injection::Fixture(fixture) = &fault {
            fixture.withdraw();
            self.forgotten().await.map_err(environment)?;
        }
        rounds
    }

    /// Takes the target out of its file, and waits until Prometheus has done without it: a target that only went away
    /// would be down, and an alert of its own.
    async fn forgotten(&self) -> Result<(), String> {
        let Some(file) = &self.plan.targets_file else { return Ok(()) };
        forget_target(file).map_err(|error| format!("the drill's target is still in its file: {error}"))?;
        self.run.progress().phase("target taken out of its file; waiting until Prometheus has dropped it");
        let job = &self.plan.arguments.real.drill_job;
        let began = Instant::now();
        while began.elapsed() < DISCOVERED_WITHIN {
            match self.api.targets().await {
                Ok(targets) if !targets.iter().any(|target| target.scrape_pool == *job) => break,
                Ok(_) => {}
                Err(_) if began.elapsed() > FAREWELL => break,
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// What is seen of the alert while its series are exposed.
    async fn seen(&self, fault: &Injection) -> Result<Vec<Observation>, Halt> {
        let environment = |why: String| halt(Stage::Loaded, Cause::Environment, why);
        if let Some(file) = &self.plan.targets_file {
            let text = serde_json::json!([{
                "targets": [self.plan.expose.to_string()],
                "labels": { LABEL: super::STANDING },
            }]);
            write_targets(file, &format!("{text:#}\n"))
                .map_err(|error| environment(format!("writing the drill's target into its file: {error}")))?;
        }
        if let Injection::Fixture(fixture) = fault {
            self.stored(fixture).await?;
        }
        let (into, seen) =
            watch::channel(Snapshot { mark: self.approved.mark.clone(), ..Snapshot::default() });
        let arrival = Arrival {
            webhook: self.receiver,
            integrations: &self.approved.integrations,
            silent: self.approved.silent.as_deref(),
        };
        let plan = &self.approved.plan;
        let trial = Trial { plan, run: self.run, clock: self.clock, api: self.api, seen, fault, arrival };
        let watched = Watched {
            api: self.api,
            http: self.http,
            url: &self.plan.url,
            headers: &self.plan.headers,
            peers: self.peers,
            dead: self.dead,
            others: None,
            mark: &self.approved.mark,
            alert: &plan.alert.rule.name,
            counters: self.receiver.is_none(),
            targets: false,
            starts: self.starts,
        };
        let watching = std::pin::pin!(watch(&watched, self.clock, &into));
        let trials = std::pin::pin!(trial.observe(self.plan.arguments.repeat));
        Ok(match select(trials, watching).await {
            Either::Left((rounds, _)) => rounds,
            // It asks for ever; this is never reached.
            Either::Right(((), trials)) => trials.await,
        })
    }

    async fn fixture(&self) -> Result<Fixture, String> {
        let began = Instant::now();
        loop {
            let series = self.approved.exposed.clone();
            match Fixture::start(self.clock, series, Some(self.plan.expose)).await {
                Ok(fixture) => return Ok(fixture),
                Err(_) if began.elapsed() < PORT_FREE_WITHIN => {
                    tokio::time::sleep(Duration::from_millis(50)).await
                }
                Err(error) => return Err(format!("listening on {}: {error}", self.plan.expose)),
            }
        }
    }

    /// What Prometheus has stored of the healthy series is exactly what was computed, or everything is taken away at
    /// once.
    async fn stored(&self, fixture: &Fixture) -> Result<(), Halt> {
        let name = &self.approved.plan.name;
        self.run.progress().phase(format!("{name}: exposed healthy; waiting for the first scrape"));
        let scrape = self.approved.plan.prediction.intervals.scrape;
        let patience = scrape * 2 + DISCOVERED_WITHIN;
        let expected: BTreeSet<Labels> = (self.approved.plan.series().iter())
            .filter(|one| one.healthy != Behaviour::Absent)
            .map(|one| one.labels.clone())
            .collect();
        let query = format!("{{{LABEL}=\"{}\",__name__!~\"ALERTS|ALERTS_FOR_STATE\"}}", self.id);
        let began = Instant::now();
        loop {
            let pause = tokio::time::sleep(Duration::from_millis(250));
            if self.run.stop().guard(pause).await.is_err() {
                return Err(halt(Stage::Loaded, Cause::Stop, "the run was asked to stop".to_owned()));
            }
            if fixture.scrapes().count > 0
                && let Ok(found) = self.api.query(&query).await
            {
                let found: BTreeSet<Labels> = found.into_iter().map(|one| one.labels).collect();
                let missing = expected.difference(&found).next();
                // Recording rules may have made more of it, which was judged before.
                if missing.is_none() {
                    return Ok(());
                }
                if began.elapsed() > patience {
                    let missing = missing.map(display).unwrap_or_default();
                    let why = format!(
                        "Prometheus scraped the series, but does not have {missing} as it was computed"
                    );
                    return Err(halt(Stage::Loaded, Cause::Environment, why));
                }
            }
            if began.elapsed() > patience {
                let why =
                    format!("Prometheus did not scrape {} within {} s", self.plan.expose, patience.as_secs());
                return Err(halt(Stage::Loaded, Cause::Environment, why));
            }
        }
    }

    /// Waits until Prometheus has ended the alert; says why and until when it may be there otherwise.
    async fn gone(&self, left: &LeftSeries, away: bool) -> Option<String> {
        self.run
            .progress()
            .phase(format!("{}: series taken away; waiting until the alert has ended", left.alert));
        let worst = self.until_gone();
        let by = Timestamp::now().saturating_add(signed(worst)).unwrap_or(Timestamp::MAX);
        let began = Instant::now();
        loop {
            let patience =
                if away || self.run.stop().is_requested() { FAREWELL.min(worst) } else { worst + FAREWELL };
            let said = match self.api.active().await {
                Ok(active) => match active.iter().find(|one| left.is_ours(&one.labels)) {
                    None => return None,
                    Some(one) => format!("the alert is still {} in Prometheus", one.state),
                },
                Err(error) => format!("Prometheus does not say whether the alert has ended: {error}"),
            };
            if began.elapsed() > patience {
                return Some(format!(
                    "{said}; its series are gone, so that it ends by itself, by {by:.0} (five minutes later where \
                     Prometheus was not there to see the series go)"
                ));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn halt(stage: Stage, cause: Cause, reason: String) -> Halt {
    Halt { stage, cause, reason }
}

fn nothing(reason: String) -> Outcome {
    let halted = Some(halt(Stage::Loaded, Cause::Environment, reason));
    Outcome { rounds: vec![Observation { halted, ..Observation::default() }], left: None }
}
