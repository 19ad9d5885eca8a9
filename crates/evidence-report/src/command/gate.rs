//! `gate TRACKER`: open, closed or undecidable, every reason with file and line. Pure.

use jiff::Timestamp;

use super::{
    artefact_rules::Ruled,
    artefacts::{Page, Seen},
    check::{freshness, verdict},
    checks::{GATE_ITEM, GATE_RULE},
    tracker::{GateRule, Item, Need, Status, Tracker},
};
use crate::record::{Finding, Outcome, Verdict};

/// The decision as a title: what people want to read first.
pub(super) fn title(findings: &[Finding]) -> &'static str {
    match Verdict::worst(findings.iter().filter_map(|finding| finding.outcome.verdict())) {
        Verdict::Passed | Verdict::Warned => "The launch gate is OPEN",
        Verdict::Failed => "The launch gate is CLOSED",
        Verdict::Inconclusive => "The launch gate is UNDECIDABLE",
    }
}

/// One finding for each rule and for each reason.
pub(super) fn assess(tracker: &Tracker, seen: &Seen, ruled: &Ruled, now: Timestamp) -> Vec<Finding> {
    if tracker.gates.is_empty() {
        return vec![
            GATE_RULE
                .inconclusive("launch gate")
                .expected("a section `## Launch Gating` with rules")
                .observed("the tracker has none")
                .at(&tracker.path, None),
        ];
    }
    tracker.gates.iter().flat_map(|rule| assess_rule(tracker, rule, seen, ruled, now)).collect()
}

fn assess_rule(
    tracker: &Tracker,
    rule: &GateRule,
    seen: &Seen,
    ruled: &Ruled,
    now: Timestamp,
) -> Vec<Finding> {
    let meaning = match &rule.meaning {
        Ok(meaning) => meaning,
        Err(why) => {
            return vec![
                GATE_RULE
                    .inconclusive(format!("\"{}\"", rule.text))
                    .expected("a rule of a known form")
                    .observed(format!("not understood: {why}"))
                    .at(&tracker.path, Some(rule.line)),
            ];
        }
    };
    let mut findings = Vec::new();
    for number in meaning.items.iter().cloned().flatten() {
        let Some(item) = tracker.items.iter().find(|item| item.number == number) else {
            findings.push(
                GATE_ITEM
                    .failed(format!("item {number}"))
                    .expected(format!("an item, as the rule \"{}\" asks", rule.text))
                    .observed("the tracker has no such item")
                    .at(&tracker.path, Some(rule.line)),
            );
            continue;
        };
        let mut reasons = reasons(item, meaning.status, &meaning.needs, seen, now);
        if meaning.status == Status::Done {
            reasons.extend(ruled.of(number).iter().filter_map(|finding| rule_reason(item, finding)));
        }
        let expected = expectation(meaning.status, &meaning.needs);
        if reasons.is_empty() {
            let met = GATE_ITEM.passed(item.name()).expected(&expected).observed("met");
            findings.push(met.at(&tracker.path, Some(item.status_line())));
        }
        findings.extend(reasons.into_iter().map(|reason| {
            let Reason { outcome, observed, line, remedy } = reason;
            let finding = match outcome {
                Outcome::Inconclusive => GATE_ITEM.inconclusive(item.name()),
                _ => GATE_ITEM.failed(item.name()),
            };
            finding.expected(&expected).observed(observed).remedy(remedy).at(&tracker.path, Some(line))
        }));
    }
    findings
}

fn expectation(status: Status, needs: &[Need]) -> String {
    let mut text = match status {
        Status::Done => "done".to_owned(),
        status => format!("at least {}", status.word()),
    };
    for need in needs {
        text.push_str(match need {
            Need::Owner => ", an owner",
            Need::Target => ", a target",
            Need::EvidenceLinks => ", evidence links",
        });
    }
    text
}

/// Why an item does not meet a rule.
struct Reason {
    outcome: Outcome,
    observed: String,
    line: u32,
    remedy: String,
}

