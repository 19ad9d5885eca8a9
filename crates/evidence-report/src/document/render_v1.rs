//! Version 1 of the evidence file's managed region: a pure function of the record.
//!
//! After release this is frozen by golden files: any visible change is a version 2, so that a better
//! renderer never makes old evidence look altered.

use std::fmt::Write;

use super::{
    escape::{cell, fenced, inline},
    read::{END_MARKER, FENCE_TAG, SIGNATURE_TAG},
    seal::seal,
};
use crate::record::{
    Decimal, Objective,
    v1::{CheckCount, FindingRecord, MeasurementRecord, OutcomeRecord, Record, TimelineRecord},
};

/// So many rows of a table are shown; the rest is folded.
const SHOWN: usize = 7;

/// Width of the bars of a timeline, in characters.
const BAR: u64 = 40;

/// The managed region of the evidence file: from its first byte to the end marker, with a line feed.
///
/// ```
/// use evidence_report::document::{Verification, render_v1, verify};
/// # let record: evidence_report::record::v1::Record = serde_json::from_str(r#"{"schema":"evidence-report/v1",
/// #   "tool":{"name":"t","version":"1"},"title":"Rehearsal","verdict":"inconclusive","environment":"local",
/// #   "facts":[],"tracker_items":[],"started":"2026-11-23T12:00:00Z","finished":"2026-11-23T12:00:00Z",
/// #   "valid_until":"2026-12-23T12:00:00Z","host":"h","operator":"o","command":["t"],"counts":[],"findings":[],
/// #   "findings_omitted":0,"measurements":[],"measurements_omitted":0,"charts":[],"details":[],"attachments":[]}"#).unwrap();
/// let text = render_v1(&record);
/// assert!(text.starts_with("# Rehearsal\n\n**INCONCLUSIVE · local · finished 2026-11-23 12:00 UTC"));
/// assert_eq!(verify(&text), Verification::Consistent(Box::new(record)));
/// assert!(matches!(verify(&text.replacen("INCONCLUSIVE", "PASSED", 1)), Verification::Altered(_)));
/// ```
#[must_use]
pub fn render_v1(record: &Record) -> String {
    render_signed_v1(record, None)
}

/// The managed region with the signature over its seal, where there is one: the one thing in it that does not
/// come from the record, because it is made from the record's seal.
#[must_use]
pub fn render_signed_v1(record: &Record, signature: Option<&str>) -> String {
    render_sealed_v1(record, &seal(record), signature)
}

/// The same where the seal of the record is known already.
pub(super) fn render_sealed_v1(record: &Record, seal: &str, signature: Option<&str>) -> String {
    let mut out = summary(record);
    reproduce(&mut out, record);
    details(&mut out, record);
    let signature = signature.map_or_else(String::new, |text| {
        let fence = fenced(SIGNATURE_TAG, text);
        format!("Signature over the seal, to be told by `evidence-report verify --allowed-signers FILE`:\n\n{fence}\n")
    });
    let _ = write!(
        out,
        "<details>\n<summary>Record and seal: what a machine verifies</summary>\n\n{}\nSeal: `{seal}`\n\n{signature}</details>\n\n{END_MARKER}\n",
        fenced(FENCE_TAG, &record.pretty()),
    );
    out
}

/// The part that people read first: verdict, checks, measurements, timeline, charts.
#[must_use]
pub(crate) fn summary(record: &Record) -> String {
    let mut out = String::new();
    head(&mut out, record);
    checks(&mut out, record);
    remedies(&mut out, record);
    measurements(&mut out, &record.measurements, record.measurements_omitted);
    if let Some(times) = &record.timeline {
        timeline(&mut out, times);
    }
    for chart in &record.charts {
        let _ = write!(out, "## {}\n\n{}\n", inline(&chart.title), fenced("text", &chart.lines.join("\n")));
    }
    out
}

fn head(out: &mut String, record: &Record) {
    let minute = |time: &str| Record::time(time).strftime("%Y-%m-%d %H:%M UTC").to_string();
    let commit = record.commit.as_ref().map_or("none".to_owned(), |commit| {
        let short: String = commit.id.chars().take(12).collect();
        let dirty = if commit.dirty { " (with uncommitted changes)" } else { "" };
        format!("{}{dirty}", inline(&short))
    });
    let _ = write!(
        out,
        "# {}\n\n**{} · {} · finished {} · valid until {} · owner {} · commit {commit}**\n\n",
        inline(&record.title),
        record.verdict,
        record.environment,
        minute(&record.finished),
        minute(&record.valid_until),
        record.owner.as_deref().map_or("none named".to_owned(), inline),
    );
    if let Some(reason) = &record.interrupted {
        let _ = write!(
            out,
            "The run was interrupted by {} before its work was done: what is not listed here was not checked.\n\n",
            inline(reason)
        );
    }
}

