//! The output of a monitoring plugin (Nagios, Icinga, Naemon, Checkmk's MRPE): one status line with performance
//! data, then the details, as the Monitoring Plugins' development guidelines have it. The exit code is that of
//! the run.

use std::fmt::Write;

use super::text::{next, sentence, soonest, worst};
use super::wording::{observed, place, word};
use crate::{
    document,
    record::{
        Finding, Measurement, Objective, Outcome, Report, Requirement, Verdict,
        v1::{counts, one_line},
    },
};

/// Nagios Core reads so much of a plugin's output, in bytes.
const MAXIMUM: usize = 8 * 1024;

/// The status line without its performance data, in characters: what fits on a list and in a text message.
const STATUS_LINE: usize = 200;

/// The details, in bytes.
const DETAILS: usize = 6 * 1024;

/// The performance data of the status line, in bytes: agents such as NRPE 2 cut a first line at 1 KiB.
const FIRST_DATA: usize = 700;

pub(super) fn render(report: &Report) -> String {
    let mut out = status(report);
    let details = details(report);
    let (mut first, mut further) = performance(report);
    if details.is_empty() {
        // There is nothing that more data could stand behind.
        first.append(&mut further);
    }
    data(&mut out, &first, " ");
    if !details.is_empty() {
        let _ = write!(out, "\n{details}");
        data(&mut out, &further, "\n");
    }
    out.push('\n');
    out
}

/// `tool CRITICAL: the worst; what ends next; how many of what`.
fn status(report: &Report) -> String {
    let state = match report.verdict() {
        Verdict::Passed => "OK",
        Verdict::Warned => "WARNING",
        Verdict::Failed => "CRITICAL",
        Verdict::Inconclusive => "UNKNOWN",
    };
    let head = format!("{} {state}: ", report.tool.name);
    let next = soonest(report).map(|finding| next(finding, report) + "; ").unwrap_or_default();
    let tail = next + document::tally(&counts(report)).trim_end_matches('.');
    let room = STATUS_LINE.saturating_sub(head.chars().count());
    let line = match (worst(report), &report.run.interrupted) {
        (Some(finding), _) => format!("{}; {tail}", cut(&sentence(finding), room * 3 / 5)),
        (None, Some(reason)) => format!("interrupted by {}; {tail}", cut(reason, room * 3 / 5)),
        (None, None) => tail,
    };
    head + &clean(&cut(&line, room))
}

/// One line a finding that needs somebody, or is set aside.
fn details(report: &Report) -> String {
    let mut out = String::new();
    let told: Vec<_> = report.findings.iter().filter(|finding| is_told(finding)).collect();
    for (index, finding) in told.iter().enumerate() {
        let line = format!(
            "{} {}: {} [{}]",
            word(finding.outcome),
            place(finding),
            observed(finding),
            finding.check.id
        );
        let mut line = format!("\n{}", clean(&cut(&line, 400)));
        if finding.outcome.verdict().is_some() && !finding.remedy.is_empty() {
            let _ = write!(line, "\n  -> {}", clean(&cut(&one_line(&finding.remedy), 400)));
        }
        let rest = format!("\n... and {} more", told.len() - index);
        // The rest is kept for the status line and for the performance data.
        if out.len() + line.len() + rest.len() > DETAILS {
            out.push_str(&rest);
            break;
        }
        out.push_str(&line);
    }
    out.trim_start().to_owned()
}

fn is_told(finding: &Finding) -> bool {
    !matches!(finding.outcome, Outcome::Passed | Outcome::NotChecked(Requirement::Optional))
}

/// Performance data behind a pipe, as much as there is room for; more of it may follow behind the details.
fn data(out: &mut String, data: &[String], between: &str) {
    let mut before = " | ";
    for item in data {
        if out.len() + before.len() + item.len() >= MAXIMUM {
            break;
        }
        let _ = write!(out, "{before}{item}");
        before = between;
    }
}

/// Performance data for the status line, and further data. What is held against an objective, and what is one
/// number for the whole run, comes first; a label that came before is not told again.
fn performance(report: &Report) -> (Vec<String>, Vec<String>) {
    let (main, side): (Vec<_>, Vec<_>) = (report.measurements.iter())
        .partition(|measurement| measurement.objective.is_some() || measurement.labels.is_empty());
    let (mut first, mut further) = (Vec::new(), Vec::new());
    let mut known = Vec::new();
    let mut length = 0;
    for (is_main, measurement) in main.iter().map(|m| (true, m)).chain(side.iter().map(|m| (false, m))) {
        let label = label(measurement);
        if known.contains(&label) {
            continue;
        }
        let item = datum(&label, measurement);
        known.push(label);
        length += item.len() + 1;
        if is_main && length <= FIRST_DATA { first.push(item) } else { further.push(item) }
    }
    (first, further)
}

/// `metric value, value`: neither quotes nor equals signs nor pipes nor line ends may stand in a label.
fn label(measurement: &Measurement) -> String {
    let values: Vec<_> = measurement.labels.iter().map(|(_, value)| one_line(value)).collect();
    let label = format!("{} {}", one_line(&measurement.metric), values.join(", "));
    cut(&clean(label.trim()).replace(['\'', '='], "_"), 100)
}

/// `'label'=value[uom];warn;crit`: the objective is the critical range.
fn datum(label: &str, measurement: &Measurement) -> String {
    let unit = match measurement.unit.as_str() {
        known @ ("s" | "%" | "B") => known,
        _ => "",
    };
    let critical = match &measurement.objective {
        Some(Objective::AtMost(limit)) => format!(";;{limit}"),
        Some(Objective::AtLeast(limit)) => format!(";;{limit}:"),
        None => String::new(),
    };
    format!("'{label}'={}{unit}{critical}", measurement.value)
}

/// A pipe begins performance data; everything else is on one line already.
fn clean(text: &str) -> String {
    text.replace('|', "/")
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(3)).chain("...".chars()).collect()
}
