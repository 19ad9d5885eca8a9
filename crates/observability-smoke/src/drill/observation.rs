//! What a trial saw of one alert, as values: the stages with their times, and where it stopped.

use super::receiver::Arrived;

/// The stages of an alert, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stage {
    /// The rule is loaded and evaluated.
    Loaded,
    /// The healthy series were scraped, and the alert is inactive.
    Quiet,
    /// The faulty series were scraped.
    Scraped,
    /// The condition is true.
    Pending,
    /// The condition has held for as long as `for` asks.
    Firing,
    /// Alertmanager has it.
    Accepted,
    /// The notification was received.
    Received,
    /// The resolved notification was received.
    Resolved,
}

impl Stage {
    /// The word of the timeline.
    #[must_use]
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Quiet => "quiet",
            Self::Scraped => "scraped",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Accepted => "in Alertmanager",
            Self::Received => "received",
            Self::Resolved => "resolved",
        }
    }
}

/// Who keeps an alert from its next stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The alert: its rule, or its series.
    Alert,
    /// Our own environment: a server of the embedded stack has ended, or never became ready.
    Environment,
    /// The run was asked to stop.
    Stop,
    /// Nobody, as far as is known: how long it takes could not be predicted, and it had not come when we stopped looking.
    Unpredicted,
}

/// Where an alert stopped, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Halt {
    /// The stage that was not reached.
    pub(crate) stage: Stage,
    /// Who is to blame.
    pub(crate) cause: Cause,
    /// Why, in words.
    pub(crate) reason: String,
}

/// How the reason begins when a Prometheus that is not ours does not answer any more.
pub(crate) const NOT_ANSWERED: &str = "Prometheus has not answered";

impl Halt {
    /// Whether a Prometheus that is not ours was gone.
    #[must_use]
    pub(crate) fn is_of_a_prometheus_gone(&self) -> bool {
        self.cause == Cause::Environment && self.reason.starts_with(NOT_ANSWERED)
    }
}

/// What a trial saw. Times are seconds on the drill's clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observation {
    /// How often the healthy series had been scraped when the alert was found inactive.
    pub(crate) healthy_scrapes: Option<u64>,
    /// When the fault was switched on.
    pub(crate) fault: Option<f64>,
    /// When the fixture first served it.
    pub(crate) scraped: Option<f64>,
    /// The evaluation at which the alert became active (Prometheus' `activeAt`).
    pub(crate) pending: Option<f64>,
    /// The evaluation at which it fired.
    pub(crate) firing: Option<f64>,
    /// When Alertmanager had it.
    pub(crate) accepted: Option<f64>,
    /// When the notification had been read whole.
    pub(crate) received: Option<f64>,
    /// When the fault was switched off.
    pub(crate) cleared: Option<f64>,
    /// When the resolved notification had been read whole.
    pub(crate) resolved: Option<f64>,
    /// When Prometheus had ended the alert, where no resolved notification is expected.
    pub(crate) ended: Option<f64>,
    /// How many instances of the alert were active when it fired.
    pub(crate) instances: usize,
    /// The labels with which Prometheus has the alert.
    pub(crate) labels: std::collections::BTreeMap<String, String>,
    /// What was received.
    pub(crate) notified: Option<Arrived>,
    /// How often the same was notified; a cluster whose members know of each other notifies once.
    pub(crate) copies: usize,
    /// Whether a command made the fault, and not a fixture.
    pub(crate) hooked: bool,
    /// Whether the stages up to the firing come from a replay.
    pub(crate) replayed: bool,
    /// Why a real fault may still be there.
    pub(crate) left_behind: Option<String>,
    /// Where it stopped.
    pub(crate) halted: Option<Halt>,
}

impl Observation {
    /// Whether a stage was reached.
    #[must_use]
    pub(crate) fn reached(&self, stage: Stage) -> bool {
        match stage {
            Stage::Loaded => {
                self.healthy_scrapes.is_some() || self.halted.as_ref().is_some_and(|halt| halt.stage > stage)
            }
            Stage::Quiet => self.healthy_scrapes.is_some(),
            Stage::Scraped => self.scraped.is_some(),
            Stage::Pending => self.pending.is_some(),
            Stage::Firing => self.firing.is_some(),
            Stage::Accepted => self.accepted.is_some(),
            Stage::Received => self.received.is_some(),
            Stage::Resolved => self.resolved.is_some(),
        }
    }

    /// Whether the alert was quiet before the fault, and did not fire after it.
    #[must_use]
    pub(crate) fn is_kept_from_firing(&self) -> bool {
        let halted = self.halted.as_ref().filter(|halt| halt.cause == Cause::Alert);
        halted.is_some_and(|halt| matches!(halt.stage, Stage::Pending | Stage::Firing))
    }

    /// Seconds from the fault to the notification received.
    #[must_use]
    pub(crate) fn time_to_notify(&self) -> Option<f64> {
        Some(self.received? - self.fault?)
    }
}
