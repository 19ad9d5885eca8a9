//! How sizes are typed and said: decimal units (`800GB`), and binary ones where somebody writes them (`20GiB`).
//! Pure.

/// The units, largest first.
const UNITS: [(&str, u64); 10] = [
    ("pib", 1 << 50),
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("pb", 1_000_000_000_000_000),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
];

/// Reads `800GB`, `1.5 TB`, `20 GiB`, `512 B`, `1`.
///
/// # Errors
/// A sentence that says what is wrong and shows a right one.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no size; write 500MB, 800GB or 2TiB");
    let lower = text.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?, *factor)));
    let (number, factor) = unit.unwrap_or_else(|| (lower.strip_suffix('b').unwrap_or(&lower), 1));
    let number = number.trim();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong());
    }
    #[expect(clippy::cast_precision_loss, reason = "a factor of at most 2^50")]
    let bytes = number.parse::<f64>().map_err(|_| wrong())? * factor as f64;
    if !(0.0..=9e18).contains(&bytes) {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 9e18")]
    Ok(bytes as u64)
}

/// Reads the size of a database that a recovery is forecast for: nobody means one of some bytes.
///
/// # Errors
/// As [`parse_bytes`].
pub(crate) fn parse_database_size(text: &str) -> Result<u64, String> {
    match parse_bytes(text)? {
        bytes if bytes < 1_000_000 => Err(format!(
            "that is {}: no size of a database; write 500MB, 800GB or 2TiB, with the unit",
            shown(bytes)
        )),
        bytes => Ok(bytes),
    }
}

/// `512 bytes`, `1.5 MB`, `800 GB`.
pub(crate) fn shown(bytes: u64) -> String {
    let unit = UNITS[5..].iter().find(|(_, factor)| bytes >= *factor);
    let Some((unit, factor)) = unit else { return format!("{bytes} bytes") };
    #[expect(clippy::cast_precision_loss, reason = "shown to three digits")]
    let number = bytes as f64 / *factor as f64;
    let text = format!("{number:.2}");
    let unit = if *unit == "kb" { "kB".to_owned() } else { unit.to_ascii_uppercase() };
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_type_them() {
        for (text, bytes) in [
            ("1", 1),
            ("512 B", 512),
            ("1.5 kB", 1500),
            ("800GB", 800_000_000_000),
            ("2TiB", 2 << 40),
            ("20 gib", 20 << 30),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "-1GB", "1e3", "5 parsecs", "NaN", "inf", "9999999PB"] {
            assert!(parse_bytes(text).unwrap_err().contains("800GB"), "{text}");
        }
    }

    #[test]
    fn a_database_has_a_size_with_a_unit() {
        for text in ["0", "800", "1B", "999kB"] {
            assert!(parse_database_size(text).unwrap_err().contains("with the unit"), "{text}");
        }
        assert_eq!(parse_database_size("1MB"), Ok(1_000_000));
    }

    #[test]
    fn sizes_are_said_in_three_digits() {
        assert_eq!(
            [shown(0), shown(999), shown(1500), shown(26_874_497), shown(800_000_000_000)],
            ["0 bytes", "999 bytes", "1.5 kB", "26.87 MB", "800 GB"]
        );
    }
}
