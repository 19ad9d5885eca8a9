//! Every check that the tool can make. `--explain`, the evidence file and the documentation are written from
//! this table; the drill's own part of it stands with the drill,
//! that of the further probes with them.

use evidence_report::{
    record::{Check, Tool},
    run::WAIVER,
};

use crate::{drill, probes, review};

/// A service answers as it should.
pub(crate) const PROBE_HTTP: Check = Check {
    id: "probe.http",
    title: "Service answers as expected",
    explanation: "The request is sent, and the status, the body's text and its pattern are compared with what the \
        configuration expects. A refused connection, a time-out, a loop of redirects or an answer cut off in \
        the middle is a failure of the target.",
    remedy: "Ask the service by hand with curl -v, and look at its log for the time of this run.",
};

/// A service answers in time.
pub(crate) const PROBE_LATENCY: Check = Check {
    id: "probe.latency",
    title: "Service answers in time",
    explanation: "The time from the request to the last byte of the answer is held against the objective of the \
        configuration. It holds the resolution of the name, the connection and TLS: nothing is reused.",
    remedy: "Compare with the service's own latency metrics; if only the first request is slow, look at resolution and TLS.",
};

/// A `/metrics` endpoint answers.
pub(crate) const METRICS_SCRAPE: Check = Check {
    id: "metrics.scrape",
    title: "Metrics can be scraped",
    explanation: "The endpoint is asked as Prometheus asks it (as 3 does, unless ask_as says 2), and must answer 200 with the whole exposition in time.",
    remedy: "Ask the endpoint by hand with curl -v; compare with the target's lastError in Prometheus.",
};

/// An exposition is valid by the specification.
pub(crate) const METRICS_VALID: Check = Check {
    id: "metrics.valid",
    title: "Exposition is valid by the specification",
    explanation: "The text that a target exposes is read strictly: syntax, types, duplicates, grouping, histogram and \
        summary coherence. What breaks the specification is read in one way by one reader and in another by the \
        next: alerts on those series stay silent, or lie.",
    remedy: "Correct the exporter at the line that is named; `observability-smoke metrics URL` shows every place.",
};

/// Prometheus would ingest an exposition.
pub(crate) const METRICS_INGESTED: Check = Check {
    id: "metrics.ingested",
    title: "Prometheus would ingest the exposition",
    explanation: "Prometheus' own scanner is more permissive than the specification in some places and less in others. \
        One line that it cannot read makes it drop the whole scrape, and `up` becomes 0; of a series that stands \
        twice it keeps the first sample and drops the later one. What Prometheus 3 takes and an older one (2.42) refuses is warned of.",
    remedy: "Correct the exporter at the line that is named: until then every series of this target is missing.",
};

/// Habits that hurt.
pub(crate) const METRICS_LINT: Check = Check {
    id: "metrics.lint",
    title: "Exposition keeps to good habits",
    explanation: "Valid, but it hurts sooner or later: families without HELP or TYPE, counters whose name does not end \
        with _total, counters below zero, labels that Prometheus keeps for itself, names of the series that it makes of \
        each target (up, scrape_duration_seconds, …), whose place such a sample takes.",
    remedy: "Correct the exporter when it is touched next; `lint: false` in the configuration silences the check.",
};

/// The Content-Type is one that Prometheus 3 takes.
pub(crate) const METRICS_CONTENT_TYPE: Check = Check {
    id: "metrics.content_type",
    title: "Content-Type names the format",
    explanation: "Prometheus 3 refuses a scrape whose Content-Type is missing or names no exposition format, unless \
        fallback_scrape_protocol is set; Prometheus 2 read it as its text format.",
    remedy: "Let the exporter answer with text/plain; version=0.0.4 or application/openmetrics-text; version=1.0.0.",
};

/// Required series are there, within their bounds.
pub(crate) const METRICS_SERIES: Check = Check {
    id: "metrics.series",
    title: "Required series are exposed",
    explanation: "Each series of the configuration must stand in the exposition, with its labels and type, in the \
        number that is asked for, and every value within its bounds. An alert on a series that is not exposed never fires.",
    remedy: "Compare the name and the labels with what the exporter exposes; look at what its last release renamed.",
};

