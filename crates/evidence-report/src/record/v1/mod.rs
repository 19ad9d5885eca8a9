//! Version 1 of the record: the one type that is written, read, sealed and described by a JSON Schema.
//!
//! Once released it does not change: what reads old evidence must understand it for as long as it is kept.
//! Integers stay within ±(2^53−1) and decimals are strings, because RFC 8785 writes numbers as doubles.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    measurement::{Decimal, Objective},
    verdict::{Environment, Verdict},
};

mod clean;
mod of_report;

pub(crate) use clean::one_line;
pub(crate) use of_report::counts;

/// The value of [`Record::schema`].
pub const SCHEMA: &str = "evidence-report/v1";

/// The record is never larger than this, as pretty JSON.
pub const MAXIMUM_BYTES: usize = 256 * 1024;

/// The record keeps the worst so many findings; the output formats get all.
pub const MAXIMUM_FINDINGS: usize = 200;

/// What a run saw, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Always `evidence-report/v1`.
    pub schema: String,
    /// The tool that made it.
    pub tool: ToolName,
    /// Title of the evidence file.
    pub title: String,
    /// The run's verdict.
    pub verdict: Verdict,
    /// Why the run ended before its work was done; absent when it was not interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<String>,
    /// Where the run took place.
    pub environment: Environment,
    /// What binds the environment to the world.
    pub facts: Vec<Label>,
    /// The items of the tracker that the run is evidence for.
    pub tracker_items: Vec<u32>,
    /// When the run began: RFC 3339, UTC.
    pub started: String,
    /// When it ended: RFC 3339, UTC.
    pub finished: String,
    /// Until when it may be relied upon: RFC 3339, UTC.
    pub valid_until: String,
    /// Name of the machine.
    pub host: String,
    /// Who ran it.
    pub operator: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The command line, without secrets.
    pub command: Vec<String>,
    /// How often each check came out how, over all findings.
    pub counts: Vec<CheckCount>,
    /// The ids of the checks that the run owed by its plan: without one of them it is no pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<String>,
    /// The worst findings.
    pub findings: Vec<FindingRecord>,
    /// How many findings did not fit into the record.
    pub findings_omitted: u64,
    /// What was measured.
    pub measurements: Vec<MeasurementRecord>,
    /// How many measurements did not fit into the record.
    pub measurements_omitted: u64,
    /// What happened when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelineRecord>,
    /// Charts in text.
    pub charts: Vec<ChartRecord>,
    /// Output worth keeping.
    pub details: Vec<DetailRecord>,
    /// Digests of files that belong to the evidence.
    pub attachments: Vec<AttachmentRecord>,
    /// The seal of the record that stood here before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// A tool and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolName {
    /// The command's name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The name.
    pub name: String,
    /// The value, always a string: identifiers may be larger than a double holds.
    pub value: String,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Whether the work tree differed from it, evidence files apart.
    pub dirty: bool,
}

/// How often a check came out how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckCount {
    /// The check's id.
    pub check: String,
    /// The check's title.
    pub title: String,
    /// Passed.
    pub passed: u64,
    /// Warned.
    pub warned: u64,
    /// Failed.
    pub failed: u64,
    /// Inconclusive.
    pub inconclusive: u64,
    /// Not checked though required: counts as inconclusive.
    pub not_checked: u64,
    /// Not checked and optional: neutral.
    pub not_checked_optional: u64,
    /// Failed or warned, and set aside for a while: neutral.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waived: u64,
}

/// What came of a check, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeRecord {
    /// Made, and right.
    Passed,
    /// Made: right today, but someone should act.
    Warned,
    /// Made, and wrong.
    Failed,
    /// Tried, without a result.
    Inconclusive,
    /// Not made, though required.
    NotChecked,
    /// Not made, and optional.
    NotCheckedOptional,
    /// Failed or warned, and set aside for a while.
    Waived,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingRecord {
    /// The check's id.
    pub check: String,
    /// The check's title.
    pub title: String,
    /// What came of it.
    pub outcome: OutcomeRecord,
    /// What it was made on.
    pub subject: String,
    /// What would have been right.
    pub expected: String,
    /// What was seen, or why it was not checked.
    pub observed: String,
    /// What to do; empty on a pass.
    pub remedy: String,
    /// When it will hurt: RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hurts_at: Option<String>,
    /// Where in a file: `path` or `path:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Who set it aside, why, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<WaiverRecord>,
}

