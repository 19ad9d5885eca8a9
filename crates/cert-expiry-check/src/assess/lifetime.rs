//! How much of a certificate's lifetime is left, and whether that is enough: measured against the lifetime
//! itself, so that one of 24 hours and one of ten years both come out right.

use evidence_report::record::{Check, Finding};
use jiff::Timestamp;

use super::threshold::{Limits, Thresholds};
use crate::{
    certificate::{Certificate, Validity},
    wording::{distance, moment, span},
};

/// What a certificate is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It stands for a server or a client.
    Leaf,
    /// It issues others.
    Issuer,
}

impl Role {
    /// That of a certificate which lies somewhere. One that names hosts stands for a server, even where it says
    /// that it is a CA, as `openssl req -x509` makes them.
    #[must_use]
    pub fn of_stored(certificate: &Certificate) -> Self {
        let names_hosts = !certificate.dns_names.is_empty() || !certificate.ip_addresses.is_empty();
        if certificate.is_issuer && !names_hosts { Self::Issuer } else { Self::Leaf }
    }
}

/// How a certificate stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Enough is left.
    Good,
    /// Less is left than the warning limit.
    Warning,
    /// Less is left than the critical limit.
    Critical,
    /// It becomes valid later.
    NotYetValid,
    /// Its end lies before its beginning: it never was and never will be valid.
    NeverValid,
    /// It has ended.
    Expired,
}

/// A judgement, with the numbers that it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// How it stands.
    pub standing: Standing,
    /// Seconds that should be left.
    pub wanted: u64,
    /// Seconds below which it is a failure.
    pub critical: u64,
}

impl Thresholds {
    /// The limits of a role.
    #[must_use]
    pub fn of(&self, role: Role) -> &Limits {
        match role {
            Role::Leaf => &self.leaf,
            Role::Issuer => &self.issuer,
        }
    }
}

/// Judges a validity at `now`. Both ends of the validity are inclusive (RFC 5280, 4.1.2.5); a limit is not:
/// exactly as much left as the limit says is enough.
#[must_use]
pub fn judge(validity: Validity, now: Timestamp, limits: &Limits) -> Judgement {
    let lifetime = u64::try_from(validity.lifetime()).unwrap_or(0);
    let (wanted, critical) = (limits.warning.seconds(lifetime), limits.critical.seconds(lifetime));
    let left = validity.not_after.as_second() - now.as_second();
    let less_than = |limit: u64| u64::try_from(left).is_ok_and(|left| left < limit);
    let standing = if validity.lifetime() < 0 {
        Standing::NeverValid
    } else if left < 0 {
        Standing::Expired
    } else if now.as_second() < validity.not_before.as_second() {
        Standing::NotYetValid
    } else if less_than(critical) {
        Standing::Critical
    } else if less_than(wanted) {
        Standing::Warning
    } else {
        Standing::Good
    };
    Judgement { standing, wanted, critical }
}

/// Judges a certificate, and says so.
#[must_use]
pub fn finding(
    check: &'static Check,
    subject: String,
    certificate: &Certificate,
    role: Role,
    now: Timestamp,
    thresholds: &Thresholds,
) -> (Finding, Judgement) {
    let validity = certificate.validity;
    let judgement = judge(validity, now, thresholds.of(role));
    let finding = match judgement.standing {
        Standing::Good => check.passed(subject),
        Standing::Warning => check.warned(subject),
        _ => check.failed(subject),
    };
    let finding = finding
        .expected(expected(&judgement))
        .observed(observed(certificate, &judgement, now))
        .remedy(remedy(certificate, &judgement, role, now));
    let hurts_at = match judgement.standing {
        Standing::NotYetValid | Standing::NeverValid => now,
        _ => validity.not_after,
    };
    (finding.hurts_at(hurts_at), judgement)
}

fn expected(judgement: &Judgement) -> String {
    match judgement.standing {
        Standing::NeverValid => "an end after the beginning".to_owned(),
        Standing::NotYetValid => "valid now".to_owned(),
        _ => format!("{} or more left; failed below {}", span(judgement.wanted), span(judgement.critical)),
    }
}

fn observed(certificate: &Certificate, judgement: &Judgement, now: Timestamp) -> String {
    let Validity { not_before, not_after } = certificate.validity;
    let lifetime = span(u64::try_from(certificate.validity.lifetime()).unwrap_or(0));
    match judgement.standing {
        Standing::NeverValid => {
            format!("valid from {} to {}: it ends before it begins", moment(not_before), moment(not_after))
        }
        Standing::NotYetValid => {
            let cause = likely_cause(certificate.validity, now);
            format!(
                "not valid before {}, {}: probably {cause}",
                moment(not_before),
                distance(now, not_before)
            )
        }
        Standing::Expired => {
            format!("expired {}, {} (lifetime {lifetime})", moment(not_after), distance(now, not_after))
        }
        _ if certificate.validity.is_endless() => "has no end (9999-12-31)".to_owned(),
        _ => format!("expires {}, {} (lifetime {lifetime})", moment(not_after), distance(now, not_after)),
    }
}

