//! What the achieved figures are held against, and what is computed beside them: the objectives of recovery time
//! and data loss, the schedule's worst case, the forecast.

use std::time::Duration;

use evidence_report::run::Run;

use crate::{
    clock::{
        MADE_NOW, Stages, judge_age, judge_physical_recovery_time, judge_recovery_time, recovery_time_unknown,
    },
    exposure::{BackupTakes, judge_exposure, worst_case},
    forecast::{self, Sample, Way},
    plan::{Plan, Rehearse},
    risk_note,
};

/// The age of a backup that this run makes itself: only one that was given can be judged.
pub(super) fn data_loss(work: &Rehearse, run: &Run) {
    age(work, run, MADE_NOW);
}

/// The age that was given, against `--rpo`; `unknown` says why nothing can be judged without one. Where the
/// schedule is known, its worst case decides instead of an age that nobody gave.
pub(super) fn age(work: &Rehearse, run: &Run, unknown: &str) {
    let computed = work.schedule.is_some() && work.backup_age.is_none();
    let (finding, measurement) = judge_age(work.backup_age, work.rpo.filter(|_| !computed), unknown);
    risk_note::add(run, std::slice::from_ref(&finding));
    run.finding(finding);
    measurement.into_iter().for_each(|measurement| run.measurement(measurement));
}

/// What the schedule loses at the worst, with how long this backup took.
pub(super) fn exposure(work: &Rehearse, run: &Run, stages: &Stages) {
    let Some(schedule) = work.schedule else { return };
    let takes = stages
        .lasted("dump")
        .or_else(|| stages.lasted("base backup"))
        .map_or(BackupTakes::Unknown, BackupTakes::Known);
    let (finding, measurement) =
        judge_exposure("the schedule's worst case", &worst_case(schedule, takes), work.rpo);
    risk_note::add(run, std::slice::from_ref(&finding));
    run.finding(finding);
    run.measurement(measurement);
}

/// What was recovered, for a forecast from it.
pub(super) struct Of<'a> {
    pub(super) database: &'a str,
    pub(super) bytes: u64,
    pub(super) way: Way,
}

/// The achieved recovery time against `--rto`, and the forecast from it.
pub(super) fn recovery_time(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    of: &Of<'_>,
    stages: &Stages,
    achieved: Result<Duration, &str>,
) {
    let finding = match achieved {
        Ok(achieved) => {
            let judge = match of.way {
                Way::Logical => judge_recovery_time,
                Way::Physical => judge_physical_recovery_time,
            };
            let (finding, measurement) = judge(achieved, work.rto);
            run.measurement(measurement);
            finding
        }
        Err(reason) => recovery_time_unknown(reason),
    };
    risk_note::add(run, std::slice::from_ref(&finding));
    run.finding(finding);
    let scaling = stages.lasted(of.way.scaling_stage());
    let this =
        achieved.ok().zip(scaling).map(|(recovery, scaling)| Sample { bytes: of.bytes, recovery, scaling });
    if let Some(sample) = this {
        run.measurement(forecast::kept(of.database, of.way, sample));
    }
    let Some(bytes) = work.forecast else { return };
    let evidence = plan.settings.evidence.as_deref();
    let earlier = evidence.map(|path| forecast::beside(path, of.database, of.way)).unwrap_or_default();
    let samples: Vec<_> = earlier.iter().copied().chain(this).collect();
    let made = forecast::forecast(bytes, &samples, of.way.growth());
    let (finding, measurements) = forecast::judge(bytes, made.as_ref(), earlier.len(), of.way, work.rto);
    run.finding(finding);
    measurements.into_iter().for_each(|measurement| run.measurement(measurement));
}
