//! The story of a rehearsal, in order. Every phase adds what it found to the run as it goes, so that a stop
//! at any moment loses nothing; whatever happens, everything that was made is taken away again.

mod backup;
mod expectation;
mod logical;
mod objectives;
mod on_target;
mod owed;
mod physical;
mod preflight;
mod recovery;
mod rows;
mod verification;

use std::{path::PathBuf, time::Duration};

use evidence_report::{
    record::{Check, Requirement},
    run::Run,
};

pub(crate) use self::{
    backup::{application_name, open, read_parts, read_sequences_again, read_source},
    owed::COMPARED,
};
use self::{
    backup::{source, take_backup},
    owed::ESSENTIAL,
    recovery::{own_server, restore},
    verification::verify,
};
use crate::{
    assertions, canary,
    checks::{
        BACKUP_COMPLETE, BACKUP_MADE, CLEANED_UP, RECOVERY_TIME, RESTORE_WRITABLE, SOURCE_APART,
        SOURCE_READABLE,
    },
    clock::Stages,
    comparison::left_out,
    connection::{Endpoint, Resolved, Session},
    engines::{
        detect::{State, Unrecognised},
        own_command, whereabouts,
    },
    fingerprint::Fingerprint,
    forecast,
    halt::Halt,
    integrity::amcheck,
    plan::{Amcheck, Backup, Describe, Plan, Rehearse},
    programs,
    scratch::{Cluster, Place, Room},
    source::{Database, Kept, Snapshot, apart_from_backup},
    target::Target,
    wording::counted,
};

/// What a rehearsal makes outside its own folder. It is filled as things are made, and emptied whatever
/// happens.
#[derive(Default)]
struct Made {
    place: Option<Place>,
    source: Option<Cluster>,
    copy: Option<Cluster>,
    /// A server of the user's with a database of ours, instead of a copy.
    target: Option<Target>,
    /// The watch over the disk.
    room: Option<Room>,
    stages: Stages,
    /// About so many bytes a restore makes, as far as that is known.
    whole: Option<u64>,
    /// The checks of [`ESSENTIAL`] that came to a result.
    checked: Vec<&'static Check>,
}

impl Made {
    /// A session of the administrator in the restored database.
    async fn session(&mut self, run: &Run, database: &str) -> Result<Session, Halt> {
        match (&self.target, &mut self.copy) {
            (Some(target), _) => target.session(run).await,
            (None, Some(cluster)) => cluster.administrator(run, database).await,
            (None, None) => Err(Halt::Stopped),
        }
    }

    /// The connection to the restored database.
    fn connection(&self, database: &str) -> Option<Resolved> {
        match (&self.target, &self.copy) {
            (Some(target), _) => Some(target.connection()),
            (None, cluster) => {
                cluster.as_ref().map(|cluster| cluster.connection(database, cluster.superuser()))
            }
        }
    }
}

/// What was learnt from the source.
struct Seen {
    database: Database,
    fingerprint: Fingerprint,
    dump: PathBuf,
    /// The server that answered.
    endpoint: Endpoint,
    /// The snapshot itself, as long as it may be kept.
    kept: Option<Kept>,
}

