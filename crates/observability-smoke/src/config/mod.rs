//! The configuration file, as it stands on disk. A value that cannot be meant is refused while it is read, so
//! that the message names line and column; what the values come to is decided in the plan.

mod alertmanager;
mod json_path;
mod request;
mod sockets;
mod template;
mod values;

use std::{collections::BTreeMap, path::PathBuf};

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use alertmanager::{AlertmanagerConfig, Matchers, SilencesConfig};
pub(crate) use json_path::JsonPath;
pub(crate) use request::{
    BasicAuth, CaptureConfig, FindConfig, FlowConfig, JsonAssertion, PhaseLimits, StepConfig,
};
pub(crate) use sockets::{Address, Reach, TcpConfig, WebSocketConfig};
pub(crate) use template::{BUILT_IN, Template, Values, as_it_is, for_json, for_url, is_name};
pub(crate) use values::{
    Concurrency, Duration, HeaderName, Method, MetricName, Pattern, Statuses, Url, Version, WebSocketUrl,
};

use crate::exposition::Kind;

/// The configuration file of `observability-smoke`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// How to run.
    pub(crate) run: SharedConfig,
    /// How many requests are under way at once; 8 if not given.
    pub(crate) concurrency: Concurrency,
    /// How long one request may take, to the end of its answer; 10 s if not given.
    pub(crate) timeout: Option<Duration>,
    /// PEM file of the certificates that TLS trusts, instead of the system's.
    pub(crate) roots: Option<PathBuf>,
    /// Requests to services.
    pub(crate) http: Vec<HttpConfig>,
    /// Several requests in a row, with values that one hands to the next.
    pub(crate) flows: Vec<FlowConfig>,
    /// Ports that must be open, or blocked by a network policy.
    pub(crate) tcp: Vec<TcpConfig>,
    /// WebSockets.
    pub(crate) websocket: Vec<WebSocketConfig>,
    /// `/metrics` endpoints.
    pub(crate) metrics: Vec<MetricsConfig>,
    /// Prometheus servers.
    pub(crate) prometheus: Vec<PrometheusConfig>,
    /// Alertmanagers.
    pub(crate) alertmanager: Vec<AlertmanagerConfig>,
    /// The drill.
    pub(crate) drill: crate::drill::config::DrillConfig,
    /// What is asked of alert rules.
    pub(crate) rules: crate::review::config::RulesPolicy,
}

/// How to reach a server. Secrets stand in files only.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Where to ask: http or https, without user name and password.
    pub(crate) url: Url,
    /// The method; GET if not given.
    #[serde(default)]
    pub(crate) method: Method,
    /// Headers that are no secret.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, String>,
    /// Headers whose value is the content of a file, for example `Authorization: /run/secrets/basic`.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// The body to send.
    pub(crate) body: Option<String>,
    /// The status that is expected, one or many; any from 200 to 299 if not given.
    #[serde(default)]
    pub(crate) status: Statuses,
    /// Text that the body must contain.
    pub(crate) body_contains: Option<String>,
    /// Regular expression that must match somewhere in the body.
    pub(crate) body_matches: Option<Pattern>,
    /// What must stand in a JSON body.
    #[serde(default)]
    pub(crate) json: Vec<JsonAssertion>,
    /// Headers of the answer: a regular expression that must match the value.
    #[serde(default)]
    pub(crate) response_headers: BTreeMap<HeaderName, Pattern>,
    /// How long the answer may take at most, to its end.
    pub(crate) latency: Option<Duration>,
    /// How long single phases may take at most.
    #[serde(default)]
    pub(crate) phases: PhaseLimits,
    /// Whether redirects are followed, at most five; if not, a redirect is the answer.
    #[serde(default)]
    pub(crate) follow_redirects: bool,
    /// Whether every address behind the name is asked, and not the first that answers.
    #[serde(default)]
    pub(crate) every_node: bool,
    /// With `every_node`: so many addresses the name must have at least; 1 if not given.
    pub(crate) nodes: Option<usize>,
    /// How long the request may take before it is given up.
    pub(crate) timeout: Option<Duration>,
}

