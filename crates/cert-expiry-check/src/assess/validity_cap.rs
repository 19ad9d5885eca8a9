//! How long a publicly trusted server's certificate may last: the caps of the CA/Browser Forum's Baseline
//! Requirements (6.3.2, by the ballots 193, SC-022 and SC-081), each by the day from which it holds. Clients
//! enforce them: beyond its cap a certificate is refused although it has not expired. Private CAs are not
//! bound by them.

use evidence_report::record::Finding;
use jiff::Timestamp;

use crate::{
    certificate::{Certificate, Validity},
    checks::TLS_VALIDITY_CAP,
    wording::day,
};

const DAY: i64 = 86_400;

/// A cap, and from when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// First moment of issuance that it binds, in Unix seconds: 00:00 UTC of its day.
    pub since: i64,
    /// Days that a certificate may last at most.
    pub days: i64,
}

/// Newest first. Before them all, 39 months were allowed; those certificates are gone.
const CAPS: [Cap; 5] = [
    // 2029-03-15
    Cap { since: 1_868_227_200, days: 47 },
    // 2027-03-15
    Cap { since: 1_805_068_800, days: 100 },
    // 2026-03-15
    Cap { since: 1_773_532_800, days: 200 },
    // 2020-09-01
    Cap { since: 1_598_918_400, days: 398 },
    // 2018-03-01
    Cap { since: 1_519_862_400, days: 825 },
];

/// The cap that binds a certificate which begins then.
#[must_use]
pub fn cap_at(not_before: Timestamp) -> Option<Cap> {
    CAPS.into_iter().find(|cap| cap.since <= not_before.as_second())
}

/// Days of a validity as the Baseline Requirements count them (1.6.1, "validity period"): both ends
/// included, a day is 86,400 seconds, and every begun day counts whole.
#[must_use]
pub fn days(validity: Validity) -> i64 {
    let seconds = validity.lifetime() + 1;
    seconds.max(0).div_euclid(DAY) + i64::from(seconds.rem_euclid(DAY) > 0 && seconds > 0)
}

/// Judges the certificate of a publicly trusted server; `None` where no cap binds it.
#[must_use]
pub fn judge(subject: &str, certificate: &Certificate) -> Option<Finding> {
    let validity = certificate.validity;
    let cap = cap_at(validity.not_before)?;
    let since = Timestamp::from_second(cap.since).map(day).unwrap_or_default();
    let expected = format!("{} days at most, for what was issued since {since}", cap.days);
    let observed = format!("{} days, from {}", days(validity), day(validity.not_before));
    let finding = if days(validity) <= cap.days {
        TLS_VALIDITY_CAP.passed(subject)
    } else {
        TLS_VALIDITY_CAP.failed(subject).hurts_at(validity.not_before).remedy(format!(
            "Have '{}' issued again for {} days or fewer: browsers refuse this one today.",
            certificate.name, cap.days
        ))
    };
    Some(finding.expected(expected).observed(observed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_cap_holds_from_its_day_to_the_second() {
        let table = [
            ("2018-03-01T00:00:00Z", None, Some(825)),
            ("2020-09-01T00:00:00Z", Some(825), Some(398)),
            ("2026-03-15T00:00:00Z", Some(398), Some(200)),
            ("2027-03-15T00:00:00Z", Some(200), Some(100)),
            ("2029-03-15T00:00:00Z", Some(100), Some(47)),
        ];
        for (since, before, from_then) in table {
            let since: Timestamp = since.parse().unwrap();
            let second_before = Timestamp::from_second(since.as_second() - 1).unwrap();
            assert_eq!(cap_at(second_before).map(|cap| cap.days), before, "before {since}");
            assert_eq!(cap_at(since).map(|cap| cap.days), from_then, "at {since}");
        }
    }

    /// A day is 86,400 seconds and both ends count: the last second of the allowed days is the one before.
    #[test]
    fn days_are_counted_with_both_ends() {
        let lasting = |seconds: i64| days(Validity::from_unix(1_000_000_000, 1_000_000_000 + seconds));
        for (seconds, expected) in [
            (-1, 0),
            (0, 1),
            (DAY - 1, 1),
            (DAY, 2),
            (90 * DAY - 1, 90),
            (90 * DAY, 91),
            (398 * DAY - 1, 398),
            (398 * DAY, 399),
        ] {
            assert_eq!(lasting(seconds), expected, "{seconds} s");
        }
    }

    fn outcome(not_before: &str, seconds: i64) -> Option<evidence_report::record::Outcome> {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
        let begin = not_before.parse::<Timestamp>().unwrap().as_second();
        certificate.validity = Validity::from_unix(begin, begin + seconds);
        judge("shop:443", &certificate).map(|finding| finding.outcome)
    }

    #[test]
    fn a_second_too_long_fails() {
        use evidence_report::record::Outcome::{Failed, Passed};
        for (not_before, cap) in [
            ("2018-03-01T00:00:00Z", 825),
            ("2020-08-31T23:59:59Z", 825),
            ("2020-09-01T00:00:00Z", 398),
            ("2026-03-14T23:59:59Z", 398),
            ("2026-03-15T00:00:00Z", 200),
            ("2027-03-14T23:59:59Z", 200),
            ("2027-03-15T00:00:00Z", 100),
            ("2029-03-14T23:59:59Z", 100),
            ("2029-03-15T00:00:00Z", 47),
            ("2040-01-01T00:00:00Z", 47),
        ] {
            assert_eq!(outcome(not_before, cap * DAY - 1), Some(Passed), "{not_before}");
            assert_eq!(outcome(not_before, cap * DAY), Some(Failed), "{not_before}");
        }
        assert_eq!(outcome("2018-02-28T23:59:59Z", 2000 * DAY), None);
    }

    proptest! {
        #[test]
        fn a_longer_life_is_never_better(begin in 1_519_862_400_i64..2_000_000_000, life in 0_i64..100_000_000, more in 0_i64..100_000_000) {
            let validity = |life| Validity::from_unix(begin, begin + life);
            prop_assert!(days(validity(life)) <= days(validity(life + more)));
        }
    }
}