/// Rehearses; everything that is seen goes into the run.
pub(crate) async fn rehearse(plan: &Plan, work: &Rehearse, run: &Run) {
    let mut made = Made::default();
    owed::by(work, run);
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
pub(crate) async fn fingerprint_only(plan: &Plan, work: &Describe, run: &Run) -> Option<Fingerprint> {
    run.owes([&SOURCE_READABLE]);
    run.owes((!work.command.is_empty()).then_some(&BACKUP_MADE));
    let mut made = Made::default();
    let taken = async {
        let resolved = source(plan, run, &mut made).await?;
        let snapshot = open(run, &resolved, plan.jobs).await?;
        let taken = from_one_snapshot(work, run, &mut made, &resolved, &snapshot).await;
        snapshot.release(run).await;
        taken
    };
    let taken: Result<Fingerprint, Halt> = taken.await;
    run.timeline(made.stages.timeline_from("the start of the fingerprint"));
    let made_source = made.source.is_some();
    if made_source {
        clean_up(run, made).await;
    }
    match taken {
        Ok(fingerprint) => Some(fingerprint),
        Err(Halt::Stopped) => None,
        Err(Halt::Found(finding)) => {
            run.finding(*finding);
            None
        }
    }
}

/// The fingerprint, and what the user's own command makes, both from the snapshot that is held.
async fn from_one_snapshot(
    work: &Describe,
    run: &Run,
    made: &mut Made,
    resolved: &Resolved,
    snapshot: &Snapshot,
) -> Result<Fingerprint, Halt> {
    let mut fingerprint = read_source(run, snapshot, &mut made.stages).await?;
    if work.row_buckets {
        read_parts(run, snapshot, &mut fingerprint).await?;
    }
    run.findings(left_out(&fingerprint));
    if !work.command.is_empty() {
        let start = run.elapsed();
        run.finding(own_command::make_backup(work, run, resolved, snapshot).await?);
        made.stages.add("the command given", start, run.elapsed(), "in the same snapshot");
    }
    read_sequences_again(run, snapshot, &mut fingerprint).await?;
    Ok(fingerprint)
}

async fn all_phases(plan: &Plan, work: &Rehearse, run: &Run, made: &mut Made) -> Result<(), Halt> {
    spare_the_backup(plan, work, run)?;
    match &work.backup {
        Backup::DumpNow => {}
        Backup::DumpFile(existing) => return logical::rehearse(plan, work, existing, run, made).await,
        Backup::Physical(physical) => return physical::rehearse(plan, work, physical, run, made).await,
        Backup::Unrecognised(what) => return Err(unrecognised(what)),
    }
    objectives::data_loss(work, run);
    let resolved = source(plan, run, made).await?;
    if let Some(server) = &work.target {
        on_target::look_first(server, &resolved, run).await?;
    }
    let mut seen = take_backup(plan, work, run, made, &resolved).await?;
    if let Some(server) = &work.target {
        on_target::restore_made(plan, work, server, &resolved, &seen, run, made).await?;
        return verify(plan, work, run, made, &mut seen, &resolved).await;
    }
    objectives::exposure(work, run, &made.stages);
    // Asked for before the clock starts: it is no part of a recovery.
    let source = resolved.pinned(&seen.endpoint);
    let beats = match canary::is_among(&seen.fingerprint.tables) {
        true => canary::at_incident(run, &source, &application_name(run)).await?,
        false => canary::unasked(run),
    };
    let incident = run.elapsed();
    made.stages.add("incident", incident, incident, "simulated: the backup is at hand, nothing else");
    let recovered = restore(plan, work, run, made, &seen).await?;
    made.checked.push(&RESTORE_WRITABLE);
    let recovered = asserted(work, run, made, &seen.database.name, recovered).await?;
    made.checked.push(&RECOVERY_TIME);
    let achieved = recovered.map(|at| at.saturating_sub(incident));
    let of = objectives::Of {
        database: &seen.database.name,
        bytes: seen.database.bytes,
        way: forecast::Way::Logical,
    };
    objectives::recovery_time(plan, work, run, &of, &made.stages, achieved);
    measure_loss(work, run, made, &seen, &beats).await?;
    verify(plan, work, run, made, &mut seen, &resolved).await?;
    if work.amcheck != Amcheck::Off {
        let programs = programs::find(run, plan.pg_bin.as_deref(), Some(seen.database.major)).await?;
        let copy = made.copy.as_mut().ok_or(Halt::Stopped)?;
        run.finding(amcheck(run, &programs, copy, &seen.database.name, work.amcheck, plan.jobs).await?);
    }
    Ok(())
}

/// Refuses to fill the disk that an existing backup lies on. A server of the user's takes no space of the scratch.
fn spare_the_backup(plan: &Plan, work: &Rehearse, run: &Run) -> Result<(), Halt> {
    let places = whereabouts::folders(&work.backup);
    if work.target.is_none() && places.as_ref().map_or(true, |places| !places.is_empty()) {
        run.owes([&SOURCE_APART]);
        run.finding(apart_from_backup(&places, &plan.scratch, work.shares_filesystem)?);
    }
    Ok(())
}

/// Runs the user's assertions once the copy takes writes: before the mandatory ones hold it is not recovered.
async fn asserted(
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    database: &str,
    written: Option<Duration>,
) -> Result<Result<Duration, &'static str>, Halt> {
    let Some(written) = written else { return Ok(Err("the copy never took a committed write")) };
    let Made { copy, stages, .. } = made;
    let cluster = copy.as_mut().ok_or(Halt::Stopped)?;
    let (asserted, values) = (&work.assertions, work.values());
    let recovered = assertions::check(run, cluster, database, asserted, values, stages, written).await?;
    Ok(recovered.ok_or(
        "a mandatory assertion does not hold, or could not be asked, so the database is not recovered",
    ))
}