/// Which certificate has to be replaced, and by when; nothing where its end is far, or is not what hurts.
#[must_use]
pub fn due(certificate: &Certificate, judgement: &Judgement) -> Option<(String, String)> {
    let by_when = match judgement.standing {
        Standing::Good | Standing::NotYetValid | Standing::NeverValid => return None,
        Standing::Expired => "at once".to_owned(),
        Standing::Warning | Standing::Critical => {
            format!("before {}", moment(certificate.validity.not_after))
        }
    };
    Some((which(certificate), by_when))
}

fn which(certificate: &Certificate) -> String {
    let from = if certificate.is_self_issued {
        "self-signed".to_owned()
    } else {
        format!("issued by '{}'", certificate.issuer)
    };
    format!("'{}' ({from}, serial {})", certificate.name, short_serial(&certificate.serial))
}

fn remedy(certificate: &Certificate, judgement: &Judgement, role: Role, now: Timestamp) -> String {
    let Some((which, by_when)) = due(certificate, judgement) else {
        return match judgement.standing {
            Standing::NotYetValid => future_remedy(certificate.validity, &which(certificate), now),
            Standing::NeverValid => {
                format!("Have {} issued again with a right validity.", which(certificate))
            }
            _ => "Nothing: enough is left.".to_owned(),
        };
    };
    match role {
        Role::Leaf => format!("Renew {which} {by_when}, install it, and reload whatever serves it."),
        Role::Issuer if certificate.is_self_issued => format!(
            "Replace the root {which} {by_when} by its successor, wherever it is trusted; the system's roots come with the package ca-certificates."
        ),
        Role::Issuer => format!(
            "Renew {which} {by_when}, issue anew what it has issued, and give the new one to everyone who presents it."
        ),
    }
}

/// Two clocks that people believe to be right seldom differ by more than this, in seconds.
const SKEW: i64 = 3600;

/// Time zones differ by no more than this from UTC, in seconds: a clock that was set in local time.
const ZONES: i64 = 14 * 3600;

/// Why a certificate may begin in the future.
fn likely_cause(validity: Validity, now: Timestamp) -> &'static str {
    let ahead = validity.not_before.as_second() - now.as_second();
    if ahead <= SKEW {
        "a clock that is wrong by minutes"
    } else if ahead <= ZONES {
        "a clock that was set in local time instead of UTC, or a certificate installed too early"
    } else {
        "a certificate issued for a later start, and installed too early"
    }
}

fn future_remedy(validity: Validity, which: &str, now: Timestamp) -> String {
    let (here, begins) = (moment(now), moment(validity.not_before));
    if validity.not_before.as_second() - now.as_second() <= ZONES {
        format!(
            "Compare the clocks (NTP) of this machine, where it is {here}, and of the machine that issued {which}."
        )
    } else {
        format!(
            "Put its predecessor back until {begins}, or have {which} issued again to begin today; it is {here} here."
        )
    }
}

