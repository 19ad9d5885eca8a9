//! Days, moments and spans as people write them into pages and policies. A moment without a time zone is
//! refused: two readers would read it differently.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};

use crate::run::parse_duration;

/// A span of a policy, such as `90d` or `10m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub(in crate::command) struct Period(#[schemars(with = "String")] pub(in crate::command) SignedDuration);

impl Period {
    pub(in crate::command::artefact_rules) const fn days(days: i64) -> Self {
        Self(SignedDuration::from_hours(24 * days))
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&span_of(self.0))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span = parse_duration(&text).map_err(D::Error::custom)?;
        let span = SignedDuration::try_from(span).map_err(D::Error::custom)?;
        if span.is_zero() { Err(D::Error::custom("a span of nothing")) } else { Ok(Self(span)) }
    }
}

/// A span in its largest whole unit: `90 d`, `36 h`, `7 min`, `12 s`.
pub(in crate::command::artefact_rules) fn span_of(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match seconds.unsigned_abs() {
        172_800.. => format!("{} d", seconds / 86_400),
        7_200.. => format!("{} h", seconds / 3_600),
        120.. => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// `2026-11-02`, or the UTC day of a moment.
///
/// # Errors
/// What was read, and what to write.
pub(in crate::command::artefact_rules) fn day(text: &str) -> Result<Date, String> {
    if let Ok(day) = text.parse::<Date>()
        && text.len() == 10
    {
        return Ok(day);
    }
    match moment(text) {
        Ok(moment) => Ok(utc_day(moment)),
        Err(_) => Err(format!("'{text}' is no day; write 2026-11-02")),
    }
}

/// `2026-11-02T10:20:00Z`, `2026-11-02 10:20 UTC`, with an offset, or a day alone (its beginning, UTC).
///
/// # Errors
/// What was read, and what to write.
pub(in crate::command::artefact_rules) fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("'{text}' is no moment; write 2026-11-02 10:20 UTC");
    let text = text.trim();
    if text.len() == 10 {
        let day: Date = text.parse().map_err(|_| wrong())?;
        return TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| wrong());
    }
    let zoned = match text.strip_suffix(" UTC").or_else(|| text.strip_suffix("Z")) {
        Some(local) if local.matches(':').count() == 1 => format!("{local}:00Z"),
        Some(local) => format!("{local}Z"),
        None => text.to_owned(),
    };
    zoned.parse().map_err(|_| wrong())
}

/// The day of a moment, UTC.
pub(in crate::command::artefact_rules) fn utc_day(moment: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(moment).date()
}

/// The last moment of a day, UTC.
pub(in crate::command::artefact_rules) fn end_of(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 0)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_read_as_people_write_them() {
        for (text, read) in [
            ("2026-11-02", "2026-11-02T00:00:00Z"),
            ("2026-11-02 10:20 UTC", "2026-11-02T10:20:00Z"),
            ("2026-11-02T10:20Z", "2026-11-02T10:20:00Z"),
            ("2026-11-02T10:20:30.5Z", "2026-11-02T10:20:30.5Z"),
            ("2026-11-02T10:20:30+02:00", "2026-11-02T08:20:30Z"),
        ] {
            assert_eq!(moment(text).unwrap().to_string(), read, "{text}");
        }
        assert_eq!(day("2026-11-02 23:59 UTC").unwrap().to_string(), "2026-11-02");
        for wrong in
            ["", "2026-11-02 10:20", "2026-11-02T10:20:00", "soon", "02.11.2026", "2026-13-01", "2026-11-2"]
        {
            assert!(moment(wrong).is_err(), "{wrong}");
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
