//! Judges a flow. Pure.

use evidence_report::record::{Decimal, Finding, Measurement, Objective, Requirement};

use super::{FoundSeen, Seen, StepSeen};
use crate::{
    checks::{PROBE_HTTP, PROBE_LATENCY},
    plan::{Find, Flow, Step},
    probes::{
        answer::expectation,
        checks::{PROBE_CAPTURE, PROBE_CORRELATION},
        http::latency,
        nodes::troubled,
        reading::counted,
    },
};

/// Judges what was seen.
pub(crate) fn assess(flow: &Flow, seen: &Seen) -> (Vec<Finding>, Vec<Measurement>) {
    let (mut findings, mut measurements) = (Vec::new(), Vec::new());
    for (index, step) in flow.steps.iter().enumerate() {
        let subject = format!("{}, {}: {}", flow.name, step.name, step.request.method.0);
        match seen.steps.get(index) {
            Some(seen) => {
                let (of_step, measured) = assess_step(&subject, step, seen);
                findings.extend(of_step);
                measurements.extend(
                    measured.map(|measured| measured.label("probe", &flow.name).label("step", &step.name)),
                );
            }
            None => findings.push(PROBE_HTTP.not_checked(
                Requirement::Required,
                subject,
                "not asked: the request before it was not answered as expected",
            )),
        }
    }
    let complete = seen.steps.len() == flow.steps.len() && seen.steps.iter().all(StepSeen::is_good);
    if let Some(objective) = flow.latency.filter(|_| complete) {
        let within = seen.took <= objective;
        let finding =
            if within { PROBE_LATENCY.passed(&flow.name) } else { PROBE_LATENCY.failed(&flow.name) };
        let expected = format!("all requests in at most {} s", objective.as_secs_f64());
        findings.push(finding.expected(expected).observed(format!("{:.3} s", seen.took.as_secs_f64())));
    }
    for (index, find) in flow.found_in.iter().enumerate() {
        let subject = format!("{} in {}", flow.name, find.name);
        match seen.found.get(index) {
            Some(found) => {
                let (finding, measured) = assess_found(subject, find, found);
                findings.push(finding);
                let labelled =
                    |measured: Measurement| measured.label("probe", &flow.name).label("backend", &find.name);
                measurements.extend(measured.map(labelled));
            }
            None => findings.push(PROBE_CORRELATION.not_checked(
                Requirement::Required,
                subject,
                "not searched for: the flow's requests were not all answered as expected",
            )),
        }
    }
    (findings, measurements)
}

impl StepSeen {
    fn is_good(&self) -> bool {
        self.answer.is_ok() && self.fault.is_none() && self.not_captured.is_none()
    }
}

fn assess_step(subject: &str, step: &Step, seen: &StepSeen) -> (Vec<Finding>, Option<Measurement>) {
    let expected = expectation(&step.expected);
    let answer = match &seen.answer {
        Ok(answer) => answer,
        Err(trouble) => return (vec![troubled(&PROBE_HTTP, subject, trouble).expected(expected)], None),
    };
    if let Some(fault) = &seen.fault {
        return (vec![PROBE_HTTP.failed(subject).expected(expected).observed(fault)], None);
    }
    let answered =
        PROBE_HTTP.passed(subject).expected(expected).observed(format!("status {}", answer.status));
    let mut findings = vec![answered];
    if !step.capture.is_empty() {
        let names: Vec<_> = step.capture.keys().map(String::as_str).collect();
        let finding = match &seen.not_captured {
            Some(name) => PROBE_CAPTURE.failed(subject).observed(format!("nothing for {name}")),
            None => PROBE_CAPTURE.passed(subject).observed("captured"),
        };
        findings.push(finding.expected(format!("a value for {}", names.join(", "))));
    }
    let (slow, measurement) = latency(subject, step.latency, answer.took, &answer.phases);
    findings.extend(slow);
    (findings, Some(measurement))
}

fn assess_found(subject: String, find: &Find, found: &FoundSeen) -> (Finding, Option<Measurement>) {
    let within = find.within.as_secs_f64();
    let least = find.at_least as u64;
    let expected = format!("{} with this run's id within {within} s", counted(least, "entry", "entries"));
    let after = found.after.as_secs_f64();
    let asked = counted(found.asked, "question", "questions");
    match &found.entries {
        Ok(entries) if *entries >= find.at_least => {
            let seen = counted(*entries as u64, "entry", "entries");
            let finding = PROBE_CORRELATION
                .passed(subject)
                .expected(expected)
                .observed(format!("{seen} after {after:.1} s ({asked})"));
            let measurement = Measurement::seconds("probe_correlation_seconds", after)
                .objective(Objective::AtMost(Decimal::new(within, 3)));
            (finding, Some(measurement))
        }
        Ok(entries) => {
            let seen = counted(*entries as u64, "entry", "entries");
            let observed = format!("{seen} after {after:.1} s ({asked})");
            (PROBE_CORRELATION.failed(subject).expected(expected).observed(observed), None)
        }
        Err(why) => {
            let observed = format!("no answer to count in after {after:.1} s ({asked}): {why}");
            (PROBE_CORRELATION.failed(subject).expected(expected).observed(observed), None)
        }
    }
}
