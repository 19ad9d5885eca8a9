//! One `/metrics` endpoint: scraped as Prometheus scrapes it, read strictly while it streams in, and searched
//! for the series that must or must not be there.

use std::time::Duration;

use evidence_report::record::{Decimal, Finding, Measurement};

use super::reading::{self, Say, counted};
use crate::{
    checks::{METRICS_ABSENT, METRICS_CONTENT_TYPE, METRICS_LINT, METRICS_SCRAPE, METRICS_SERIES},
    exposition::{Kind, Reader, Reading, Sample, Syntax},
    http::{Http, NoAnswer, each_chunk, excerpt, head},
    plan::{MetricsProbe, RequiredSeries},
};

/// A larger exposition, unpacked, is refused.
pub(crate) const SIZE_LIMIT: usize = 512 * 1024 * 1024;

/// What Prometheus sends: OpenMetrics first, its own text format otherwise.
pub(crate) const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// What a scrape must come to.
pub(crate) const WHOLE: &str = "a whole exposition with status 200";

/// What came of a scrape.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) reading: Reading,
    pub(crate) content_type: Option<String>,
    pub(crate) took: Duration,
    found: Vec<Found>,
}

/// What was found of one required series.
#[derive(Debug, Clone, Default, PartialEq)]
struct Found {
    samples: u64,
    kind: Kind,
    lowest: Option<f64>,
    highest: Option<f64>,
    /// The first sample that is out of bounds.
    outside: Option<String>,
}

/// The format that a Content-Type names.
pub(crate) fn named_syntax(content_type: Option<&str>) -> Option<Syntax> {
    let media_type = content_type?.split(';').next()?.trim().to_ascii_lowercase();
    match media_type.as_str() {
        "text/plain" => Some(Syntax::Prometheus),
        "application/openmetrics-text" => Some(Syntax::OpenMetrics),
        _ => None,
    }
}

/// Scrapes the endpoint.
pub(crate) async fn observe(http: &Http, probe: &MetricsProbe) -> Result<Scrape, NoAnswer> {
    let request = http
        .request_following(&reqwest::Method::GET, &probe.url, &probe.headers.0)
        .header(reqwest::header::ACCEPT, ACCEPT);
    let head = head(request, probe.timeout).await?;
    let status = head.response.status().as_u16();
    if status != 200 {
        return Err(NoAnswer(format!("status {status}")));
    }
    let content_type = head.response.headers().get(reqwest::header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut reader = Reader::new(named_syntax(content_type.as_deref()).unwrap_or(Syntax::Prometheus));
    let mut found = vec![Found::default(); probe.series.len()];
    let mut look = |sample: &Sample<'_>| {
        for (required, found) in probe.series.iter().zip(&mut found) {
            found.look(required, sample);
        }
    };
    each_chunk(head.response, head.started, probe.timeout, SIZE_LIMIT, |chunk| reader.feed(chunk, &mut look))
        .await?;
    let reading = reader.finish(&mut look);
    Ok(Scrape { reading, content_type, took: head.started.elapsed(), found })
}

impl Found {
    fn look(&mut self, required: &RequiredSeries, sample: &Sample<'_>) {
        if sample.name != required.name
            || !required.labels.iter().all(|(name, value)| carries(sample, name, value.as_deref()))
        {
            return;
        }
        self.samples += 1;
        self.kind = sample.kind;
        self.lowest = Some(self.lowest.map_or(sample.value, |lowest| lowest.min(sample.value)));
        self.highest = Some(self.highest.map_or(sample.value, |highest| highest.max(sample.value)));
        // A value that is no number is within no bounds.
        let inside = required.min.is_none_or(|min| sample.value >= min)
            && required.max.is_none_or(|max| sample.value <= max);
        if !inside && self.outside.is_none() {
            self.outside = Some(format!("{} is {}", excerpt(sample.series(), 120), sample.value));
        }
    }
}

/// Whether the sample carries the label. An empty value is the same as no label.
fn carries(sample: &Sample<'_>, name: &str, value: Option<&str>) -> bool {
    let carried = sample.label(name).unwrap_or_default();
    value.map_or(!carried.is_empty(), |value| carried == value)
}

