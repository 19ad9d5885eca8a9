//! One line of a history, version 1: written once, never changed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    document::{self, hex},
    record::{
        Environment, Verdict,
        v1::{CheckCount, Commit, MeasurementRecord, Record},
    },
};

/// So many measurements of a run are kept, those with an objective first.
const MAXIMUM_MEASUREMENTS: usize = 50;

/// One line of a history.
///
/// ```
/// use evidence_report::history::{Came, Chain, Line, RunLine};
/// # use evidence_report::record::v1::Record;
///
/// fn append(history: &str, record: &Record) -> String {
///     let line: Line = Chain::read(history).next(record, "rehearsal.md", Came::Published);
///     let run: &RunLine = line.run().unwrap();
///     assert_eq!(run.previous, Chain::read(history).head().map(str::to_owned));
///     format!("{history}{}\n", line.text())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A run.
    Run(Box<RunLine>),
    /// Runs that were taken out, by name: only ever the first line.
    Pruned(Pruned),
    /// The history before was damaged, and is kept aside: only ever the first line.
    Anew(Anew),
}

/// How a run came into the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// Its tool published it here; its record names the line before.
    #[default]
    Published,
    /// It was made elsewhere, and taken home by `accept`.
    Accepted,
    /// It stood here, and the history did not know it: put there by hand, or older than the history.
    Found,
}

/// What is kept of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunLine {
    /// From 1, without a gap.
    pub number: u64,
    /// The digest of the line before; absent on the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The seal of its record.
    pub seal: String,
    /// The name of the evidence file that its record went to.
    pub file: String,
    /// How it came.
    #[serde(default, skip_serializing_if = "is_published")]
    pub came: Came,
    /// The tool, and its version.
    pub tool: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Where it took place.
    pub environment: Environment,
    /// Whether it was interrupted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// When it ended: RFC 3339, UTC.
    pub finished: String,
    /// Until when it may be relied upon: RFC 3339, UTC.
    pub valid_until: String,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// How many findings failed.
    pub failed: u64,
    /// How many were inconclusive, or not checked though required.
    pub inconclusive: u64,
    /// How many warned.
    pub warned: u64,
    /// How many passed.
    pub passed: u64,
    /// What was measured, what has an objective first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<MeasurementRecord>,
    /// How many measurements were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub measurements_omitted: u64,
}

/// Runs that were taken out by name. The line behind it names [`Pruned::previous`], so that what is left is
/// verified like before.
///
/// ```
/// use evidence_report::history::{Anew, Chain, Line, Pruned};
///
/// /// Where a history begins, when not with the first run of all.
/// fn beginning(chain: &Chain) -> Option<u64> {
///     match &chain.entries().first()?.line {
///         Line::Pruned(Pruned { number, .. }) | Line::Anew(Anew { number, .. }) => Some(number + 1),
///         Line::Run(_) => None,
///     }
/// }
/// assert_eq!(beginning(&Chain::read("")), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pruned {
    /// The number of the last run that was taken out; all before it are gone, too.
    pub number: u64,
    /// The digest of its line.
    pub previous: String,
    /// When that run ended: RFC 3339, UTC.
    pub finished: String,
    /// When they were taken out: RFC 3339, UTC.
    pub at: String,
}

/// The history before could not be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Anew {
    /// The highest number of a run that could be read in it.
    pub number: u64,
    /// What was wrong with it.
    pub reason: String,
    /// The name under which it is kept aside.
    pub kept_as: String,
    /// SHA-256 of that file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// When: RFC 3339, UTC.
    pub at: String,
}

impl Line {
    /// The line as it stands in the file, without its line feed.
    #[must_use]
    pub fn text(&self) -> String {
        // Strings, integers and lists of them always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The run that the line is about.
    #[must_use]
    pub fn run(&self) -> Option<&RunLine> {
        match self {
            Self::Run(run) => Some(run),
            Self::Pruned(_) | Self::Anew(_) => None,
        }
    }

    /// The number of the run, or of the last one before.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Run(run) => run.number,
            Self::Pruned(pruned) => pruned.number,
            Self::Anew(anew) => anew.number,
        }
    }
}

impl RunLine {
    /// What is kept of a record: a pure function, so that the newest line is verified by the evidence itself.
    #[must_use]
    pub fn of(record: &Record, number: u64, previous: Option<String>, file: &str, came: Came) -> Self {
        // A record that somebody wrote may hold any numbers.
        let sum = |of: fn(&CheckCount) -> u64| record.counts.iter().map(of).fold(0, u64::saturating_add);
        let (judged, plain): (Vec<_>, Vec<_>) =
            record.measurements.iter().partition(|measurement| measurement.objective.is_some());
        let measurements: Vec<_> =
            judged.into_iter().chain(plain).take(MAXIMUM_MEASUREMENTS).cloned().collect();
        Self {
            number,
            previous,
            seal: document::seal(record),
            file: file.to_owned(),
            came,
            tool: format!("{} {}", record.tool.name, record.tool.version),
            verdict: record.verdict,
            environment: record.environment,
            interrupted: record.interrupted.is_some(),
            finished: record.finished.clone(),
            valid_until: record.valid_until.clone(),
            commit: record.commit.clone(),
            failed: sum(|count| count.failed),
            inconclusive: sum(|count| count.inconclusive + count.not_checked),
            warned: sum(|count| count.warned),
            passed: sum(|count| count.passed),
            measurements_omitted: record
                .measurements_omitted
                .saturating_add((record.measurements.len() - measurements.len()) as u64),
            measurements,
        }
    }
}

/// The digest of a line: SHA-256 over its bytes, without the line feed.
pub(super) fn digest(line: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(line)))
}

fn is_published(came: &Came) -> bool {
    *came == Came::Published
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
