//! The story of a rehearsal, in order. Every phase adds what it found to the run as it goes, so that a stop
//! at any moment loses nothing; whatever happens, everything that was made is taken away again.

mod backup;
mod physical;
mod recovery;
mod verification;

use std::{collections::BTreeMap, path::PathBuf};

use evidence_report::{
    record::{Check, Requirement},
    run::Run,
};

use self::{
    backup::{left_out, open, read_source, source, take_backup},
    recovery::restore,
    verification::verify,
};
use crate::{
    checks::{CLEANED_UP, RECOVERY_TIME, RESTORE_CONTENT, RESTORE_WRITABLE},
    clock::{Stages, judge_data_loss, judge_recovery_time, recovery_time_unknown},
    comparison::{Content, SequenceState, TableName},
    fingerprint::Relation,
    halt::Halt,
    integrity::amcheck,
    plan::{Amcheck, Backup, Plan, Rehearse},
    programs,
    scratch::{Cluster, Place},
    source::Database,
    wording::counted,
};

/// What a rehearsal makes outside its own folder. It is filled as things are made, and emptied whatever
/// happens.
#[derive(Default)]
struct Made {
    place: Option<Place>,
    source: Option<Cluster>,
    copy: Option<Cluster>,
    stages: Stages,
    /// The checks of [`ESSENTIAL`] that came to a result.
    checked: Vec<&'static Check>,
}

/// What a rehearsal is made for: each of these came to a result, or is said not to have been checked.
const ESSENTIAL: [&Check; 3] = [&RESTORE_CONTENT, &RESTORE_WRITABLE, &RECOVERY_TIME];

/// What was learnt from the source.
struct Seen {
    database: Database,
    relations: Vec<Relation>,
    content: Content,
    before: BTreeMap<TableName, SequenceState>,
    after: BTreeMap<TableName, SequenceState>,
    dump: PathBuf,
}

/// Rehearses; everything that is seen goes into the run.
pub(crate) async fn rehearse(plan: &Plan, work: &Rehearse, run: &Run) {
    let mut made = Made::default();
    let halted_by = match all_phases(plan, work, run, &mut made).await {
        Err(Halt::Found(finding)) => Some(*finding),
        Ok(()) | Err(Halt::Stopped) => None,
    };
    for check in ESSENTIAL {
        let known = made.checked.iter().copied().chain(halted_by.as_ref().map(|finding| finding.check));
        if !known.into_iter().any(|known| known.id == check.id) {
            let reason = "the rehearsal ended before it came to this";
            let finding = check.not_checked(Requirement::Required, "rehearsal", reason);
            run.finding(finding.remedy("Mend what ended the rehearsal, and run it again."));
        }
    }
    run.findings(halted_by);
    run.timeline(made.stages.timeline());
    for measurement in made.stages.measurements() {
        run.measurement(measurement);
    }
    clean_up(run, made).await;
}

/// Takes the fingerprint of the source and nothing else. `None` when it could not be taken: the findings say
/// why.
pub(crate) async fn fingerprint_only(plan: &Plan, run: &Run) -> Option<Content> {
    let mut made = Made::default();
    let taken = async {
        let resolved = source(plan, run, &mut made).await?;
        let snapshot = open(run, &resolved, plan.jobs).await?;
        let content = read_source(run, &snapshot, &mut made.stages).await;
        let relations = snapshot.relations.clone();
        snapshot.release(run).await;
        let content = content?;
        left_out(run, &relations);
        Ok(content)
    };
    let taken: Result<Content, Halt> = taken.await;
    run.timeline(made.stages.timeline());
    let made_source = made.source.is_some();
    if made_source {
        clean_up(run, made).await;
    }
    match taken {
        Ok(content) => Some(content),
        Err(Halt::Stopped) => None,
        Err(Halt::Found(finding)) => {
            run.finding(*finding);
            None
        }
    }
}

async fn all_phases(plan: &Plan, work: &Rehearse, run: &Run, made: &mut Made) -> Result<(), Halt> {
    if let Backup::Physical(physical) = &work.backup {
        return physical::rehearse(plan, work, physical, run, made).await;
    }
    let (data_loss, measurement) = judge_data_loss(work.backup_age, work.rpo);
    run.finding(data_loss);
    measurement.into_iter().for_each(|measurement| run.measurement(measurement));
    let resolved = source(plan, run, made).await?;
    let seen = take_backup(plan, run, made, &resolved).await?;
    let incident = run.elapsed();
    made.stages.add("incident", incident, incident, "simulated: the backup is at hand, nothing else");
    let recovered = restore(plan, work, run, made, &seen).await?;
    made.checked.extend([&RESTORE_WRITABLE, &RECOVERY_TIME]);
    match recovered {
        Some(at) => {
            let (finding, measurement) = judge_recovery_time(at.saturating_sub(incident), work.rto);
            run.finding(finding);
            run.measurement(measurement);
        }
        None => run.finding(recovery_time_unknown("the copy never took a committed write")),
    }
    verify(plan, run, made, &seen).await?;
    if work.amcheck != Amcheck::Off {
        let programs = programs::find(run, plan.pg_bin.as_deref(), Some(seen.database.major)).await?;
        let copy = made.copy.as_mut().ok_or(Halt::Stopped)?;
        run.finding(amcheck(run, &programs, copy, &seen.database.name, work.amcheck, plan.jobs).await?);
    }
    Ok(())
}

/// Ends and removes everything that was made; says whether that succeeded.
async fn clean_up(run: &Run, made: Made) {
    run.progress().phase("cleaning up");
    let Made { place, source, copy, .. } = made;
    let mut left = Vec::new();
    for mut cluster in [copy, source].into_iter().flatten() {
        left.extend(cluster.close(run).await);
    }
    let Some(place) = place else { return };
    left.extend(place.remove(run));
    let expected = "no process and no folder of the rehearsal is left";
    run.finding(match left.is_empty() {
        true => CLEANED_UP.passed("scratch").expected(expected).observed("servers ended, folders removed"),
        false => CLEANED_UP.warned("scratch").expected(expected).observed(left.join("; ")),
    });
}

fn listed(content: &Content) -> String {
    format!(
        "{}, {}",
        counted(content.len() as u64, "table"),
        counted(content.values().map(|table| table.rows).sum(), "row")
    )
}
