//! One request to a service, and what its answer must be.

use evidence_report::record::{Decimal, Finding, Measurement, Objective};

use crate::{
    checks::{PROBE_HTTP, PROBE_LATENCY},
    http::{Answer, Http, NoAnswer, ask},
    plan::HttpProbe,
};

/// So much of a body is read.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// Asks the service.
pub(crate) async fn observe(http: &Http, probe: &HttpProbe) -> Result<Answer, NoAnswer> {
    let (method, url, headers) = (&probe.method.0, &probe.url, &probe.headers.0);
    let request = if probe.follow_redirects {
        http.request_following(method, url, headers)
    } else {
        http.request(method, url, headers)
    };
    let request = match &probe.body {
        Some(body) => request.body(body.clone()),
        None => request,
    };
    ask(request, probe.timeout, BODY_LIMIT).await
}

/// Judges the answer.
pub(crate) fn assess(
    probe: &HttpProbe,
    answer: &Result<Answer, NoAnswer>,
) -> (Vec<Finding>, Option<Measurement>) {
    let subject = format!("{}: {} {}", probe.name, probe.method.0, probe.url);
    let expected = expectation(probe);
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            return (vec![PROBE_HTTP.failed(subject).expected(expected).observed(why.to_string())], None);
        }
    };
    let mut findings = vec![match fault(probe, answer) {
        Some(fault) => PROBE_HTTP.failed(&subject).expected(expected).observed(fault),
        None => PROBE_HTTP.passed(&subject).expected(expected).observed(format!("status {}", answer.status)),
    }];
    let seconds = answer.took.as_secs_f64();
    let measurement = Measurement::seconds("probe_duration_seconds", seconds).label("probe", &probe.name);
    let Some(objective) = probe.latency else { return (findings, Some(measurement)) };
    let measurement = measurement.objective(Objective::AtMost(Decimal::new(objective.as_secs_f64(), 3)));
    let within = answer.took <= objective;
    let finding = if within { PROBE_LATENCY.passed(&subject) } else { PROBE_LATENCY.failed(&subject) };
    let expected = format!("at most {} s", objective.as_secs_f64());
    findings.push(finding.expected(expected).observed(format!("{seconds:.3} s")));
    (findings, Some(measurement))
}

fn expectation(probe: &HttpProbe) -> String {
    let mut expected = match probe.status.to_string() {
        range if range.starts_with('a') => range,
        statuses => format!("status {statuses}"),
    };
    if let Some(text) = &probe.body_contains {
        expected.push_str(&format!(", a body with `{text}`"));
    }
    if let Some(pattern) = &probe.body_matches {
        expected.push_str(&format!(", a body that matches /{}/", pattern.0));
    }
    expected
}

/// What is wrong with the answer. Of the body nothing is shown: it may hold anything.
fn fault(probe: &HttpProbe, answer: &Answer) -> Option<String> {
    if !probe.status.allow(answer.status) {
        return Some(format!("status {}", answer.status));
    }
    let body = String::from_utf8_lossy(&answer.body);
    let size = answer.body.len();
    if probe.body_contains.as_ref().is_some_and(|text| !body.contains(text)) {
        return Some(format!("status {}, and a body of {size} bytes without that text", answer.status));
    }
    if probe.body_matches.as_ref().is_some_and(|pattern| !pattern.0.is_match(&body)) {
        return Some(format!("status {}, and a body of {size} bytes that does not match", answer.status));
    }
    None
}
