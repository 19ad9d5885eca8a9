//! What was lost, told by the newest beats of source and copy. Pure.

use std::time::Duration;

use evidence_report::record::{Decimal, Finding, Measurement, Objective, Requirement};
use jiff::{SignedDuration, Timestamp};

use super::{
    reading::{Beat, Canary, KnownBy},
    table::KEPT,
};
use crate::{
    checks::RECOVERY_CANARY,
    wording::{counted, seconds},
};

/// The source at the moment of the incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// When, by the source's clock.
    pub(crate) at: Timestamp,
    /// The newest beat that it had then; `None` where it could not be asked any more.
    pub(crate) newest: Option<Beat>,
}

/// Which backup was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backup {
    /// The rehearsal made it itself, moments before the incident.
    Fresh,
    /// One that was there already.
    Existing,
}

/// What the beats tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The copy has the source's last beat: nothing that the canary could see was lost.
    Nothing {
        /// For so long the source had not beaten.
        idle: Duration,
    },
    /// The copy lacks beats.
    Lost {
        /// From the last one that came back to the incident.
        time: Duration,
        /// So many are missing, where the source could be asked.
        beats: Option<u64>,
    },
}

/// Compares the newest beats. A source that does not beat loses nothing: it is idle.
pub(crate) fn loss(copy: &Beat, incident: &Incident) -> Loss {
    let since = |at: Timestamp| Duration::try_from(incident.at.duration_since(at)).unwrap_or_default();
    match &incident.newest {
        Some(newest) if newest.sequence <= copy.sequence => Loss::Nothing { idle: since(copy.at) },
        Some(newest) => Loss::Lost { time: since(copy.at), beats: Some(newest.sequence - copy.sequence) },
        None => Loss::Lost { time: since(copy.at), beats: None },
    }
}

/// So far two clocks may stand apart, and a beat may lie behind the incident.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// Why the beats say nothing about each other: a copy of another source, or clocks that disagree.
fn incomparable(copy: &Beat, incident: &Incident) -> Option<String> {
    match &incident.newest {
        Some(newest) if newest.sequence < copy.sequence => Some(format!(
            "the copy holds beat {}, and the source has come to {} only: they are not of one source, or its canary was \
             made anew",
            copy.sequence, newest.sequence
        )),
        _ if copy.at > incident.at + SKEW => Some(format!(
            "beat {} claims to be of {:.0}, {} after the incident: the clocks disagree, and what was lost cannot be told",
            copy.sequence,
            copy.at,
            seconds(Duration::try_from(copy.at.duration_since(incident.at)).unwrap_or_default())
        )),
        _ => None,
    }
}

/// Judges what the copy holds.
pub(crate) fn judge(
    copy: &Canary,
    incident: &Incident,
    backup: Backup,
    objective: Option<Duration>,
) -> (Finding, Option<Measurement>) {
    let subject = "newest heartbeat in the copy";
    let not_checked = |reason: String| RECOVERY_CANARY.not_checked(Requirement::Optional, subject, reason);
    let beat = match (copy, &incident.newest) {
        (Canary::NotInstalled, None) => {
            return (not_checked("the copy holds no canary (`canary install`)".to_owned()), None);
        }
        (Canary::Idle, None) => {
            let reason =
                "a canary is installed and had never beaten: the source was idle, nothing can be said";
            return (not_checked(reason.to_owned()), None);
        }
        (Canary::NotInstalled | Canary::Idle, Some(_)) if backup == Backup::Fresh => {
            let reason = "the canary beat for the first time after the backup was begun: rehearse again";
            return (not_checked(reason.to_owned()), None);
        }
        (Canary::NotInstalled | Canary::Idle, Some(newest)) => {
            let observed = format!("none came back; at the incident the source had beat {}", newest.sequence);
            return (
                RECOVERY_CANARY.failed(subject).expected("the source's heartbeats").observed(observed),
                None,
            );
        }
        (Canary::Beating(beat), _) => beat,
    };
    if let Some(why) = incomparable(beat, incident) {
        let remedy =
            "Set the clocks of both machines right, and rehearse a backup of the source that is named.";
        let finding = match objective {
            Some(limit) => RECOVERY_CANARY
                .inconclusive(subject)
                .expected(format!("at most {}", seconds(limit)))
                .observed(why),
            None => not_checked(why),
        };
        return (finding.remedy(remedy), None);
    }
    let loss = loss(beat, incident);
    let lost = match loss {
        Loss::Nothing { .. } => Duration::ZERO,
        Loss::Lost { time, .. } => time,
    };
    let measurement =
        Measurement::seconds("data_loss_measured_seconds", lost.as_secs_f64()).label("figure", "measured");
    let observed = words(beat, &loss);
    let Some(limit) = objective else {
        return (not_checked(format!("no objective was given (--rpo); {observed}")), Some(measurement));
    };
    // What proves no objective is not said to meet one.
    let measurement = match (lost <= limit, backup) {
        (true, Backup::Fresh) => measurement,
        _ => measurement.objective(Objective::AtMost(Decimal::new(limit.as_secs_f64(), 3))),
    };
    let expected = format!("at most {}", seconds(limit));
    let finding = match (lost <= limit, backup) {
        (false, _) => RECOVERY_CANARY.failed(subject).expected(expected).observed(observed),
        (true, Backup::Existing) => RECOVERY_CANARY.passed(subject).expected(expected).observed(observed),
        (true, Backup::Fresh) => not_checked(format!(
            "{observed}. The backup, or the place where recovery ended, was made for this rehearsal, so that this is the \
             least that could be lost: it proves no objective"
        ))
        .expected(expected),
    };
    (finding, Some(measurement))
}

