//! Version 1 of the record: the one type that is written, read, sealed and described by a JSON Schema.
//!
//! Once released it does not change: what reads old evidence must understand it for as long as it is kept.
//! Integers stay within ±(2^53−1) and decimals are strings, because RFC 8785 writes numbers as doubles.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    finding::{Finding, Outcome, Requirement},
    measurement::{Decimal, Measurement, Objective},
    report::Report,
    verdict::{Environment, Verdict},
};

/// The value of [`Record::schema`].
pub const SCHEMA: &str = "evidence-report/v1";

/// The record is never larger than this, as pretty JSON.
pub const MAXIMUM_BYTES: usize = 256 * 1024;

/// The record keeps the worst so many findings; the output formats get all.
pub const MAXIMUM_FINDINGS: usize = 200;

const MAXIMUM_MEASUREMENTS: usize = 200;
const MAXIMUM_TEXT: usize = 1_000;
const MAXIMUM_DETAIL: usize = 8 * 1024;
const MAXIMUM_CHART_LINES: usize = 120;

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
    /// The record of a report: the worst findings first, cut to [`MAXIMUM_BYTES`]. What was cut is counted.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let mut record = Self::with(report, MAXIMUM_FINDINGS, MAXIMUM_MEASUREMENTS);
        record.cut_to_size();
        record
    }

    /// The record of a report with every finding and every measurement, of any size.
    #[must_use]
    pub fn whole(report: &Report) -> Self {
        Self::with(report, usize::MAX, usize::MAX)
    }

    fn with(report: &Report, findings: usize, measurements: usize) -> Self {
        let run = &report.run;
        let findings: Vec<_> = report.findings.iter().take(findings).map(finding).collect();
        let measurements: Vec<_> = report.measurements.iter().take(measurements).map(measurement).collect();
        Self {
            schema: SCHEMA.to_owned(),
            tool: ToolName { name: report.tool.name.to_owned(), version: report.tool.version.to_owned() },
            title: one_line(&run.title),
            verdict: report.verdict(),
            interrupted: run.interrupted.as_deref().map(one_line),
            environment: run.environment,
            facts: labels(&run.facts),
            tracker_items: run.tracker_items.clone(),
            started: rfc3339(run.started),
            finished: rfc3339(run.finished),
            valid_until: rfc3339(run.valid_until),
            host: one_line(&run.host),
            operator: one_line(&run.operator),
            owner: run.owner.as_deref().map(one_line),
            commit: run.commit.as_ref().map(|(id, dirty)| Commit { id: one_line(id), dirty: *dirty }),
            command: run.command.iter().map(|word| one_line(word)).collect(),
            counts: counts(report),
            findings_omitted: (report.findings.len() - findings.len()) as u64,
            findings,
            measurements_omitted: (report.measurements.len() - measurements.len()) as u64,
            measurements,
            timeline: timeline(report),
            charts: report.charts.iter().map(chart).collect(),
            details: report.details.iter().map(detail).collect(),
            attachments: report.attachments.iter().map(attachment).collect(),
            previous: run.previous.clone(),
        }
    }

    /// Gives up first output, then charts, then the mildest findings, until the record fits.
    fn cut_to_size(&mut self) {
        while self.pretty().len() > MAXIMUM_BYTES {
            if self.details.pop().is_some() || self.charts.pop().is_some() {
                continue;
            }
            let keep = self.findings.len() / 2;
            let omitted = (self.findings.len() - keep) as u64;
            self.findings.truncate(keep);
            self.findings_omitted += omitted;
            let keep = self.measurements.len() / 2;
            self.measurements_omitted += (self.measurements.len() - keep) as u64;
            self.measurements.truncate(keep);
            self.facts.truncate(50);
            self.attachments.truncate(50);
            self.command.truncate(50);
            if keep == 0 && omitted == 0 {
                break;
            }
        }
    }

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

    /// A time of the record. The reader has made sure that it is one.
    pub(crate) fn time(text: &str) -> Timestamp {
        text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A text on one line, without control characters, and not too long.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(MAXIMUM_TEXT));
    for (count, char) in text.trim().chars().enumerate() {
        if count == MAXIMUM_TEXT {
            line.push('…');
            break;
        }
        line.push(if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') { ' ' } else { char });
    }
    line
}

/// The last part of a longer text, from the beginning of a line where that is possible.
fn last_part(text: &str) -> String {
    let clean: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|char| if char.is_control() && char != '\n' && char != '\t' { ' ' } else { char })
        .collect();
    if clean.len() <= MAXIMUM_DETAIL {
        return clean.trim_end().to_owned();
    }
    let mut start = clean.len() - MAXIMUM_DETAIL;
    while !clean.is_char_boundary(start) {
        start += 1;
    }
    let part = &clean[start..];
    let from_line = part.find('\n').map_or(part, |at| &part[at + 1..]);
    format!("[the first {} bytes are left out]\n{}", clean.len() - from_line.len(), from_line.trim_end())
}

