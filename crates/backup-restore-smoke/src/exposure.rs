//! The worst that a schedule can lose. Computed from what is agreed, never measured, and always said so. Pure.

use std::time::Duration;

use evidence_report::record::{Decimal, Finding, Measurement, Objective, Requirement};
use serde::{Serialize, Serializer};

use crate::{
    checks::RECOVERY_EXPOSURE,
    wording::{against, seconds},
};

/// How backups come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Schedule {
    /// A backup every so often: an incident just before one is safe loses all since the one before began.
    Backups {
        /// How often.
        #[serde(serialize_with = "whole_seconds")]
        interval: Duration,
        /// How long it takes until it is safe elsewhere, after it was made.
        #[serde(serialize_with = "whole_seconds")]
        upload: Duration,
    },
    /// The write-ahead log is archived: an incident loses what no archived segment holds yet.
    Archive {
        /// The server's `archive_timeout`.
        #[serde(serialize_with = "whole_seconds")]
        timeout: Duration,
        /// How long a segment takes until it is safe in the archive.
        #[serde(serialize_with = "whole_seconds")]
        lag: Duration,
    },
}

fn whole_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{} s", duration.as_secs_f64()))
}

/// How long making a backup takes, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackupTakes {
    /// Measured by this run or told by the backup tool.
    Known(Duration),
    /// Nobody knows.
    Unknown,
}

/// The worst case, and how it comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// So much would be lost at most.
    pub(crate) total: Duration,
    /// The sum, in words.
    pub(crate) words: String,
}

/// Adds it up.
pub(crate) fn worst_case(schedule: Schedule, takes: BackupTakes) -> Exposure {
    match schedule {
        Schedule::Backups { interval, upload } => {
            let (duration, words) = match takes {
                BackupTakes::Known(duration) => {
                    (duration, format!("{} that making one takes", seconds(duration)))
                }
                BackupTakes::Unknown => {
                    (Duration::ZERO, "how long making one takes (not known, so not in it)".into())
                }
            };
            Exposure {
                total: interval + duration + upload,
                words: format!(
                    "{} between backups + {words} + {} of upload",
                    seconds(interval),
                    seconds(upload)
                ),
            }
        }
        Schedule::Archive { timeout, lag } => Exposure {
            total: timeout + lag,
            words: format!("archive_timeout {} + {} until a segment is safe", seconds(timeout), seconds(lag)),
        },
    }
}

/// Holds the worst case against the objective.
pub(crate) fn judge_exposure(
    subject: &str,
    exposure: &Exposure,
    objective: Option<Duration>,
) -> (Finding, Measurement) {
    let measurement = Measurement::seconds("worst_case_exposure_seconds", exposure.total.as_secs_f64())
        .label("figure", "computed")
        .label("subject", subject);
    let observed = format!(
        "{} would be lost at the worst: computed from the schedule, not measured ({})",
        against(exposure.total, objective),
        exposure.words
    );
    let Some(limit) = objective else {
        let reason = format!("no objective was given (--rpo); {observed}");
        return (RECOVERY_EXPOSURE.not_checked(Requirement::Optional, subject, reason), measurement);
    };
    let met = exposure.total <= limit;
    let made = if met { RECOVERY_EXPOSURE.passed(subject) } else { RECOVERY_EXPOSURE.failed(subject) };
    let objective = Objective::AtMost(Decimal::new(limit.as_secs_f64(), 3));
    let finding = made.expected(format!("at most {}", seconds(limit))).observed(observed);
    (finding, measurement.objective(objective))
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_worst_case_is_the_sum() {
        let nightly = Schedule::Backups { interval: MINUTE * 60 * 24, upload: MINUTE * 20 };
        assert_eq!(worst_case(nightly, BackupTakes::Known(MINUTE * 40)).total, MINUTE * 60 * 25);
        let unknown = worst_case(nightly, BackupTakes::Unknown);
        assert!(
            unknown.total == MINUTE * (60 * 24 + 20) && unknown.words.contains("not known"),
            "{unknown:?}"
        );
        let archived = Schedule::Archive { timeout: MINUTE, lag: MINUTE / 6 };
        assert_eq!(worst_case(archived, BackupTakes::Known(MINUTE * 40)).total, Duration::from_secs(70));
    }

    #[test]
    fn the_objective_decides_and_the_figure_says_that_it_is_computed() {
        let exposure = Exposure { total: MINUTE, words: String::new() };
        let judge = |limit| judge_exposure("x", &exposure, limit).0;
        assert_eq!(judge(Some(MINUTE)).outcome, Outcome::Passed);
        assert_eq!(judge(Some(MINUTE - Duration::from_nanos(1))).outcome, Outcome::Failed);
        assert_eq!(judge(None).outcome, Outcome::NotChecked(Requirement::Optional));
        assert!([Some(MINUTE), None].map(judge).iter().all(|one| one.observed.contains("computed")));
    }
}