fn words(beat: &Beat, loss: &Loss) -> String {
    let known = match beat.known_by {
        KnownBy::Commit => "by its commit's time",
        KnownBy::Row => "by the time in its row",
    };
    match loss {
        Loss::Nothing { idle } => format!(
            "measured: nothing was lost; beat {} is the source's last one, {} before the incident ({known}): until \
             then the source was idle as far as the canary sees",
            beat.sequence,
            seconds(*idle)
        ),
        Loss::Lost { time, beats: Some(beats) } => format!(
            "measured: {} before the incident is the newest beat that came back ({}, {known}); {} of the source {} \
             missing{}",
            seconds(*time),
            beat.sequence,
            counted(*beats, "later beat"),
            if *beats == 1 { "is" } else { "are" },
            if *beats > u64::from(KEPT) { ", more than the table keeps" } else { "" }
        ),
        Loss::Lost { time, beats: None } => format!(
            "measured: {} before the incident is the newest beat that came back ({}, {known}); the source was not asked \
             whether it was idle since, so this is the most that was lost, as far as its clock and this machine's agree",
            seconds(*time),
            beat.sequence
        ),
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    fn beat(sequence: u64, second: i64) -> Beat {
        Beat { sequence, at: Timestamp::from_second(second).unwrap(), known_by: KnownBy::Row }
    }

    fn incident(newest: Option<Beat>) -> Incident {
        Incident { at: Timestamp::from_second(1000).unwrap(), newest }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_idle_source_has_lost_nothing() {
        let idle = loss(&beat(7, 100), &incident(Some(beat(7, 100))));
        assert_eq!(idle, Loss::Nothing { idle: Duration::from_secs(900) });
        let (finding, measured) = judge(
            &Canary::Beating(beat(7, 100)),
            &incident(Some(beat(7, 100))),
            Backup::Existing,
            Some(MINUTE),
        );
        assert_eq!(finding.outcome, Outcome::Passed, "{}", finding.observed);
        assert_eq!(measured.unwrap().value.as_str(), "0.000");
        for canary in [Canary::NotInstalled, Canary::Idle] {
            let finding = judge(&canary, &incident(None), Backup::Existing, Some(MINUTE)).0;
            assert_eq!(finding.outcome, Outcome::NotChecked(Requirement::Optional));
        }
    }

    #[test]
    fn beats_that_did_not_come_back_are_counted_and_timed() {
        let lost = loss(&beat(7, 880), &incident(Some(beat(19, 999))));
        assert_eq!(lost, Loss::Lost { time: MINUTE * 2, beats: Some(12) });
        let judged = |limit, backup| {
            judge(&Canary::Beating(beat(7, 880)), &incident(Some(beat(19, 999))), backup, Some(limit))
                .0
                .outcome
        };
        assert_eq!(judged(MINUTE * 2, Backup::Existing), Outcome::Passed);
        assert_eq!(judged(MINUTE, Backup::Existing), Outcome::Failed);
        assert_eq!(judged(MINUTE, Backup::Fresh), Outcome::Failed);
        assert_eq!(judged(MINUTE * 2, Backup::Fresh), Outcome::NotChecked(Requirement::Optional));
        let held = |limit, backup| {
            let copy = Canary::Beating(beat(7, 880));
            judge(&copy, &incident(Some(beat(19, 999))), backup, Some(limit)).1.unwrap().objective.is_some()
        };
        assert!(held(MINUTE * 2, Backup::Existing) && held(MINUTE, Backup::Fresh));
        assert!(!held(MINUTE * 2, Backup::Fresh), "what proves no objective meets none");
    }

    #[test]
    fn a_copy_without_the_beats_of_its_source_is_failed() {
        for canary in [Canary::NotInstalled, Canary::Idle] {
            let judged = |backup| judge(&canary, &incident(Some(beat(3, 999))), backup, None).0.outcome;
            assert_eq!(judged(Backup::Existing), Outcome::Failed);
            assert_eq!(judged(Backup::Fresh), Outcome::NotChecked(Requirement::Optional));
        }
    }

    #[test]
    fn clocks_that_disagree_and_beats_of_another_source_never_pass() {
        let judged = |copy, newest, limit| {
            let backup = Backup::Existing;
            judge(&Canary::Beating(copy), &incident(newest), backup, limit)
        };
        for (copy, newest) in
            [(beat(7, 1006), None), (beat(7, 1006), Some(beat(9, 1007))), (beat(9, 900), Some(beat(7, 990)))]
        {
            let (finding, measured) = judged(copy.clone(), newest.clone(), Some(MINUTE * 60));
            assert!(finding.outcome == Outcome::Inconclusive && measured.is_none(), "{}", finding.observed);
            let finding = judged(copy, newest, None).0;
            assert_eq!(finding.outcome, Outcome::NotChecked(Requirement::Optional));
        }
        // A beat that was written while the incident was asked for.
        assert_eq!(judged(beat(7, 1005), None, Some(MINUTE)).0.outcome, Outcome::Passed);
    }

    #[test]
    fn a_source_that_is_gone_is_held_to_the_most_that_was_lost() {
        let lost = loss(&beat(7, 940), &incident(None));
        assert_eq!(lost, Loss::Lost { time: MINUTE, beats: None });
    }
}
