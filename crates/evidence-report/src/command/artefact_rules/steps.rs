//! Steps that rise: an escalation's minutes, a budget's percents.

/// A step, as it is written and as a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// `None`: it is no number.
    pub(super) value: Option<f64>,
    pub(super) line: u32,
    pub(super) text: String,
}

/// What is wrong with the order of steps, with the line of each.
pub(super) fn rising(steps: &[Step], unit: &str) -> Vec<(u32, String)> {
    if steps.is_empty() {
        return vec![(1, "there is no step".to_owned())];
    }
    let mut wrong = Vec::new();
    let mut before: Option<f64> = None;
    for step in steps {
        match (step.value, before) {
            (None, _) => wrong.push((step.line, format!("'{}' is no number of {unit}", step.text))),
            (Some(value), Some(before)) if value <= before => {
                wrong.push((step.line, format!("'{}' is not later than the step before", step.text)));
            }
            _ => {}
        }
        before = step.value.or(before);
    }
    wrong
}

/// The number at the beginning, and the word behind it.
pub(super) fn number_and_unit(text: &str) -> Option<(f64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let unit = text[end..].trim().split([' ', ',', ';']).next().unwrap_or_default();
    Some((number, unit.to_lowercase()))
}

/// `5 minutes`, `1 hour, SEV1`, `30 s` in minutes.
pub(super) fn minutes(text: &str) -> Option<f64> {
    let (number, unit) = number_and_unit(text)?;
    match unit.as_str() {
        "s" | "sec" | "second" | "seconds" => Some(number / 60.0),
        "m" | "min" | "minute" | "minutes" => Some(number),
        "h" | "hour" | "hours" => Some(number * 60.0),
        "" if number == 0.0 => Some(0.0),
        _ => None,
    }
}

/// `80 %`, `80%` as a number.
pub(super) fn percent(text: &str) -> Option<f64> {
    number_and_unit(text).filter(|(_, unit)| unit.starts_with('%')).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_unit() {
        for (text, value) in [
            ("5 minutes", Some(5.0)),
            ("1 hour, SEV1", Some(60.0)),
            ("30s", Some(0.5)),
            ("0", Some(0.0)),
            ("5", None),
            ("soon", None),
            ("", None),
            ("5 bananas", None),
        ] {
            assert_eq!(minutes(text), value, "{text}");
        }
        assert_eq!(
            (percent("80 % of budget"), percent("80%"), percent("80")),
            (Some(80.0), Some(80.0), None)
        );
    }
}
