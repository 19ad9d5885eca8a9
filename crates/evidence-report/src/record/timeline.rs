//! What happened when: stages on a monotonic clock, with the wall clock only as a label.

use std::time::Duration;

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What happened, for example `dump` or `received`.
    pub name: String,
    /// When it began, counted from the timeline's zero on the monotonic clock.
    pub start: Duration,
    /// When it ended; equal to `start` for an instant.
    pub end: Duration,
    /// A few words, for example the delay that was predicted.
    pub note: String,
}

/// Stages in the order in which they are shown. Zero is named: "the incident", "the fault".
///
/// ```
/// use std::time::Duration;
/// use evidence_report::record::{Stage, Timeline};
///
/// let received = Stage {
///     name: "received".into(),
///     start: Duration::from_secs(3),
///     end: Duration::from_secs(3),
///     note: "predicted: at most 4 s".into(),
/// };
/// let timeline = Timeline { zero: "the fault".into(), stages: vec![received] };
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// What zero is.
    pub zero: String,
    /// The stages.
    pub stages: Vec<Stage>,
}
