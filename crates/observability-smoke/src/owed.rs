//! What a run owes by its plan: the checks without which it is no pass, whatever became of their observation. One
//! function a kind of thing that the plan names.

use evidence_report::{record::Check, run::Run};

use crate::{
    backends::{alertmanager, prometheus},
    checks::{
        METRICS_ABSENT, METRICS_CONTENT_TYPE, METRICS_INGESTED, METRICS_LINT, METRICS_SCRAPE, METRICS_SERIES,
        METRICS_VALID, PROBE_HTTP, PROBE_LATENCY,
    },
    config::Reach,
    plan::{Flow, HttpProbe, MetricsProbe, Plan, RequiredSeries, TcpProbe, WebSocketProbe},
    probes::checks::{
        METRICS_CARDINALITY, METRICS_COST, METRICS_COUNTERS, METRICS_FRESHNESS, METRICS_RISING,
        METRICS_TIMESTAMPS, PROBE_BLOCKED, PROBE_CAPTURE, PROBE_CORRELATION, PROBE_ECHO, PROBE_NODES,
        PROBE_PHASE, PROBE_TCP, PROBE_WEBSOCKET,
    },
};

type Owed = Vec<&'static Check>;

/// Of a run: what each kind of thing that the plan names is asked.
pub(crate) fn by_run(plan: &Plan, run: &Run) {
    run.owes(plan.http.iter().flat_map(http));
    run.owes(plan.flows.iter().flat_map(flow));
    run.owes(plan.tcp.iter().flat_map(tcp));
    run.owes(plan.websocket.iter().flat_map(websocket));
    run.owes(plan.metrics.iter().flat_map(metrics));
    run.owes(plan.prometheus.iter().flat_map(prometheus::asked_for));
    run.owes(plan.alertmanager.iter().flat_map(alertmanager::asked_for));
    if plan.metrics.iter().any(|probe| probe.lint) {
        run.owes_beside(&METRICS_VALID, [&METRICS_LINT]);
    }
}

/// Of an exposition that is read by itself: both verdicts; and of one that is valid, whether it keeps to good habits.
pub(crate) fn by_exposition(run: &Run) {
    run.owes([&METRICS_VALID, &METRICS_INGESTED]);
    run.owes_beside(&METRICS_VALID, [&METRICS_LINT]);
}

/// Those of the table that are asked for.
fn asked(table: impl IntoIterator<Item = (bool, &'static Check)>) -> Owed {
    table.into_iter().filter(|(asked, _)| *asked).map(|(_, check)| check).collect()
}

fn http(probe: &HttpProbe) -> Owed {
    let limits = &probe.phases;
    let phases = [limits.resolve, limits.connect, limits.tls, limits.first_byte];
    asked([
        (true, &PROBE_HTTP),
        (probe.latency.is_some(), &PROBE_LATENCY),
        (phases.iter().any(Option::is_some), &PROBE_PHASE),
        (probe.every_node.is_some(), &PROBE_NODES),
    ])
}

fn flow(flow: &Flow) -> Owed {
    let timed = flow.latency.is_some() || flow.steps.iter().any(|step| step.latency.is_some());
    asked([
        (true, &PROBE_HTTP),
        (timed, &PROBE_LATENCY),
        (flow.steps.iter().any(|step| !step.capture.is_empty()), &PROBE_CAPTURE),
        (!flow.found_in.is_empty(), &PROBE_CORRELATION),
    ])
}

fn tcp(probe: &TcpProbe) -> Owed {
    let open = probe.config.expect == Reach::Open;
    let timed = open && probe.config.latency.is_some();
    asked([(open, &PROBE_TCP), (!open, &PROBE_BLOCKED), (timed, &PROBE_LATENCY)])
}

/// Whoever is let in is talked to.
fn websocket(probe: &WebSocketProbe) -> Owed {
    let talks = !probe.refused;
    asked([
        (true, &PROBE_WEBSOCKET),
        (talks, &PROBE_ECHO),
        (talks && probe.latency.is_some(), &PROBE_LATENCY),
    ])
}

fn metrics(probe: &MetricsProbe) -> Owed {
    let (budget, twice) = (&probe.budget, probe.again_after.is_some());
    let any = |wanted: fn(&RequiredSeries) -> bool| probe.series.iter().any(wanted);
    let counted =
        budget.series.is_some() || budget.series_per_name.is_some() || !budget.label_values.is_empty();
    asked([
        (true, &METRICS_SCRAPE),
        (true, &METRICS_CONTENT_TYPE),
        (true, &METRICS_VALID),
        (true, &METRICS_INGESTED),
        (true, &METRICS_TIMESTAMPS),
        (any(|series| !series.absent), &METRICS_SERIES),
        (any(|series| series.absent), &METRICS_ABSENT),
        (any(|series| !series.absent && series.max_age.is_some()), &METRICS_FRESHNESS),
        (twice, &METRICS_COUNTERS),
        (twice && any(|series| series.must_rise), &METRICS_RISING),
        (counted, &METRICS_CARDINALITY),
        (budget.bytes.is_some() || budget.duration.is_some(), &METRICS_COST),
    ])
}
