//! Several requests in a row, and the trace that they must leave: a fresh correlation id goes along, and has to
//! be found again in the backends of logs or traces.

mod assess;
mod observe;

pub(crate) use assess::assess;
pub(crate) use observe::observe;

use std::time::Duration;

use crate::wire::{Answer, Trouble};

/// What was seen of a flow.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Of the steps that were made, in their order; the last one may have failed.
    steps: Vec<StepSeen>,
    /// Of the searches, where all steps were answered as expected.
    found: Vec<FoundSeen>,
    /// All steps together.
    took: Duration,
}

/// What was seen of a step.
#[derive(Debug)]
struct StepSeen {
    answer: Result<Answer, Trouble>,
    /// What is wrong with the answer.
    fault: Option<String>,
    /// The capture that found nothing.
    not_captured: Option<String>,
}

/// What was seen of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FoundSeen {
    /// How many entries the last answer held; or why there was none.
    entries: Result<usize, String>,
    /// From the end of the steps to this.
    after: Duration,
    /// How often it was asked.
    asked: u64,
}