/// Why a finding is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverRecord {
    /// What came of the check.
    pub was: OutcomeRecord,
    /// Who decided.
    pub approver: String,
    /// Why.
    pub reason: String,
    /// The last moment at which it holds: RFC 3339, UTC.
    pub until: String,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasurementRecord {
    /// Metric name.
    pub metric: String,
    /// Labels.
    pub labels: Vec<Label>,
    /// Value.
    pub value: Decimal,
    /// Unit.
    pub unit: String,
    /// The objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// Whether the objective is met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

/// What happened when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineRecord {
    /// What zero is.
    pub zero: String,
    /// The stages.
    pub stages: Vec<StageRecord>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageRecord {
    /// What happened.
    pub name: String,
    /// When it began: milliseconds from zero.
    pub start_ms: u64,
    /// When it ended: milliseconds from zero.
    pub end_ms: u64,
    /// A few words.
    pub note: String,
}

/// A chart in text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChartRecord {
    /// What it shows.
    pub title: String,
    /// Its lines.
    pub lines: Vec<String>,
}

/// Output worth keeping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailRecord {
    /// What it is.
    pub title: String,
    /// The text.
    pub text: String,
}

/// A file by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRecord {
    /// Its name.
    pub name: String,
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Record {
    /// The record as JSON for people: two blanks of indentation, a line feed at the end.
    #[must_use]
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The JSON Schema of the record.
    #[must_use]
    pub fn json_schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }

    /// What its own counts come to, whatever it claims: the worst of them, and never better than inconclusive where
    /// the run was interrupted, or has nothing of a check that it owed.
    #[must_use]
    pub fn counted_verdict(&self) -> Verdict {
        self.counted(|_| true)
    }

    /// What they would come to, had nothing come of the observation of this check. Where that is a pass all the
    /// same, the check is not owed: its observation can get lost, and nobody would notice.
    #[must_use]
    pub fn verdict_without(&self, withheld: &str) -> Verdict {
        self.counted(|check| check != withheld)
    }

    fn counted(&self, is_seen: impl Fn(&str) -> bool) -> Verdict {
        let counts = || self.counts.iter().filter(|count| is_seen(&count.check));
        let any = |of: fn(&CheckCount) -> u64| counts().any(|count| of(count) > 0);
        let seen = [
            (any(|count| count.passed), Verdict::Passed),
            (any(|count| count.warned), Verdict::Warned),
            (any(|count| count.inconclusive + count.not_checked), Verdict::Inconclusive),
            (any(|count| count.failed), Verdict::Failed),
        ];
        let counted = Verdict::worst(seen.into_iter().filter(|(seen, _)| *seen).map(|(_, verdict)| verdict));
        let made = |id: &String| counts().any(|count| count.check == *id && count.total() > 0);
        let whole = self.interrupted.is_none() && self.owed.iter().all(made);
        if whole { counted } else { counted.max(Verdict::Inconclusive) }
    }

    /// A time of the record. The reader has made sure that it is one.
    pub(crate) fn time(text: &str) -> Timestamp {
        text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl CheckCount {
    /// How often the check came out like this.
    #[must_use]
    pub const fn of(&self, outcome: OutcomeRecord) -> u64 {
        match outcome {
            OutcomeRecord::Passed => self.passed,
            OutcomeRecord::Warned => self.warned,
            OutcomeRecord::Failed => self.failed,
            OutcomeRecord::Inconclusive => self.inconclusive,
            OutcomeRecord::NotChecked => self.not_checked,
            OutcomeRecord::NotCheckedOptional => self.not_checked_optional,
            OutcomeRecord::Waived => self.waived,
        }
    }

    /// How often the check came out at all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        let judged = self.passed + self.warned + self.failed + self.inconclusive;
        judged + self.not_checked + self.not_checked_optional + self.waived
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl OutcomeRecord {
    /// The words that people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warned => "WARNED",
            Self::Failed => "FAILED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::NotChecked => "NOT CHECKED",
            Self::NotCheckedOptional => "not checked (optional)",
            Self::Waived => "WAIVED",
        }
    }

    /// What the outcome counts for; `None` is neutral.
    #[must_use]
    pub const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Passed => Some(Verdict::Passed),
            Self::Warned => Some(Verdict::Warned),
            Self::Failed => Some(Verdict::Failed),
            Self::Inconclusive | Self::NotChecked => Some(Verdict::Inconclusive),
            Self::NotCheckedOptional | Self::Waived => None,
        }
    }
}
