//! Days and spans as a policy writes them. A day without a time ends with its last second, in UTC.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use crate::run::parse_duration;

/// A day, such as 2027-01-15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub(super) struct Day(#[schemars(with = "String")] pub(super) Date);

/// A span of time, such as `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub(in crate::command) struct Span(#[schemars(with = "String")] pub(super) Duration);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("'{text}' is no day; write 2027-01-15"));
        alone(&text).map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_duration(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// A day and nothing else. Of a moment without its offset the day alone would be read, and hours be lost.
fn alone(text: &str) -> Option<Date> {
    (text.len() == "2027-01-15".len()).then(|| text.parse().ok()).flatten()
}

/// The last second of a day in UTC.
pub(in crate::command) fn last_moment(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 0)).unwrap_or(Timestamp::MAX)
}

/// `--as-of`: a day stands for its last second, a moment for itself.
pub(in crate::command) fn as_of(text: &str) -> Result<Timestamp, String> {
    let told = || format!("'{text}' is neither a day (2026-12-31) nor a moment (2026-12-31T08:00:00Z)");
    // A moment without an offset would be read as whoever reads likes.
    text.parse().ok().or_else(|| alone(text).map(last_moment)).ok_or_else(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_with_its_last_second_and_a_moment_needs_its_offset() {
        assert_eq!(as_of("2026-12-31").unwrap().to_string(), "2026-12-31T23:59:59Z");
        assert_eq!(as_of("2026-12-31T08:00:00+02:00").unwrap().to_string(), "2026-12-31T06:00:00Z");
        for wrong in ["tomorrow", "2026-12-31T08:00:00", "2026-12-31T08:00", "20261231", "2026-13-01"] {
            assert!(as_of(wrong).unwrap_err().contains("neither a day"), "{wrong}");
        }
    }
}
