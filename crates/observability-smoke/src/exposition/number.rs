//! Numbers as both formats write them: decimal floats, infinities and NaN. Hexadecimal floats and underscores,
//! which Go's `ParseFloat` would take, are refused: Prometheus refuses them too.

/// Reads a number.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn parse(text: &str) -> Result<f64, &'static str> {
    let bytes = text.as_bytes();
    if let Some(value) = parse_short(bytes) {
        return Ok(value);
    }
    let Ok(value) = text.parse::<f64>() else {
        return Err(if text.is_empty() { "there is no number" } else { "this is no decimal number" });
    };
    if value.is_nan() && matches!(bytes[0], b'+' | b'-') {
        return Err("NaN has no sign");
    }
    if value.is_infinite() && bytes.iter().any(u8::is_ascii_digit) {
        return Err("the number is too large for 64-bit floating point");
    }
    Ok(value)
}

/// At most 15 digits, perhaps with a point: what nearly all numbers are. The digits fit the mantissa of a double and so
/// does the power of ten, so that one division rounds once, as it must.
fn parse_short(bytes: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (mut digits, mut point) = (0_u64, None);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' if at < 16 => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |at| bytes.len() - 1 - at);
    let count = bytes.len() - usize::from(point.is_some());
    #[expect(clippy::cast_precision_loss, reason = "15 digits fit the 53 bits of a double's mantissa")]
    (1..=15).contains(&count).then(|| digits as f64 / POWERS[decimals])
}

/// A number as both formats write it.
pub(super) fn show(value: f64) -> String {
    if value.is_infinite() {
        (if value > 0.0 { "+Inf" } else { "-Inf" }).to_owned()
    } else {
        value.to_string()
    }
}

/// Whether a value can be a count: a number, and not below zero.
pub(super) fn counts(value: f64) -> bool {
    value >= 0.0
}

/// Reads a timestamp of OpenMetrics: seconds, a finite decimal number.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn parse_seconds(text: &str) -> Result<f64, &'static str> {
    match parse(text) {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err("a timestamp is a finite number"),
        Err(wrong) => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_are_read_and_nothing_else() {
        for (text, value) in [
            ("0", 0.0),
            ("1", 1.0),
            ("-1", -1.0),
            ("+1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e-7", 1e-7),
            ("1E3", 1000.0),
            ("123456789012345", 123_456_789_012_345.0),
            ("1234567890123456789", 1_234_567_890_123_456_789.0),
            ("+Inf", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("Infinity", f64::INFINITY),
        ] {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
        assert!(parse("NaN").unwrap().is_nan());
        assert!(parse("nan").unwrap().is_nan());
        for wrong in [
            "", ".", "-", "+", "e5", "1e", "0x1p-3", "0x1", "1_000", "1,5", "1z", "+NaN", "-NaN", "1e400",
            "٣",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_of_few_digits_is_the_nearest_double() {
        let digits = "936218457031592";
        for count in 1..=digits.len() {
            for point in 0..=count {
                let text = format!("{}.{}", &digits[..point], &digits[point..count]);
                assert_eq!(parse_short(text.as_bytes()), text.parse().ok(), "{text}");
                assert_eq!(parse(&text), Ok(text.parse().unwrap()), "{text}");
            }
        }
        for other in [".", "", "1.2.3", "1e5", "-1", "9007199254740993", "0.1234567890123456"] {
            assert_eq!(parse_short(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_timestamp_in_seconds_is_finite() {
        assert_eq!(parse_seconds("1.5e3"), Ok(1500.0));
        for wrong in ["NaN", "Inf", "-Inf", "z", ""] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
