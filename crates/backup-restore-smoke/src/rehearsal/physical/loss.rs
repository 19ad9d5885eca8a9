//! How much an existing backup would have lost. Pure: instants come in, judgements go out.
//!
//! The newest recovered commit bounds the loss from above: an idle source commits nothing, and loses nothing.

use std::time::Duration;

use evidence_report::record::{Decimal, Finding, Measurement, Objective, Requirement};
use jiff::{SignedDuration, Timestamp};

use crate::{checks::RECOVERY_DATA_LOSS, plan::RecoveryTarget, wording::seconds};

/// What is known of the newest that was recovered.
pub(super) struct Newest {
    /// The newest transaction that recovery replayed.
    pub(super) commit: Option<Timestamp>,
    /// When the backup was complete, and when it was begun: everything older is in it.
    pub(super) finished: Option<Timestamp>,
    pub(super) started: Option<Timestamp>,
}

/// So far the clocks of two machines may stand apart.
const CLOCKS: SignedDuration = SignedDuration::from_secs(5);

impl Newest {
    /// The newest instant of which everything is known to be recovered.
    ///
    /// # Errors
    /// One that lies behind the incident.
    fn before(&self, incident: Timestamp) -> Result<Option<Timestamp>, Timestamp> {
        let is_later = |at: &Timestamp| at.duration_since(incident) > CLOCKS;
        if let Some(later) = self.commit.or(self.started).filter(is_later) {
            return Err(later);
        }
        // What was recovered to a time within the backup ends before the backup did.
        let backup = self.finished.filter(|at| !is_later(at)).or(self.started.filter(|at| !is_later(at)));
        match (self.commit.max(backup), self.finished) {
            (None, Some(later)) => Err(later),
            (known, _) => Ok(known),
        }
    }
}

/// Judges the loss at an incident.
pub(super) fn judge_loss(
    objective: Option<Duration>,
    incident: Timestamp,
    newest: &Newest,
    target: &RecoveryTarget,
) -> (Finding, Option<Measurement>) {
    let subject = "from the newest recovered commit to the incident";
    let not_checked =
        |requirement, reason: String| (RECOVERY_DATA_LOSS.not_checked(requirement, subject, reason), None);
    let required = if objective.is_some() { Requirement::Required } else { Requirement::Optional };
    let incident = match target {
        RecoveryTarget::Time(at) => *at,
        RecoveryTarget::Consistent | RecoveryTarget::End { .. } => incident,
        RecoveryTarget::Lsn(_) | RecoveryTarget::Name(_) => {
            let reason = "recovery was to end at a place of its own choosing, which says nothing about an \
                          incident; give a time, or --backup-age";
            return not_checked(required, reason.to_owned());
        }
    };
    let recovered = match newest.before(incident) {
        Ok(Some(recovered)) => recovered,
        Ok(None) => {
            let reason = "no commit was replayed, and the backup does not say when it was made";
            return not_checked(required, reason.into());
        }
        Err(later) => {
            let reason = format!(
                "the newest that is known to be recovered is of {later}, which is after the incident ({incident}): \
                 clocks disagree, or the target lies before the backup"
            );
            return not_checked(required, reason);
        }
    };
    // A little behind it, for clocks that stand apart: nothing was lost.
    let loss = Duration::try_from(incident.duration_since(recovered)).unwrap_or_default();
    let measurement = Measurement::seconds("data_loss_seconds", loss.as_secs_f64()).label("bound", "at_most");
    let observed =
        format!("at most {}: the newest that is known to be recovered is of {recovered}", seconds(loss));
    match objective {
        None => {
            let reason = format!("no objective was given (--rpo); {observed}");
            (RECOVERY_DATA_LOSS.not_checked(Requirement::Optional, subject, reason), Some(measurement))
        }
        Some(limit) => {
            let expected = format!("at most {}", seconds(limit));
            let measurement = measurement.objective(Objective::AtMost(Decimal::new(limit.as_secs_f64(), 3)));
            let finding = if loss <= limit {
                RECOVERY_DATA_LOSS.passed(subject).observed(observed)
            } else if matches!(target, RecoveryTarget::Consistent) {
                // Without the log behind the backup everything since is lost, idle or not.
                RECOVERY_DATA_LOSS.failed(subject).observed(observed)
            } else {
                let reason = format!(
                    "{observed}. Whether the source was idle since, or commits were lost, only a canary tells"
                );
                RECOVERY_DATA_LOSS.not_checked(Requirement::Required, subject, reason)
            };
            (finding.expected(expected), Some(measurement))
        }
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn an_upper_bound_passes_and_fails_only_where_it_can() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let newest =
            |commit| Newest { commit: Some(at(commit)), finished: Some(at(1)), started: Some(at(0)) };
        let judge = |target: RecoveryTarget, commit, limit: Option<u64>| {
            judge_loss(limit.map(Duration::from_secs), at(1000), &newest(commit), &target).0.outcome
        };
        for (target, commit, limit, outcome) in [
            (RecoveryTarget::Consistent, 940, Some(60), Outcome::Passed),
            (RecoveryTarget::Consistent, 939, Some(60), Outcome::Failed),
            (RecoveryTarget::Time(at(500)), 440, Some(60), Outcome::Passed),
            (RecoveryTarget::Time(at(500)), 439, Some(60), Outcome::NotChecked(Requirement::Required)),
            (RecoveryTarget::Consistent, 939, None, Outcome::NotChecked(Requirement::Optional)),
            (RecoveryTarget::Name("x".into()), 999, Some(60), Outcome::NotChecked(Requirement::Required)),
        ] {
            assert_eq!(judge(target.clone(), commit, limit), outcome, "{target} {commit}");
        }
    }

    #[test]
    fn what_is_younger_than_the_incident_tells_of_no_loss() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let unknown = Outcome::NotChecked(Requirement::Required);
        for (commit, finished, started, outcome) in [
            (None, None, Some(1005), Outcome::Passed),
            (None, None, Some(1006), unknown),
            (Some(1006), Some(900), Some(900), unknown),
            (None, Some(1006), None, unknown),
            // The target lies within the backup.
            (None, Some(1100), Some(990), Outcome::Passed),
            (None, Some(1100), Some(900), Outcome::Failed),
        ] {
            let newest =
                Newest { commit: commit.map(at), finished: finished.map(at), started: started.map(at) };
            let limit = Some(Duration::from_secs(60));
            let (finding, measured) = judge_loss(limit, at(1000), &newest, &RecoveryTarget::Consistent);
            assert_eq!(finding.outcome, outcome, "{commit:?} {finished:?} {started:?}");
            assert_eq!(measured.is_none(), outcome == unknown);
        }
    }
}
