//! Rule `scans`: the SARIF reports of static, dynamic, dependency and container scans hold no critical or high
//! finding that is neither suppressed nor waived.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    checks::SCAN,
    material::{Observed, Period, end_of, moment, span_of},
    sarif::{self, Hit, Scan},
    some::some,
    when_due::until,
};
use crate::record::{Finding, Requirement};

/// From here on a finding is high (CVSS 7.0), as code-scanning services rank it.
const HIGH: f64 = 7.0;

/// More findings of one report than this are counted, not listed.
const LISTED: usize = 50;

/// Reports of scanners.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct ScansRule {
    /// The reports.
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    reports: Vec<ScanReport>,
    /// The kinds of scans that there must be.
    #[serde(default = "all_kinds", deserialize_with = "some")]
    #[schemars(length(min = 1))]
    kinds: Vec<String>,
    /// How old a report may be, by the end of its scan.
    #[serde(default)]
    max_age: Option<Period>,
    /// Findings that somebody has decided to live with for a while.
    #[serde(default)]
    waivers: Vec<ScanWaiver>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScanReport {
    /// `sast`, `dast`, `dependency` or `container`.
    kind: String,
    /// Its file, SARIF 2.1.0.
    file: String,
    /// The name of the tool that must have made it.
    #[serde(default)]
    tool: Option<String>,
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScanWaiver {
    /// The id of the scanner's rule, such as `CVE-2026-1234`.
    id: String,
    /// Only where the finding's place begins so.
    #[serde(default)]
    path: Option<String>,
    /// Who decided.
    approver: String,
    /// Why it can wait.
    reason: String,
    /// The last day on which it holds (UTC).
    #[serde(deserialize_with = "a_day")]
    #[schemars(with = "String")]
    expires: Date,
}

fn a_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("'{text}' is no day; write 2026-12-31")))
}

fn all_kinds() -> Vec<String> {
    ["sast", "dast", "dependency", "container"].map(str::to_owned).to_vec()
}

impl ScansRule {
    pub(super) fn needs(&self) -> Vec<&str> {
        self.reports.iter().map(|report| report.file.as_str()).collect()
    }

    pub(super) fn assess(&self, observed: &Observed, as_of: Timestamp) -> Vec<Finding> {
        let absent =
            self.kinds.iter().filter(|kind| !self.reports.iter().any(|report| report.kind == **kind));
        let mut findings: Vec<_> = absent
            .map(|kind| {
                let finding = SCAN
                    .failed(kind)
                    .expected("a report")
                    .observed("the policy names no report of this kind");
                finding.remedy("Add the scan to CI, and its report to the policy.").at(self.place(), None)
            })
            .collect();
        let mut used = BTreeSet::new();
        let mut all_read = true;
        for report in &self.reports {
            let scans =
                observed.document(&report.file).and_then(|document| sarif::read(&report.file, &document));
            match scans {
                Ok(scans) => findings.extend(self.report(report, &scans, as_of, &mut used)),
                Err(finding) => {
                    all_read = false;
                    findings.push(*finding);
                }
            }
        }
        findings.extend(self.idle(&used, as_of, all_read));
        findings
    }

    fn place(&self) -> &str {
        self.reports.first().map_or("", |report| &report.file)
    }

    fn report(
        &self,
        report: &ScanReport,
        scans: &[Scan],
        as_of: Timestamp,
        used: &mut BTreeSet<usize>,
    ) -> Vec<Finding> {
        let place = |finding: Finding, line| finding.at(&report.file, Some(line));
        let expected = "a scan that succeeded, without a critical or high finding";
        let subject = |tool: &str| format!("{}, {tool}", report.kind);
        let mut findings = Vec::new();
        if let Some(tool) = report
            .tool
            .as_deref()
            .filter(|tool| !scans.iter().any(|scan| scan.tool.eq_ignore_ascii_case(tool)))
        {
            let made: Vec<_> = scans.iter().map(|scan| scan.tool.as_str()).collect();
            let finding = SCAN.failed(subject(tool)).expected(format!("a run of {tool}"));
            findings.push(finding.observed(format!("made by {}", made.join(", "))).at(&report.file, None));
        }
        for scan in scans {
            let name = subject(&scan.tool);
            let before = findings.len();
            findings.extend(
                self.of_age(&name, scan, as_of).map(|finding| place(finding.expected(expected), scan.line)),
            );
            if !scan.succeeded {
                let finding =
                    SCAN.inconclusive(&name).expected(expected).observed("the scan itself did not succeed");
                findings.push(place(
                    finding.remedy("Run the scan again; what it did not look at is not known."),
                    scan.line,
                ));
            }
            let mut hits: Vec<&Hit> = scan.hits.iter().filter(|hit| is_high(hit)).collect();
            hits.sort_by(|a, b| b.severity.unwrap_or(HIGH).total_cmp(&a.severity.unwrap_or(HIGH)));
            let mut listed = 0;
            for hit in &hits {
                let finding = self.hit(&name, hit, as_of, used);
                if finding.outcome == crate::record::Outcome::Waived {
                    findings.push(place(finding, hit.line));
                } else if listed < LISTED {
                    listed += 1;
                    findings.push(place(finding, hit.line));
                }
            }
            let open = hits.iter().filter(|hit| self.waiver(hit, as_of).is_none()).count();
            if open > LISTED {
                let finding = SCAN.failed(&name).expected(expected);
                findings.push(place(
                    finding.observed(format!("{} more critical or high findings, not listed", open - LISTED)),
                    scan.line,
                ));
            }
            if findings[before..].iter().all(|finding| finding.outcome == crate::record::Outcome::Waived) {
                let observed = format!(
                    "{} findings, {} suppressed; none critical or high",
                    scan.hits.len(),
                    scan.suppressed
                );
                let passed = SCAN.passed(&name).expected(expected).observed(observed);
                let ended = scan.ended.as_deref().and_then(|ended| moment(ended).ok());
                let passed = match ended {
                    Some(ended) => until(passed, self.max_age, ended),
                    None => passed,
                };
                findings.push(place(passed, scan.line));
            }
        }
        findings
    }

