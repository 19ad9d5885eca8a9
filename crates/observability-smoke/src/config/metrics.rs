//! A `/metrics` endpoint, and what must be found there.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{BasicAuth, Duration, HeaderName, MetricName, Url};
use crate::{exposition::Kind, probes::metrics::AskAs};

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
    /// As which Prometheus the endpoint is asked, 3 or 2; 3 if not given. To 3 an exporter may show names in UTF-8, which
    /// it writes with underscores to 2.
    #[serde(default)]
    pub(crate) ask_as: AskAs,
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
    /// The name of the samples, for example `http_requests_total`. A name in UTF-8 may stand as it is
    /// (`http.server.duration`), and in double quotes whatever it holds (`'"queue depth"'`).
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
    /// since 1970. Where a sample with a timestamp has a time for its value, too (by `timestamp` in its name, or because
    /// it looks like one), the older of both counts.
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
