//! One request to a service, or to each of its nodes, and what its answer must be.

use std::{net::SocketAddr, time::Duration};

use evidence_report::record::{Decimal, Finding, Measurement, Objective};

use super::{
    answer::{expectation, fault},
    checks::PROBE_PHASE,
    nodes::{self, troubled},
};
use crate::{
    checks::{PROBE_HTTP, PROBE_LATENCY},
    config::Values,
    plan::{HttpProbe, Request},
    wire::{Answer, Ask, Phases, Place, Redirects, Trouble, Wire},
};

/// So much of a body is read.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// What each node said; one without an address where the nodes are not told apart.
pub(crate) type Answers = Vec<(Option<SocketAddr>, Result<Answer, Trouble>)>;

/// Asks the service, or each of its nodes.
pub(crate) async fn observe(wire: &Wire, probe: &HttpProbe) -> Answers {
    let none = Values::new();
    let request = &probe.request;
    let Some(place) = Place::of(&probe.url.0) else {
        return vec![(None, Err(Trouble::talk("the URL names no host")))];
    };
    match nodes::behind(wire, &place, probe.every_node.is_some(), request.timeout).await {
        Err(trouble) => vec![(None, Err(trouble))],
        Ok(found) => {
            let asked = found.into_iter().map(async |node| (node, ask(wire, request, node, &none).await));
            futures_util::future::join_all(asked).await
        }
    }
}

/// Sends a request with these values in it.
pub(crate) async fn ask(
    wire: &Wire,
    request: &Request,
    node: Option<SocketAddr>,
    values: &Values,
) -> Result<Answer, Trouble> {
    let filled = request.fill(values).map_err(Trouble::talk)?;
    let redirects = if request.follow_redirects { Redirects::Follow } else { Redirects::Answer };
    wire.ask(Ask {
        method: &request.method.0,
        url: &filled.url,
        headers: &filled.headers,
        body: filled.body.as_deref(),
        redirects,
        node,
        timeout: request.timeout,
        limit: BODY_LIMIT,
    })
    .await
}

/// Judges the answers.
pub(crate) fn assess(probe: &HttpProbe, answers: &Answers) -> (Vec<Finding>, Vec<Measurement>) {
    let whole = format!("{}: {} {}", probe.name, probe.request.method.0, probe.url);
    let (mut findings, mut measurements) = (Vec::new(), Vec::new());
    if let Some(wanted) = probe.every_node {
        let found = answers.iter().filter(|(node, _)| node.is_some()).count();
        findings.push(nodes::enough(&whole, wanted, found));
    }
    for (node, answer) in answers {
        let subject = nodes::subject(&whole, *node);
        let expected = expectation(&probe.expected);
        let answer = match answer {
            Ok(answer) => answer,
            Err(trouble) => {
                findings.push(troubled(&PROBE_HTTP, &subject, trouble).expected(expected));
                continue;
            }
        };
        let finding = match fault(&probe.expected, answer, &Values::new()) {
            Some(fault) => PROBE_HTTP.failed(&subject).observed(fault),
            None => PROBE_HTTP.passed(&subject).observed(format!("status {}", answer.status)),
        };
        findings.push(finding.expected(expected));
        let label = |measurement: Measurement| {
            let measurement = measurement.label("probe", &probe.name);
            node.map_or(measurement.clone(), |node| measurement.label("node", node.to_string()))
        };
        let (latency, measured) = latency(&subject, probe.latency, answer.took, &answer.phases);
        findings.extend(latency);
        measurements.push(label(measured));
        let (slow, measured) = phases(&subject, probe, &answer.phases);
        findings.extend(slow);
        measurements.extend(measured.into_iter().map(label));
    }
    (findings, measurements)
}

/// The time that an answer took against its objective.
pub(crate) fn latency(
    subject: &str,
    objective: Option<Duration>,
    took: Duration,
    phases: &Phases,
) -> (Option<Finding>, Measurement) {
    let seconds = took.as_secs_f64();
    let measurement = Measurement::seconds("probe_duration_seconds", seconds);
    let Some(objective) = objective else { return (None, measurement) };
    let measurement = measurement.objective(Objective::AtMost(Decimal::new(objective.as_secs_f64(), 3)));
    let within = took <= objective;
    let finding = if within { PROBE_LATENCY.passed(subject) } else { PROBE_LATENCY.failed(subject) };
    let split = phases
        .named()
        .iter()
        .filter(|(_, took)| !took.is_zero())
        .fold(String::new(), |words, (name, took)| format!("{words}; {name} {:.3} s", took.as_secs_f64()));
    let finding = finding.expected(format!("at most {} s", objective.as_secs_f64())).observed(if within {
        format!("{seconds:.3} s")
    } else {
        format!("{seconds:.3} s{split}")
    });
    (Some(finding), measurement)
}

/// Single phases against their objectives.
fn phases(subject: &str, probe: &HttpProbe, phases: &Phases) -> (Vec<Finding>, Vec<Measurement>) {
    let limits = probe.phases;
    let limited = [
        ("resolve", limits.resolve, phases.resolve),
        ("connect", limits.connect, phases.connect),
        ("tls", limits.tls, phases.tls),
        ("processing", limits.first_byte, phases.first_byte),
    ];
    let limited = limited.into_iter().filter_map(|(name, limit, took)| Some((name, limit?.0, took)));
    limited
        .map(|(name, limit, took)| {
            let subject = format!("{subject}, {name}");
            let within = took <= limit;
            let finding = if within { PROBE_PHASE.passed(subject) } else { PROBE_PHASE.failed(subject) };
            let seconds = took.as_secs_f64();
            let finding = finding
                .expected(format!("at most {} s", limit.as_secs_f64()))
                .observed(format!("{seconds:.3} s"));
            let measurement = Measurement::seconds("probe_http_duration_seconds", seconds)
                .label("phase", name)
                .objective(Objective::AtMost(Decimal::new(limit.as_secs_f64(), 3)));
            (finding, measurement)
        })
        .unzip()
}
