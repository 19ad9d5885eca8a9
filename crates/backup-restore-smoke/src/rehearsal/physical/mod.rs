//! The rehearsal of a physical backup, in order: what the live source holds, the incident, a backup chosen and
//! fetched, its files in place, recovery to the target, the first committed write, the verification. It knows
//! no engine.

mod live;
mod loss;
mod patience;
mod placing;
mod reached;
mod recovery;
mod timeline;
mod verification;

use evidence_report::{
    record::{Decimal, Finding, Measurement, Outcome, Requirement},
    run::{Run, run_base},
};
use jiff::Timestamp;

use self::{
    live::{Live, look_at_source},
    loss::{Newest, judge_loss},
    placing::{Placed, place_files},
    reached::judge_beginning,
    recovery::{promote, recover},
    verification::verify,
};
use super::{
    Made, application_name, asserted, objectives,
    recovery::{first_write, own_server, run_step},
};
use crate::{
    canary,
    checks::{RECOVERY_CANARY, RECOVERY_DATA_LOSS, RECOVERY_TIME, RESTORE_CONTENT, RESTORE_WRITABLE},
    engines::{
        incident::Incident,
        physical::{choose, fetch},
    },
    forecast::Way,
    growth::Growth,
    halt::Halt,
    hardware,
    plan::{Physical, Plan, Recovery, RecoveryTarget, Rehearse, Source},
    risk_note,
    scratch::{Isolation, Place, Room, folder_bytes},
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
        objectives::data_loss(work, run);
    }
    let place = made.place.insert(Place::make(run, &plan.scratch)?);
    made.room = Some(Room::watch(place.home(), run.stop()));
    run.fact("scratch hardware", hardware::described(&plan.scratch));
    let live = look_at_source(plan, work, physical, run, made).await?;
    let recovery = Recovery {
        target: live.target.clone().unwrap_or_else(|| physical.recovery.target.clone()),
        ..physical.recovery.clone()
    };
    objectives::exposure(work, run, &made.stages);
    // Asked for before the clock starts: it is no part of a recovery.
    let beats = beats(plan, physical, &recovery, run, &live).await?;
    let (incident, at) = (run.elapsed(), Timestamp::now());
    made.stages.add("incident", incident, incident, "simulated: an empty machine, and the backups");
    let placed = bring_files(plan, physical, &recovery, run, made, &isolation, &live, at).await?;
    let reached = recover(work, run, made, &placed, &recovery).await?;
    let database = promote(work, run, made, physical, &recovery, &live, &reached).await?;
    run.finding(timeline::judge(&placed.lineage, timeline::written(&placed.landing.data).as_ref()));
    for step in &work.after_restore {
        let Made { copy, stages, .. } = &mut *made;
        run_step(run, copy.as_mut().ok_or(Halt::Stopped)?, &database, step, stages).await?;
    }
    let Made { copy, stages, checked, .. } = &mut *made;
    let written = first_write(run, copy.as_mut().ok_or(Halt::Stopped)?, &database, stages).await?;
    checked.push(&RESTORE_WRITABLE);
    let recovered = asserted(work, run, made, &database, written).await?;
    made.checked.push(&RECOVERY_TIME);
    let achieved = recovered.map(|at| at.saturating_sub(incident));
    let bytes = folder_bytes(&placed.landing.data);
    let of = objectives::Of { database: &database, bytes, way: Way::Physical };
    objectives::recovery_time(plan, work, run, &of, &made.stages, achieved);
    let told = measure_loss(work, physical, run, made, &database, beats.as_ref()).await?;
    if !physical.is_made_now() && work.backup_age.is_none() {
        let newest = Newest {
            commit: reached.newest_commit,
            finished: placed.chosen.finished,
            started: placed.chosen.started,
        };
        let (finding, measurement) = judge_loss(work.rpo, at, &newest, &recovery.target);
        let finding = if told { left_to_the_canary(finding) } else { finding };
        risk_note::add(run, std::slice::from_ref(&finding));
        run.finding(finding);
        measurement.into_iter().for_each(|measurement| run.measurement(measurement));
    }
    verify(plan, work, run, made, &placed, &live, &database).await?;
    made.checked.push(&RESTORE_CONTENT);
    Ok(())
}

