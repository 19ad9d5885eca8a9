//! Timestamps that an exporter writes itself. Prometheus drops what lies more than ten minutes ahead, or so far back that
//! its newest block is closed to it, and a query does not see what is older than its lookback of five minutes. Pure.

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

/// Half of the two hours of the head (`minValidTime` of Prometheus' `tsdb.Head`), counted from the newest sample in it.
const OUT_OF_BOUNDS: f64 = 3600.0;

/// What was seen of timestamps.
#[derive(Debug, Default)]
pub(crate) struct Timestamps {
    with: u64,
    ahead: u64,
    too_old: u64,
    old: u64,
    /// The first that is ahead, too old and old, with its age in seconds.
    first: [Option<(String, f64)>; 3],
}

impl Timestamps {
    /// Takes a sample that was scraped at `now`, in seconds since 1970.
    pub(crate) fn look(&mut self, sample: &Sample<'_>, now: f64) {
        let Some(at) = sample.timestamp else { return };
        self.with += 1;
        let age = now - at;
        let (count, first) = if age < -AHEAD {
            (&mut self.ahead, 0)
        } else if age > OUT_OF_BOUNDS {
            (&mut self.too_old, 1)
        } else if age > LOOKBACK {
            (&mut self.old, 2)
        } else {
            return;
        };
        *count += 1;
        self.first[first].get_or_insert_with(|| (excerpt(sample.series(), 120), age));
    }
}

/// Judges them.
pub(crate) fn assess(subject: &str, seen: &Timestamps) -> Finding {
    let with = counted(seen.with, "timestamp", "timestamps");
    let first = seen.first.iter().flatten().next().map(|(series, age)| match *age {
        age if age < 0.0 => format!("; {series} lies {:.0} s ahead", -age),
        age => format!("; {series} is {age:.0} s old"),
    });
    let first = first.unwrap_or_default();
    let old = format!("{} of {with} are so old that no query sees them", seen.old + seen.too_old);
    let finding = if seen.ahead > 0 {
        METRICS_TIMESTAMPS
            .failed(subject)
            .observed(format!("{} of {with} lie so far ahead that Prometheus drops them{first}", seen.ahead))
    } else if seen.too_old > 0 {
        METRICS_TIMESTAMPS.failed(subject).observed(format!(
            "{old}, and {} so old that a Prometheus which holds samples of now drops them{first}",
            seen.too_old
        ))
    } else if seen.old > 0 {
        METRICS_TIMESTAMPS.warned(subject).observed(format!("{old}{first}"))
    } else {
        METRICS_TIMESTAMPS.passed(subject).observed(if seen.with == 0 { "none".to_owned() } else { with })
    };
    finding.expected("timestamps of the last five minutes, or none")
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;
    use crate::exposition::{Reader, Syntax};

    #[test]
    fn an_age_is_judged_on_both_sides_of_each_limit() {
        use Outcome::{Failed, Passed, Warned};
        let now = 1_800_000_000_i64;
        for (age, outcome, says) in [
            (-601, Failed, "lies 601 s ahead"),
            (-600, Passed, "1 timestamp"),
            (300, Passed, "1 timestamp"),
            (301, Warned, "no query sees them; a is 301 s old"),
            (3600, Warned, "no query sees them; a is 3600 s old"),
            (
                3601,
                Failed,
                "1 so old that a Prometheus which holds samples of now drops them; a is 3601 s old",
            ),
            (now, Failed, "drops them"),
        ] {
            let mut seen = Timestamps::default();
            let mut reader = Reader::new(Syntax::Prometheus);
            let text = format!("a 1 {}\n", (now - age) * 1000);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            reader.feed(text.as_bytes(), &mut |sample| seen.look(sample, now as f64));
            reader.finish(&mut |_| {});
            let finding = assess("x", &seen);
            assert_eq!(finding.outcome, outcome, "{age}: {finding:?}");
            assert!(finding.observed.contains(says), "{age}: {finding:?}");
        }
    }

    #[test]
    fn the_worst_is_the_one_that_is_shown() {
        let mut seen = Timestamps::default();
        let mut reader = Reader::new(Syntax::Prometheus);
        let text = "a 1 1799999500000\nb 1 1799990000000\nc 1 1800000000000\n";
        reader.feed(text.as_bytes(), &mut |sample| seen.look(sample, 1.8e9));
        reader.finish(&mut |_| {});
        let observed = assess("x", &seen).observed;
        assert!(
            observed.starts_with("2 of 3 timestamps are so old that no query sees them, and 1 so old"),
            "{observed}"
        );
        assert!(observed.ends_with("b is 10000 s old"), "{observed}");
    }
}
