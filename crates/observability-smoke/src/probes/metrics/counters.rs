//! Counters over two scrapes: they only rise. A counter that fell because its process started anew (or because
//! it was created anew, where OpenMetrics says when) is told apart from one that fell although nothing did.

use std::collections::HashMap;

use evidence_report::record::{Finding, Requirement};

use crate::{
    exposition::{Kind, Sample},
    http::excerpt,
    probes::{checks::METRICS_COUNTERS, reading::counted},
};

/// So many of those that fell are kept with their names.
const KEPT: usize = 10_000;

/// The series by which exporters say since when their process runs.
const PROCESS_START: &str = "process_start_time_seconds";

/// What the first scrape said.
#[derive(Debug, Default)]
pub(crate) struct Before {
    values: HashMap<u64, f64>,
    created: HashMap<u64, f64>,
    started: Option<f64>,
}

/// What the second scrape says, beside the first.
#[derive(Debug, Default)]
pub(crate) struct After {
    compared: u64,
    risen: u64,
    fallen: u64,
    kept: Vec<Fallen>,
    created: HashMap<u64, f64>,
    started: Option<f64>,
}

/// A counter that fell.
#[derive(Debug, Clone, PartialEq)]
struct Fallen {
    series: String,
    before: f64,
    after: f64,
    /// Of its metric, by which its creation time is found.
    metric: u64,
}

/// The name of the metric that a counting sample belongs to; `None` for samples that may fall.
fn counts<'a>(sample: &Sample<'a>) -> Option<&'a str> {
    let name = sample.name;
    let of = |suffix: &str| name.strip_suffix(suffix);
    match sample.kind {
        Kind::Counter if name.ends_with("_created") => None,
        Kind::Counter => Some(of("_total").unwrap_or(name)),
        Kind::Histogram => of("_bucket").or_else(|| of("_count")),
        Kind::Summary => of("_count"),
        _ => None,
    }
}

/// The creation time that a sample tells, and the metric.
fn created(sample: &Sample<'_>) -> Option<(u64, f64)> {
    let counting = matches!(sample.kind, Kind::Counter | Kind::Histogram | Kind::Summary);
    let metric = sample.name.strip_suffix("_created").filter(|_| counting)?;
    Some((sample.fingerprint_as(metric, "le"), sample.value))
}

impl Before {
    /// Takes a sample of the first scrape.
    pub(crate) fn look(&mut self, sample: &Sample<'_>) {
        if counts(sample).is_some() {
            self.values.insert(sample.fingerprint(), sample.value);
        } else if let Some((metric, at)) = created(sample) {
            self.created.insert(metric, at);
        } else if sample.name == PROCESS_START {
            self.started = Some(sample.value);
        }
    }
}

impl After {
    /// Takes a sample of the second scrape.
    pub(crate) fn look(&mut self, before: &Before, sample: &Sample<'_>) {
        if let Some((metric, at)) = created(sample) {
            self.created.insert(metric, at);
        } else if sample.name == PROCESS_START {
            self.started = Some(sample.value);
        }
        let Some(metric) = counts(sample) else { return };
        let Some(&earlier) = before.values.get(&sample.fingerprint()) else { return };
        self.compared += 1;
        if sample.value > earlier {
            self.risen += 1;
        }
        // What is no number now has fallen, too, unless it was none before.
        if sample.value >= earlier || (sample.value.is_nan() && earlier.is_nan()) {
            return;
        }
        self.fallen += 1;
        if self.kept.len() < KEPT {
            let metric = sample.fingerprint_as(metric, "le");
            let series = excerpt(sample.series(), 120);
            self.kept.push(Fallen { series, before: earlier, after: sample.value, metric });
        }
    }

    /// Whether the process started anew between the scrapes.
    pub(crate) fn is_restarted(&self, before: &Before) -> bool {
        matches!((before.started, self.started), (Some(earlier), Some(now)) if now > earlier)
    }
}