/// One row of the table of checks.
struct Row([String; 5]);

impl Row {
    fn of_finding(finding: &FindingRecord) -> Self {
        let subject = match &finding.location {
            Some(place) => format!("{} ({place})", finding.subject),
            None => finding.subject.clone(),
        };
        let observed = match &finding.hurts_at {
            // Often the day stands in the words already.
            Some(at) if finding.observed.contains(at.get(..10).unwrap_or(at)) => finding.observed.clone(),
            Some(at) => format!("{} (hurts at {at})", finding.observed),
            None => finding.observed.clone(),
        };
        let observed = match &finding.waiver {
            Some(waiver) => format!(
                "{observed} ({}; waived by {} until {}: {})",
                waiver.was.words(),
                waiver.approver,
                waiver.until.get(..10).unwrap_or(&waiver.until),
                waiver.reason
            ),
            None => observed,
        };
        Self([
            finding.outcome.words().to_owned(),
            cell(&format!("{} ({})", finding.title, finding.check)),
            cell(&subject),
            cell(&finding.expected),
            cell(&observed),
        ])
    }

    /// Findings of one check that need nobody share a row.
    fn of_many(count: &CheckCount, outcome: OutcomeRecord, number: u64, observed: &str) -> Self {
        Self([
            outcome.words().to_owned(),
            cell(&format!("{} ({})", count.title, count.check)),
            format!("{number} subjects"),
            "–".to_owned(),
            cell(observed),
        ])
    }
}

/// What needs somebody comes one by one, the worst first; what was not checked and is optional, and what
/// passed, comes check by check.
fn rows(record: &Record) -> Vec<Row> {
    use OutcomeRecord::{NotCheckedOptional, Passed};
    let needs_nobody = |finding: &&FindingRecord| matches!(finding.outcome, Passed | NotCheckedOptional);
    let mut rows: Vec<Row> =
        record.findings.iter().filter(|finding| !needs_nobody(finding)).map(Row::of_finding).collect();
    for outcome in [NotCheckedOptional, Passed] {
        for count in &record.counts {
            let number = if outcome == Passed { count.passed } else { count.not_checked_optional };
            let alike = |finding: &&FindingRecord| finding.check == count.check && finding.outcome == outcome;
            match (number, record.findings.iter().find(alike)) {
                (0, _) => {}
                (1, Some(finding)) => rows.push(Row::of_finding(finding)),
                (_, Some(first)) if outcome == NotCheckedOptional => {
                    rows.push(Row::of_many(count, outcome, number, &first.observed));
                }
                _ => rows.push(Row::of_many(count, outcome, number, &format!("all {number} passed"))),
            }
        }
    }
    rows
}

fn checks(out: &mut String, record: &Record) {
    let _ = write!(out, "{}\n\n", inline(&tally(&record.counts)));
    objectives(out, &record.measurements);
    let rows: Vec<_> = rows(record).into_iter().map(|Row(cells)| cells.to_vec()).collect();
    let header = ["Result", "Check", "Subject", "Expected", "Observed"];
    folding_table(out, &header, &rows, "More checks");
    if record.findings_omitted > 0 {
        let _ = write!(
            out,
            "{} more findings, none worse than these, are counted and not listed.\n\n",
            record.findings_omitted
        );
    }
}

/// So many measurements are held against their objectives before the table of checks.
const JUDGED: usize = 3;

