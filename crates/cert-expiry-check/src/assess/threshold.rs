//! How much of its lifetime a certificate must have left: a span, a share of the lifetime, or the smaller
//! of both.

use std::{fmt, str::FromStr};

use evidence_report::run::parse_duration;

use crate::wording::span;

const DAY: u64 = 86_400;

/// One limit. Of a span and a share, the smaller counts: `21d,25%` is 21 days for a certificate of 90 days,
/// and 6 hours for one of 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Seconds.
    span: Option<u64>,
    /// Hundredths of a percent of the lifetime.
    share: Option<u32>,
}

/// Where a warning begins, and where a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Less than this left is a warning.
    pub warning: Limit,
    /// Less than this left is a failure.
    pub critical: Limit,
}

/// The limits of the two roles that a certificate can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// For the certificates of servers and clients.
    pub leaf: Limits,
    /// For those that issue others: replacing one takes months, because everyone who trusts it must follow.
    pub issuer: Limits,
}

impl Limit {
    const fn days_or_percent(days: u64, percent: u32) -> Self {
        Self { span: Some(days * DAY), share: Some(percent * 100) }
    }

    /// The seconds that must be left of a lifetime of so many seconds.
    #[must_use]
    pub fn seconds(&self, lifetime: u64) -> u64 {
        // Rounded up: "less than 2.5 s left" is "less than 3 whole seconds left".
        let share = self.share.map(|share| (u128::from(lifetime) * u128::from(share)).div_ceil(10_000));
        let share = share.map(|share| u64::try_from(share).unwrap_or(u64::MAX));
        [self.span, share].into_iter().flatten().min().unwrap_or(0)
    }

    /// Whether it can be told without a lifetime that this limit lies below another one.
    fn is_surely_below(&self, other: &Self) -> bool {
        let below =
            |ours: Option<u64>, theirs: Option<u64>| matches!((ours, theirs), (Some(a), Some(b)) if a < b);
        let shares = below(self.share.map(u64::from), other.share.map(u64::from));
        let spans = below(self.span, other.span);
        match (self.span.is_some() && other.span.is_some(), self.share.is_some() && other.share.is_some()) {
            (true, true) => spans && shares,
            (true, false) => spans,
            (false, true) => shares,
            (false, false) => false,
        }
    }
}

impl Limits {
    /// The same, checked: a warning must not begin after the failure.
    ///
    /// # Errors
    /// A sentence that names both.
    pub fn new(warning: Limit, critical: Limit) -> Result<Self, String> {
        if warning.is_surely_below(&critical) {
            return Err(format!(
                "a warning below {warning} would never be seen, because a failure begins below {critical}; \
                 give a critical limit that is smaller than the warning"
            ));
        }
        Ok(Self { warning, critical })
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            leaf: Limits { warning: Limit::days_or_percent(21, 25), critical: Limit::days_or_percent(7, 10) },
            issuer: Limits {
                warning: Limit::days_or_percent(180, 25),
                critical: Limit::days_or_percent(30, 10),
            },
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    /// `21d,25%`, `36h`, `25%`; a bare number is days, as in other certificate checkers.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut limit = Self { span: None, share: None };
        for part in text.split(',').map(str::trim) {
            let taken = if let Some(percent) = part.strip_suffix('%') {
                limit.share.replace(parse_percent(percent.trim())?).is_some()
            } else if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
                let days: u64 = part.parse().map_err(|_| format!("'{part}' days is too long"))?;
                let seconds = days.checked_mul(DAY).ok_or_else(|| format!("'{part}' days is too long"))?;
                limit.span.replace(seconds).is_some()
            } else {
                let span =
                    parse_duration(part).map_err(|error| format!("{error}, or 25% of the lifetime"))?;
                limit.span.replace(span.as_secs()).is_some()
            };
            if taken {
                return Err(format!(
                    "'{text}' has two limits of one kind; write one span and one share, such as 21d,25%"
                ));
            }
        }
        Ok(limit)
    }
}

/// Hundredths of a percent.
fn parse_percent(text: &str) -> Result<u32, String> {
    let wrong = || format!("'{text}%' is no share of a lifetime; write 0.5% to 100%");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 2 || whole.len() > 3 {
        return Err(wrong());
    }
    let hundredths: u32 = format!("{fraction:0<2}").parse().map_err(|_| wrong())?;
    let share = whole.parse::<u32>().map_err(|_| wrong())? * 100 + hundredths;
    if (1..=10_000).contains(&share) { Ok(share) } else { Err(wrong()) }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: u32| match (share / 100, share % 100) {
            (whole, 0) => format!("{whole} % of the lifetime"),
            (whole, hundredths) => format!("{whole}.{hundredths:02} % of the lifetime"),
        };
        match (self.span, self.share) {
            (Some(seconds), Some(part)) => write!(f, "{} or {}, the smaller", span(seconds), share(part)),
            (Some(seconds), None) => f.write_str(&span(seconds)),
            (None, Some(part)) => f.write_str(&share(part)),
            (None, None) => f.write_str("nothing"),
        }
    }
}

impl serde::Serialize for Limit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap()
    }

    #[test]
    fn the_smaller_of_span_and_share_counts() {
        let both = limit("21d,25%");
        assert_eq!(both.seconds(90 * DAY), 21 * DAY);
        assert_eq!(both.seconds(DAY), 6 * 3600);
        assert_eq!(both.seconds(84 * DAY), 21 * DAY);
        assert_eq!(limit("36h").seconds(10), 36 * 3600);
        assert_eq!(limit("12.5%").seconds(800), 100);
        assert_eq!(limit("25%").seconds(10), 3, "two and a half seconds are rounded up");
        assert_eq!(limit("30").seconds(3650 * DAY), 30 * DAY, "a bare number is days");
    }

    #[test]
    fn nonsense_is_refused_with_a_hint() {
        for text in ["", "d", "25%,30%", "21d,7d", "101%", "0%", "-3d", "25 percent", "1.234%", "21d,,25%"] {
            let error = text.parse::<Limit>().unwrap_err();
            assert!(error.contains('%'), "{text}: {error}");
        }
    }

    #[test]
    fn a_warning_after_the_failure_is_refused() {
        assert!(Limits::new(limit("3d"), limit("7d")).unwrap_err().contains("never be seen"));
        assert!(Limits::new(limit("3d"), limit("7d,10%")).is_err());
        assert!(Limits::new(limit("5%"), limit("7d,10%")).is_err());
        assert!(
            Limits::new(limit("21d"), limit("10%")).is_ok(),
            "they cannot be compared without a lifetime"
        );
        assert!(Limits::new(limit("7d"), limit("7d")).is_ok());
    }

    proptest! {
        #[test]
        fn a_limit_never_exceeds_either_part(days in 1_u64..4000, percent in 1_u32..=100, lifetime in 0_u64..10_000_000_000) {
            let limit = limit(&format!("{days}d,{percent}%"));
            let seconds = limit.seconds(lifetime);
            prop_assert!(seconds <= days * DAY);
            prop_assert!(u128::from(seconds) * 100 < u128::from(lifetime) * u128::from(percent) + 100);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            let _ = text.parse::<Limit>();
        }
    }
}
