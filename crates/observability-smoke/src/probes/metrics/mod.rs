//! One `/metrics` endpoint: scraped as Prometheus scrapes it, once or twice, read strictly while it streams in,
//! and searched for the series that must or must not be there.

mod asked;
mod budget;
mod content_type;
mod counters;
mod series;
mod timestamps;

use std::time::{Duration, SystemTime};

use evidence_report::record::{Decimal, Finding, Measurement};

pub(crate) use asked::AskAs;
pub(crate) use content_type::{assess as assess_content_type, syntax_of};
pub(crate) use timestamps::{Timestamps, assess as assess_timestamps};

use super::reading::{self, Say};
use crate::{
    checks::{METRICS_LINT, METRICS_SCRAPE},
    exposition::{Reader, Reading, Sample},
    http::{Http, NoAnswer, each_chunk, head},
    plan::MetricsProbe,
};
use budget::Counts;
use counters::{After, Before};
use series::Found;

/// A larger exposition, unpacked, is refused.
pub(crate) const SIZE_LIMIT: usize = 512 * 1024 * 1024;

/// What a scrape must come to.
pub(crate) const WHOLE: &str = "a whole exposition with status 200";

/// What came of the scrapes.
#[derive(Debug)]
pub(crate) struct Seen {
    first: Result<First, NoAnswer>,
    /// The second, where one is asked for and the first succeeded.
    second: Option<Result<Second, NoAnswer>>,
}

#[derive(Debug)]
struct First {
    scrape: Scrape,
    /// When it was made, in seconds since 1970.
    at: f64,
    found: Vec<Found>,
    counts: Counts,
    timestamps: Timestamps,
    counters: Before,
}

#[derive(Debug)]
struct Second {
    found: Vec<Found>,
    counters: After,
}

/// One scrape.
#[derive(Debug)]
struct Scrape {
    reading: Reading,
    content_type: Option<String>,
    took: Duration,
}

/// Scrapes the endpoint, and again after the time that the plan says.
pub(crate) async fn observe(http: &Http, probe: &MetricsProbe) -> Seen {
    let first = scrape_first(http, probe).await;
    let second = match (&first, probe.again_after) {
        (Ok(first), Some(after)) => {
            tokio::time::sleep(after).await;
            Some(scrape_second(http, probe, &first.counters).await)
        }
        _ => None,
    };
    Seen { first, second }
}

async fn scrape_first(http: &Http, probe: &MetricsProbe) -> Result<First, NoAnswer> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let at = since_1970.map_or(0.0, |since| since.as_secs_f64());
    let mut found = vec![Found::default(); probe.series.len()];
    let (mut counts, mut timestamps) = (Counts::default(), Timestamps::default());
    let mut counters = Before::default();
    let scrape = scrape(http, probe, &mut |sample| {
        for (required, found) in probe.series.iter().zip(&mut found) {
            found.look(required, sample);
        }
        counts.look(&probe.budget, sample);
        timestamps.look(sample, at);
        if probe.again_after.is_some() {
            counters.look(sample);
        }
    })
    .await?;
    Ok(First { scrape, at, found, counts, timestamps, counters })
}

async fn scrape_second(http: &Http, probe: &MetricsProbe, before: &Before) -> Result<Second, NoAnswer> {
    let mut found = vec![Found::default(); probe.series.len()];
    let mut counters = After::default();
    scrape(http, probe, &mut |sample| {
        for (required, found) in probe.series.iter().zip(&mut found) {
            found.look(required, sample);
        }
        counters.look(before, sample);
    })
    .await?;
    Ok(Second { found, counters })
}

async fn scrape(
    http: &Http,
    probe: &MetricsProbe,
    look: &mut (dyn FnMut(&Sample<'_>) + Send),
) -> Result<Scrape, NoAnswer> {
    let mut request = http.request_following(&reqwest::Method::GET, &probe.url, &probe.headers.0);
    if !has_own_accept(probe) {
        request = request.header(reqwest::header::ACCEPT, probe.ask_as.accept());
    }
    let head = head(request, probe.timeout).await?;
    let status = head.response.status().as_u16();
    if status != 200 {
        return Err(NoAnswer(format!("status {status}")));
    }
    let content_type = head.response.headers().get(reqwest::header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let reader = Reader::new(syntax_of(content_type.as_deref())?);
    let mut reader = probe.ask_as.prepare(reader, content_type.as_deref());
    each_chunk(head.response, head.started, probe.timeout, SIZE_LIMIT, |chunk| {
        reader.feed(chunk, &mut |sample| look(sample));
    })
    .await?;
    let reading = reader.finish(&mut |sample| look(sample));
    Ok(Scrape { reading, content_type, took: head.started.elapsed() })
}

/// Whether the configuration says what is asked for.
fn has_own_accept(probe: &MetricsProbe) -> bool {
    probe.headers.0.contains_key(reqwest::header::ACCEPT)
}

/// What was asked, in words.
fn asked(probe: &MetricsProbe) -> String {
    if has_own_accept(probe) {
        "asked by the configuration's own Accept".to_owned()
    } else {
        probe.ask_as.to_string()
    }
}

/// Judges the scrapes.
pub(crate) fn assess(probe: &MetricsProbe, seen: &Seen) -> (Vec<Finding>, Vec<Measurement>) {
    let subject = format!("{}: {}", probe.name, probe.url);
    let first = match &seen.first {
        Ok(first) => first,
        Err(why) => {
            let finding = METRICS_SCRAPE.failed(subject).expected(WHOLE);
            return (vec![finding.observed(why.to_string())], Vec::new());
        }
    };
    let Scrape { reading, content_type, took } = &first.scrape;
    let observed = format!("{} bytes in {:.3} s", reading.bytes, took.as_secs_f64());
    let mut findings = vec![METRICS_SCRAPE.passed(&subject).expected(WHOLE).observed(observed)];
    findings.push(assess_content_type(&subject, content_type.as_deref(), &asked(probe)));
    let about_the_text = reading::assess(&subject, None, reading, Say::Summed);
    findings
        .extend(about_the_text.into_iter().filter(|finding| probe.lint || finding.check != &METRICS_LINT));
    let required = probe.series.iter().zip(&first.found);
    findings.extend(
        required.flat_map(|(required, found)| series::assess(&probe.name, required, found, first.at)),
    );
    findings.push(timestamps::assess(&subject, &first.timestamps));
    let (of_cost, mut measurements) =
        budget::assess(&probe.name, &probe.budget, &first.counts, reading.bytes, *took);
    findings.extend(of_cost);
    measurements.push(
        Measurement::new("scrape_samples", Decimal::from(reading.samples), "samples")
            .label("probe", &probe.name),
    );
    match &seen.second {
        None => {}
        Some(Err(why)) => {
            let finding = METRICS_SCRAPE.failed(format!("{subject}, the second time")).expected(WHOLE);
            findings.push(finding.observed(why.to_string()));
        }
        Some(Ok(second)) => findings.extend(assess_second(probe, &subject, first, second)),
    }
    (findings, measurements)
}

fn assess_second(probe: &MetricsProbe, subject: &str, first: &First, second: &Second) -> Vec<Finding> {
    let restarted = second.counters.is_restarted(&first.counters);
    let mut findings = vec![counters::assess(subject, &first.counters, &second.counters)];
    let both = probe.series.iter().zip(&first.found).zip(&second.found);
    findings.extend(both.filter(|((required, _), _)| required.must_rise).map(
        |((required, first), second)| {
            series::assess_rise(&probe.name, required, first.sum, second.sum, restarted)
        },
    ));
    findings
}
