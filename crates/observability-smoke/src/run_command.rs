//! `run --config FILE`: probes, metrics, Prometheus and Alertmanager, as the configuration says.

use std::process::ExitCode;

use evidence_report::{
    record::{Finding, Measurement, Requirement},
    run::{Finished, Run, SharedFlags, print},
};
use futures_util::{StreamExt, stream};

use crate::{
    backends::{alertmanager, prometheus},
    checks::{METRICS_SCRAPE, PROBE_HTTP, PROMETHEUS_READY, TOOL},
    config::Reach,
    error::Error,
    http::Http,
    owed,
    plan::{
        AlertmanagerProbe, Flow, HttpProbe, MetricsProbe, Plan, PrometheusProbe, TcpProbe, WebSocketProbe,
    },
    probes::{
        self,
        checks::{ALERTMANAGER_READY, PROBE_BLOCKED, PROBE_TCP, PROBE_WEBSOCKET},
    },
    wire::Wire,
};

/// One thing to look at.
#[derive(Debug, Clone, Copy)]
enum Work<'a> {
    Http(&'a HttpProbe),
    Flow(&'a Flow),
    Tcp(&'a TcpProbe),
    WebSocket(&'a WebSocketProbe),
    Alertmanager(&'a AlertmanagerProbe),
    Metrics(&'a MetricsProbe),
    Prometheus(&'a PrometheusProbe),
}

/// What asks.
#[derive(Debug, Clone, Copy)]
struct Clients<'a> {
    http: &'a Http,
    wire: &'a Wire,
}

/// What came of it.
#[derive(Debug, Default)]
struct Seen {
    findings: Vec<Finding>,
    measurements: Vec<Measurement>,
    facts: Vec<(String, String)>,
}

/// Runs the command.
pub(crate) async fn execute(shared: &SharedFlags) -> Result<ExitCode, Error> {
    let plan = Plan::resolve(shared)?;
    if shared.dry_run {
        // What cannot be used is told before it is needed.
        let _ = (Http::new(plan.trust())?, Wire::new(plan.trust())?);
        let text = serde_json::to_string_pretty(&plan).unwrap_or_default();
        print(&(text + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(look_at(&plan).await?.publish()?)
}

/// What the configuration names, looked at and not published: for the self-test.
///
/// # Errors
/// When the configuration cannot be used.
pub(crate) async fn looked(shared: &SharedFlags) -> Result<Finished, Error> {
    look_at(&Plan::resolve(shared)?).await
}

async fn look_at(plan: &Plan) -> Result<Finished, Error> {
    let (http, wire) = (Http::new(plan.trust())?, Wire::new(plan.trust())?);
    let run = Run::start(&TOOL, plan.run.clone())?;
    owed::by_run(plan, &run);
    observe(plan, Clients { http: &http, wire: &wire }, &run).await;
    Ok(run.finish())
}

/// Looks at everything, so many at once as the plan says. What is not done when the run is asked to stop is
/// named as not checked.
async fn observe(plan: &Plan, clients: Clients<'_>, run: &Run) {
    let work: Vec<_> = (plan.http.iter().map(Work::Http))
        .chain(plan.flows.iter().map(Work::Flow))
        .chain(plan.tcp.iter().map(Work::Tcp))
        .chain(plan.websocket.iter().map(Work::WebSocket))
        .chain(plan.metrics.iter().map(Work::Metrics))
        .chain(plan.prometheus.iter().map(Work::Prometheus))
        .chain(plan.alertmanager.iter().map(Work::Alertmanager))
        .collect();
    let bar = run.progress().bar(work.len() as u64, "probing");
    let mut all = stream::iter(work)
        .map(|work| async move {
            match run.stop().guard(look(clients, work)).await {
                Ok(seen) => seen,
                Err(_) => Seen { findings: vec![given_up(run, work)], ..Seen::default() },
            }
        })
        .buffer_unordered(plan.concurrency);
    while let Some(seen) = all.next().await {
        run.findings(seen.findings);
        for measurement in seen.measurements {
            run.measurement(measurement);
        }
        for (name, value) in seen.facts {
            run.fact(name, value);
        }
        bar.advance(1);
    }
}

async fn look(clients: Clients<'_>, work: Work<'_>) -> Seen {
    let Clients { http, wire } = clients;
    let (findings, measurements) = match work {
        Work::Http(probe) => probes::http::assess(probe, &probes::http::observe(wire, probe).await),
        Work::Flow(flow) => probes::flow::assess(flow, &probes::flow::observe(wire, flow).await),
        Work::Tcp(probe) => probes::tcp::assess(probe, &probes::tcp::observe(wire, probe).await),
        Work::WebSocket(probe) => {
            probes::websocket::assess(probe, &probes::websocket::observe(wire, probe).await)
        }
        Work::Metrics(probe) => probes::metrics::assess(probe, &probes::metrics::observe(http, probe).await),
        Work::Prometheus(probe) => {
            let observation = prometheus::observe(http, probe).await;
            let facts = facts(
                "prometheus",
                &probe.name,
                observation.version.as_deref(),
                observation.configuration.as_deref(),
            );
            let findings = prometheus::assess(probe, &observation);
            return Seen { findings, measurements: Vec::new(), facts };
        }
        Work::Alertmanager(probe) => {
            let observation = alertmanager::observe(http, probe).await;
            let configuration = observation.configuration();
            let facts = facts("alertmanager", &probe.name, observation.version(), configuration.as_deref());
            let findings = alertmanager::assess(probe, &observation);
            return Seen { findings, measurements: Vec::new(), facts };
        }
    };
    Seen { findings, measurements, facts: Vec::new() }
}

/// What a server says about itself, for the evidence: of its configuration only a digest.
fn facts(
    what: &str,
    name: &str,
    version: Option<&str>,
    configuration: Option<&str>,
) -> Vec<(String, String)> {
    let version = version.map(|version| (format!("{what} {name}"), version.to_owned()));
    let configuration =
        configuration.map(|digest| (format!("{what} {name}, configuration"), digest.to_owned()));
    version.into_iter().chain(configuration).collect()
}

fn given_up(run: &Run, work: Work<'_>) -> Finding {
    let (check, name) = match work {
        Work::Http(probe) => (&PROBE_HTTP, &probe.name),
        Work::Flow(flow) => (&PROBE_HTTP, &flow.name),
        Work::Tcp(probe) if probe.config.expect == Reach::Blocked => (&PROBE_BLOCKED, &probe.config.name),
        Work::Tcp(probe) => (&PROBE_TCP, &probe.config.name),
        Work::WebSocket(probe) => (&PROBE_WEBSOCKET, &probe.name),
        Work::Alertmanager(probe) => (&ALERTMANAGER_READY, &probe.name),
        Work::Metrics(probe) => (&METRICS_SCRAPE, &probe.name),
        Work::Prometheus(probe) => (&PROMETHEUS_READY, &probe.name),
    };
    let reason = run.stop().reason().map_or("the run was asked to stop".to_owned(), ToString::to_string);
    check
        .not_checked(Requirement::Required, name, format!("not done before the run ended: {reason}"))
        .remedy("Run again, with more time (--timeout) if it was the deadline.")
}
