//! Retention: old runs go only when somebody asks for it, and what is left stays verifiable.

use jiff::Timestamp;

use super::{
    chain::Chain,
    line::{Line, Pruned},
};
use crate::record::v1::{Record, rfc3339};

/// Which runs stay.
///
/// ```
/// use evidence_report::history::{Chain, Keep, Pruning, prune};
///
/// let nothing: Option<Pruning> = prune(&Chain::read(""), Keep::Newest(100), jiff::Timestamp::now());
/// assert_eq!(nothing, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest so many.
    Newest(usize),
    /// Those that ended at this moment or later.
    Since(Timestamp),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruning {
    /// The history that is left, with its checkpoint.
    pub text: String,
    /// How many runs were taken out.
    pub removed: usize,
    /// How many are left.
    pub left: usize,
}

/// Takes the oldest runs out of a history; the newest always stays. `None` where nothing is to be taken out.
#[must_use]
pub fn prune(chain: &Chain, keep: Keep, now: Timestamp) -> Option<Pruning> {
    let runs: Vec<_> = chain.entries().iter().filter(|entry| entry.line.run().is_some()).collect();
    let wanted = match keep {
        Keep::Newest(number) => runs.len().saturating_sub(number),
        Keep::Since(moment) => runs
            .iter()
            .position(|entry| entry.line.run().is_some_and(|run| Record::time(&run.finished) >= moment))
            .unwrap_or(runs.len()),
    };
    let cut = wanted.min(runs.len().saturating_sub(1));
    let last = runs.get(cut.checked_sub(1)?)?;
    let checkpoint = Line::Pruned(Pruned {
        number: last.line.number(),
        previous: last.digest.clone(),
        finished: last.line.run()?.finished.clone(),
        at: rfc3339(now),
    });
    let left = runs[cut..].iter().map(|entry| entry.line.text());
    let text = std::iter::once(checkpoint.text()).chain(left).map(|line| line + "\n").collect();
    Some(Pruning { text, removed: cut, left: runs.len() - cut })
}
