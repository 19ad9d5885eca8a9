//! Required series: there, or not; of their type; within their bounds; young enough; rising; with exemplars. Pure.

use std::time::Duration;

use evidence_report::record::{Finding, Requirement};

use crate::{
    checks::{METRICS_ABSENT, METRICS_SERIES},
    exposition::{Kind, Sample},
    http::excerpt,
    plan::RequiredSeries,
    probes::{
        checks::{METRICS_FRESHNESS, METRICS_RISING},
        reading::counted,
    },
};

/// What was found of one required series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    samples: u64,
    kind: Kind,
    lowest: Option<f64>,
    highest: Option<f64>,
    pub(crate) sum: f64,
    /// The newest time that a sample names.
    newest: Option<f64>,
    exemplars: u64,
    /// The first sample that is out of bounds.
    outside: Option<String>,
}

impl Found {
    /// Takes a sample, if it is one of those that are required.
    pub(crate) fn look(&mut self, required: &RequiredSeries, sample: &Sample<'_>) {
        if !sample.is_named(&required.name)
            || !required.labels.iter().all(|(name, value)| carries(sample, name, value.as_deref()))
        {
            return;
        }
        self.samples += 1;
        self.kind = sample.kind;
        self.sum += sample.value;
        self.exemplars += u64::from(sample.has_exemplar);
        let time = time_named(sample);
        self.newest = Some(self.newest.map_or(time, |newest| newest.max(time)));
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

/// The time that a sample names: its timestamp, or else its value. Where the value is a time as well, the older of both: a
/// server that passes samples on (Prometheus' `/federate`) stamps what happened long ago with now.
fn time_named(sample: &Sample<'_>) -> f64 {
    let value = sample.value;
    match sample.timestamp {
        Some(at) if !is_a_time(sample.name, value, at) => at,
        // What is no number is no time, and nothing happens after its own sample.
        Some(at) if value.is_nan() || value > at - AHEAD => value,
        Some(at) => at.min(value),
        None => value,
    }
}

/// Whether the value of a sample of the time `at` is seconds since 1970: by its name, or by its size where the name says
/// nothing else.
fn is_a_time(name: &str, value: f64, at: f64) -> bool {
    let counts_something_else =
        ["_bytes", "_bits", "_total", "_count", "_sum", "_bucket"].iter().any(|unit| name.ends_with(unit));
    name.contains("timestamp") || ((OF_2001..=at - AHEAD).contains(&value) && !counts_something_else)
}

/// The least value that is taken for a time: 9 September 2001.
const OF_2001: f64 = 1e9;

/// Whether the sample carries the label. An empty value is the same as no label.
fn carries(sample: &Sample<'_>, name: &str, value: Option<&str>) -> bool {
    let carried = sample.label(name).unwrap_or_default();
    value.map_or(!carried.is_empty(), |value| carried == value)
}

/// Judges what was found; `now` in seconds since 1970.
pub(crate) fn assess(probe: &str, required: &RequiredSeries, found: &Found, now: f64) -> Vec<Finding> {
    let subject = format!("{probe}: {}", selector(required));
    if required.absent {
        let finding = match found.samples {
            0 => METRICS_ABSENT.passed(subject).observed("absent"),
            count => METRICS_ABSENT.failed(subject).observed(counted(count, "sample", "samples")),
        };
        return vec![finding.expected("no such sample")];
    }
    let wrong = if found.samples == 0 && required.at_least > 0 {
        Some("no such sample".to_owned())
    } else if found.samples < required.at_least || required.at_most.is_some_and(|most| found.samples > most) {
        Some(counted(found.samples, "sample", "samples"))
    } else if required.kind.is_some_and(|kind| kind != found.kind) && found.samples > 0 {
        Some(format!("its type is {}", found.kind))
    } else if required.exemplars && found.exemplars == 0 {
        Some(format!("{} without an exemplar", counted(found.samples, "sample", "samples")))
    } else {
        found.outside.clone()
    };
    let finding = match wrong {
        Some(wrong) => METRICS_SERIES.failed(&subject).observed(wrong),
        None => METRICS_SERIES.passed(&subject).observed(seen(found)),
    };
    let mut findings = vec![finding.expected(expectation(required))];
    findings.extend(required.max_age.map(|most| match found.newest {
        Some(newest) => age(&subject, most, now - newest),
        None => METRICS_FRESHNESS.not_checked(Requirement::Optional, &subject, "no such sample"),
    }));
    findings
}

/// A time may lie ahead by a minute: clocks differ.
const AHEAD: f64 = -60.0;

fn age(subject: &str, most: Duration, age: f64) -> Finding {
    let finding = if age < AHEAD {
        METRICS_FRESHNESS.failed(subject).observed(format!("{:.0} s ahead of our clock", -age))
    } else if age <= most.as_secs_f64() {
        METRICS_FRESHNESS.passed(subject).observed(format!("{:.0} s old", age.max(0.0)))
    } else {
        // Also what is no number, or no time at all.
        METRICS_FRESHNESS.failed(subject).observed(format!("{age:.0} s old"))
    };
    finding.expected(format!("at most {} s old", most.as_secs_f64()))
}

/// Whether the samples' sum rose between two scrapes.
pub(crate) fn assess_rise(
    probe: &str,
    required: &RequiredSeries,
    first: f64,
    second: f64,
    restarted: bool,
) -> Finding {
    let subject = format!("{probe}: {}", selector(required));
    let rose = second > first || (restarted && second > 0.0);
    let finding = if rose { METRICS_RISING.passed(subject) } else { METRICS_RISING.failed(subject) };
    finding.expected("rises between two scrapes").observed(format!("from {first} to {second}"))
}

fn seen(found: &Found) -> String {
    match (found.samples, found.lowest, found.highest) {
        (1, Some(value), _) => format!("1 sample: {value}"),
        (count, Some(lowest), Some(highest)) => format!("{count} samples from {lowest} to {highest}"),
        (count, ..) => format!("{count} samples"),
    }
}

/// The series as PromQL would select it; names that only Prometheus 3 knows are quoted.
pub(crate) fn selector(required: &RequiredSeries) -> String {
    let labels = required.labels.iter().map(|(name, value)| {
        let name = if is_plain(name) { name.clone() } else { format!("{name:?}") };
        match value {
            Some(value) => format!("{name}={value:?}"),
            None => format!("{name}!=\"\""),
        }
    });
    if is_plain(&required.name.replace(':', "_")) {
        let labels: Vec<_> = labels.collect();
        let braced = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        format!("{}{braced}", required.name)
    } else {
        let parts: Vec<_> = std::iter::once(format!("{:?}", required.name)).chain(labels).collect();
        format!("{{{}}}", parts.join(","))
    }
}

/// Whether a label may bear the name without quotes.
fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
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
    if required.exemplars {
        parts.push("an exemplar".to_owned());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn an_age_is_judged_at_its_limits_and_what_is_no_time_is_not_young() {
        use Outcome::{Failed, Passed};
        for (seconds, outcome) in [
            (0.0, Passed),
            (10.0, Passed),
            (10.1, Failed),
            (-60.0, Passed),
            (-61.0, Failed),
            (f64::NAN, Failed),
        ] {
            assert_eq!(age("x", Duration::from_secs(10), seconds).outcome, outcome, "{seconds}");
        }
    }

    #[test]
    fn the_older_of_timestamp_and_value_is_the_time_where_both_are_one() {
        let now = 1.8e9;
        for (line, time) in [
            // As /federate passes on what a dead job has left behind.
            ("last_success_timestamp_seconds{job=\"b\"} 1500000000 1800000000000", 1.5e9),
            ("last_success_timestamp_seconds 0 1800000000000", 0.0),
            ("last_success_timestamp_seconds NaN 1800000000000", f64::NAN),
            ("last_success_timestamp_seconds 1800000100 1800000000000", now + 100.0),
            ("last_success_timestamp_seconds 1800000059 1800000000000", now),
            ("last_success_timestamp_seconds 1500000000", 1.5e9),
            ("process_start_time_seconds 1500000000 1800000000000", 1.5e9),
            ("last_run 1500000000 1800000000000", 1.5e9),
            ("queue_depth 12 1800000000000", now),
            ("response_time_seconds 0.2 1800000000000", now),
            ("disk_free_bytes 1500000000 1800000000000", now),
            ("requests_total 1500000000 1800000000000", now),
            ("huge 150000000000 1800000000000", now),
            ("queue_depth 12", 12.0),
        ] {
            let mut reader = crate::exposition::Reader::new(crate::exposition::Syntax::Prometheus);
            let mut named = None;
            reader.feed(format!("{line}\n").as_bytes(), &mut |sample| named = Some(time_named(sample)));
            reader.finish(&mut |_| {});
            let named = named.unwrap();
            assert!(named == time || named.is_nan() && time.is_nan(), "{line}: {named}");
        }
    }

    #[test]
    fn a_selector_is_written_as_promql_reads_it() {
        for (name, labels, selector_text) in [
            ("up", &[][..], "up"),
            ("job:up:sum", &[("job", None)], "job:up:sum{job!=\"\"}"),
            ("http.server.duration", &[], "{\"http.server.duration\"}"),
            ("queue depth", &[("a", Some("1"))], "{\"queue depth\",a=\"1\"}"),
            ("up", &[("k8s.pod", Some("1"))], "up{\"k8s.pod\"=\"1\"}"),
        ] {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
            let required = RequiredSeries {
                name: name.to_owned(),
                labels: labels.collect(),
                absent: false,
                kind: None,
                min: None,
                max: None,
                at_least: 1,
                at_most: None,
                max_age: None,
                must_rise: false,
                exemplars: false,
            };
            assert_eq!(selector(&required), selector_text);
        }
    }
}
