//! An in-toto Statement v1 with the predicate test-result v0.1, unsigned: cosign or witness sign it. Its subjects are
//! the commit and the attached files; without any, the record itself. The predicate knows three results only: what is
//! inconclusive is FAILED there, for it is no pass.

use serde_json::{Value, json};

use super::Setting;
use crate::{
    document,
    record::{
        Finding, Outcome, Report, Requirement, Verdict,
        v1::{Record, one_line},
    },
};

pub(super) fn render(report: &Report, setting: &Setting) -> String {
    let seal = document::seal(&Record::of(report));
    let digest = seal.trim_start_matches("sha256:").to_owned();
    let name = setting.evidence.as_deref().filter(|name| !name.is_empty()).unwrap_or("record");
    let record = json!({
        "name": one_line(name),
        "digest": { "sha256": digest },
        "mediaType": "application/json",
        "annotations": { "what": "seal of the evidence-report/v1 record: SHA-256 of its RFC 8785 form" },
    });
    let mut subjects = subjects(report);
    if subjects.is_empty() {
        subjects.push(record.clone());
    }
    let result = match report.verdict() {
        Verdict::Passed => "PASSED",
        Verdict::Warned => "WARNED",
        Verdict::Failed | Verdict::Inconclusive => "FAILED",
    };
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": result,
            "configuration": [record],
            "passedTests": tests(report, |outcome| outcome == Outcome::Passed),
            "warnedTests": tests(report, |outcome| matches!(outcome, Outcome::Warned | Outcome::Waived)),
            "failedTests": tests(report, |outcome| {
                matches!(
                    outcome,
                    Outcome::Failed | Outcome::Inconclusive | Outcome::NotChecked(Requirement::Required)
                )
            }),
        },
    });
    serde_json::to_string_pretty(&statement).unwrap_or_default() + "\n"
}

/// What was tested, as far as it can be named by a digest. A work tree that differs from its commit is not that
/// commit.
fn subjects(report: &Report) -> Vec<Value> {
    let is_hex = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commit = report.run.commit.as_ref().filter(|(id, dirty)| !dirty && is_hex(id));
    let commit = commit.map(|(id, _)| json!({ "name": "commit", "digest": { "gitCommit": id } }));
    let files = report
        .attachments
        .iter()
        .map(|file| json!({ "name": one_line(&file.name), "digest": { "sha256": file.sha256 } }));
    commit.into_iter().chain(files).collect()
}

/// Each test once: check and subject. In the list of what passed stands no name that stands in another one, too.
fn tests(report: &Report, wanted: fn(Outcome) -> bool) -> Vec<String> {
    let name = |finding: &Finding| format!("{}: {}", finding.check.id, one_line(&finding.subject));
    let mut names: Vec<_> =
        report.findings.iter().filter(|finding| wanted(finding.outcome)).map(name).collect();
    names.sort();
    names.dedup();
    if wanted(Outcome::Passed) {
        let other: std::collections::HashSet<_> = (report.findings.iter())
            .filter(|finding| finding.outcome.verdict().is_some_and(|verdict| verdict != Verdict::Passed))
            .map(name)
            .collect();
        names.retain(|name| !other.contains(name));
    }
    names
}
