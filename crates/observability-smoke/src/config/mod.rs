//! The configuration file, as it stands on disk. A value that cannot be meant is refused while it is read, so
//! that the message names line and column; what the values come to is decided in the plan: `config/http.rs` is what
//! was written, `plan/http.rs` what it comes to, and so on.

mod alertmanager;
mod flow;
mod http;
mod json_path;
mod metrics;
mod prometheus;
mod request;
mod sockets;
mod template;
mod values;

use std::path::PathBuf;

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use alertmanager::{AlertmanagerConfig, Matchers, SilencesConfig};
pub(crate) use flow::{CaptureConfig, FindConfig, FlowConfig, StepConfig};
pub(crate) use http::HttpConfig;
pub(crate) use json_path::JsonPath;
pub(crate) use metrics::{MetricsConfig, SeriesConfig};
pub(crate) use prometheus::{Expectation, JobConfig, PrometheusConfig, QueryConfig, RulesConfig};
pub(crate) use request::{BasicAuth, JsonAssertion, PhaseLimits};
pub(crate) use sockets::{Address, Reach, TcpConfig, WebSocketConfig};
pub(crate) use template::{BUILT_IN, Template, Values, as_it_is, for_json, for_url, is_name};
pub(crate) use values::{
    Concurrency, Duration, HeaderName, Method, MetricName, Pattern, Statuses, Url, Version, WebSocketUrl,
};

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
