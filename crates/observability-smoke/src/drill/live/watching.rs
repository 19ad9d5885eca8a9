//! Asks a real Prometheus and its Alertmanagers again and again, gently, and hands what they answer to the trial. It
//! judges nothing but whether Prometheus is still there.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::header::HeaderMap;
use tokio::sync::watch;

use super::{
    super::{
        clock::Clock,
        observation::NOT_ANSWERED,
        prometheus::{ActiveAlert, Api, HeldAlert},
        real::peer::Peer,
        series::Labels,
        watch::Snapshot,
    },
    cascade::Cascade,
    returning::{Dead, returned},
    scene,
};
use crate::{
    backends::prometheus_api::{self, RuntimeInfo},
    config::Url,
    http::Http,
};

/// Between two looks: others use these servers too. What has a timestamp of its own is not limited by it.
const POLL: Duration = Duration::from_millis(500);

/// Rules and restarts are looked at every so many rounds.
const SELDOM: u32 = 4;

/// A Prometheus that does not answer for this long is gone; one that is restarted is back before.
const GONE: Duration = Duration::from_secs(45);

/// Whom to ask, and for what.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    pub(super) api: &'a Api,
    pub(super) http: &'a Http,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) peers: &'a [Peer],
    /// Alertmanagers that were dead at the beginning.
    pub(super) dead: &'a [Dead],
    /// Where the other alerts are noted, where they are of interest.
    pub(super) others: Option<&'a RefCell<Cascade>>,
    pub(super) mark: &'a Labels,
    pub(super) alert: &'a str,
    /// Whether Alertmanager's counters are the proof.
    pub(super) counters: bool,
    /// Whether the targets are of interest.
    pub(super) targets: bool,
    /// When Prometheus was started; further starts are noted.
    pub(super) starts: &'a RefCell<BTreeSet<String>>,
}

/// Asks until it is dropped.
pub(super) async fn watch(watched: &Watched<'_>, clock: Clock, into: &watch::Sender<Snapshot>) {
    let (mut rules, mut alertmanagers, mut answered) = (Vec::new(), 0, Instant::now());
    for round in 0_u32.. {
        let began = clock.now();
        let (active, held) = tokio::join!(watched.api.active(), watched.held());
        if round.is_multiple_of(SELDOM) {
            if let Ok(loaded) = watched.api.rules().await {
                rules = loaded;
            }
            alertmanagers = watched.api.alertmanagers().await.unwrap_or(alertmanagers);
            watched.note_restarts().await;
        }
        let targets = if watched.targets { watched.api.targets().await.ok() } else { None };
        let counters = if watched.counters {
            let all = join_all(watched.peers.iter().map(Peer::counters)).await;
            all.into_iter().map(Result::unwrap_or_default).collect()
        } else {
            Vec::new()
        };
        if let Ok(active) = &active {
            answered = Instant::now();
            watched.note_others(active, clock);
        }
        let returned = returned(watched.dead).await;
        let casualty = (answered.elapsed() > GONE)
            .then(|| format!("{NOT_ANSWERED} for {} s", answered.elapsed().as_secs()))
            .or(returned);
        into.send_modify(|seen| {
            *seen = Snapshot {
                asked: began,
                active: active.ok(),
                rules: rules.clone(),
                targets: targets.unwrap_or_else(|| std::mem::take(&mut seen.targets)),
                alertmanagers,
                held,
                casualty,
                mark: watched.mark.clone(),
                counters,
            };
        });
        tokio::time::sleep(POLL).await;
    }
}

impl Watched<'_> {
    /// What the first Alertmanager that answers has; of the drilled alert only what all have that answer, for Prometheus
    /// sends to each. `None` where none answers.
    async fn held(&self) -> Option<Vec<HeldAlert>> {
        // One that does not answer is told of at the end.
        let all = join_all(self.peers.iter().map(Peer::held)).await;
        let all: Vec<Vec<HeldAlert>> = all.into_iter().flatten().collect();
        let (first, others) = all.split_first()?;
        let everywhere = |one: &&HeldAlert| {
            one.labels.get("alertname").is_none_or(|name| name != self.alert)
                || others.iter().all(|held| held.iter().any(|other| other.labels == one.labels))
        };
        Some(first.iter().filter(everywhere).cloned().collect())
    }

    fn note_others(&self, active: &[ActiveAlert], clock: Clock) {
        let Some(others) = self.others else { return };
        others.borrow_mut().look(active, clock, |labels| {
            labels.get("alertname").is_some_and(|name| name == self.alert)
                && self.mark.iter().all(|(name, value)| labels.get(name) == Some(value))
        });
    }

    async fn note_restarts(&self) {
        let api = prometheus_api::Api {
            http: self.http,
            url: self.url,
            headers: self.headers,
            timeout: scene::PATIENCE,
        };
        if let Ok(info) = api.data::<RuntimeInfo>(&["status", "runtimeinfo"], &[]).await {
            self.starts.borrow_mut().insert(info.start_time);
        }
    }
}