/// Series that must not be there are not.
pub(crate) const METRICS_ABSENT: Check = Check {
    id: "metrics.absent",
    title: "Series that must be absent are",
    explanation: "A series that the configuration marks as absent was found: it was retired, or its presence means a fault.",
    remedy: "Find out which release or which instance still exposes it.",
};

/// Prometheus is ready.
pub(crate) const PROMETHEUS_READY: Check = Check {
    id: "prometheus.ready",
    title: "Prometheus is ready",
    explanation: "Prometheus answers /-/ready with 200 only when its storage is open and it serves queries.",
    remedy: "Look at Prometheus' log: replaying a large write-ahead log takes minutes, a damaged one forever.",
};

/// Targets are up.
pub(crate) const PROMETHEUS_TARGETS: Check = Check {
    id: "prometheus.targets",
    title: "Targets are up",
    explanation: "The active targets of each job, as Prometheus itself sees them. A job without targets has lost its \
        discovery, and no alert on `up == 0` can tell.",
    remedy: "Open Prometheus' page /targets: it names the last error of each target; for a missing job look at its service discovery.",
};

/// Rules are loaded.
pub(crate) const PROMETHEUS_RULES: Check = Check {
    id: "prometheus.rules",
    title: "Rules are loaded",
    explanation: "Each alert and recording rule that the configuration names must be loaded; without names, at least one. \
        A rule file that no rule_files pattern matches is silently not there.",
    remedy: "Compare rule_files of Prometheus' configuration with where the files lie, and reload it.",
};

/// Rules are healthy.
pub(crate) const PROMETHEUS_RULE_HEALTH: Check = Check {
    id: "prometheus.rule_health",
    title: "Rules evaluate without errors",
    explanation: "The health that Prometheus reports for each loaded rule. A rule whose evaluation fails raises no alert.",
    remedy: "Correct the expression: evaluate it on Prometheus' page /graph to see the whole error.",
};

/// An expression has the answer that is expected.
pub(crate) const PROMETHEUS_QUERY: Check = Check {
    id: "prometheus.query",
    title: "Expression answers as expected",
    explanation: "The expression is evaluated now. An empty answer has two meanings, and they are told apart: the condition \
        is false (its series exist), or there is no such series at all (a typo, a renamed metric, a dead target).",
    remedy: "Evaluate the parts of the expression on Prometheus' page /graph; a selector without series is named in the finding.",
};

const OWN: [&Check; 15] = [
    &PROBE_HTTP,
    &PROBE_LATENCY,
    &METRICS_SCRAPE,
    &METRICS_VALID,
    &METRICS_INGESTED,
    &METRICS_LINT,
    &METRICS_CONTENT_TYPE,
    &METRICS_SERIES,
    &METRICS_ABSENT,
    &PROMETHEUS_READY,
    &PROMETHEUS_TARGETS,
    &PROMETHEUS_RULES,
    &PROMETHEUS_RULE_HEALTH,
    &PROMETHEUS_QUERY,
    &WAIVER,
];

/// The tables of all parts.
const PARTS: [&[&Check]; 5] =
    [&OWN, &probes::checks::ALL, drill::checks::ALL, drill::live::checks::ALL, review::checks::ALL];

const COUNT: usize = {
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

/// The tables of all parts in one.
static ALL: [&Check; COUNT] = {
    let mut all = [OWN[0]; COUNT];
    let (mut index, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut of_part = 0;
        while of_part < PARTS[part].len() {
            all[index] = PARTS[part][of_part];
            index += 1;
            of_part += 1;
        }
        part += 1;
    }
    all
};

/// The tool.
pub(crate) static TOOL: Tool =
    Tool { name: "observability-smoke", version: env!("CARGO_PKG_VERSION"), checks: &ALL };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_every_text_says_something() {
        let mut ids: Vec<_> = TOOL.checks.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        let before = ids.len();
        ids.dedup();
        assert_eq!(before, ids.len(), "an id stands twice");
        for check in TOOL.checks {
            assert!(check.id.contains('.') && !check.title.is_empty(), "{}", check.id);
            assert!(check.explanation.len() > 40 && check.remedy.len() > 10, "{}", check.id);
        }
    }
}
