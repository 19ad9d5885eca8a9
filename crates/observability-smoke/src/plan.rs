//! What `run` will do: validated and complete. `--dry-run` prints it; past this point everything is valid.
//! Files with secrets are read here, and shown nowhere.

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
        Config, HeaderName, HttpConfig, JobConfig, Method, MetricsConfig, Pattern, PrometheusConfig,
        QueryConfig, RulesConfig, SeriesConfig, Statuses, Url,
    },
    error::Error,
    exposition::Kind,
    http::{Trust, header, header_from_file},
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
    pub(crate) metrics: Vec<MetricsProbe>,
    pub(crate) prometheus: Vec<PrometheusProbe>,
}

/// Headers of a request. Only their names are ever shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(pub(crate) HeaderMap);

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.keys().map(reqwest::header::HeaderName::as_str))
    }
}

/// A request to a service, and what its answer must be.
#[derive(Debug, Serialize)]
pub(crate) struct HttpProbe {
    pub(crate) name: String,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    #[serde(skip)]
    pub(crate) body: Option<String>,
    pub(crate) status: Statuses,
    pub(crate) body_contains: Option<String>,
    pub(crate) body_matches: Option<Pattern>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) latency: Option<Duration>,
    pub(crate) follow_redirects: bool,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
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
    pub(crate) queries: Vec<QueryConfig>,
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
        if config.http.is_empty() && config.metrics.is_empty() && config.prometheus.is_empty() {
            let message =
                format!("{} names nothing to check under http, metrics or prometheus", path.display());
            return Err(Usage(message).into());
        }
        named_apart("http", config.http.iter().map(|probe| &probe.name))?;
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
                .map(|probe| http_probe(probe, timeout))
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
            .chain(self.prometheus.iter().map(|probe| &probe.url));
        // A redirect may lead to TLS although no URL says so.
        let may_need_tls = urls.into_iter().any(|url| url.0.scheme() == "https")
            || self.http.iter().any(|probe| probe.follow_redirects);
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

fn http_probe(config: HttpConfig, timeout: Duration) -> Result<HttpProbe, Error> {
    Ok(HttpProbe {
        headers: headers(&config.headers, &config.header_files, config.bearer_token_file.as_ref())?,
        name: config.name,
        method: config.method,
        url: config.url,
        body: config.body,
        status: config.status,
        body_contains: config.body_contains,
        body_matches: config.body_matches,
        latency: config.latency.map(|latency| latency.0),
        follow_redirects: config.follow_redirects,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
    })
}

fn metrics_probe(config: MetricsConfig, timeout: Duration) -> Result<MetricsProbe, Error> {
    Ok(MetricsProbe {
        headers: headers(&config.headers, &config.header_files, config.bearer_token_file.as_ref())?,
        name: config.name,
        url: config.url,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
        lint: config.lint,
        series: config.series.into_iter().map(required_series).collect::<Result<_, _>>()?,
    })
}

fn required_series(config: SeriesConfig) -> Result<RequiredSeries, Error> {
    let name = config.name.0;
    let contradiction = if config.absent {
        let asks = config.min.is_some()
            || config.max.is_some()
            || config.at_least.is_some()
            || config.at_most.is_some();
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
    })
}

fn prometheus_probe(config: PrometheusConfig, timeout: Duration) -> Result<PrometheusProbe, Error> {
    Ok(PrometheusProbe {
        headers: headers(&config.headers, &config.header_files, config.bearer_token_file.as_ref())?,
        name: config.name,
        url: config.url,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
        jobs: config.jobs,
        rules: config.rules,
        queries: config.queries,
    })
}

pub(crate) fn headers(
    plain: &BTreeMap<HeaderName, String>,
    files: &BTreeMap<HeaderName, PathBuf>,
    bearer: Option<&PathBuf>,
) -> Result<Headers, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in plain {
        let secret = matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie");
        if secret {
            let message = format!(
                "the header {} is a secret: keep its value in a file and name it under header_files",
                name.as_str()
            );
            return Err(Usage(message).into());
        }
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
    Ok(Headers(headers))
}
