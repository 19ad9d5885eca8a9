//! A `/metrics` endpoint, and what must be found there: what its configuration comes to.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::run::Usage;
use serde::{Serialize, Serializer};

use super::{Headers, headers, optional_seconds, seconds};
use crate::{
    config::{MetricsConfig, SeriesConfig, Url},
    error::Error,
    exposition::Kind,
    probes::metrics::AskAs,
};

/// A `/metrics` endpoint, and what must be found there.
#[derive(Debug, Serialize)]
pub(crate) struct MetricsProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
    pub(crate) ask_as: AskAs,
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

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn optional_kind<S: Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    match kind {
        Some(kind) => serializer.collect_str(kind),
        None => serializer.serialize_none(),
    }
}

pub(super) fn metrics_probe(config: MetricsConfig, timeout: Duration) -> Result<MetricsProbe, Error> {
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
        ask_as: config.ask_as,
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
