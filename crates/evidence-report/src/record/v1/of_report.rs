//! Report → record: the worst first, cut to size, what was cut counted.

use std::collections::HashMap;

use super::{
    AttachmentRecord, ChartRecord, CheckCount, Commit, DetailRecord, FindingRecord, Label, MAXIMUM_BYTES,
    MAXIMUM_FINDINGS, MeasurementRecord, OutcomeRecord, Record, SCHEMA, StageRecord, TimelineRecord,
    ToolName, WaiverRecord,
    clean::{chart_line, last_part, one_line},
    rfc3339,
};
use crate::record::{
    Attachment, Chart, Check, Detail, Finding, Measurement, Outcome, Report, Requirement, Waived,
};

const MAXIMUM_MEASUREMENTS: usize = 200;
const MAXIMUM_CHART_LINES: usize = 120;

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
            owed: report.owed.iter().map(|check| check.id.to_owned()).collect(),
            findings_omitted: (report.findings.len() - findings.len()) as u64 + report.number_unlisted(),
            findings,
            measurements_omitted: (report.measurements.len() - measurements.len()) as u64
                + report.measurements_unlisted,
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
        Outcome::Waived => OutcomeRecord::Waived,
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
        waiver: finding.waived.as_deref().map(waiver),
    }
}

fn waiver(waived: &Waived) -> WaiverRecord {
    WaiverRecord {
        was: outcome(waived.was),
        approver: one_line(&waived.approver),
        reason: one_line(&waived.reason),
        until: rfc3339(waived.until),
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

fn chart(chart: &Chart) -> ChartRecord {
    let mut lines: Vec<_> =
        chart.lines.iter().take(MAXIMUM_CHART_LINES).map(|line| chart_line(line)).collect();
    if chart.lines.len() > MAXIMUM_CHART_LINES {
        lines.push(format!("… and {} lines more", chart.lines.len() - MAXIMUM_CHART_LINES));
    }
    ChartRecord { title: one_line(&chart.title), lines }
}

fn detail(detail: &Detail) -> DetailRecord {
    DetailRecord { title: one_line(&detail.title), text: last_part(&detail.text) }
}

fn attachment(attachment: &Attachment) -> AttachmentRecord {
    AttachmentRecord {
        name: one_line(&attachment.name),
        sha256: attachment.sha256.clone(),
        bytes: attachment.bytes,
    }
}

/// Counts in the order of the tool's table of checks; checks that were not touched are left out.
pub(crate) fn counts(report: &Report) -> Vec<CheckCount> {
    let mut by_check: HashMap<&str, CheckCount> = HashMap::new();
    for (check, outcome, number) in report.outcomes() {
        let count = by_check.entry(check.id).or_insert_with(|| nothing_of(check));
        *match outcome {
            Outcome::Passed => &mut count.passed,
            Outcome::Warned => &mut count.warned,
            Outcome::Failed => &mut count.failed,
            Outcome::Inconclusive => &mut count.inconclusive,
            Outcome::NotChecked(Requirement::Required) => &mut count.not_checked,
            Outcome::NotChecked(Requirement::Optional) => &mut count.not_checked_optional,
            Outcome::Waived => &mut count.waived,
        } += number;
    }
    report.tool.checks.iter().filter_map(|check| by_check.remove(check.id)).collect()
}

fn nothing_of(check: &Check) -> CheckCount {
    CheckCount {
        check: check.id.to_owned(),
        title: check.title.to_owned(),
        passed: 0,
        warned: 0,
        failed: 0,
        inconclusive: 0,
        not_checked: 0,
        not_checked_optional: 0,
        waived: 0,
    }
}