/// Judges a scrape.
pub(crate) fn assess(
    probe: &MetricsProbe,
    scrape: &Result<Scrape, NoAnswer>,
) -> (Vec<Finding>, Vec<Measurement>) {
    let subject = format!("{}: {}", probe.name, probe.url);
    let scrape = match scrape {
        Ok(scrape) => scrape,
        Err(why) => {
            let finding = METRICS_SCRAPE.failed(subject).expected(WHOLE);
            return (vec![finding.observed(why.to_string())], Vec::new());
        }
    };
    let seconds = scrape.took.as_secs_f64();
    let seen = format!("{} bytes in {seconds:.3} s", scrape.reading.bytes);
    let mut findings = vec![METRICS_SCRAPE.passed(&subject).expected(WHOLE).observed(seen)];
    findings.push(content_type(&subject, scrape.content_type.as_deref()));
    let about_the_text = reading::assess(&subject, None, &scrape.reading, Say::Summed);
    findings
        .extend(about_the_text.into_iter().filter(|finding| probe.lint || finding.check != &METRICS_LINT));
    let series = probe.series.iter().zip(&scrape.found);
    findings.extend(series.map(|(required, found)| assess_series(&probe.name, required, found)));
    let measurements = vec![
        Measurement::seconds("scrape_duration_seconds", seconds).label("probe", &probe.name),
        Measurement::new("scrape_samples", Decimal::from(scrape.reading.samples), "samples")
            .label("probe", &probe.name),
    ];
    (findings, measurements)
}

pub(crate) fn content_type(subject: &str, content_type: Option<&str>) -> Finding {
    let expected = "text/plain or application/openmetrics-text";
    match (named_syntax(content_type), content_type) {
        (Some(_), Some(named)) => {
            METRICS_CONTENT_TYPE.passed(subject).expected(expected).observed(excerpt(named, 100))
        }
        (_, Some(other)) => {
            METRICS_CONTENT_TYPE.warned(subject).expected(expected).observed(excerpt(other, 100))
        }
        (_, None) => METRICS_CONTENT_TYPE.warned(subject).expected(expected).observed("no Content-Type"),
    }
}

fn assess_series(probe: &str, required: &RequiredSeries, found: &Found) -> Finding {
    let subject = format!("{probe}: {}", selector(required));
    if required.absent {
        let finding = match found.samples {
            0 => METRICS_ABSENT.passed(subject).observed("absent"),
            count => METRICS_ABSENT.failed(subject).observed(counted(count, "sample", "samples")),
        };
        return finding.expected("no such sample");
    }
    let wrong = if found.samples == 0 && required.at_least > 0 {
        Some("no such sample".to_owned())
    } else if found.samples < required.at_least || required.at_most.is_some_and(|most| found.samples > most) {
        Some(counted(found.samples, "sample", "samples"))
    } else if required.kind.is_some_and(|kind| kind != found.kind) && found.samples > 0 {
        Some(format!("its type is {}", found.kind))
    } else {
        found.outside.clone()
    };
    let finding = match wrong {
        Some(wrong) => METRICS_SERIES.failed(subject).observed(wrong),
        None => METRICS_SERIES.passed(subject).observed(seen(found)),
    };
    finding.expected(expectation(required))
}

fn seen(found: &Found) -> String {
    match (found.samples, found.lowest, found.highest) {
        (1, Some(value), _) => format!("1 sample: {value}"),
        (count, Some(lowest), Some(highest)) => format!("{count} samples from {lowest} to {highest}"),
        (count, ..) => format!("{count} samples"),
    }
}

/// The series as PromQL would select it.
fn selector(required: &RequiredSeries) -> String {
    let labels: Vec<_> = (required.labels.iter())
        .map(|(name, value)| match value {
            Some(value) => format!("{name}={value:?}"),
            None => format!("{name}!=\"\""),
        })
        .collect();
    if labels.is_empty() {
        required.name.clone()
    } else {
        format!("{}{{{}}}", required.name, labels.join(","))
    }
}

fn expectation(required: &RequiredSeries) -> String {
    let mut parts = vec![match (required.at_least, required.at_most) {
        (least, Some(most)) if least == most => counted(least, "sample", "samples"),
        (least, Some(most)) => format!("{least} to {most} samples"),
        (1, None) => "at least one sample".to_owned(),
        (least, None) => format!("at least {least} samples"),
    }];
    parts.extend(required.kind.map(|kind| format!("type {kind}")));
    match (required.min, required.max) {
        (Some(min), Some(max)) => parts.push(format!("values from {min} to {max}")),
        (Some(min), None) => parts.push(format!("values not below {min}")),
        (None, Some(max)) => parts.push(format!("values not above {max}")),
        (None, None) => {}
    }
    parts.join(", ")
}