/// A `/metrics` endpoint, and what must be found there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Where to ask.
    pub(crate) url: Url,
    /// Headers that are no secret.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, String>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// How long the request may take before it is given up.
    pub(crate) timeout: Option<Duration>,
    /// The series that are required, or must be absent.
    #[serde(default)]
    pub(crate) series: Vec<SeriesConfig>,
    /// Scrape again after this time: every counter and every histogram may only rise in between, unless the
    /// process started anew.
    pub(crate) again_after: Option<Duration>,
    /// So many series at most in the whole exposition.
    pub(crate) max_series: Option<u64>,
    /// So many series at most under one name.
    pub(crate) max_series_per_name: Option<u64>,
    /// So many different values at most of these labels.
    #[serde(default)]
    pub(crate) max_label_values: BTreeMap<String, u64>,
    /// So many bytes at most, unpacked.
    pub(crate) max_bytes: Option<u64>,
    /// So long a scrape may take at most.
    pub(crate) max_duration: Option<Duration>,
    /// Whether lint warnings are findings; yes if not given.
    #[serde(default = "yes")]
    pub(crate) lint: bool,
}

const fn yes() -> bool {
    true
}

/// Series of one name, and what must be true of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesConfig {
    /// The name of the samples, for example `http_requests_total`.
    pub(crate) name: MetricName,
    /// Labels that a sample must carry to count, with these values; `null` is any value.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, Option<String>>,
    /// Whether no such sample may stand there.
    #[serde(default)]
    pub(crate) absent: bool,
    /// The type of the family.
    #[serde(rename = "type")]
    pub(crate) kind: Option<KindConfig>,
    /// No sample's value may be less.
    pub(crate) min: Option<f64>,
    /// No sample's value may be more.
    pub(crate) max: Option<f64>,
    /// So many samples at least; 1 if not given.
    pub(crate) at_least: Option<u64>,
    /// So many samples at most.
    pub(crate) at_most: Option<u64>,
    /// The newest of the samples may be so old at most: by its timestamp, or, without one, by its value as seconds
    /// since 1970.
    pub(crate) max_age: Option<Duration>,
    /// Whether the sum of the samples must rise between the two scrapes of `again_after`: something is happening.
    #[serde(default)]
    pub(crate) must_rise: bool,
    /// Whether at least one of the samples must carry an exemplar (OpenMetrics).
    #[serde(default)]
    pub(crate) exemplars: bool,
}

/// The type of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KindConfig {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    #[serde(alias = "untyped")]
    Unknown,
}

impl From<KindConfig> for Kind {
    fn from(kind: KindConfig) -> Self {
        match kind {
            KindConfig::Counter => Self::Counter,
            KindConfig::Gauge => Self::Gauge,
            KindConfig::Histogram => Self::Histogram,
            KindConfig::GaugeHistogram => Self::GaugeHistogram,
            KindConfig::Summary => Self::Summary,
            KindConfig::Info => Self::Info,
            KindConfig::StateSet => Self::StateSet,
            KindConfig::Unknown => Self::Unknown,
        }
    }
}

/// A Prometheus server, and what must be true of it. It is always asked whether it is ready.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrometheusConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Its address, with the path of its external URL if it has one.
    pub(crate) url: Url,
    /// Headers that are no secret.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, String>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// How long one request may take before it is given up.
    pub(crate) timeout: Option<Duration>,
    /// The scrape jobs whose targets must be up; if none is named, every active target must be.
    #[serde(default)]
    pub(crate) jobs: Vec<JobConfig>,
    /// The rules that must be loaded. Every loaded rule must be healthy.
    #[serde(default)]
    pub(crate) rules: RulesConfig,
    /// Expressions to ask for.
    #[serde(default)]
    pub(crate) queries: Vec<QueryConfig>,
    /// The oldest version that will do, for example `2.42`.
    pub(crate) min_version: Option<Version>,
    /// So many Alertmanagers it must have discovered at least.
    pub(crate) alertmanagers: Option<u64>,
    /// Watch its own counters for this time: no notification may fail or be dropped in it, no rule evaluation fail.
    pub(crate) watch: Option<Duration>,
}

