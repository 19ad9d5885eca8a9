//! What `run` will do: validated and complete. `--dry-run` prints it; past this point everything is valid.
//! Files with secrets are read here, and shown nowhere.

mod access;
mod alertmanager;
mod flow;
mod http;
mod metrics;
mod prometheus;
mod request;
mod sockets;
mod written;

use std::{path::PathBuf, time::Duration};

use evidence_report::run::{Defaults, Settings, SharedFlags, Usage, read_config};
use serde::{Serialize, Serializer};

use crate::{config::Config, error::Error, http::Trust};

pub(crate) use access::{Headers, headers};
pub(crate) use alertmanager::AlertmanagerProbe;
pub(crate) use flow::{Find, Flow, Step};
pub(crate) use http::HttpProbe;
pub(crate) use metrics::{Budget, MetricsProbe, RequiredSeries};
pub(crate) use prometheus::PrometheusProbe;
pub(crate) use request::{Expected, Request};
pub(crate) use sockets::{TcpProbe, WebSocketProbe};
use written::Written;

const DEFAULTS: Defaults = Defaults {
    title: "Observability smoke report",
    evidence_name: Some("observability_local_smoke_report.md"),
    tracker_items: &[1],
    timeout: Duration::from_secs(5 * 60),
    valid_for: Duration::from_secs(7 * 24 * 3600),
};

/// How long one request may take when nobody says.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What `run` will do.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) run: Settings,
    pub(crate) concurrency: usize,
    pub(crate) roots: Option<PathBuf>,
    pub(crate) http: Vec<HttpProbe>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) tcp: Vec<TcpProbe>,
    pub(crate) websocket: Vec<WebSocketProbe>,
    pub(crate) metrics: Vec<MetricsProbe>,
    pub(crate) prometheus: Vec<PrometheusProbe>,
    pub(crate) alertmanager: Vec<AlertmanagerProbe>,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{} s", duration.as_secs_f64()))
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn optional_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => seconds(duration, serializer),
        None => serializer.serialize_none(),
    }
}

impl Plan {
    /// Flags and configuration become a plan.
    pub(crate) fn resolve(flags: &SharedFlags) -> Result<Self, Error> {
        let path = flags.config.as_ref().ok_or_else(|| {
            Usage("run needs --config FILE; `--print-schema` prints what may stand in it".to_owned())
        })?;
        let config: Config = read_config(path)?;
        let nothing = config.http.is_empty()
            && config.flows.is_empty()
            && config.tcp.is_empty()
            && config.websocket.is_empty()
            && config.metrics.is_empty()
            && config.prometheus.is_empty()
            && config.alertmanager.is_empty();
        if nothing {
            let message = format!(
                "{} names nothing to check under http, flows, tcp, websocket, metrics, prometheus or alertmanager",
                path.display()
            );
            return Err(Usage(message).into());
        }
        let run = Settings::resolve(flags, &config.run, &DEFAULTS)?;
        let timeout = config.timeout.map_or(REQUEST_TIMEOUT, |timeout| timeout.0);
        let written = Written::at(path);
        Ok(Self {
            run,
            concurrency: config.concurrency.0,
            roots: config.roots,
            http: written.each("http", config.http, |one| &one.name, |one| http::http_probe(one, timeout))?,
            flows: written.each("flows", config.flows, |one| &one.name, |one| flow::flow(one, timeout))?,
            tcp: written.each("tcp", config.tcp, |one| &one.name, sockets::tcp_probe)?,
            websocket: written.each(
                "websocket",
                config.websocket,
                |one| &one.name,
                |one| sockets::websocket_probe(one, timeout),
            )?,
            metrics: written.each(
                "metrics",
                config.metrics,
                |one| &one.name,
                |one| metrics::metrics_probe(one, timeout),
            )?,
            prometheus: written.each(
                "prometheus",
                config.prometheus,
                |one| &one.name,
                |one| prometheus::prometheus_probe(one, timeout),
            )?,
            alertmanager: written.each(
                "alertmanager",
                config.alertmanager,
                |one| &one.name,
                |one| alertmanager::alertmanager_probe(one, timeout),
            )?,
        })
    }

    /// Whom TLS trusts.
    pub(crate) fn trust(&self) -> Trust<'_> {
        let urls = (self.http.iter().map(|probe| &probe.url))
            .chain(self.metrics.iter().map(|probe| &probe.url))
            .chain(self.prometheus.iter().map(|probe| &probe.url))
            .chain(self.alertmanager.iter().map(|probe| &probe.url));
        let steps = self.flows.iter().flat_map(|flow| {
            flow.steps.iter().map(|step| &step.request).chain(flow.found_in.iter().map(|find| &find.request))
        });
        // A redirect may lead to TLS although no URL says so.
        let may_need_tls = urls.into_iter().any(|url| url.0.scheme() == "https")
            || self.websocket.iter().any(|probe| probe.url.0.scheme() == "wss")
            || self.http.iter().map(|probe| &probe.request).chain(steps).any(Request::may_need_tls);
        match &self.roots {
            Some(path) => Trust::File(path),
            None if may_need_tls => Trust::System,
            None => Trust::Nobody,
        }
    }
}