impl Reason {
    fn closed(observed: impl Into<String>, line: u32, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, observed: observed.into(), line, remedy: remedy.into() }
    }
}

fn reasons(item: &Item, status: Status, needs: &[Need], seen: &Seen, now: Timestamp) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match item.known_status() {
        None => {
            reasons.push(Reason::closed("it has no known status", item.status_line(), "Give it a status."))
        }
        Some(is) if is < status => {
            let pending: Vec<_> =
                item.pending.iter().map(|field| field.value.trim_end_matches('.')).collect();
            let pending =
                if pending.is_empty() { String::new() } else { format!("; pending: {}", pending.join("; ")) };
            reasons.push(Reason::closed(
                format!("{}{pending}", is.word()),
                item.status_line(),
                format!("Show what is pending, then set the status to {}.", status.word()),
            ));
        }
        Some(Status::Done) => reasons.extend(done_reasons(item, seen, now)),
        Some(_) => {}
    }
    for need in needs {
        reasons.extend(need_reason(item, *need, seen));
    }
    reasons
}

/// Done has to be true: nothing pending, everything there, and the evidence verified, passing and valid.
fn done_reasons(item: &Item, seen: &Seen, now: Timestamp) -> Vec<Reason> {
    let mut reasons: Vec<_> = (item.pending.iter())
        .map(|field| {
            let observed = format!("done, and still pending: {}", field.value);
            Reason::closed(observed, field.line, "Show it and take the line out, or set the status back.")
        })
        .collect();
    for evidence in item.paths() {
        let artefact = seen.artefact(evidence);
        if artefact.files.is_empty() {
            let observed = format!("done, and the evidence in line {} is not there", evidence.line);
            reasons.push(Reason::closed(observed, evidence.line, "Write it, or correct the path."));
        }
        for file in &artefact.files {
            let Page::Evidence { verification, record } = &file.page else { continue };
            let judged = record
                .iter()
                .flat_map(|record| [verdict(&file.path, record), freshness(&file.path, record, now)]);
            for finding in std::iter::once((**verification).clone()).chain(judged) {
                if matches!(finding.outcome, Outcome::Failed | Outcome::Inconclusive) {
                    reasons.push(Reason {
                        outcome: finding.outcome,
                        observed: format!("done, and {}: {}", file.path, finding.observed),
                        line: evidence.line,
                        remedy: finding.remedy.into_owned(),
                    });
                }
            }
        }
    }
    reasons
}

/// What a rule about the artefacts of an item that must be done has found.
fn rule_reason(item: &Item, finding: &Finding) -> Option<Reason> {
    let outcome = match finding.outcome.verdict()? {
        Verdict::Failed => Outcome::Failed,
        Verdict::Inconclusive => Outcome::Inconclusive,
        Verdict::Passed | Verdict::Warned => return None,
    };
    let place = finding.location.as_ref().map_or_else(String::new, |place| {
        let line = place.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: ", place.path)
    });
    let is_place = finding.location.as_ref().is_some_and(|place| place.path == finding.subject);
    let subject = if is_place { String::new() } else { format!("{}: ", finding.subject) };
    Some(Reason {
        outcome,
        observed: format!("{place}{subject}{}", finding.observed),
        line: item.line,
        remedy: finding.remedy.clone().into_owned(),
    })
}

fn need_reason(item: &Item, need: Need, seen: &Seen) -> Option<Reason> {
    let missing = match need {
        Need::Owner if item.owner.is_none() => "no owner",
        Need::Target if item.target.is_none() => "no target, so no timeline",
        Need::EvidenceLinks if item.paths().count() == 0 => "no evidence link",
        Need::EvidenceLinks if item.paths().all(|evidence| seen.artefact(evidence).files.is_empty()) => {
            "evidence links, but none of them leads to a file"
        }
        _ => return None,
    };
    Some(Reason::closed(missing, item.line, "Add it to the item."))
}