fn labels(pairs: &[(String, String)]) -> Vec<Label> {
    pairs.iter().map(|(name, value)| Label { name: one_line(name), value: one_line(value) }).collect()
}

fn outcome(outcome: Outcome) -> OutcomeRecord {
    match outcome {
        Outcome::Passed => OutcomeRecord::Passed,
        Outcome::Warned => OutcomeRecord::Warned,
        Outcome::Failed => OutcomeRecord::Failed,
        Outcome::Inconclusive => OutcomeRecord::Inconclusive,
        Outcome::NotChecked(Requirement::Required) => OutcomeRecord::NotChecked,
        Outcome::NotChecked(Requirement::Optional) => OutcomeRecord::NotCheckedOptional,
    }
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
            Self::NotCheckedOptional => None,
        }
    }
}

fn finding(finding: &Finding) -> FindingRecord {
    let needs_action = finding.outcome != Outcome::Passed;
    FindingRecord {
        check: finding.check.id.to_owned(),
        title: finding.check.title.to_owned(),
        outcome: outcome(finding.outcome),
        subject: one_line(&finding.subject),
        expected: one_line(&finding.expected),
        observed: one_line(&finding.observed),
        remedy: if needs_action { one_line(&finding.remedy) } else { String::new() },
        hurts_at: finding.hurts_at.map(rfc3339),
        location: finding.location.as_ref().map(|place| {
            let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
            one_line(&format!("{}{line}", place.path))
        }),
    }
}

fn measurement(measurement: &Measurement) -> MeasurementRecord {
    MeasurementRecord {
        metric: one_line(&measurement.metric),
        labels: labels(&measurement.labels),
        value: measurement.value.clone(),
        unit: one_line(&measurement.unit),
        objective: measurement.objective.clone(),
        met: measurement.met(),
    }
}

fn timeline(report: &Report) -> Option<TimelineRecord> {
    let milliseconds =
        |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX >> 11);
    (!report.timeline.stages.is_empty()).then(|| TimelineRecord {
        zero: one_line(&report.timeline.zero),
        stages: (report.timeline.stages.iter().take(200))
            .map(|stage| StageRecord {
                name: one_line(&stage.name),
                start_ms: milliseconds(stage.start),
                end_ms: milliseconds(stage.end),
                note: one_line(&stage.note),
            })
            .collect(),
    })
}

fn chart(chart: &super::report::Chart) -> ChartRecord {
    let mut lines: Vec<_> =
        chart.lines.iter().take(MAXIMUM_CHART_LINES).map(|line| chart_line(line)).collect();
    if chart.lines.len() > MAXIMUM_CHART_LINES {
        lines.push(format!("… and {} lines more", chart.lines.len() - MAXIMUM_CHART_LINES));
    }
    ChartRecord { title: one_line(&chart.title), lines }
}

/// Like [`one_line`], with the blanks at the beginning kept.
fn chart_line(line: &str) -> String {
    line.trim_end().chars().take(200).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

fn detail(detail: &super::report::Detail) -> DetailRecord {
    DetailRecord { title: one_line(&detail.title), text: last_part(&detail.text) }
}

fn attachment(attachment: &super::report::Attachment) -> AttachmentRecord {
    AttachmentRecord {
        name: one_line(&attachment.name),
        sha256: attachment.sha256.clone(),
        bytes: attachment.bytes,
    }
}

/// Counts in the order of the tool's table of checks; checks that were not touched are left out.
fn counts(report: &Report) -> Vec<CheckCount> {
    let of_check = |check: &&'static super::check::Check| {
        let outcomes: Vec<_> = (report.findings.iter())
            .filter(|finding| finding.check.id == check.id)
            .map(|finding| outcome(finding.outcome))
            .collect();
        let count = |wanted| outcomes.iter().filter(|&&outcome| outcome == wanted).count() as u64;
        (!outcomes.is_empty()).then(|| CheckCount {
            check: check.id.to_owned(),
            title: check.title.to_owned(),
            passed: count(OutcomeRecord::Passed),
            warned: count(OutcomeRecord::Warned),
            failed: count(OutcomeRecord::Failed),
            inconclusive: count(OutcomeRecord::Inconclusive),
            not_checked: count(OutcomeRecord::NotChecked),
            not_checked_optional: count(OutcomeRecord::NotCheckedOptional),
        })
    };
    report.tool.checks.iter().filter_map(of_check).collect()
}
