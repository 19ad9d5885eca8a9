//! The rehearsal of a physical backup, in order: what the live source holds, the incident, a backup chosen and
//! fetched, its files in place, recovery to the target, the first committed write, the verification. It knows
//! no engine.

mod live;
mod loss;
mod placing;
mod reached;
mod recovery;
mod verification;

use evidence_report::{
    record::{Decimal, Measurement},
    run::{Run, run_base},
};
use jiff::Timestamp;

use self::{
    live::{Live, look_at_source},
    loss::{Newest, judge_loss},
    placing::{Placed, place_files},
    recovery::{promote, recover},
    verification::verify,
};
use super::{Made, recovery::first_write, recovery::run_step};
use crate::{
    checks::{RECOVERY_TIME, RESTORE_CONTENT, RESTORE_WRITABLE},
    clock::{judge_data_loss, judge_physical_recovery_time, recovery_time_unknown},
    engines::physical::{choose, fetch},
    halt::Halt,
    plan::{Physical, Plan, Recovery, Rehearse},
    scratch::{Isolation, Place},
};

/// Rehearses a physical backup.
pub(super) async fn rehearse(
    plan: &Plan,
    work: &Rehearse,
    physical: &Physical,
    run: &Run,
    made: &mut Made,
) -> Result<(), Halt> {
    let isolation = Isolation::find(run, [&plan.scratch, &run_base()]).await?;
    run.finding(isolation.finding());
    if physical.is_made_now() || work.backup_age.is_some() {
        let (finding, measurement) = judge_data_loss(work.backup_age, work.rpo);
        run.finding(finding);
        measurement.into_iter().for_each(|measurement| run.measurement(measurement));
    }
    made.place = Some(Place::make(run, &plan.scratch)?);
    let live = look_at_source(plan, physical, run, made).await?;
    let recovery = Recovery {
        target: live.target.clone().unwrap_or_else(|| physical.recovery.target.clone()),
        ..physical.recovery.clone()
    };
    let (incident, at) = (run.elapsed(), Timestamp::now());
    made.stages.add("incident", incident, incident, "simulated: an empty machine, and the backups");
    let placed = bring_files(plan, physical, &recovery, run, made, &isolation, &live, at).await?;
    let reached = recover(run, made, &placed, &recovery).await?;
    if !physical.is_made_now() && work.backup_age.is_none() {
        let newest = Newest {
            commit: reached.newest_commit,
            backup: placed.chosen.finished.or(placed.chosen.started),
        };
        let (finding, measurement) = judge_loss(work.rpo, at, &newest, &recovery.target);
        run.finding(finding);
        measurement.into_iter().for_each(|measurement| run.measurement(measurement));
    }
    let database = promote(run, made, physical, &recovery, &live, &reached).await?;
    for step in &work.after_restore {
        let Made { copy, stages, .. } = &mut *made;
        run_step(run, copy.as_mut().ok_or(Halt::Stopped)?, &database, step, stages).await?;
    }
    let Made { copy, stages, checked, .. } = &mut *made;
    let written = first_write(run, copy.as_mut().ok_or(Halt::Stopped)?, &database, stages).await?;
    checked.extend([&RESTORE_WRITABLE, &RECOVERY_TIME]);
    match written {
        Some(at) => {
            let (finding, measurement) = judge_physical_recovery_time(at.saturating_sub(incident), work.rto);
            run.finding(finding);
            run.measurement(measurement);
        }
        None => run.finding(recovery_time_unknown("the copy never took a committed write")),
    }
    verify(plan, work, run, made, &placed, &live, &database).await?;
    made.checked.push(&RESTORE_CONTENT);
    Ok(())
}

/// The backup chosen, fetched, and its files in place.
#[expect(clippy::too_many_arguments, reason = "every part of the story meets here once")]
async fn bring_files(
    plan: &Plan,
    physical: &Physical,
    recovery: &Recovery,
    run: &Run,
    made: &mut Made,
    isolation: &Isolation,
    live: &Live,
    incident: Timestamp,
) -> Result<Placed, Halt> {
    run.progress().phase("backup: choose");
    let start = run.elapsed();
    let origin = live.origin.as_ref().unwrap_or(&physical.origin);
    let chosen = choose(run, origin, incident, None).await?;
    made.stages.add("backup chosen", start, run.elapsed(), chosen.label.clone());
    let place = made.place.as_ref().ok_or(Halt::Stopped)?;
    if let Some(bytes) = chosen.bytes {
        place.refuse_without_space(bytes)?;
    }
    run.progress().phase("backup: fetch");
    let landing = crate::engines::physical::Landing::make(place, placing::COPY)?;
    let start = run.elapsed();
    let fetched = fetch(run, plan, origin, &chosen, &landing, &recovery.target).await?;
    made.stages.add("fetched", start, run.elapsed(), fetched.note.clone());
    run.measurement(Measurement::new("fetched_bytes", Decimal::from(fetched.bytes), "B"));
    place_files(plan, physical, recovery, run, made, isolation, live, chosen, landing, &fetched).await
}
