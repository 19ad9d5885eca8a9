//! The Common Test Report Format (CTRF): one test a finding. What is not known to be right is never `passed`: failed,
//! inconclusive and not checked are `failed`, with the exact word as the raw status; warned and waived are `other`.

use serde_json::{Value, json};

use super::{Setting, sarif::fingerprint, wording::observed};
use crate::record::{Finding, Outcome, Report, Requirement, v1::one_line};

/// The version of the format that this is written for.
const VERSION: &str = "0.0.0";

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let run = &report.run;
    let tests: Vec<_> = report.findings.iter().map(|finding| test(finding, report)).collect();
    let number = |wanted: &str| tests.iter().filter(|test| test["status"] == wanted).count();
    let mut environment = json!({
        "reportName": one_line(&run.title),
        "testEnvironment": run.environment.word(),
    });
    if let Some((commit, _)) = &run.commit {
        environment["commit"] = json!(one_line(commit));
    }
    let document = json!({
        "reportFormat": "CTRF",
        "specVersion": VERSION,
        "timestamp": run.finished.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "generatedBy": format!("{} {}", report.tool.name, report.tool.version),
        "results": {
            "tool": { "name": report.tool.name, "version": report.tool.version },
            "summary": {
                "tests": tests.len(),
                "passed": number("passed"),
                "failed": number("failed"),
                "skipped": number("skipped"),
                "pending": 0,
                "other": number("other"),
                "start": run.started.as_millisecond(),
                "stop": run.finished.as_millisecond(),
                "extra": {
                    "verdict": report.verdict().word(),
                    "countedOnly": report.number_unlisted(),
                },
            },
            "tests": tests,
            "environment": environment,
            "extra": {
                "evidence": setting.evidence,
                "interrupted": run.interrupted.as_deref().map(one_line),
            },
        },
    });
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// Status, and the exact word.
const fn status(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Passed => ("passed", "passed"),
        Outcome::Warned => ("other", "warned"),
        Outcome::Waived => ("other", "waived"),
        Outcome::Failed => ("failed", "failed"),
        Outcome::Inconclusive => ("failed", "inconclusive"),
        Outcome::NotChecked(Requirement::Required) => ("failed", "not checked"),
        Outcome::NotChecked(Requirement::Optional) => ("skipped", "not checked (optional)"),
    }
}

fn test(finding: &Finding, report: &Report) -> Value {
    let (status, raw) = status(finding.outcome);
    let mut test = json!({
        "name": format!("{}: {}", finding.check.title, one_line(&finding.subject)),
        "testId": fingerprint(finding),
        "status": status,
        "rawStatus": raw,
        // A finding has no duration of its own.
        "duration": 0,
        "suite": [report.tool.name, finding.check.id],
        "labels": { "check": finding.check.id },
    });
    if finding.outcome != Outcome::Passed {
        test["message"] = json!(observed(finding));
        let advice = [("expected", finding.expected.as_str()), ("remedy", finding.remedy.as_ref())];
        let advice: serde_json::Map<_, _> = (advice.into_iter())
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), json!(one_line(text))))
            .collect();
        test["extra"] = Value::Object(advice);
    }
    if let Some(place) = finding.location.as_ref().filter(|place| !place.path.is_empty()) {
        test["filePath"] = json!(one_line(&place.path));
        if let Some(line) = place.line {
            test["line"] = json!(line);
        }
    }
    test
}
