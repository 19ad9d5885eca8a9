//! How durations and counts are said to people. Pure.

use std::time::Duration;

/// `1 ms`, `12.3 s`, `4 min 5 s`, `26 h 0 min`, `30 d 0 h`.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match whole {
        0 if (1..10).contains(&duration.as_millis()) => format!("{} ms", duration.as_millis()),
        0..120 => {
            let text = format!("{:.2}", duration.as_secs_f64());
            format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
        }
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        7200..259_200 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// The same, beside a limit: where both would be said alike and only the limit is kept, by how much it is missed.
pub(crate) fn against(duration: Duration, limit: Option<Duration>) -> String {
    let said = seconds(duration);
    match limit {
        Some(limit) if duration > limit && said == seconds(limit) => {
            format!("{said} ({} too many)", seconds(duration - limit))
        }
        _ => said,
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_readable() {
        let shown = |milliseconds| seconds(Duration::from_millis(milliseconds));
        assert_eq!(
            [0, 1, 9, 10, 1234, 60_000, 245_000, 93_600_000, 2_592_000_000].map(shown),
            ["0 s", "1 ms", "9 ms", "0.01 s", "1.23 s", "60 s", "4 min 5 s", "26 h 0 min", "30 d 0 h"]
        );
    }

    #[test]
    fn what_misses_a_limit_is_never_said_to_be_the_limit() {
        let shown = |seconds, limit: Option<u64>| {
            against(Duration::from_secs_f64(seconds), limit.map(Duration::from_secs))
        };
        assert_eq!(shown(86_401.0, Some(86_400)), "24 h 0 min (1 s too many)");
        assert_eq!(shown(900.25, Some(900)), "15 min 0 s (0.25 s too many)");
        assert_eq!(shown(86_400.0, Some(86_400)), "24 h 0 min");
        assert_eq!(shown(86_401.0, Some(86_399)), "24 h 0 min");
        assert_eq!(shown(86_401.0, None), "24 h 0 min");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([counted(0, "row"), counted(1, "row"), counted(2, "row")], ["0 rows", "1 row", "2 rows"]);
    }
}
