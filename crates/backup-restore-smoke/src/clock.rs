//! Recovery time and data loss against their objectives. Pure: durations come in, judgements go out.

use std::time::Duration;

use evidence_report::record::{Decimal, Finding, Measurement, Objective, Requirement, Stage, Timeline};

use crate::{
    checks::{RECOVERY_DATA_LOSS, RECOVERY_TIME},
    wording::{against, seconds},
};

/// What the recovery time does not hold, said wherever it is shown.
pub(crate) const LEFT_OUT: &str = "not in it: noticing the incident, deciding, fetching the backup, other hardware, \
                                   planner statistics, and the verification afterwards";

/// The stages of a rehearsal, as they happen.
#[derive(Debug, Default)]
pub(crate) struct Stages(Vec<Stage>);

impl Stages {
    /// A stage that took from `start` to `end`.
    pub(crate) fn add(&mut self, name: &str, start: Duration, end: Duration, note: impl Into<String>) {
        self.0.push(Stage { name: name.to_owned(), start, end, note: note.into() });
    }

    /// Gives the newest stage another name.
    pub(crate) fn rename_last(&mut self, name: &str) {
        if let Some(stage) = self.0.last_mut() {
            name.clone_into(&mut stage.name);
        }
    }

    /// How long the stage of this name took.
    pub(crate) fn lasted(&self, name: &str) -> Option<Duration> {
        self.0.iter().find(|stage| stage.name == name).map(|stage| stage.end.saturating_sub(stage.start))
    }

    /// The timeline; its zero is the start of the rehearsal.
    pub(crate) fn timeline(&self) -> Timeline {
        self.timeline_from("the start of the rehearsal")
    }

    /// The timeline of what is no rehearsal.
    pub(crate) fn timeline_from(&self, zero: &str) -> Timeline {
        Timeline { zero: zero.to_owned(), stages: self.0.clone() }
    }

    /// How long each stage took.
    pub(crate) fn measurements(&self) -> Vec<Measurement> {
        let lasting = self.0.iter().filter(|stage| stage.end > stage.start);
        lasting
            .map(|stage| {
                let seconds = (stage.end - stage.start).as_secs_f64();
                Measurement::seconds("rehearsal_stage_seconds", seconds).label("stage", &stage.name)
            })
            .collect()
    }
}

/// What the recovery time of a physical copy does not hold: its clock begins before the backup is fetched.
pub(crate) const LEFT_OUT_OF_PHYSICAL: &str = "not in it: noticing the incident, deciding, other hardware, a cold \
                                               cache, and the verification afterwards";

/// Judges the achieved recovery time of a dump.
pub(crate) fn judge_recovery_time(achieved: Duration, objective: Option<Duration>) -> (Finding, Measurement) {
    judge_time("from the start of the restore to the first committed write", LEFT_OUT, achieved, objective)
}

/// Judges the achieved recovery time of a physical backup.
pub(crate) fn judge_physical_recovery_time(
    achieved: Duration,
    objective: Option<Duration>,
) -> (Finding, Measurement) {
    judge_time("from the incident to the first committed write", LEFT_OUT_OF_PHYSICAL, achieved, objective)
}

fn judge_time(
    subject: &str,
    left_out: &str,
    achieved: Duration,
    objective: Option<Duration>,
) -> (Finding, Measurement) {
    let measurement = Measurement::seconds("recovery_time_seconds", achieved.as_secs_f64());
    let observed = format!("{}; {left_out}", against(achieved, objective));
    match objective {
        None => {
            let reason = format!("no objective was given (--rto); achieved: {observed}");
            (RECOVERY_TIME.not_checked(Requirement::Optional, subject, reason), measurement)
        }
        Some(limit) => {
            let made =
                if achieved <= limit { RECOVERY_TIME.passed(subject) } else { RECOVERY_TIME.failed(subject) };
            let finding = made.expected(format!("at most {}", seconds(limit))).observed(observed);
            (finding, measurement.objective(at_most(limit)))
        }
    }
}

/// Says that the recovery time could not be measured.
pub(crate) fn recovery_time_unknown(reason: &str) -> Finding {
    RECOVERY_TIME.not_checked(Requirement::Required, "recovery", reason)
}

/// Why the age of a backup that the rehearsal made itself is not judged.
pub(crate) const MADE_NOW: &str = "the backup was made by this rehearsal, seconds ago: judging it would flatter. Give \
                                   the age of the newest real one with --backup-age";

/// Judges an age that was given; says why nothing can be judged where none was.
pub(crate) fn judge_age(
    age: Option<Duration>,
    objective: Option<Duration>,
    reason: &str,
) -> (Finding, Option<Measurement>) {
    let subject = "newest backup at an incident";
    let Some(age) = age else {
        let requirement = if objective.is_some() { Requirement::Required } else { Requirement::Optional };
        return (RECOVERY_DATA_LOSS.not_checked(requirement, subject, reason), None);
    };
    let measurement = Measurement::seconds("data_loss_seconds", age.as_secs_f64());
    let lost = against(age, objective);
    let observed = format!("{lost} would be lost (the age given by --backup-age, not measured)");
    match objective {
        None => {
            let reason = format!("no objective was given (--rpo); {observed}");
            (RECOVERY_DATA_LOSS.not_checked(Requirement::Optional, subject, reason), Some(measurement))
        }
        Some(limit) => {
            let met = age <= limit;
            let made =
                if met { RECOVERY_DATA_LOSS.passed(subject) } else { RECOVERY_DATA_LOSS.failed(subject) };
            let finding = made
                .expected(format!("at most {}", seconds(limit)))
                .observed(observed)
                .remedy("Back up more often, or archive the write-ahead log.");
            (finding, Some(measurement.objective(at_most(limit))))
        }
    }
}

fn at_most(limit: Duration) -> Objective {
    Objective::AtMost(Decimal::new(limit.as_secs_f64(), 3))
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn the_objective_decides_to_the_instant() {
        let outcome = |achieved| judge_recovery_time(achieved, Some(LIMIT)).0.outcome;
        assert_eq!(outcome(LIMIT), Outcome::Passed);
        assert_eq!(outcome(LIMIT + Duration::from_nanos(1)), Outcome::Failed);
        assert_eq!(judge_recovery_time(LIMIT, None).0.outcome, Outcome::NotChecked(Requirement::Optional));
    }

    #[test]
    fn the_rehearsals_own_backup_is_never_judged() {
        assert_eq!(judge_age(None, None, MADE_NOW).0.outcome, Outcome::NotChecked(Requirement::Optional));
        assert_eq!(
            judge_age(None, Some(LIMIT), MADE_NOW).0.outcome,
            Outcome::NotChecked(Requirement::Required)
        );
        assert_eq!(judge_age(Some(LIMIT), Some(LIMIT), MADE_NOW).0.outcome, Outcome::Passed);
        assert_eq!(judge_age(Some(LIMIT * 2), Some(LIMIT), MADE_NOW).0.outcome, Outcome::Failed);
        assert_eq!(
            judge_age(Some(LIMIT), None, MADE_NOW).0.outcome,
            Outcome::NotChecked(Requirement::Optional)
        );
    }

    #[test]
    fn what_is_left_out_stands_beside_every_figure() {
        for objective in [None, Some(LIMIT)] {
            assert!(judge_recovery_time(LIMIT, objective).0.observed.contains("not in it"));
        }
    }
}
