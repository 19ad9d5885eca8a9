//! Timestamps that an exporter writes itself. Prometheus drops what lies more than ten minutes ahead, and a query
//! does not see what is older than its lookback of five minutes. Pure.

use evidence_report::record::Finding;

use crate::{
    exposition::Sample,
    http::excerpt,
    probes::{checks::METRICS_TIMESTAMPS, reading::counted},
};

/// `maxAheadTime` of Prometheus' scraper.
const AHEAD: f64 = 600.0;
/// `--query.lookback-delta`, as it is if nobody says otherwise.
const LOOKBACK: f64 = 300.0;

/// What was seen of timestamps.
#[derive(Debug, Default)]
pub(crate) struct Timestamps {
    with: u64,
    ahead: u64,
    old: u64,
    /// The first that is wrong, with its age in seconds.
    first: Option<(String, f64)>,
}

impl Timestamps {
    /// Takes a sample that was scraped at `now`, in seconds since 1970.
    pub(crate) fn look(&mut self, sample: &Sample<'_>, now: f64) {
        let Some(at) = sample.timestamp else { return };
        self.with += 1;
        let age = now - at;
        if age < -AHEAD {
            self.ahead += 1;
        } else if age > LOOKBACK {
            self.old += 1;
        } else {
            return;
        }
        self.first.get_or_insert_with(|| (excerpt(sample.series(), 120), age));
    }
}

/// Judges them.
pub(crate) fn assess(subject: &str, seen: &Timestamps) -> Finding {
    let with = counted(seen.with, "timestamp", "timestamps");
    let first = seen.first.as_ref().map(|(series, age)| match *age {
        age if age < 0.0 => format!("; {series} lies {:.0} s ahead", -age),
        age => format!("; {series} is {age:.0} s old"),
    });
    let first = first.unwrap_or_default();
    let finding = if seen.ahead > 0 {
        METRICS_TIMESTAMPS
            .failed(subject)
            .observed(format!("{} of {with} lie so far ahead that Prometheus drops them{first}", seen.ahead))
    } else if seen.old > 0 {
        METRICS_TIMESTAMPS
            .warned(subject)
            .observed(format!("{} of {with} are so old that no query sees them{first}", seen.old))
    } else {
        METRICS_TIMESTAMPS.passed(subject).observed(if seen.with == 0 { "none".to_owned() } else { with })
    };
    finding.expected("timestamps of the last five minutes, or none")
}