    fn of_age(&self, name: &str, scan: &Scan, as_of: Timestamp) -> Option<Finding> {
        let allowed = self.max_age?;
        let Some(ended) = &scan.ended else {
            return Some(
                SCAN.failed(name)
                    .observed("the report does not say when the scan ended (invocations.endTimeUtc)"),
            );
        };
        let age = match moment(ended) {
            Ok(at) => at.duration_until(as_of),
            Err(why) => return Some(SCAN.failed(name).observed(why)),
        };
        if age.is_negative() {
            return Some(SCAN.failed(name).observed("the scan ended in the future"));
        }
        (age > allowed.0).then(|| {
            SCAN.failed(name).observed(format!("the scan is {} old; {allowed} are allowed", span_of(age)))
        })
    }

    fn waiver(&self, hit: &Hit, as_of: Timestamp) -> Option<(usize, &ScanWaiver)> {
        self.waivers
            .iter()
            .enumerate()
            .find(|(_, waiver)| waiver.covers(hit) && as_of <= end_of(waiver.expires))
    }

    fn hit(&self, name: &str, hit: &Hit, as_of: Timestamp, used: &mut BTreeSet<usize>) -> Finding {
        let severity =
            hit.severity.map_or_else(|| "level error".to_owned(), |severity| format!("severity {severity}"));
        let finding = SCAN
            .failed(format!("{name}: {}", hit.rule))
            .expected("no critical or high finding")
            .observed(format!("{severity}, at {}", hit.place));
        match self.waiver(hit, as_of) {
            Some((at, waiver)) => {
                used.insert(at);
                finding.waive(&waiver.approver, &waiver.reason, end_of(waiver.expires))
            }
            None => finding,
        }
    }

    /// Waivers that are over, or that nothing needs.
    fn idle(&self, used: &BTreeSet<usize>, as_of: Timestamp, all_read: bool) -> Vec<Finding> {
        let idle = self.waivers.iter().enumerate().filter(|(at, _)| !used.contains(at));
        idle.map(|(_, waiver)| {
            let subject = format!("waiver of {}", waiver.id);
            let over = as_of > end_of(waiver.expires);
            let finding = if over {
                SCAN.warned(subject)
                    .observed(format!("expired {}; what it set aside counts again", waiver.expires))
            } else if all_read {
                SCAN.warned(subject).observed("matches no critical or high finding")
            } else {
                SCAN.not_checked(Requirement::Optional, subject, "not every report can be read")
            };
            finding
                .expected("a waiver in force and of use")
                .remedy("Take the waiver out of the policy, or decide anew.")
                .at(self.place(), None)
        })
        .collect()
    }
}

impl ScanWaiver {
    fn covers(&self, hit: &Hit) -> bool {
        self.id == hit.rule && self.path.as_ref().is_none_or(|path| hit.place.starts_with(path.as_str()))
    }
}

