//! What `run` will do: validated and complete. `--dry-run` prints it; past this point everything is valid.
//! Files with secrets are read here, and shown nowhere.

mod requests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use evidence_report::run::{Defaults, Settings, SharedFlags, Usage, read_config};
use reqwest::header::HeaderMap;
use serde::{Serialize, Serializer};

use crate::{
    config::{
        BasicAuth, Config, HeaderName, JobConfig, MetricsConfig, PrometheusConfig, QueryConfig, RulesConfig,
        SeriesConfig, Url, Version,
    },
    error::Error,
    exposition::Kind,
    http::{Trust, basic_from_file, header, header_from_file},
    rules::manifest::{self, Group},
};

pub(crate) use requests::{
    AlertmanagerProbe, Expected, Find, Flow, HttpProbe, Request, Step, TcpProbe, WebSocketProbe,
};

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

/// Headers of a request. Only their names are ever shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(pub(crate) HeaderMap);

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.keys().map(reqwest::header::HeaderName::as_str))
    }
}

/// A `/metrics` endpoint, and what must be found there.
#[derive(Debug, Serialize)]
pub(crate) struct MetricsProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
    pub(crate) lint: bool,
    pub(crate) series: Vec<RequiredSeries>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) again_after: Option<Duration>,
    pub(crate) budget: Budget,
}

/// What a scrape may cost at most.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Budget {
    pub(crate) series: Option<u64>,
    pub(crate) series_per_name: Option<u64>,
    pub(crate) label_values: BTreeMap<String, u64>,
    pub(crate) bytes: Option<u64>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) duration: Option<Duration>,
}

/// Series of one name, and what must be true of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RequiredSeries {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, Option<String>>,
    pub(crate) absent: bool,
    #[serde(serialize_with = "optional_kind")]
    pub(crate) kind: Option<Kind>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) at_least: u64,
    pub(crate) at_most: Option<u64>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) max_age: Option<Duration>,
    pub(crate) must_rise: bool,
    pub(crate) exemplars: bool,
}

/// A Prometheus server, and what must be true of it.
#[derive(Debug, Serialize)]
pub(crate) struct PrometheusProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
    pub(crate) jobs: Vec<JobConfig>,
    pub(crate) rules: RulesConfig,
    #[serde(skip)]
    pub(crate) manifest: Option<Vec<Group>>,
    pub(crate) queries: Vec<QueryConfig>,
    pub(crate) min_version: Option<Version>,
    pub(crate) alertmanagers: Option<u64>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) watch: Option<Duration>,
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

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn optional_kind<S: Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    match kind {
        Some(kind) => serializer.collect_str(kind),
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
        named_apart("http", config.http.iter().map(|probe| &probe.name))?;
        named_apart("flows", config.flows.iter().map(|probe| &probe.name))?;
        named_apart("tcp", config.tcp.iter().map(|probe| &probe.name))?;
        named_apart("websocket", config.websocket.iter().map(|probe| &probe.name))?;
        named_apart("alertmanager", config.alertmanager.iter().map(|probe| &probe.name))?;
        named_apart("metrics", config.metrics.iter().map(|probe| &probe.name))?;
        named_apart("prometheus", config.prometheus.iter().map(|probe| &probe.name))?;
        let run = Settings::resolve(flags, &config.run, &DEFAULTS)?;
        let timeout = config.timeout.map_or(REQUEST_TIMEOUT, |timeout| timeout.0);
        Ok(Self {
            run,
            concurrency: config.concurrency.0,
            roots: config.roots,
            http: config
                .http
                .into_iter()
                .map(|probe| requests::http_probe(probe, timeout))
                .collect::<Result<_, _>>()?,
            flows: config
                .flows
                .into_iter()
                .map(|flow| requests::flow(flow, timeout))
                .collect::<Result<_, _>>()?,
            tcp: config.tcp.into_iter().map(requests::tcp_probe).collect::<Result<_, _>>()?,
            websocket: config
                .websocket
                .into_iter()
                .map(|probe| requests::websocket_probe(probe, timeout))
                .collect::<Result<_, _>>()?,
            alertmanager: config
                .alertmanager
                .into_iter()
                .map(|probe| requests::alertmanager_probe(probe, timeout))
                .collect::<Result<_, _>>()?,
            metrics: config
                .metrics
                .into_iter()
                .map(|probe| metrics_probe(probe, timeout))
                .collect::<Result<_, _>>()?,
            prometheus: config
                .prometheus
                .into_iter()
                .map(|probe| prometheus_probe(probe, timeout))
                .collect::<Result<_, _>>()?,
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

/// Names tell the findings apart: none may stand twice.
fn named_apart<'a>(list: &str, names: impl Iterator<Item = &'a String>) -> Result<(), Usage> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.trim().is_empty() || !seen.insert(name) {
            let message =
                format!("under {list} in the configuration the name '{name}' is empty or stands twice");
            return Err(Usage(message));
        }
    }
    Ok(())
}