/// What was achieved, in one line of the first screen: what missed its objective comes first.
fn objectives(out: &mut String, measurements: &[MeasurementRecord]) {
    let (missed, met): (Vec<_>, Vec<_>) = (measurements.iter())
        .filter(|measurement| measurement.objective.is_some())
        .partition(|measurement| measurement.met == Some(false));
    let all = missed.len() + met.len();
    if all == 0 {
        return;
    }
    let known = met.iter().filter(|measurement| measurement.met == Some(true)).count();
    let verdict = match (missed.len(), known) {
        (1, _) if all == 1 => "MISSED".to_owned(),
        (number @ 1.., _) => format!("{number} of {all} MISSED"),
        (0, 1) if all == 1 => "met".to_owned(),
        (0, known) if known == all => format!("all {all} met"),
        (0, known) => format!("{known} of {all} met"),
    };
    let told: Vec<_> = (missed.iter().chain(&met))
        .take(JUDGED)
        .map(|measurement| {
            let labels: Vec<_> = measurement.labels.iter().map(|label| label.value.as_str()).collect();
            let of = if labels.is_empty() { String::new() } else { format!(" of {}", labels.join(", ")) };
            format!(
                "{}{of} {} ({})",
                measurement.metric,
                with_unit(&measurement.value, &measurement.unit),
                limit(measurement)
            )
        })
        .collect();
    let more = if all > JUDGED { format!("; and {} more below", all - JUDGED) } else { String::new() };
    let _ = write!(out, "{}\n\n", inline(&format!("Objectives, {verdict}: {}{more}.", told.join("; "))));
}

/// `at most 1800 s`
fn limit(measurement: &MeasurementRecord) -> String {
    let text = match &measurement.objective {
        Some(Objective::AtMost(limit)) => format!("at most {limit} {}", measurement.unit),
        Some(Objective::AtLeast(limit)) => format!("at least {limit} {}", measurement.unit),
        None => String::new(),
    };
    text.trim_end().to_owned()
}

/// "2 failed, 1 warned, 40 passed": over all findings, also those that are not listed.
pub(crate) fn tally(counts: &[CheckCount]) -> String {
    let sum = |of: fn(&CheckCount) -> u64| counts.iter().map(of).fold(0, u64::saturating_add);
    let parts = [
        (sum(|count| count.failed), "failed"),
        (sum(|count| count.inconclusive), "inconclusive"),
        (sum(|count| count.not_checked), "not checked"),
        (sum(|count| count.warned), "warned"),
        (sum(|count| count.waived), "waived"),
        (sum(|count| count.passed), "passed"),
        (sum(|count| count.not_checked_optional), "not checked (optional)"),
    ];
    let words: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { "Nothing was checked.".to_owned() } else { format!("{}.", words.join(", ")) }
}

fn remedies(out: &mut String, record: &Record) {
    let mut seen: Vec<(&str, Vec<&str>)> = Vec::new();
    let acting = (record.findings.iter())
        .filter(|finding| finding.outcome.verdict().is_some() && !finding.remedy.is_empty());
    for finding in acting {
        match seen.iter_mut().find(|(remedy, _)| *remedy == finding.remedy) {
            Some((_, subjects)) => subjects.push(&finding.subject),
            None => seen.push((&finding.remedy, vec![&finding.subject])),
        }
    }
    if seen.is_empty() {
        return;
    }
    out.push_str("## What to do\n\n");
    for (remedy, subjects) in seen.iter().take(SHOWN) {
        let more =
            if subjects.len() > 3 { format!(" and {} more", subjects.len() - 3) } else { String::new() };
        let subjects = subjects.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "- {} ({}{more})", inline(remedy), inline(&subjects));
    }
    out.push('\n');
}

fn measurements(out: &mut String, measurements: &[MeasurementRecord], omitted: u64) {
    if measurements.is_empty() {
        return;
    }
    out.push_str("## Measurements\n\n");
    let row = |measurement: &MeasurementRecord| {
        let labels: Vec<_> =
            measurement.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
        let met = match measurement.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        vec![
            cell(&measurement.metric),
            cell(&labels.join(", ")),
            cell(&with_unit(&measurement.value, &measurement.unit)),
            cell(&limit(measurement)),
            cell(met),
        ]
    };
    // What is held against an objective comes first.
    let (judged, plain): (Vec<_>, Vec<_>) =
        measurements.iter().partition(|measurement| measurement.objective.is_some());
    let rows: Vec<_> = judged.into_iter().chain(plain).map(row).collect();
    folding_table(out, &["Measurement", "Of", "Value", "Objective", "Result"], &rows, "More measurements");
    if omitted > 0 {
        let _ = write!(out, "{omitted} more measurements are not listed.\n\n");
    }
}

/// A number with its unit; seconds beyond two minutes also as a clock shows them.
pub(crate) fn with_unit(value: &Decimal, unit: &str) -> String {
    let text = format!("{value} {unit}").trim_end().to_owned();
    let seconds = value.to_f64();
    if unit == "s" && (LONG..MOST).contains(&seconds) {
        return format!("{text} ({})", clock(seconds as u64));
    }
    text
}

/// So many seconds are more than anybody reads as such.
const LONG: f64 = 120.0;

