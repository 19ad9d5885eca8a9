//! Text for people: the first line says what is wrong, how bad it is and what now. Control characters in
//! what was observed never reach the terminal.

use std::fmt::Write;

use super::Setting;
use crate::{
    document,
    record::{
        Finding, Objective, Outcome, Report, Requirement, Verdict,
        v1::{Record, one_line},
    },
};

/// Without `--verbose` so many findings that need somebody are listed.
const LISTED: usize = 40;

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", first_line(report, setting.color));
    let listed = if setting.verbose { usize::MAX } else { LISTED };
    let needing: Vec<_> = (report.findings.iter())
        .filter(|finding| setting.verbose || (finding.outcome != Outcome::Passed && !is_optional(finding)))
        .collect();
    for finding in needing.iter().take(listed) {
        list(&mut out, finding, setting.color);
    }
    if needing.len() > listed {
        let _ = writeln!(out, "  … and {} more (--verbose lists all)", needing.len() - listed);
    }
    if !setting.verbose {
        optional(&mut out, report, setting.color);
    }
    measurements(&mut out, report);
    timeline(&mut out, report);
    if let Some(evidence) = &setting.evidence {
        let _ = writeln!(out, "evidence: {evidence}");
    }
    out
}

/// One line: verdict, how many of what, the worst finding and what to do about it.
pub(crate) fn first_line(report: &Report, color: bool) -> String {
    let verdict = report.verdict();
    let record_tally = document::tally(&Record::of(report));
    let mut line = format!("{}: {}: {record_tally}", paint(verdict, verdict.word(), color), report.run.title);
    if let Some(reason) = &report.run.interrupted {
        let _ = write!(line, " Interrupted by {reason}.");
    }
    let worst = report
        .findings
        .first()
        .filter(|finding| finding.outcome.verdict().is_some_and(|verdict| verdict != Verdict::Passed));
    let soonest =
        report.findings.iter().filter(|finding| finding.hurts_at.is_some()).min_by_key(|f| f.hurts_at);
    match (worst, soonest) {
        (Some(finding), _) => {
            let _ = write!(line, " {}. {}", sentence(finding), one_line(&finding.remedy));
        }
        (None, Some(finding)) => {
            let _ = write!(line, " Soonest: {}.", sentence(finding));
        }
        (None, None) => {}
    }
    line
}

/// What was seen of what, without a full stop.
fn sentence(finding: &Finding) -> String {
    let text = format!("{}: {}", one_line(&finding.subject), one_line(&finding.observed));
    text.trim_end_matches('.').to_owned()
}

/// What was not checked and is optional: one line a check.
fn optional(out: &mut String, report: &Report, color: bool) {
    for check in report.tool.checks {
        let of_check: Vec<_> = (report.findings.iter())
            .filter(|finding| finding.check.id == check.id && is_optional(finding))
            .collect();
        match of_check.as_slice() {
            [] => {}
            [finding] => list(out, finding, color),
            [first, ..] => {
                let _ = writeln!(
                    out,
                    "  not checked  {} subjects, such as {}: {} [{}] (--verbose lists all)",
                    of_check.len(),
                    one_line(&first.subject),
                    one_line(&first.observed),
                    check.id
                );
            }
        }
    }
}

fn is_optional(finding: &Finding) -> bool {
    finding.outcome == Outcome::NotChecked(Requirement::Optional)
}

fn list(out: &mut String, finding: &Finding, color: bool) {
    let (word, verdict) = match finding.outcome {
        Outcome::Passed => ("passed", Verdict::Passed),
        Outcome::Warned => ("WARNED", Verdict::Warned),
        Outcome::Failed => ("FAILED", Verdict::Failed),
        Outcome::Inconclusive => ("INCONCLUSIVE", Verdict::Inconclusive),
        Outcome::NotChecked(Requirement::Required) => ("NOT CHECKED", Verdict::Inconclusive),
        Outcome::NotChecked(Requirement::Optional) => ("not checked", Verdict::Passed),
    };
    let word = paint(
        verdict,
        &format!("{word:12}"),
        color && finding.outcome != Outcome::Passed && !is_optional(finding),
    );
    let subject = one_line(&finding.subject);
    let what = match &finding.location {
        None => subject,
        Some(place) => {
            let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
            // The subject often is the file, or something in it: the path is said once.
            let rest =
                subject.strip_prefix(&place.path).map_or_else(|| format!(": {subject}"), str::to_owned);
            format!("{}{line}{rest}", one_line(&place.path))
        }
    };
    let _ = write!(out, "  {word} {what}: {} [{}]", one_line(&finding.observed), finding.check.id);
    let acts = !matches!(finding.outcome, Outcome::Passed | Outcome::NotChecked(_));
    if acts && !finding.expected.is_empty() {
        let _ = write!(out, " (expected: {})", one_line(&finding.expected));
    }
    out.push('\n');
    if acts && !finding.remedy.is_empty() {
        let _ = writeln!(out, "               → {}", one_line(&finding.remedy));
    }
}

fn measurements(out: &mut String, report: &Report) {
    let judged = report.measurements.iter().filter(|measurement| measurement.objective.is_some());
    for measurement in judged {
        let objective = match &measurement.objective {
            Some(Objective::AtMost(limit)) => format!("at most {limit}"),
            Some(Objective::AtLeast(limit)) => format!("at least {limit}"),
            None => String::new(),
        };
        let met = if measurement.met() == Some(false) { "MISSED" } else { "met" };
        let labels: Vec<_> = measurement
            .labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", one_line(value)))
            .collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(
            out,
            "  {}{labels} = {} {} (objective: {objective} {}: {met})",
            measurement.metric, measurement.value, measurement.unit, measurement.unit
        );
    }
}

fn timeline(out: &mut String, report: &Report) {
    let timeline = &report.timeline;
    if timeline.stages.is_empty() {
        return;
    }
    let _ = writeln!(out, "  from {}:", timeline.zero);
    let width = timeline.stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0);
    for stage in &timeline.stages {
        let took = stage.end.saturating_sub(stage.start);
        let took = if took.is_zero() { String::new() } else { format!("{:>9.3} s", took.as_secs_f64()) };
        let line = format!(
            "    {:width$} {:>9.3} s {took:>11}  {}",
            stage.name,
            stage.start.as_secs_f64(),
            stage.note
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// Colour is never the only carrier: the word is there in any case.
fn paint(verdict: Verdict, text: &str, color: bool) -> String {
    let code = match verdict {
        Verdict::Passed => "32",
        Verdict::Warned => "33",
        Verdict::Inconclusive => "35",
        Verdict::Failed => "31",
    };
    if color { format!("\x1b[1;{code}m{text}\x1b[0m") } else { text.to_owned() }
}