fn metrics_probe(config: MetricsConfig, timeout: Duration) -> Result<MetricsProbe, Error> {
    if config.again_after.is_none()
        && let Some(series) = config.series.iter().find(|series| series.must_rise)
    {
        let message = format!(
            "the series {} of {} must rise, and again_after does not say when to look again",
            series.name.0, config.name
        );
        return Err(Usage(message).into());
    }
    Ok(MetricsProbe {
        headers: headers(
            &config.headers,
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        name: config.name,
        url: config.url,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
        lint: config.lint,
        again_after: config.again_after.map(|after| after.0),
        budget: Budget {
            series: config.max_series,
            series_per_name: config.max_series_per_name,
            label_values: config.max_label_values,
            bytes: config.max_bytes,
            duration: config.max_duration.map(|duration| duration.0),
        },
        series: config.series.into_iter().map(required_series).collect::<Result<_, _>>()?,
    })
}

fn required_series(config: SeriesConfig) -> Result<RequiredSeries, Error> {
    let name = config.name.0;
    let contradiction = if config.absent {
        let asks = config.min.is_some()
            || config.max.is_some()
            || config.at_least.is_some()
            || config.at_most.is_some()
            || config.max_age.is_some()
            || config.must_rise
            || config.exemplars;
        asks.then_some("is absent, and has bounds")
    } else if config.min.zip(config.max).is_some_and(|(min, max)| min > max) {
        Some("has a min above its max")
    } else if config.at_most.is_some_and(|most| most < config.at_least.unwrap_or(1)) {
        Some("has an at_most below its at_least")
    } else {
        None
    };
    if let Some(contradiction) = contradiction {
        return Err(Usage(format!(
            "the series {name} in the configuration {contradiction}; one of them can never be met"
        ))
        .into());
    }
    Ok(RequiredSeries {
        name,
        labels: config.labels,
        absent: config.absent,
        kind: config.kind.map(Into::into),
        min: config.min,
        max: config.max,
        at_least: config.at_least.unwrap_or(1),
        at_most: config.at_most,
        max_age: config.max_age.map(|age| age.0),
        must_rise: config.must_rise,
        exemplars: config.exemplars,
    })
}

fn prometheus_probe(config: PrometheusConfig, timeout: Duration) -> Result<PrometheusProbe, Error> {
    let manifest = match config.rules.manifests.as_slice() {
        [] => None,
        paths => Some(read_manifests(paths)?),
    };
    Ok(PrometheusProbe {
        headers: headers(
            &config.headers,
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        manifest,
        name: config.name,
        url: config.url,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
        jobs: config.jobs,
        rules: config.rules,
        queries: config.queries,
        min_version: config.min_version,
        alertmanagers: config.alertmanagers,
        watch: config.watch.map(|watch| watch.0),
    })
}

/// The groups of rule files. A path is taken as it is, relative to where one stands.
fn read_manifests(paths: &[PathBuf]) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::new();
    for path in paths {
        let text =
            fs_err::read_to_string(path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let read = manifest::read(&text);
        groups.extend(read.map_err(|error| Usage(format!("{}: {error}", path.display())))?);
    }
    Ok(groups)
}

/// The value of a header that is always a secret must stand in a file, or come out of an answer.
fn no_secret_in_the_configuration(name: &HeaderName, is_captured: bool) -> Result<(), Usage> {
    let is_secret = matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie");
    if is_secret && !is_captured {
        let message = format!(
            "the header {} is a secret: keep its value in a file and name it under header_files",
            name.as_str()
        );
        return Err(Usage(message));
    }
    Ok(())
}

pub(crate) fn headers(
    plain: &BTreeMap<HeaderName, String>,
    files: &BTreeMap<HeaderName, PathBuf>,
    bearer: Option<&PathBuf>,
    basic: Option<&BasicAuth>,
) -> Result<Headers, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in plain {
        no_secret_in_the_configuration(name, false)?;
        let (name, value) = header(name.as_str(), value)
            .map_err(|reason| Usage(format!("the value of the header {}: {reason}", name.as_str())))?;
        headers.insert(name, value);
    }
    for (name, path) in files {
        let (name, value) = header_from_file(name.as_str(), "", path)?;
        headers.insert(name, value);
    }
    if let Some(path) = bearer {
        let (name, value) = header_from_file("authorization", "Bearer ", path)?;
        headers.insert(name, value);
    }
    if let Some(basic) = basic {
        if headers.contains_key(reqwest::header::AUTHORIZATION) {
            let message = "basic_auth and another Authorization stand side by side; only one can be sent";
            return Err(Usage(message.to_owned()).into());
        }
        let (name, value) = basic_from_file(&basic.username, &basic.password_file)?;
        headers.insert(name, value);
    }
    Ok(Headers(headers))
}
