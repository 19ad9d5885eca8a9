//! GitHub Actions: annotations on stdout, and the step's summary.

use std::fmt::Write;

use super::wording::observed;
use crate::{
    document,
    record::{Finding, Outcome, Report, Requirement, v1::Record},
};

/// GitHub shows so many annotations of a kind for a step; the rest would vanish in silence.
const SHOWN: usize = 10;

/// Workflow commands for what needs somebody or was waived, the worst first; what is left out is counted in the last.
#[must_use]
pub fn annotations(report: &Report) -> String {
    let mut out = String::new();
    let errors = |outcome| {
        matches!(
            outcome,
            Outcome::Failed | Outcome::Inconclusive | Outcome::NotChecked(Requirement::Required)
        )
    };
    kind(&mut out, report, "error", errors);
    kind(&mut out, report, "warning", |outcome| outcome == Outcome::Warned);
    kind(&mut out, report, "notice", |outcome| outcome == Outcome::Waived);
    out
}

fn kind(out: &mut String, report: &Report, level: &str, wanted: fn(Outcome) -> bool) {
    let all: Vec<_> = report.findings.iter().filter(|finding| wanted(finding.outcome)).collect();
    let shown = if all.len() > SHOWN { SHOWN - 1 } else { all.len() };
    for finding in &all[..shown] {
        let message = format!(
            "{}: expected {}; observed {}. {}",
            finding.subject,
            finding.expected,
            observed(finding),
            finding.remedy
        );
        let _ = writeln!(out, "::{level} {}::{}", properties(finding), data(&message));
    }
    if all.len() > shown {
        let _ = writeln!(
            out,
            "::{level} title={}::{} more of {} are left out here; the evidence file and the summary have them",
            property(report.tool.name),
            all.len() - shown,
            all.len()
        );
    }
}

fn properties(finding: &Finding) -> String {
    let mut properties = String::new();
    if let Some(place) = &finding.location {
        let _ = write!(properties, "file={},", property(&place.path));
        if let Some(line) = place.line {
            let _ = write!(properties, "line={line},");
        }
    }
    let _ =
        write!(properties, "title={}", property(&format!("{} ({})", finding.check.title, finding.check.id)));
    properties
}

/// Escaping of a workflow command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escaping of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The part of the evidence file that people read first.
#[must_use]
pub fn step_summary(report: &Report) -> String {
    document::summary(&Record::of(report))
}
