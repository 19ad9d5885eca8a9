//! Whether a run would notice that the observation of a check was lost. Pure.

use super::proof::{Expected, Proof};
use crate::record::{
    Verdict,
    v1::{CheckCount, Record},
};

/// Of the checks that a run made, those whose observation could get lost unseen: without it the run would pass.
#[must_use]
pub fn could_be_lost(record: &Record) -> Vec<&str> {
    let judged = |count: &&CheckCount| count.total() > count.not_checked_optional + count.waived;
    (record.counts.iter().filter(judged))
        .map(|count| count.check.as_str())
        .filter(|check| record.verdict_without(check) == Verdict::Passed)
        .collect()
}

impl Proof {
    /// The same, unless the run would have passed without an observation: of what is sound without any of them, of a
    /// fault without the one that caught it.
    #[must_use]
    pub fn and_nothing_lost(self, record: &Record, expected: &Expected<'_>) -> Self {
        if !matches!(self, Self::Caught(_) | Self::Quiet) {
            return self;
        }
        let mut lost = could_be_lost(record);
        lost.retain(|check| expected.is_sound() || *check == expected.check.id);
        if lost.is_empty() {
            return self;
        }
        Self::Slipped(format!("it would pass, had nothing come of the observation of {}", lost.join(", ")))
    }
}
