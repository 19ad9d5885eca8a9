//! What a run owes by its plan: the checks without which it is no pass, whatever became of their observation.

use evidence_report::record::Check;

use crate::{
    checks::{
        METRICS_ABSENT, METRICS_CONTENT_TYPE, METRICS_INGESTED, METRICS_SCRAPE, METRICS_SERIES,
        METRICS_VALID, PROBE_HTTP, PROBE_LATENCY, PROMETHEUS_QUERY, PROMETHEUS_READY, PROMETHEUS_RULES,
        PROMETHEUS_TARGETS,
    },
    config::Reach,
    plan::Plan,
    probes::checks::{ALERTMANAGER_READY, PROBE_BLOCKED, PROBE_TCP, PROBE_WEBSOCKET},
};

/// Of a run: what each kind of thing that the plan names is asked.
pub(crate) fn by_run(plan: &Plan) -> Vec<&'static Check> {
    let series = || plan.metrics.iter().flat_map(|probe| &probe.series);
    let ports = |reach| plan.tcp.iter().any(|probe| probe.config.expect == reach);
    let owed: [(bool, &[&'static Check]); 11] = [
        (!plan.http.is_empty() || !plan.flows.is_empty(), &[&PROBE_HTTP]),
        (ports(Reach::Open), &[&PROBE_TCP]),
        (ports(Reach::Blocked), &[&PROBE_BLOCKED]),
        (!plan.websocket.is_empty(), &[&PROBE_WEBSOCKET]),
        (!plan.alertmanager.is_empty(), &[&ALERTMANAGER_READY]),
        (plan.http.iter().any(|probe| probe.latency.is_some()), &[&PROBE_LATENCY]),
        (
            !plan.metrics.is_empty(),
            &[&METRICS_SCRAPE, &METRICS_CONTENT_TYPE, &METRICS_VALID, &METRICS_INGESTED],
        ),
        (series().any(|series| !series.absent), &[&METRICS_SERIES]),
        (series().any(|series| series.absent), &[&METRICS_ABSENT]),
        (!plan.prometheus.is_empty(), &[&PROMETHEUS_READY, &PROMETHEUS_TARGETS, &PROMETHEUS_RULES]),
        (plan.prometheus.iter().any(|probe| !probe.queries.is_empty()), &[&PROMETHEUS_QUERY]),
    ];
    owed.into_iter().filter(|(asked, _)| *asked).flat_map(|(_, checks)| checks).copied().collect()
}
