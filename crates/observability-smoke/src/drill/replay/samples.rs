//! The samples of a replay: as OpenMetrics text with timestamps, of which promtool makes blocks, and in the notation of
//! promtool's unit tests. Pure.

use std::{
    fmt::Write as _,
    io::{self, Write},
    time::Duration,
};

use super::{
    super::series::{Labels, Series, Switches, display},
    span::Span,
};

/// The values of a series over the whole span, one a step.
pub(super) fn values<'a>(
    series: &'a Series,
    span: &'a Span,
) -> impl Iterator<Item = (Duration, Option<f64>)> + 'a {
    let switches = Switches {
        started: 0.0,
        fault: Some(span.fault.as_secs_f64()),
        cleared: Some(span.cleared.as_secs_f64()),
    };
    let steps = u32::try_from(span.samples()).unwrap_or(u32::MAX);
    (0..steps).map(move |index| {
        let at = span.step * index;
        (at, series.value(&switches, at.as_secs_f64()))
    })
}

/// Writes one sample; `at` is its time in milliseconds since 1970.
pub(super) fn write(into: &mut impl Write, name: &str, value: f64, at: i64) -> io::Result<()> {
    writeln!(into, "{name} {} {}.{:03}", number(value), at.div_euclid(1000), at.rem_euclid(1000))
}

/// Writes the series, the first sample of each at `start` in milliseconds since 1970, and says how many samples.
pub(super) fn write_all(
    into: &mut impl Write,
    series: &[(Labels, Series)],
    span: &Span,
    start: i64,
) -> io::Result<u64> {
    let mut written = 0;
    for (labels, one) in series {
        let name = display(labels);
        for (at, value) in values(one, span) {
            if let Some(value) = value {
                write(into, &name, value, start + millis(at))?;
                written += 1;
            }
        }
    }
    Ok(written)
}

/// How the text ends.
pub(super) const END: &str = "# EOF\n";

/// A duration in milliseconds.
pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

/// Values in the notation of promtool's unit tests. A series that goes is stale at once, as after a scrape.
pub(super) fn notation(values: impl Iterator<Item = Option<f64>>) -> String {
    let mut text = String::new();
    let mut run: Option<(Option<f64>, usize)> = None;
    let mut was_there = false;
    let mut put = |(value, times): (Option<f64>, usize)| {
        let _ = match (value, times) {
            (Some(value), 1) => write!(text, "{} ", number(value)),
            (Some(value), times) => write!(text, "{}+0x{} ", number(value), times - 1),
            (None, 1) if was_there => write!(text, "stale "),
            (None, times) if was_there => write!(text, "stale _x{} ", times - 1),
            (None, times) => write!(text, "_x{times} "),
        };
        was_there = value.is_some();
    };
    for value in values {
        match &mut run {
            Some((same, times)) if same.map(f64::to_bits) == value.map(f64::to_bits) => *times += 1,
            other => {
                if let Some(ended) = other.replace((value, 1)) {
                    put(ended);
                }
            }
        }
    }
    if let Some(ended) = run {
        put(ended);
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drill::series::Behaviour, rules::unit_test};

    #[test]
    fn the_text_holds_what_the_series_shows_and_no_more() {
        let seconds = Duration::from_secs;
        let span = Span {
            step: seconds(15),
            evaluation: seconds(15),
            fault: seconds(15),
            cleared: seconds(30),
            end: seconds(45),
            reach: Duration::ZERO,
            lookback: seconds(15),
        };
        let labels = Labels::from([("__name__".into(), "up".into()), ("job".into(), "a\"b".into())]);
        let series =
            Series { labels: labels.clone(), healthy: Behaviour::Constant(1.0), faulty: Behaviour::Absent };
        let mut text = Vec::new();
        let written = write_all(&mut text, &[(labels, series.clone())], &span, 1_700_000_000_500).unwrap();
        assert_eq!(written, 3);
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "up{job=\"a\\\"b\"} 1 1700000000.500\nup{job=\"a\\\"b\"} 1 1700000015.500\nup{job=\"a\\\"b\"} 1 1700000045.500\n"
        );
        assert_eq!(notation(values(&series, &span).map(|(_, value)| value)), "1+0x1 stale 1");
    }

    proptest::proptest! {
        #[test]
        fn what_promtool_reads_is_what_was_meant(
            values in proptest::collection::vec(proptest::option::of(-3_i32..3), 1..40)
        ) {
            let values: Vec<Option<f64>> = values.into_iter().map(|value| value.map(f64::from)).collect();
            let text = notation(values.iter().copied());
            proptest::prop_assert_eq!(unit_test::values(&text).unwrap(), values);
        }
    }
}
