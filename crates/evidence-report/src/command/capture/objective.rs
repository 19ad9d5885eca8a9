//! `--objective 'duration<=30m'`: how long the command may take, or has to take. Pure.

use std::time::Duration;

use super::{checks::DURATION, judge::End};
use crate::{
    record::{Decimal, Finding, Objective, Requirement},
    run::parse_duration,
};

/// What the duration of a command is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum Limit {
    /// No longer than this.
    AtMost(Duration),
    /// No shorter: a load test that ends early has not loaded anything.
    AtLeast(Duration),
}

impl Limit {
    /// Reads `duration<=30m` or `duration>=10m`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let compact: String = text.chars().filter(|char| !char.is_whitespace()).collect();
        let wrong = || format!("'{text}' is no objective; write 'duration<=30m' or 'duration>=10m'");
        let rest = compact.strip_prefix("duration").ok_or_else(wrong)?;
        if let Some(limit) = rest.strip_prefix("<=") {
            return Ok(Self::AtMost(parse_duration(limit)?));
        }
        let limit = rest.strip_prefix(">=").ok_or_else(wrong)?;
        Ok(Self::AtLeast(parse_duration(limit)?))
    }

    /// As a measurement shows it.
    pub(super) fn as_objective(self) -> Objective {
        match self {
            Self::AtMost(limit) => Objective::AtMost(Decimal::new(limit.as_secs_f64(), 3)),
            Self::AtLeast(limit) => Objective::AtLeast(Decimal::new(limit.as_secs_f64(), 3)),
        }
    }

    fn is_met(self, took: Duration) -> bool {
        match self {
            Self::AtMost(limit) => took <= limit,
            Self::AtLeast(limit) => took >= limit,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtMost(limit) => format!("at most {} s", limit.as_secs_f64()),
            Self::AtLeast(limit) => format!("at least {} s", limit.as_secs_f64()),
        }
    }
}

/// The finding about the duration, where one was asked for.
pub(super) fn assess(
    limit: &Option<Limit>,
    end: &End,
    took: Option<Duration>,
    subject: &str,
) -> Option<Finding> {
    let limit = (*limit)?;
    let expected = limit.words();
    let Some(took) = took else {
        let reason = match end {
            End::NotStarted(_) => "the command did not start",
            _ => "the command did not run to its end",
        };
        return Some(DURATION.not_checked(Requirement::Required, subject, reason).expected(expected));
    };
    let finding = if limit.is_met(took) { DURATION.passed(subject) } else { DURATION.failed(subject) };
    Some(finding.expected(expected).observed(format!("{:.3} s", took.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;

    fn outcome(limit: &str, milliseconds: u64) -> Outcome {
        let took = Duration::from_millis(milliseconds);
        let end = End::Exited { code: 0, took };
        assess(&Some(Limit::parse(limit).unwrap()), &end, Some(took), "k6").unwrap().outcome
    }

    #[test]
    fn the_limit_itself_is_met() {
        assert_eq!(outcome("duration<=2s", 2000), Outcome::Passed);
        assert_eq!(outcome("duration<=2s", 2001), Outcome::Failed);
        assert_eq!(outcome("duration >= 2s", 2000), Outcome::Passed);
        assert_eq!(outcome("duration >= 2s", 1999), Outcome::Failed);
    }

    #[test]
    fn what_did_not_run_has_no_duration_and_what_is_no_objective_is_refused() {
        let limit = Some(Limit::parse("duration<=2s").unwrap());
        let finding = assess(&limit, &End::NotStarted(String::new()), None, "k6").unwrap();
        assert_eq!(finding.outcome, Outcome::NotChecked(Requirement::Required));
        assert_eq!(assess(&None, &End::NotStarted(String::new()), None, "k6"), None);
        for wrong in ["", "duration", "duration<2s", "duration<=", "duration<=fast", "p95<=2s"] {
            assert!(Limit::parse(wrong).is_err(), "{wrong}");
        }
    }
}
