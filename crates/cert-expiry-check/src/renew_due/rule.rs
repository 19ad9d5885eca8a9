//! When a certificate is due for its renewal: once so much of its lifetime is used, or no more than so much is
//! left. Pure.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use crate::{assess::threshold::Limit, certificate::Validity};

/// A share of a lifetime, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

/// When a certificate is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Once so much of its lifetime is used.
    Used(Share),
    /// Once no more than this is left.
    Remaining(Limit),
}

impl Share {
    /// 66 %: what `step certificate needs-renewal` takes, a little before the two thirds of ACME clients.
    pub const DEFAULT: Self = Self(6600);
}

impl Rule {
    /// The first moment at which a certificate is due. One that ends before it begins always was; one without
    /// an end never is.
    #[must_use]
    pub fn due_from(&self, validity: Validity) -> Timestamp {
        let Ok(lifetime) = u64::try_from(validity.lifetime()) else { return Timestamp::MIN };
        if validity.is_endless() {
            return Timestamp::MAX;
        }
        let left = match self {
            Self::Used(share) => lifetime - share.of(lifetime),
            Self::Remaining(limit) => limit.seconds(lifetime),
        };
        let seconds = i64::try_from(left).unwrap_or(i64::MAX);
        let from = validity.not_after.as_second().saturating_sub(seconds);
        Timestamp::from_second(from).unwrap_or(Timestamp::MIN)
    }
}

impl Share {
    /// So many of these seconds, rounded up.
    fn of(self, lifetime: u64) -> u64 {
        let seconds = (u128::from(lifetime) * u128::from(self.0)).div_ceil(10_000);
        u64::try_from(seconds).unwrap_or(lifetime)
    }
}

/// How much of its lifetime a certificate has used, in whole percent, rounded down.
#[must_use]
pub fn used_percent(validity: Validity, now: Timestamp) -> i64 {
    let used = i128::from(now.as_second()) - i128::from(validity.not_before.as_second());
    match i128::from(validity.lifetime()) {
        ..=0 => 100,
        lifetime => i64::try_from(used * 100 / lifetime).unwrap_or(i64::MAX),
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no share of a lifetime; write 66%, or --remaining 8h for a span");
        let percent = text.strip_suffix('%').ok_or_else(wrong)?.trim();
        let (whole, part) = percent.split_once('.').unwrap_or((percent, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || whole.len() > 3 || part.len() > 2 {
            return Err(wrong());
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let hundredths = number(whole)? * 100 + number(part)? * if part.len() == 1 { 10 } else { 1 };
        if hundredths == 0 || hundredths > 10_000 {
            return Err(format!("'{text}' is no share of a lifetime; write more than 0% and up to 100%"));
        }
        Ok(Self(hundredths))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{} %", self.0 / 100),
            part => write!(f, "{}.{part:02} %", self.0 / 100),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used(share) => write!(f, "once {share} of the lifetime is used"),
            Self::Remaining(limit) => write!(f, "once no more than {limit} is left"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;
    const BEGIN: i64 = 1_800_000_000;

    fn due_after(rule: Rule, lifetime: i64) -> i64 {
        rule.due_from(Validity::from_unix(BEGIN, BEGIN + lifetime)).as_second() - BEGIN
    }

    fn used(text: &str) -> Rule {
        Rule::Used(text.parse().unwrap())
    }

    fn remaining(text: &str) -> Rule {
        Rule::Remaining(text.parse().unwrap())
    }

    #[test]
    fn due_is_told_to_the_second() {
        for (rule, lifetime, after) in [
            (used("66%"), 24 * HOUR, 57_024),
            (used("66%"), 90 * DAY, 5_132_160),
            (used("100%"), 90 * DAY, 90 * DAY),
            (used("33.3%"), 10, 4),
            (remaining("8h"), 24 * HOUR, 16 * HOUR),
            (remaining("30d"), 90 * DAY, 60 * DAY),
            (remaining("25%"), 100, 75),
            (remaining("21d,25%"), DAY, 18 * HOUR),
            // More than there ever was: due from before its beginning.
            (remaining("30d"), 6 * DAY, -24 * DAY),
            (used("66%"), 0, 0),
        ] {
            assert_eq!(due_after(rule, lifetime), after, "{rule}, {lifetime} s");
        }
    }

    #[test]
    fn the_odd_validities_have_an_answer() {
        let backwards = Validity::from_unix(BEGIN, BEGIN - 1);
        assert_eq!(used("66%").due_from(backwards), Timestamp::MIN);
        let endless = Validity::from_unix(BEGIN, 253_402_300_799);
        assert_eq!(used("66%").due_from(endless), Timestamp::MAX);
        assert_eq!(remaining("30d").due_from(endless), Timestamp::MAX);
        let now = Timestamp::from_second(BEGIN).unwrap();
        assert_eq!(used_percent(backwards, now), 100);
        assert_eq!(used_percent(Validity::from_unix(BEGIN - 66, BEGIN + 34), now), 66);
        assert_eq!(used_percent(Validity::from_unix(BEGIN - 300, BEGIN - 200), now), 300);
    }

    #[test]
    fn nonsense_is_refused_with_a_hint() {
        for text in ["", "66", "%", "0%", "101%", "-5%", "66.123%", "66,5%", "two thirds", "8h", "1e2%"] {
            assert!(text.parse::<Share>().unwrap_err().contains('%'), "{text}");
        }
        assert_eq!("12.5%".parse::<Share>().unwrap().to_string(), "12.50 %");
        assert_eq!("66 %".parse::<Share>(), Ok(Share::DEFAULT));
    }

    proptest! {
        #[test]
        fn due_lies_within_the_lifetime(hundredths in 1_u32..=10_000, lifetime in 0_i64..400_000_000) {
            let after = due_after(Rule::Used(Share(hundredths)), lifetime);
            prop_assert!((0..=lifetime).contains(&after));
        }

        #[test]
        fn a_larger_share_is_never_due_earlier(a in 1_u32..=10_000, b in 1_u32..=10_000, lifetime in 0_i64..400_000_000) {
            let (small, large) = (a.min(b), a.max(b));
            prop_assert!(due_after(Rule::Used(Share(small)), lifetime) <= due_after(Rule::Used(Share(large)), lifetime));
        }
    }
}
