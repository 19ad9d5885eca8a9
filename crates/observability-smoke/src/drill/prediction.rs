//! How long an alert takes at worst, from the intervals alone. Pure.

use std::time::Duration;

/// The intervals of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intervals {
    /// Between two scrapes.
    pub(crate) scrape: Duration,
    /// Between two evaluations of the alert's group.
    pub(crate) evaluation: Duration,
    /// Evaluations of other groups that the alert's series go through first (recording rules), summed.
    pub(crate) recording: Duration,
    /// How far behind the rules look by `query_offset`.
    pub(crate) offset: Duration,
}

/// How Alertmanager groups what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grouping {
    /// Before the first notification of a group.
    pub(crate) wait: Duration,
    /// Between two notifications of a group.
    pub(crate) interval: Duration,
}

/// The parts of the worst case of one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prediction {
    /// The intervals.
    pub(crate) intervals: Intervals,
    /// How Alertmanager groups.
    pub(crate) grouping: Grouping,
    /// From the first scrape of the fault until the condition is true; `None` when it cannot be computed.
    pub(crate) condition: Option<Duration>,
    /// `for`, rounded up to an evaluation.
    pub(crate) hold: Duration,
    /// From clearing until the condition is false again; `None` when it cannot be computed.
    pub(crate) recovery: Option<Duration>,
    /// The longest range that the expression looks back over.
    pub(crate) range: Duration,
    /// `keep_firing_for`.
    pub(crate) keep_firing: Duration,
    /// From clearing until a next trial may begin, because of what a cluster of Alertmanagers may still tell.
    pub(crate) settling: Duration,
}

/// From Prometheus through Alertmanager to the webhook; measured are some milliseconds.
const SEND: Duration = Duration::from_millis(100);

/// Prometheus' discovery takes 5 s before the first scrape, and starting both servers some tenths.
const STARTING: Duration = Duration::from_secs(7);

/// So many scrapes of the healthy series come before the fault.
pub(super) const BASELINE_SCRAPES: u32 = 3;

impl Prediction {
    /// Of an alert that is posted to Alertmanager: it groups and sends, and nothing else takes time.
    #[must_use]
    pub(crate) const fn of_a_post(grouping: Grouping) -> Self {
        Self {
            intervals: Intervals {
                scrape: Duration::ZERO,
                evaluation: Duration::ZERO,
                recording: Duration::ZERO,
                offset: Duration::ZERO,
            },
            grouping,
            condition: Some(Duration::ZERO),
            hold: Duration::ZERO,
            recovery: Some(Duration::ZERO),
            range: Duration::ZERO,
            keep_firing: Duration::ZERO,
            settling: Duration::ZERO,
        }
    }

    /// From the fault until the alert is pending, at worst.
    #[must_use]
    pub(crate) fn until_pending(&self) -> Duration {
        self.intervals.scrape
            + self.condition.unwrap_or_default()
            + self.intervals.offset
            + self.intervals.recording
            + self.intervals.evaluation
    }

    /// From the fault until it fires, at worst.
    #[must_use]
    pub(crate) fn until_firing(&self) -> Duration {
        self.until_pending() + self.hold
    }

    /// From the fault until the notification is received, at worst.
    #[must_use]
    pub(crate) fn until_notified(&self) -> Duration {
        self.until_firing() + self.grouping.wait + SEND
    }

    /// From clearing until the resolved notification is received, at worst.
    #[must_use]
    pub(crate) fn until_resolved(&self) -> Duration {
        self.intervals.scrape
            + self.recovery.unwrap_or(self.range)
            + self.intervals.offset
            + self.intervals.recording
            + self.intervals.evaluation
            + self.keep_firing
            + self.grouping.interval
            + SEND
    }

    /// Before the fault: start, discovery, and the healthy baseline.
    #[must_use]
    pub(crate) fn before_the_fault(&self) -> Duration {
        STARTING
            + self.intervals.scrape * BASELINE_SCRAPES
            + self.intervals.evaluation * 2
            + self.intervals.offset
    }

    /// In words, part by part.
    #[must_use]
    pub(crate) fn sum(&self) -> String {
        let seconds = |duration: Duration| super::seconds(duration.as_secs_f64());
        let mut parts = Vec::new();
        if !self.intervals.scrape.is_zero() {
            parts.push(format!("scrape interval {}", seconds(self.intervals.scrape)));
        }
        match self.condition {
            Some(Duration::ZERO) => {}
            Some(condition) => parts.push(format!("until the condition is true {}", seconds(condition))),
            None => parts.push("until the condition is true: unknown".to_owned()),
        }
        if !self.intervals.offset.is_zero() {
            parts.push(format!("query_offset {}", seconds(self.intervals.offset)));
        }
        if !self.intervals.recording.is_zero() {
            parts.push(format!("recording rules {}", seconds(self.intervals.recording)));
        }
        if !self.intervals.evaluation.is_zero() {
            parts.push(format!("evaluation interval {}", seconds(self.intervals.evaluation)));
        }
        if !self.hold.is_zero() {
            parts.push(format!("`for` {}", seconds(self.hold)));
        }
        parts.push(format!("group_wait {}, send {}", seconds(self.grouping.wait), seconds(SEND)));
        parts.join(" + ")
    }
}

/// `for`, rounded up to whole evaluations: the alert fires at the first evaluation that is not before its end.
#[must_use]
pub(crate) fn rounded_up(hold: Duration, evaluation: Duration) -> Duration {
    let evaluations = hold.as_nanos().div_ceil(evaluation.as_nanos().max(1));
    evaluation * u32::try_from(evaluations).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_hold_is_rounded_up_to_an_evaluation() {
        assert_eq!(rounded_up(seconds(0), seconds(15)), seconds(0));
        assert_eq!(rounded_up(seconds(15), seconds(15)), seconds(15));
        assert_eq!(rounded_up(seconds(16), seconds(15)), seconds(30));
    }

    #[test]
    fn the_worst_case_is_the_sum_of_its_parts() {
        let prediction = Prediction {
            intervals: Intervals {
                scrape: seconds(15),
                evaluation: seconds(30),
                recording: seconds(0),
                offset: seconds(0),
            },
            grouping: Grouping { wait: seconds(0), interval: seconds(1) },
            condition: Some(seconds(15)),
            hold: rounded_up(seconds(45), seconds(30)),
            recovery: None,
            range: seconds(300),
            keep_firing: seconds(0),
            settling: seconds(0),
        };
        assert_eq!(prediction.until_notified(), Duration::from_millis(120_100));
        assert_eq!(prediction.until_resolved(), Duration::from_millis(346_100));
        // What the rule sees is a minute old.
        let intervals = Intervals { offset: seconds(60), ..prediction.intervals };
        let behind = Prediction { intervals, ..prediction };
        assert_eq!(behind.until_notified(), prediction.until_notified() + seconds(60));
        assert_eq!(behind.until_resolved(), prediction.until_resolved() + seconds(60));
        assert_eq!(behind.before_the_fault(), prediction.before_the_fault() + seconds(60));
        assert!(behind.sum().contains("query_offset 60 s"), "{}", behind.sum());
    }
}
