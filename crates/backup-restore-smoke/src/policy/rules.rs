//! What a source of backups must be like. Validated: past this point everything is valid.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The rules for one source. What is not given is not judged, and said so.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Rules {
    /// How old the newest may be.
    #[serde(serialize_with = "seconds")]
    pub(crate) newest_age: Option<Duration>,
    /// How far they may lie apart.
    #[serde(serialize_with = "seconds")]
    pub(crate) interval: Option<Duration>,
    /// Over which time back the interval is judged.
    #[serde(serialize_with = "seconds")]
    pub(crate) interval_over: Option<Duration>,
    /// How large the newest must be, in bytes.
    pub(crate) minimum_size: Option<u64>,
    /// By which share the newest may be smaller than the median of those before.
    pub(crate) maximum_drop: Option<f64>,
    /// How many there must be that need no other.
    pub(crate) redundancy: Option<u32>,
    /// How far back the oldest recoverable point must reach.
    #[serde(serialize_with = "seconds")]
    pub(crate) retention: Option<Duration>,
    /// Beyond which age nothing should be kept.
    #[serde(serialize_with = "seconds")]
    pub(crate) keep_at_most: Option<Duration>,
}

fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_str(&format!("{} s", duration.as_secs_f64())),
        None => serializer.serialize_none(),
    }
}

/// The interval is judged over so many intervals unless it is said: many schedules thin out what is older.
const INTERVALS_BACK: u32 = 7;

impl Rules {
    /// How far two backups may lie apart before the schedule counts as broken: a tenth more than the interval,
    /// because no backup begins, or lasts, to the second.
    pub(crate) fn tolerated(interval: Duration) -> Duration {
        interval + interval / 10
    }

    /// Over which time back the interval is judged.
    pub(crate) fn looked_back(&self, interval: Duration) -> Duration {
        self.interval_over.unwrap_or(interval * INTERVALS_BACK)
    }

    /// Beyond which age nothing should be kept: twice the retention unless it is said.
    pub(crate) fn at_most(&self) -> Option<Duration> {
        self.keep_at_most.or(self.retention.map(|retention| retention * 2))
    }
}

/// Reads `50%` or `50 %`, from 1 to 99.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn parse_share(text: &str) -> Result<f64, String> {
    let wrong = || format!("'{text}' is no share; write 50% (1% to 99%)");
    let number =
        text.trim().strip_suffix('%').ok_or_else(wrong)?.trim().parse::<f64>().map_err(|_| wrong())?;
    if (1.0..=99.0).contains(&number) { Ok(number / 100.0) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage() {
        assert_eq!(parse_share("50%"), Ok(0.5));
        assert_eq!(parse_share(" 5 % "), Ok(0.05));
        for wrong in ["", "50", "0%", "100%", "-5%", "half", "NaN%"] {
            assert!(parse_share(wrong).unwrap_err().contains("50%"), "{wrong}");
        }
    }
}
