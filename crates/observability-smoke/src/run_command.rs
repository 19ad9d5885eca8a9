//! `run --config FILE`: probes, metrics and Prometheus, as the configuration says.

use std::process::ExitCode;

use evidence_report::{
    record::{Finding, Measurement, Requirement},
    run::{Run, SharedFlags, print},
};
use futures_util::{StreamExt, stream};

use crate::{
    backends::prometheus,
    checks::{METRICS_SCRAPE, PROBE_HTTP, PROMETHEUS_READY, TOOL},
    error::Error,
    http::Http,
    owed,
    plan::{HttpProbe, MetricsProbe, Plan, PrometheusProbe},
    probes,
};

/// One thing to look at.
#[derive(Debug, Clone, Copy)]
enum Work<'a> {
    Http(&'a HttpProbe),
    Metrics(&'a MetricsProbe),
    Prometheus(&'a PrometheusProbe),
}

/// What came of it.
#[derive(Debug, Default)]
struct Seen {
    findings: Vec<Finding>,
    measurements: Vec<Measurement>,
    fact: Option<(String, String)>,
}

/// Runs the command.
pub(crate) async fn execute(shared: &SharedFlags) -> Result<ExitCode, Error> {
    let plan = Plan::resolve(shared)?;
    let http = Http::new(plan.trust())?;
    if shared.dry_run {
        let text = serde_json::to_string_pretty(&plan).unwrap_or_default();
        print(&(text + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = Run::start(&TOOL, plan.run.clone())?;
    run.owes(owed::by_run(&plan));
    observe(&plan, &http, &run).await;
    Ok(run.finish().publish()?)
}

/// Looks at everything, so many at once as the plan says. What is not done when the run is asked to stop is
/// named as not checked.
async fn observe(plan: &Plan, http: &Http, run: &Run) {
    let work = (plan.http.iter().map(Work::Http))
        .chain(plan.metrics.iter().map(Work::Metrics))
        .chain(plan.prometheus.iter().map(Work::Prometheus));
    let total = plan.http.len() + plan.metrics.len() + plan.prometheus.len();
    let bar = run.progress().bar(total as u64, "probing");
    let mut all = stream::iter(work)
        .map(|work| async move {
            match run.stop().guard(look(http, work)).await {
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
        if let Some((name, value)) = seen.fact {
            run.fact(name, value);
        }
        bar.advance(1);
    }
}

async fn look(http: &Http, work: Work<'_>) -> Seen {
    match work {
        Work::Http(probe) => {
            let (findings, measurement) =
                probes::http::assess(probe, &probes::http::observe(http, probe).await);
            Seen { findings, measurements: measurement.into_iter().collect(), fact: None }
        }
        Work::Metrics(probe) => {
            let scrape = probes::metrics::observe(http, probe).await;
            let (findings, measurements) = probes::metrics::assess(probe, &scrape);
            Seen { findings, measurements, fact: None }
        }
        Work::Prometheus(probe) => {
            let observation = prometheus::observe(http, probe).await;
            let fact =
                observation.version.clone().map(|version| (format!("prometheus {}", probe.name), version));
            Seen { findings: prometheus::assess(probe, &observation), measurements: Vec::new(), fact }
        }
    }
}

fn given_up(run: &Run, work: Work<'_>) -> Finding {
    let (check, name) = match work {
        Work::Http(probe) => (&PROBE_HTTP, &probe.name),
        Work::Metrics(probe) => (&METRICS_SCRAPE, &probe.name),
        Work::Prometheus(probe) => (&PROMETHEUS_READY, &probe.name),
    };
    let reason = run.stop().reason().map_or("the run was asked to stop".to_owned(), ToString::to_string);
    check
        .not_checked(Requirement::Required, name, format!("not done before the run ended: {reason}"))
        .remedy("Run again, with more time (--timeout) if it was the deadline.")
}