/// Beyond it no clock says anything.
const MOST: f64 = 1e9;

/// `00:31:02`
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A timeline of more stages is folded, and its picture would be none.
const STAGES: usize = 25;

fn timeline(out: &mut String, timeline: &TimelineRecord) {
    let _ = write!(out, "## Timeline\n\nZero is {}.\n\n", inline(&timeline.zero));
    let is_long = timeline.stages.len() > STAGES;
    if is_long {
        let _ = write!(out, "<details>\n<summary>All {} of it</summary>\n\n", timeline.stages.len());
    }
    let rows: Vec<_> = (timeline.stages.iter())
        .map(|stage| {
            let took = stage.end_ms.saturating_sub(stage.start_ms);
            let took = if took == 0 { "–".to_owned() } else { seconds(took) };
            vec![cell(&stage.name), seconds(stage.start_ms), took, cell(&stage.note)]
        })
        .collect();
    table(out, &["Stage", "At", "Took", "Note"], &rows);
    out.push('\n');
    if is_long {
        out.push_str("</details>\n\n");
        return;
    }
    let end = timeline.stages.iter().map(|stage| stage.end_ms).max().unwrap_or(0).max(1);
    let width = timeline.stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0);
    let scale = |at: u64| usize::try_from((at.saturating_mul(BAR) / end).min(BAR)).unwrap_or(0);
    let bars: Vec<_> = (timeline.stages.iter())
        .map(|stage| {
            let (start, stop) = (scale(stage.start_ms), scale(stage.end_ms));
            let mark = if stage.start_ms == stage.end_ms {
                "◆".to_owned()
            } else {
                "█".repeat(stop.saturating_sub(start).max(1))
            };
            format!("{:width$}  {}{mark}", stage.name, " ".repeat(start))
        })
        .collect();
    let _ = writeln!(out, "{}", fenced("text", &bars.join("\n")));
}

fn seconds(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let text = format!("{seconds}.{:03} s", milliseconds % 1000);
    if (seconds as f64) < LONG { text } else { format!("{text} ({})", clock(seconds)) }
}

fn reproduce(out: &mut String, record: &Record) {
    let command: Vec<_> = record.command.iter().map(|word| shell_word(word)).collect();
    let _ = write!(out, "## How to reproduce\n\n{}\n", fenced("sh", &command.join(" ")));
    let mut rows = vec![
        vec!["Tool".to_owned(), cell(&format!("{} {}", record.tool.name, record.tool.version))],
        vec!["Ran".to_owned(), cell(&format!("{} to {}", record.started, record.finished))],
        vec!["On".to_owned(), cell(&format!("{} by {}", record.host, record.operator))],
    ];
    if let Some(commit) = &record.commit {
        rows.push(vec!["Commit".to_owned(), cell(&commit.id)]);
    }
    if !record.tracker_items.is_empty() {
        let items: Vec<_> = record.tracker_items.iter().map(u32::to_string).collect();
        rows.push(vec!["Tracker item".to_owned(), items.join(", ")]);
    }
    rows.extend(record.facts.iter().map(|fact| vec![cell(&fact.name), cell(&fact.value)]));
    rows.extend(
        record.attachments.iter().map(|file| {
            vec![cell(&file.name), cell(&format!("{} bytes, sha256 {}", file.bytes, file.sha256))]
        }),
    );
    if let Some(previous) = &record.previous {
        rows.push(vec!["Record before this one".to_owned(), cell(previous)]);
    }
    table(out, &["Fact", "Value"], &rows);
    out.push('\n');
}

/// A word as a shell reads it back.
fn shell_word(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=@%+,".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn details(out: &mut String, record: &Record) {
    for detail in &record.details {
        let _ = write!(
            out,
            "<details>\n<summary>{}</summary>\n\n{}\n</details>\n\n",
            inline(&detail.title),
            fenced("text", &detail.text)
        );
    }
}

fn folding_table(out: &mut String, header: &[&str], rows: &[Vec<String>], fold: &str) {
    let (shown, folded) = rows.split_at(rows.len().min(SHOWN));
    if !shown.is_empty() {
        table(out, header, shown);
        out.push('\n');
    }
    if !folded.is_empty() {
        let _ = write!(out, "<details>\n<summary>{fold}: {}</summary>\n\n", folded.len());
        table(out, header, folded);
        out.push_str("\n</details>\n\n");
    }
}

fn table(out: &mut String, header: &[&str], rows: &[Vec<String>]) {
    let _ = writeln!(out, "| {} |", header.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(header.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
}