/// The incident as the canary is to see it: the target's time, or now, with the source's newest beat where the
/// source is at hand. A recovery to a place or a name says nothing about an incident.
async fn beats(
    plan: &Plan,
    physical: &Physical,
    recovery: &Recovery,
    run: &Run,
    live: &Live,
) -> Result<Option<canary::Incident>, Halt> {
    let is_ours = physical.is_made_now() || physical.restore_point.is_some();
    match (&recovery.target, &live.connection) {
        (RecoveryTarget::Time(at), _) => Ok(Some(canary::Incident { at: *at, newest: None })),
        (RecoveryTarget::Lsn(_) | RecoveryTarget::Name(_), _) if !is_ours => Ok(None),
        (_, Some(source)) if matches!(plan.source, Source::Database(_)) => {
            canary::at_incident(run, source, &application_name(run)).await.map(Some)
        }
        _ => Ok(Some(canary::unasked(run))),
    }
}

/// Measures the loss by the canary in the copy; says whether that decided.
async fn measure_loss(
    work: &Rehearse,
    physical: &Physical,
    run: &Run,
    made: &mut Made,
    database: &str,
    beats: Option<&canary::Incident>,
) -> Result<bool, Halt> {
    let Some(beats) = beats else { return Ok(false) };
    run.owes([&RECOVERY_CANARY]);
    let cluster = made.copy.as_mut().ok_or(Halt::Stopped)?;
    let copy = cluster.administrator(run, database).await?;
    let backup = match physical.is_made_now() || physical.restore_point.is_some() {
        true => canary::Backup::Fresh,
        false => canary::Backup::Existing,
    };
    let measured = canary::measure(run, &copy, canary::Copy::Physical, beats, backup, work.rpo).await;
    let outcome = measured.map_err(|failure| own_server("canary in the copy", failure))?;
    Ok(matches!(outcome, Outcome::Passed | Outcome::Failed))
}

/// What the newest commit could not decide, the canary has decided.
fn left_to_the_canary(finding: Finding) -> Finding {
    match finding.outcome {
        Outcome::NotChecked(_) => RECOVERY_DATA_LOSS.not_checked(
            Requirement::Optional,
            finding.subject.clone(),
            format!("{}; it has (recovery.canary)", finding.observed),
        ),
        _ => finding,
    }
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
    let place = made.place.as_ref().ok_or(Halt::Stopped)?;
    let incident = Incident::new(incident, &recovery.target).along(&recovery.timeline);
    let chosen = choose(run, plan, place, origin, &incident).await?;
    made.stages.add("backup chosen", start, run.elapsed(), chosen.label.clone());
    if let Some(too_young) = judge_beginning(&recovery.target, &chosen.label, chosen.started) {
        return Err(too_young.into());
    }
    if let Some(bytes) = chosen.bytes {
        place.refuse_without_space(bytes)?;
    }
    run.progress().phase("backup: fetch");
    let landing = crate::engines::physical::Landing::make(place, placing::COPY)?;
    let start = run.elapsed();
    let into = vec![landing.data.clone(), landing.tablespaces.clone()];
    // Most tools bring the write-ahead log after the files; it has a bar of its own.
    let log = landing.wal.clone();
    let is_log = move || std::fs::read_dir(&log).is_ok_and(|mut entries| entries.next().is_some());
    let growth = Growth::watch_until(run.progress(), into, chosen.bytes, "fetched", is_log);
    let fetched = fetch(run, plan, place, origin, &chosen, &landing, recovery).await?;
    drop(growth);
    made.stages.add("fetched", start, run.elapsed(), fetched.note.clone());
    run.measurement(Measurement::new("fetched_bytes", Decimal::from(fetched.bytes), "B"));
    place_files(plan, physical, recovery, run, made, isolation, live, chosen, landing, &fetched).await
}
