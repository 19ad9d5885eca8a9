//! JUnit XML in the dialect that Jenkins reads: one suite a run, one case a finding.

use std::fmt::Write;

use super::wording::observed;
use crate::record::{Finding, Outcome, Report, Requirement};

pub(super) fn render(report: &Report) -> String {
    let count = |wanted: fn(Outcome) -> bool| {
        report.findings.iter().filter(|finding| wanted(finding.outcome)).count()
    };
    let run = &report.run;
    let seconds = (run.finished.duration_since(run.started)).as_secs_f64();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\" timestamp=\"{}\" hostname=\"{}\">",
        attribute(report.tool.name),
        report.findings.len(),
        count(|outcome| outcome == Outcome::Failed),
        count(is_error),
        count(|outcome| outcome == Outcome::NotChecked(Requirement::Optional)),
        run.started.strftime("%Y-%m-%dT%H:%M:%S"),
        attribute(&run.host),
    );
    for finding in &report.findings {
        case(&mut out, report.tool.name, finding);
    }
    let unlisted = report.number_unlisted();
    if unlisted > 0 {
        let _ = writeln!(out, "    <system-out>{unlisted} more, none worse, are counted only</system-out>");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn is_error(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Inconclusive | Outcome::NotChecked(Requirement::Required))
}

fn case(out: &mut String, tool: &str, finding: &Finding) {
    let name = format!("{}: {}", finding.check.title, finding.subject);
    let class = format!("{tool}.{}", finding.check.id);
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", attribute(&class), attribute(&name));
    let message = attribute(&format!("expected: {}; observed: {}", finding.expected, finding.observed));
    let advice = content(&finding.remedy);
    match finding.outcome {
        Outcome::Passed => out.push_str("/>\n"),
        Outcome::Warned => {
            let warning = content(&format!("warned: {}; {}", finding.observed, finding.remedy));
            let _ = writeln!(out, "><system-out>{warning}</system-out></testcase>");
        }
        Outcome::Failed => {
            let _ = writeln!(out, "><failure message=\"{message}\">{advice}</failure></testcase>");
        }
        Outcome::Waived => {
            let waived = content(&observed(finding));
            let _ = writeln!(out, "><system-out>waived: {waived}</system-out></testcase>");
        }
        Outcome::NotChecked(Requirement::Optional) => {
            let _ = writeln!(out, "><skipped message=\"{}\"/></testcase>", attribute(&finding.observed));
        }
        Outcome::Inconclusive | Outcome::NotChecked(Requirement::Required) => {
            let _ = writeln!(out, "><error message=\"{message}\">{advice}</error></testcase>");
        }
    }
}

/// Text in an attribute: line ends survive as references.
fn attribute(text: &str) -> String {
    content(text).replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;")
}

/// Text between tags, without the characters that XML 1.0 (section 2.2) does not know.
fn content(text: &str) -> String {
    let known = |char: &char| matches!(char, '\t' | '\n' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    let text: String = text.chars().filter(known).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