/// By its severity; by its level where no severity is told.
fn is_high(hit: &Hit) -> bool {
    hit.severity.map_or(hit.level == "error", |severity| severity >= HIGH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::artefact_rules::trial::{one, right, rule, told};

    const RULE: &str = "kinds: [sast]\nmax_age: 7d\nreports: [{kind: sast, file: a.sarif, tool: Semgrep}]\nwaivers:\n  - {id: sqli, path: src/old, approver: AppSec, reason: retired in December, expires: 2026-12-10}\n";

    fn report(results: &str) -> String {
        format!(
            "{{\"version\": \"2.1.0\", \"runs\": [{{\"tool\": {{\"driver\": {{\"name\": \"semgrep\", \"rules\": [\n{{\"id\": \"sqli\", \"properties\": {{\"security-severity\": \"8.8\"}}}},\n{{\"id\": \"style\", \"defaultConfiguration\": {{\"level\": \"error\"}}}},\n{{\"id\": \"low\", \"defaultConfiguration\": {{\"level\": \"error\"}}, \"properties\": {{\"security-severity\": \"6.9\"}}}}]}}}},\n\"invocations\": [{{\"executionSuccessful\": true, \"endTimeUtc\": \"2026-11-25T10:00:00Z\"}}],\n\"results\": [\n{results}]}}]}}\n"
        )
    }

    fn result(rule: &str, path: &str, more: &str) -> String {
        format!(
            "{{\"ruleId\": \"{rule}\", \"message\": {{\"text\": \"x\"}}{more}, \"locations\": [{{\"physicalLocation\": {{\"artifactLocation\": {{\"uri\": \"{path}\"}}, \"region\": {{\"startLine\": 7}}}}}}]}}"
        )
    }

    fn assess(rule_text: &str, text: &str) -> Vec<Finding> {
        let rule: ScansRule = rule(rule_text);
        rule.assess(&Observed::of_texts(&[("a.sarif", text)]), "2026-11-27T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn severity_decides_then_level_and_kind_and_suppressions() {
        let bare = RULE.split("waivers").next().unwrap();
        right(&assess(bare, &report("")));
        for (rule, more, bad) in [
            ("sqli", "", true),
            ("style", "", true),
            ("low", "", false),
            ("unknown", "", false),
            ("unknown", ", \"level\": \"error\"", true),
            ("style", ", \"level\": \"note\"", false),
            ("style", ", \"kind\": \"pass\"", false),
            ("sqli", ", \"properties\": {\"security-severity\": \"6.9\"}", false),
            ("low", ", \"properties\": {\"security-severity\": \"7.0\"}", true),
            ("sqli", ", \"suppressions\": [{\"kind\": \"inSource\"}]", false),
            ("sqli", ", \"suppressions\": []", true),
            ("sqli", ", \"suppressions\": [{\"kind\": \"external\", \"status\": \"rejected\"}]", true),
            ("sqli", ", \"suppressions\": [{\"kind\": \"external\", \"status\": \"underReview\"}]", true),
            ("sqli", ", \"baselineState\": \"absent\"", false),
        ] {
            let told = told(&assess(bare, &report(&result(rule, "src/a.rs", more))));
            assert_eq!(told.len(), usize::from(bad), "{rule}{more}: {told:#?}");
        }
        one(
            &assess(bare, &report(&result("sqli", "src/a.rs", ""))),
            "failed scan.findings a.sarif:7 sast, semgrep: sqli: severity 8.8, at src/a.rs:7",
        );
    }

    #[test]
    fn a_waiver_holds_for_its_place_and_its_time_and_must_be_of_use() {
        one(&assess(RULE, &report(&result("sqli", "src/old/a.rs", ""))), "waived scan.findings");
        let elsewhere = told(&assess(RULE, &report(&result("sqli", "src/new.rs", ""))));
        assert!(
            elsewhere[0].starts_with("failed") && elsewhere[1].contains("matches no critical"),
            "{elsewhere:#?}"
        );
        let over = told(&assess(
            &RULE.replace("2026-12-10", "2026-11-26"),
            &report(&result("sqli", "src/old/a.rs", "")),
        ));
        assert!(over[0].starts_with("failed") && over[1].contains("expired 2026-11-26"), "{over:#?}");
        one(
            &assess(&RULE.replace("2026-12-10", "2026-11-27"), &report(&result("sqli", "src/old/a.rs", ""))),
            "waived",
        );
    }

    #[test]
    fn a_scan_that_failed_is_old_or_absent_is_no_pass() {
        let bare = RULE.split("waivers").next().unwrap();
        let good = report("");
        for (from, to, part) in [
            ("true", "false", "inconclusive scan.findings"),
            ("2026-11-25", "2026-11-20", "7 d old; 7 d are allowed"),
            ("2026-11-25", "2026-11-29", "in the future"),
            (", \"endTimeUtc\": \"2026-11-25T10:00:00Z\"", "", "does not say when"),
            ("\"semgrep\"", "\"other\"", "failed scan.findings a.sarif sast, Semgrep: made by other"),
            ("\"runs\"", "\"walks\"", "failed artefact.readable"),
            ("2.1.0", "2.0.0", "failed artefact.readable"),
        ] {
            one(&assess(bare, &good.replace(from, to)), part);
        }
        one(
            &assess(&bare.replace("[sast]", "[sast, dast]"), &good),
            "failed scan.findings a.sarif dast: the policy names no report",
        );
        let flood = vec![result("sqli", "a", ""); 60].join(",\n");
        let told = told(&assess(bare, &report(&flood)));
        assert_eq!(told.len(), LISTED + 1);
        assert!(told[LISTED].contains("10 more critical or high"), "{}", told[LISTED]);
    }
}