/// A scrape job.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobConfig {
    /// Its name: the label `job` of its targets.
    pub(crate) job: String,
    /// So many targets must be up at least; all of them must be if it is not given, and one at least.
    pub(crate) at_least: Option<u64>,
}

/// What must be true of the rules.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RulesConfig {
    /// Names of alerts and recording rules that must be loaded.
    pub(crate) loaded: Vec<String>,
    /// Whether a server without any rule is as it should be.
    pub(crate) none_is_right: bool,
    /// Rule files or PrometheusRule manifests: what is loaded must be what stands in them, no more and no less.
    pub(crate) manifests: Vec<PathBuf>,
    /// Groups that are loaded and stand in none of the manifests, and may.
    pub(crate) other_groups: Vec<String>,
}

/// An expression, and what its answer must be.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryConfig {
    /// What the evidence calls it; the expression if not given.
    pub(crate) name: Option<String>,
    /// The expression, in PromQL.
    pub(crate) expr: String,
    /// Whether the expression must hold for something (its answer has series) or for nothing.
    pub(crate) expect: Expectation,
    /// No value of the answer may be less.
    pub(crate) min: Option<f64>,
    /// No value of the answer may be more.
    pub(crate) max: Option<f64>,
}

/// What the answer to an expression must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expectation {
    /// The answer has at least one series.
    Holds,
    /// The answer is empty because the condition is false, while every series that is asked for exists.
    DoesNotHold,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        for (text, line, says) in [
            ("http:\n  - name: a\n    url: ftp://a.example/\n", 3, "http"),
            ("http:\n  - name: a\n    url: http://me:secret@a.example/\n", 3, "file"),
            ("http:\n  - name: a\n    url: http://a.example/\n    status: 99\n", 4, "status"),
            (
                "http:\n  - name: a\n    url: http://a.example/\n    body_matches: '('\n",
                4,
                "regular expression",
            ),
            ("http:\n  - name: a\n    url: http://a.example/\n    latency: soon\n", 4, "duration"),
            ("http:\n  - name: a\n    url: http://a.example/\n    method: FETCH IT\n", 4, "method"),
            ("http:\n  - name: a\n    url: http://a.example/\n    wrong: 1\n", 4, "wrong"),
            (
                "metrics:\n  - name: a\n    url: http://a.example/\n    series:\n      - name: 1x\n",
                5,
                "metric name",
            ),
            ("concurrency: 0\n", 1, "concurrency"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(&format!("line {line}")), "{text}\n{error}");
            assert!(error.contains(says), "{text}\n{error}");
        }
    }

    #[test]
    fn a_whole_configuration_is_read() {
        let config = read(
            "run: {environment: local}\nhttp:\n  - name: api\n    url: http://127.0.0.1:1/healthz\n    status: [200, 204]\n    latency: 500ms\n    header_files: {Authorization: /run/secrets/basic}\nmetrics:\n  - name: api\n    url: http://127.0.0.1:1/metrics\n    series:\n      - {name: up, labels: {job: api, pod: null}, min: 1, type: gauge}\n      - {name: legacy_total, absent: true}\nprometheus:\n  - name: main\n    url: http://127.0.0.1:9090\n    jobs: [{job: api, at_least: 2}]\n    rules: {loaded: [ApiDown]}\n    queries: [{expr: 'up == 0', expect: does_not_hold}]\n",
        );
        let config = config.unwrap();
        assert_eq!(config.http[0].status.to_string(), "200 or 204");
        assert_eq!(config.metrics[0].series[0].labels["pod"], None);
        assert_eq!(config.prometheus[0].queries[0].expect, Expectation::DoesNotHold);
    }
}
