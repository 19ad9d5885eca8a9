//! Numbers as both formats write them: decimal floats, infinities and NaN. Hexadecimal floats and underscores,
//! which Go's `ParseFloat` would take, are refused: Prometheus refuses them too.

/// Reads a number.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn parse(text: &str) -> Result<f64, &'static str> {
    let bytes = text.as_bytes();
    if !bytes.is_empty() && bytes.len() <= 15 && bytes.iter().all(u8::is_ascii_digit) {
        let whole = bytes.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        #[expect(clippy::cast_precision_loss, reason = "15 digits fit the 53 bits of a double's mantissa")]
        return Ok(whole as f64);
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
    fn a_timestamp_in_seconds_is_finite() {
        assert_eq!(parse_seconds("1.5e3"), Ok(1500.0));
        for wrong in ["NaN", "Inf", "-Inf", "z", ""] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
