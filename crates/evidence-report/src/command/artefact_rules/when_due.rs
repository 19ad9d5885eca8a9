//! Something that was done on a day and is due again after a cadence: the one judgement that rotations, reviews,
//! drills and exports share.

use jiff::{Timestamp, civil::Date};

use super::material::{Period, end_of, span_of, utc_day};
use crate::record::{Check, Finding};

/// What was done, when, and how often it has to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due<'d> {
    pub(super) check: &'static Check,
    pub(super) subject: &'d str,
    /// What was done, such as "rotated".
    pub(super) done: &'d str,
    pub(super) last: Date,
    pub(super) every: Period,
    pub(super) warn_before: Period,
}

impl Due<'_> {
    /// Failed past the cadence and for a day that has not come; warned shortly before. The day of the cadence's
    /// end counts as within it.
    pub(super) fn judge(&self, as_of: Timestamp) -> Finding {
        let Self { check, subject, done, last, every, warn_before } = *self;
        let expected = format!("{done} within {every}");
        let ends = end_of(last).checked_add(every.0).unwrap_or(Timestamp::MAX);
        let left = as_of.duration_until(ends);
        if end_of(last) > end_of_day(as_of) {
            let observed = format!("{done} {last}, a day that has not come");
            return check.failed(subject).expected(expected).observed(observed);
        }
        let due = ends.strftime("%Y-%m-%d");
        let finding = if left.is_negative() {
            let over = span_of(-left);
            check.failed(subject).observed(format!("{done} {last}, due {due}: over for {over}"))
        } else if left <= warn_before.0 {
            check
                .warned(subject)
                .observed(format!("{done} {last}, due {due}: {} left", span_of(left)))
                .hurts_at(ends)
        } else {
            check.passed(subject).observed(format!("{done} {last}, due {due}")).hurts_at(ends)
        };
        finding.expected(expected)
    }
}

/// What passes until it is older than it may be.
pub(super) fn until(passed: Finding, max_age: Option<Period>, made: Timestamp) -> Finding {
    match max_age.and_then(|allowed| made.checked_add(allowed.0).ok()) {
        Some(end) => passed.hurts_at(end),
        None => passed,
    }
}

fn end_of_day(moment: Timestamp) -> Timestamp {
    end_of(utc_day(moment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{command::artefact_rules::checks::ROTATION, record::Outcome};

    #[test]
    fn a_cadence_is_judged_on_both_sides_of_its_edges() {
        let due = Due {
            check: &ROTATION,
            subject: "key",
            done: "rotated",
            last: "2026-10-01".parse().unwrap(),
            every: Period::days(30),
            warn_before: Period::days(7),
        };
        for (as_of, outcome, told) in [
            ("2026-09-30T23:59:59Z", Outcome::Failed, "a day that has not come"),
            ("2026-10-01T00:00:00Z", Outcome::Passed, "due 2026-10-31"),
            ("2026-10-24T23:59:58Z", Outcome::Passed, "due 2026-10-31"),
            ("2026-10-24T23:59:59Z", Outcome::Warned, "7 d left"),
            ("2026-10-31T23:59:59Z", Outcome::Warned, "0 s left"),
            ("2026-11-01T00:00:00Z", Outcome::Failed, "over for 1 s"),
            ("2026-11-12T12:00:00Z", Outcome::Failed, "over for 11 d"),
        ] {
            let finding = due.judge(as_of.parse().unwrap());
            assert_eq!(finding.outcome, outcome, "{as_of}");
            assert!(finding.observed.contains(told), "{as_of}: {}", finding.observed);
        }
    }
}