/// Judges the two scrapes.
pub(crate) fn assess(subject: &str, before: &Before, after: &After) -> Finding {
    let restarted = after.is_restarted(before);
    let is_anew = |fallen: &&Fallen| {
        let times = (before.created.get(&fallen.metric), after.created.get(&fallen.metric));
        restarted || matches!(times, (Some(earlier), Some(now)) if now > earlier)
    };
    let compared = counted(after.compared, "counting series", "counting series");
    let finding = if after.compared == 0 {
        METRICS_COUNTERS.not_checked(
            Requirement::Required,
            subject,
            "no counter and no histogram stands in both scrapes",
        )
    } else if let Some(worst) = after.kept.iter().find(|fallen| !is_anew(fallen)) {
        METRICS_COUNTERS.failed(subject).observed(format!(
            "{} of {compared} fell, and nothing says that the process started anew; {} from {} to {}",
            after.fallen, worst.series, worst.before, worst.after
        ))
    } else if after.fallen > 0 {
        let why = if restarted { "the process started anew" } else { "they were created anew" };
        METRICS_COUNTERS
            .passed(subject)
            .observed(format!("{} of {compared} were reset between the scrapes: {why}", after.fallen))
    } else {
        METRICS_COUNTERS.passed(subject).observed(format!("{} of {compared} rose, none fell", after.risen))
    };
    finding.expected("counters and histograms only rise between two scrapes")
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;
    use crate::exposition::{Reader, Syntax};

    fn both(syntax: Syntax, first: &str, second: &str) -> Finding {
        let (mut before, mut after) = (Before::default(), After::default());
        let mut reader = Reader::new(syntax);
        reader.feed(first.as_bytes(), &mut |sample| before.look(sample));
        let mut reader = Reader::new(syntax);
        reader.feed(second.as_bytes(), &mut |sample| after.look(&before, sample));
        assess("api", &before, &after)
    }

    #[test]
    fn a_fall_is_told_apart_from_a_reset() {
        use Outcome::{Failed, NotChecked, Passed};
        let counter = |value: f64| format!("# TYPE jobs_total counter\njobs_total{{a=\"1\"}} {value}\n");
        let started =
            |at: u32| format!("# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {at}\n");
        let histogram = |value: u32| {
            format!("# TYPE h histogram\nh_bucket{{le=\"+Inf\"}} {value}\nh_sum 1\nh_count {value}\n")
        };
        for (first, second, outcome, says) in [
            (counter(3.0), counter(5.0), Passed, "1 of 1 counting series rose"),
            (counter(3.0), counter(3.0), Passed, "0 of 1 counting series rose"),
            (counter(3.0), counter(2.0), Failed, "jobs_total{a=\"1\"} from 3 to 2"),
            (counter(3.0), counter(f64::NAN), Failed, "fell"),
            (counter(3.0) + &started(7), counter(2.0) + &started(7), Failed, "nothing says"),
            (counter(3.0) + &started(7), counter(2.0) + &started(8), Passed, "the process started anew"),
            (counter(3.0) + &started(8), counter(2.0) + &started(7), Failed, "fell"),
            (histogram(4), histogram(3), Failed, "2 of 2"),
            (
                "# TYPE g gauge\ng 3\n".to_owned(),
                "# TYPE g gauge\ng 2\n".to_owned(),
                NotChecked(Requirement::Required),
                "no counter",
            ),
        ] {
            let finding = both(Syntax::Prometheus, &first, &second);
            assert_eq!(finding.outcome, outcome, "{first}{second}{finding:?}");
            assert!(finding.observed.contains(says), "{finding:?}");
        }
        let created = |value: u32, at: u32| {
            format!(
                "# TYPE jobs counter\njobs_total{{a=\"1\"}} {value}\njobs_created{{a=\"1\"}} {at}\n# EOF\n"
            )
        };
        let finding = both(Syntax::OpenMetrics, &created(3, 10), &created(1, 11));
        assert_eq!(finding.outcome, Passed, "{finding:?}");
        assert!(finding.observed.contains("created anew"), "{finding:?}");
        assert_eq!(both(Syntax::OpenMetrics, &created(3, 10), &created(1, 10)).outcome, Failed);
    }
}