/// Serial numbers go up to 20 octets; the first eight tell certificates apart well enough for people.
fn short_serial(serial: &str) -> String {
    match serial.get(..16) {
        Some(start) if serial.len() > 16 => format!("{start}…"),
        _ => serial.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3600;
    const DAY: i64 = 86_400;
    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn standing(lifetime: i64, left: i64, role: Role) -> Standing {
        let validity = Validity::from_unix(NOW + left - lifetime, NOW + left);
        judge(validity, now(), Thresholds::default().of(role)).standing
    }

    /// For each kind of certificate: its lifetime, and the last second at which it is still a failure, a
    /// warning.
    #[test]
    fn defaults_fit_every_lifetime_to_the_second() {
        let table = [
            // (what, role, lifetime, failed below, warned below)
            ("24 hours, as step-ca issues them", Role::Leaf, 24 * HOUR, 8640, 6 * HOUR),
            ("6 days", Role::Leaf, 6 * DAY, 51_840, 36 * HOUR),
            ("47 days", Role::Leaf, 47 * DAY, 406_080, 1_015_200),
            ("one hour", Role::Leaf, HOUR, 360, 900),
            ("70 days: 7 days are 10 %", Role::Leaf, 70 * DAY, 7 * DAY, 1_512_000),
            ("84 days: 21 days are 25 %", Role::Leaf, 84 * DAY, 7 * DAY, 21 * DAY),
            ("90 days", Role::Leaf, 90 * DAY, 7 * DAY, 21 * DAY),
            ("100 days", Role::Leaf, 100 * DAY, 7 * DAY, 21 * DAY),
            ("200 days", Role::Leaf, 200 * DAY, 7 * DAY, 21 * DAY),
            ("398 days", Role::Leaf, 398 * DAY, 7 * DAY, 21 * DAY),
            ("ten years", Role::Leaf, 3650 * DAY, 7 * DAY, 21 * DAY),
            ("issuer of 24 hours, as meshes rotate them", Role::Issuer, 24 * HOUR, 8640, 6 * HOUR),
            ("issuer of 90 days", Role::Issuer, 90 * DAY, 9 * DAY, 1_944_000),
            ("issuer of one year", Role::Issuer, 365 * DAY, 30 * DAY, 7_884_000),
            ("issuer of two years", Role::Issuer, 730 * DAY, 30 * DAY, 180 * DAY),
            ("issuer of ten years", Role::Issuer, 3650 * DAY, 30 * DAY, 180 * DAY),
            ("root of thirty years", Role::Issuer, 10_950 * DAY, 30 * DAY, 180 * DAY),
        ];
        for (what, role, lifetime, failed_below, warned_below) in table {
            for (left, expected) in [
                (-1, Standing::Expired),
                (0, Standing::Critical),
                (failed_below - 1, Standing::Critical),
                (failed_below, Standing::Warning),
                (warned_below - 1, Standing::Warning),
                (warned_below, Standing::Good),
                (lifetime, Standing::Good),
                (lifetime + 1, Standing::NotYetValid),
            ] {
                assert_eq!(standing(lifetime, left, role), expected, "{what}, {left} s left");
            }
        }
    }

    #[test]
    fn an_end_before_the_beginning_is_never_valid() {
        let validity = Validity::from_unix(NOW + 10, NOW - 10);
        assert_eq!(judge(validity, now(), &Thresholds::default().leaf).standing, Standing::NeverValid);
    }

    #[test]
    fn a_start_in_the_future_names_its_likely_cause() {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
        for (in_seconds, cause, remedy) in [
            (1, "wrong by minutes", "Compare the clocks"),
            (HOUR, "wrong by minutes", "Compare the clocks"),
            (HOUR + 1, "local time", "Compare the clocks"),
            (14 * HOUR, "local time", "Compare the clocks"),
            (14 * HOUR + 1, "a later start", "Put its predecessor back until"),
            (3 * DAY, "a later start", "Put its predecessor back until"),
        ] {
            certificate.validity = Validity::from_unix(NOW + in_seconds, NOW + 90 * DAY);
            let thresholds = Thresholds::default();
            let check = &crate::checks::TLS_LIFETIME;
            let (finding, _) =
                finding(check, "shop:443".to_owned(), &certificate, Role::Leaf, now(), &thresholds);
            assert!(finding.observed.contains(cause), "{in_seconds}: {}", finding.observed);
            assert!(finding.remedy.contains(remedy), "{in_seconds}: {}", finding.remedy);
        }
    }

    #[test]
    fn a_certificate_without_an_end_is_good() {
        let validity = Validity::from_unix(NOW - DAY, 253_402_300_799);
        assert_eq!(judge(validity, now(), &Thresholds::default().leaf).standing, Standing::Good);
    }

    proptest! {
        #[test]
        fn more_time_left_is_never_worse(lifetime in 1_i64..400_000_000, left in 0_i64..400_000_000, more in 0_i64..400_000_000) {
            let left = left % lifetime;
            let longer = (left + more).min(lifetime);
            prop_assert!(standing(lifetime, longer, Role::Leaf) <= standing(lifetime, left, Role::Leaf));
        }

        #[test]
        fn a_fresh_certificate_is_good_whatever_its_lifetime(lifetime in 0_i64..4_000_000_000) {
            prop_assert!(standing(lifetime, lifetime, Role::Leaf) <= Standing::Good);
            prop_assert!(standing(lifetime, lifetime, Role::Issuer) <= Standing::Good);
        }

        #[test]
        fn an_issuer_is_never_judged_milder_than_a_leaf(lifetime in 1_i64..400_000_000, left in 0_i64..400_000_000) {
            let left = left % lifetime;
            prop_assert!(standing(lifetime, left, Role::Issuer) >= standing(lifetime, left, Role::Leaf));
        }
    }
}
