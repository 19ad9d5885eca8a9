//! Asks the servers again and again, once for all the alerts that are drilled on them, and hands what they
//! answer to every trial. It judges nothing.

use std::time::Duration;

use tokio::sync::watch;

use super::{
    clock::Clock,
    prometheus::{ActiveAlert, Api, HeldAlert, LoadedRule, ScrapedTarget},
    real::peer::Counters,
    series::Labels,
};

/// How often the servers are asked. What has a timestamp of its own is not limited by it.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// Rules and discovery change seldom: they are asked for every so many rounds.
const SELDOM: u32 = 4;

/// What the servers answered last.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    /// When the asking began, in seconds on the drill's clock; what is told here is not older.
    pub(super) asked: f64,
    /// The alerts that Prometheus has; `None` where it did not answer.
    pub(super) active: Option<Vec<ActiveAlert>>,
    /// The rules, when last asked.
    pub(super) rules: Vec<LoadedRule>,
    /// How many Alertmanagers Prometheus has discovered.
    pub(super) alertmanagers: usize,
    /// The targets, where somebody needs them.
    pub(super) targets: Vec<ScrapedTarget>,
    /// The alerts that Alertmanager has; `None` where it did not answer.
    pub(super) held: Option<Vec<HeldAlert>>,
    /// Which server has ended, and how.
    pub(super) casualty: Option<String>,
    /// What an instance of the alert must carry to be one of the drill's; nothing where there are no others.
    pub(super) mark: Labels,
    /// What each Alertmanager has counted of its notifications, where that is the proof.
    pub(super) counters: Vec<Counters>,
}

impl Snapshot {
    /// The instances of an alert that are pending or firing.
    pub(super) fn active(&self, alert: &str) -> Vec<ActiveAlert> {
        let ours = |one: &&ActiveAlert| self.is_ours(&one.labels, alert);
        self.active.iter().flatten().filter(ours).cloned().collect()
    }

    /// The alerts of this name that Alertmanager has.
    pub(super) fn held<'a>(&'a self, alert: &'a str) -> impl Iterator<Item = &'a HeldAlert> {
        let held = self.held.iter().flatten();
        held.filter(move |one| self.is_ours(&one.labels, alert))
    }

    /// Whether these are the labels of one of the drill's instances of this alert.
    pub(super) fn is_ours(&self, labels: &Labels, alert: &str) -> bool {
        labels.get("alertname").is_some_and(|name| name == alert)
            && self.mark.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}

/// Whom to ask.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Prometheus.
    pub(super) prometheus: Api,
    /// Alertmanager.
    pub(super) alertmanager: Api,
    /// Whether the targets are of interest.
    pub(super) targets: bool,
}

/// Asks until it is dropped.
pub(super) async fn watch(
    asked: &Asked,
    clock: Clock,
    into: &watch::Sender<Snapshot>,
    mut casualty: impl FnMut() -> Option<String>,
) {
    let mut rules = Vec::new();
    let mut alertmanagers = 0;
    for round in 0_u32.. {
        let began = clock.now();
        let (active, held) = tokio::join!(asked.prometheus.active(), asked.alertmanager.held());
        if round.is_multiple_of(SELDOM) {
            if let Ok(loaded) = asked.prometheus.rules().await {
                rules = loaded;
            }
            if alertmanagers == 0 {
                alertmanagers = asked.prometheus.alertmanagers().await.unwrap_or(0);
            }
        }
        let targets = if asked.targets { asked.prometheus.targets().await.ok() } else { None };
        let casualty = casualty();
        into.send_modify(|seen| {
            *seen = Snapshot {
                asked: began,
                active: active.ok(),
                rules: rules.clone(),
                alertmanagers,
                targets: targets.unwrap_or_else(|| std::mem::take(&mut seen.targets)),
                held: held.ok(),
                casualty,
                ..Snapshot::default()
            };
        });
        tokio::time::sleep(POLL).await;
    }
}
