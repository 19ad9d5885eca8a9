//! What a run owes by its plan: the checks without which it is no pass, whatever became of their observation.

use evidence_report::record::Check;

use crate::{
    checks::{
        METRICS_ABSENT, METRICS_CONTENT_TYPE, METRICS_INGESTED, METRICS_SCRAPE, METRICS_SERIES,
        METRICS_VALID, PROBE_HTTP, PROBE_LATENCY, PROMETHEUS_QUERY, PROMETHEUS_READY, PROMETHEUS_RULES,
        PROMETHEUS_TARGETS,
    },
    plan::Plan,
};

/// Of a run: what each kind of thing that the plan names is asked.
pub(crate) fn by_run(plan: &Plan) -> Vec<&'static Check> {
    let series = || plan.metrics.iter().flat_map(|probe| &probe.series);
    let owed: [(bool, &[&'static Check]); 7] = [
        (!plan.http.is_empty(), &[&PROBE_HTTP]),
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
