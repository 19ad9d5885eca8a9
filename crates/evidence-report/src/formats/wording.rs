//! How moments, and what became of a check, are put into words for people.

use jiff::Timestamp;

use crate::record::{Finding, Outcome, Requirement, v1::one_line};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A span in its two largest units: `3 d 4 h`, `21 d`, `45 min`, `12 s`. Beyond 100 days only the days.
fn span(seconds: u64) -> String {
    let ((large, large_word), (small, small_word)) = match seconds {
        DAY.. => ((DAY, "d"), (HOUR, "h")),
        HOUR.. => ((HOUR, "h"), (MINUTE, "min")),
        MINUTE.. => ((MINUTE, "min"), (1, "s")),
        _ => return format!("{seconds} s"),
    };
    let (whole, rest) = (seconds / large, seconds % large / small);
    if rest == 0 || seconds >= 100 * DAY {
        format!("{whole} {large_word}")
    } else {
        format!("{whole} {large_word} {rest} {small_word}")
    }
}

/// A moment to the minute, and how far it lies from `now`: `2026-11-26 23:02 UTC, in 3 d 4 h`.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    let distance = match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", span(seconds.unsigned_abs())),
        _ => format!("{} ago", span(seconds.unsigned_abs())),
    };
    format!("{}, {distance}", at.strftime("%Y-%m-%d %H:%M UTC"))
}

/// The word for an outcome.
pub(crate) const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Warned => "WARNED",
        Outcome::Failed => "FAILED",
        Outcome::Inconclusive => "INCONCLUSIVE",
        Outcome::NotChecked(Requirement::Required) => "NOT CHECKED",
        Outcome::NotChecked(Requirement::Optional) => "not checked",
        Outcome::Waived => "waived",
    }
}

/// What was seen; of a finding that is set aside also by whom, until when and why.
pub(super) fn observed(finding: &Finding) -> String {
    let observed = one_line(&finding.observed);
    match finding.waived.as_deref() {
        None => observed,
        Some(waived) => format!(
            "{observed} ({}; waived by {} until {}: {})",
            word(waived.was),
            one_line(&waived.approver),
            waived.until.strftime("%Y-%m-%d"),
            one_line(&waived.reason)
        ),
    }
}

/// Subject and place. The subject often is the file, or something in it: the path is said once.
pub(crate) fn place(finding: &Finding) -> String {
    let subject = one_line(&finding.subject);
    let Some(place) = &finding.location else { return subject };
    let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
    let rest = subject.strip_prefix(&place.path).map_or_else(|| format!(": {subject}"), str::to_owned);
    format!("{}{line}{rest}", one_line(&place.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_says_how_far_it_lies() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (at, words) in [
            ("2026-11-26T16:02:00Z", "2026-11-26 16:02 UTC, in 3 d 4 h"),
            ("2026-11-23T12:00:00Z", "2026-11-23 12:00 UTC, now"),
            ("2026-11-23T11:59:01Z", "2026-11-23 11:59 UTC, 59 s ago"),
            ("2026-11-23T13:30:00Z", "2026-11-23 13:30 UTC, in 1 h 30 min"),
            ("2031-11-23T13:30:00Z", "2031-11-23 13:30 UTC, in 1826 d"),
        ] {
            assert_eq!(moment(at.parse().unwrap(), now), words);
        }
    }
}