async fn measure_loss(
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    seen: &Seen,
    beats: &canary::Incident,
) -> Result<(), Halt> {
    let cluster = made.copy.as_mut().ok_or(Halt::Stopped)?;
    let copy = cluster.administrator(run, &seen.database.name).await?;
    let measured =
        canary::measure(run, &copy, canary::Copy::Logical, beats, canary::Backup::Fresh, work.rpo).await;
    measured.map(drop).map_err(|failure| own_server("canary in the copy", failure))
}

/// There is no backup that this tool knows.
fn unrecognised(what: &Unrecognised) -> Halt {
    let subject = what.path.display().to_string();
    let finding = match what.state {
        State::Nothing => BACKUP_COMPLETE.failed(subject).remedy(
            "Look whether the job that makes the backup runs and writes there, or correct the path; until then there \
             is no backup to rely on",
        ),
        State::Damaged => BACKUP_COMPLETE.failed(subject).remedy(
            "Do not rely on this backup. Make another, and look at why this one is not whole (disk, transfer, a killed \
             pg_dump)",
        ),
        State::Wrapped => BACKUP_COMPLETE
            .inconclusive(subject)
            .remedy("unpack or decrypt it, and name what is inside: gzip, zstd and lz4 are read as they are"),
        State::Unknown => BACKUP_COMPLETE
            .inconclusive(subject)
            .remedy("name a dump of pg_dump or pg_dumpall (custom, directory, tar or plain SQL)"),
    };
    finding.expected("a backup").observed(&what.observed).into()
}

/// Ends and removes everything that was made; says whether that succeeded.
async fn clean_up(run: &Run, made: Made) {
    run.progress().phase("cleaning up");
    let Made { place, source, copy, target, room, .. } = made;
    run.findings(room.and_then(|room| room.finding()));
    let mut left = Vec::new();
    let on_target = target.is_some();
    if let Some(target) = target {
        left.extend(target.close(run).await);
    }
    for mut cluster in [copy, source].into_iter().flatten() {
        left.extend(cluster.close(run).await);
    }
    if place.is_none() && !on_target {
        return;
    }
    left.extend(place.map(|place| place.remove(run)).unwrap_or_default());
    let expected = "no process and no folder of the rehearsal is left";
    run.finding(match left.is_empty() {
        true => CLEANED_UP.passed("scratch").expected(expected).observed("servers ended, folders removed"),
        false => CLEANED_UP.warned("scratch").expected(expected).observed(left.join("; ")),
    });
}

fn listed(fingerprint: &Fingerprint) -> String {
    format!("{}, {}", counted(fingerprint.tables.len() as u64, "table"), counted(fingerprint.rows(), "row"))
}
