//! Durations as Prometheus reads and writes them: `5m`, `1h30m`, `500ms`, `0`.

use std::time::Duration;

/// The units, from the longest, in milliseconds. A year has 365 days (Prometheus' model.ParseDuration).
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a duration. The units stand in falling order, each at most once.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no duration of Prometheus; write 30s, 5m or 1h30m");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut units, mut total) = (text, UNITS.iter(), 0_u64);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let (number, name) = (&rest[..digits], &rest[digits..digits + unit]);
        let (_, length) = units.find(|(known, _)| *known == name).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        total = number.checked_mul(*length).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[digits + unit..];
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration, to the millisecond, in a form that Prometheus reads: `1h30m`, `1s500ms`, `0s`.
#[must_use]
pub(crate) fn display(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, length) in &UNITS[2..] {
        if left >= *length {
            text.push_str(&format!("{}{name}", left / length));
            left %= length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_reads_them() {
        for (text, seconds) in
            [("0", 0.0), ("0s", 0.0), ("5m", 300.0), ("1h30m", 5400.0), ("1d", 86_400.0), ("1s500ms", 1.5)]
        {
            assert_eq!(parse(text).map(|d| d.as_secs_f64()), Ok(seconds), "{text}");
        }
        for wrong in
            ["", "5", "m", "5m1h", "5m5m", "1.5h", "-5m", "5 m", "99999999999999999999s", "9999999999999y"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0_u64..10_000_000_000_000) {
            let duration = Duration::from_millis(millis);
            proptest::prop_assert_eq!(parse(&display(duration)), Ok(duration));
        }
    }
}
