//! SARIF 2.1.0 (OASIS), for code scanning and for editors: the tool's checks as rules, and a result for
//! everything that did not pass.

use std::collections::HashMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Setting, wording::observed};
use crate::{
    document::hex,
    record::{Check, Finding, Outcome, Report, Requirement, v1::one_line},
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let run = &report.run;
    let mut seen = HashMap::new();
    let results: Vec<_> = (report.findings.iter())
        .filter(|finding| finding.outcome != Outcome::Passed)
        .map(|finding| result(finding, report, setting, &mut seen))
        .collect();
    let rules: Vec<_> = report.tool.checks.iter().map(|check| rule(check)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "semanticVersion": report.tool.version,
                "rules": rules,
            }},
            // Results of one tool for several environments stand side by side, and do not replace each other.
            "automationDetails": { "id": format!("{}/{}/", report.tool.name, run.environment) },
            "invocations": [{
                "executionSuccessful": run.interrupted.is_none(),
                "startTimeUtc": time(run.started),
                "endTimeUtc": time(run.finished),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn rule(check: &Check) -> Value {
    json!({
        "id": check.id,
        "name": check.id.split(['.', '_']).map(capital).collect::<String>(),
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": check.explanation },
        "help": { "text": format!("{} What to do: {}", check.explanation, check.remedy) },
        "defaultConfiguration": { "level": "error" },
    })
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// Level and kind. A kind other than `fail` has the level `none` (3.27.10). What could not be told is an error
/// like what is wrong: it stands in the way of a pass.
fn level(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Warned => ("warning", "fail"),
        Outcome::Passed => ("none", "pass"),
        Outcome::NotChecked(Requirement::Optional) => ("none", "notApplicable"),
        Outcome::Failed
        | Outcome::Inconclusive
        | Outcome::NotChecked(Requirement::Required)
        | Outcome::Waived => ("error", "fail"),
    }
}

fn result(finding: &Finding, report: &Report, setting: &Setting, seen: &mut HashMap<String, u32>) -> Value {
    let was = finding.waived.as_deref().map_or(finding.outcome, |waived| waived.was);
    let (level, kind) = level(was);
    let fingerprint = fingerprint(finding);
    let times = seen.entry(fingerprint.clone()).or_insert(0);
    *times += 1;
    let mut result = json!({
        "ruleId": finding.check.id,
        "level": level,
        "kind": kind,
        "message": { "text": message(finding) },
        "locations": [location(finding, setting)],
        "partialFingerprints": { "checkAndSubject/v1": format!("{fingerprint}:{times}") },
    });
    if let Some(index) = report.tool.checks.iter().position(|check| check.id == finding.check.id) {
        result["ruleIndex"] = json!(index);
    }
    if let Some(at) = finding.hurts_at {
        result["properties"] = json!({ "hurtsAt": time(at) });
    }
    if let Some(waived) = finding.waived.as_deref() {
        let justification = format!(
            "{} (approved by {}, until {})",
            one_line(&waived.reason),
            one_line(&waived.approver),
            waived.until.strftime("%Y-%m-%d")
        );
        result["suppressions"] =
            json!([{ "kind": "external", "status": "accepted", "justification": justification }]);
    }
    result
}

fn message(finding: &Finding) -> String {
    let words = match finding.outcome {
        Outcome::Inconclusive => "inconclusive: ",
        Outcome::NotChecked(_) => "not checked: ",
        _ => "",
    };
    let mut text =
        format!("{}: {words}{}.", one_line(&finding.subject), observed(finding).trim_end_matches('.'));
    if !finding.expected.is_empty() {
        text.push_str(&format!(" Expected: {}.", one_line(&finding.expected).trim_end_matches('.')));
    }
    if finding.outcome.verdict().is_some() && !finding.remedy.is_empty() {
        text.push_str(&format!(" {}", one_line(&finding.remedy)));
    }
    text
}

/// What the finding is about is its logical location. Code scanning wants a file for everything: where the
/// finding has none, that is the evidence file.
fn location(finding: &Finding, setting: &Setting) -> Value {
    let mut location = json!({
        "logicalLocations": [{ "fullyQualifiedName": one_line(&finding.subject), "kind": "resource" }],
    });
    let line = finding.location.as_ref().and_then(|place| place.line).filter(|line| *line > 0);
    let path = finding.location.as_ref().map(|place| place.path.as_str()).or(setting.evidence.as_deref());
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        location["physicalLocation"] = json!({ "artifactLocation": { "uri": uri(path) } });
        if let Some(line) = line {
            location["physicalLocation"]["region"] = json!({ "startLine": line });
        }
    }
    location
}

/// A path as a URI reference (RFC 3986): relative stays relative.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The same for the same check on the same subject in the same file, whatever the day and the line.
pub(super) fn fingerprint(finding: &Finding) -> String {
    let path = finding.location.as_ref().map_or("", |place| place.path.as_str());
    let text = [finding.check.id, &finding.subject, path].join("\0");
    hex(&Sha256::digest(text.as_bytes()))[..32].to_owned()
}
