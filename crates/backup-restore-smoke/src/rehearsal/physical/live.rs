//! What is done with a live source of a physical rehearsal: its content is read before and after the point that
//! is restored, a base backup is made, and a restore point is written where that was asked for by name.
//!
//! A fingerprint counts only if both readings are equal and no transaction was in progress at either: where none began
//! between them, it is the content at every moment of that time. Where some did (a row came and went), an equal copy
//! is still proven, and a difference is no proof of a bad backup.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use evidence_report::{
    record::{Decimal, Measurement},
    run::Run,
};

use super::super::{
    Made, backup::application_name, backup::open, backup::read_sequences_again, backup::read_source,
    backup::source,
};
use crate::{
    canary,
    checks::{BACKUP_MADE, BACKUP_WAL, ENVIRONMENT, SOURCE_APART, SOURCE_READABLE, SOURCE_UNDISTURBED},
    comparison::left_out,
    connection::{Handover, Resolved},
    engines::{base_backup, wal_archive},
    fingerprint::Fingerprint,
    growth::Growth,
    halt::Halt,
    plan::{Origin, Physical, Plan, RecoveryTarget, Rehearse, Source},
    programs,
    scratch::folder_bytes,
    source::{Database, Snapshot, apart, from_query},
    sql::literal,
    wording::{counted, seconds},
};

/// So often a quiet moment is waited for, and a restore point written.
const ATTEMPTS: u32 = 5;

/// How long is waited between two attempts.
const PAUSE: Duration = Duration::from_millis(400);

/// How long the archive may take to hold the restore point.
const ARCHIVE_PATIENCE: Duration = Duration::from_secs(120);

/// What a rehearsal knows of its live source. Without one everything is empty.
#[derive(Default)]
pub(super) struct Live {
    /// The source, described.
    pub(super) database: Option<Database>,
    /// The server that answered.
    pub(super) connection: Option<Resolved>,
    /// What the copy must contain, or why that cannot be said.
    pub(super) expected: Option<Result<Fingerprint, String>>,
    /// Whether transactions ran between the readings, although both found the same: then what was restored may lie
    /// between two of them.
    pub(super) moved: bool,
    /// The base backup that was made.
    pub(super) origin: Option<Origin>,
    /// The restore point that was written.
    pub(super) target: Option<RecoveryTarget>,
}

/// One reading of the source.
struct Reading {
    fingerprint: Fingerprint,
    /// `pg_current_snapshot()`, when no transaction was in progress.
    quiet: Option<String>,
}

/// Looks at the source, and makes there what was asked for.
pub(super) async fn look_at_source(
    plan: &Plan,
    work: &Rehearse,
    physical: &Physical,
    run: &Run,
    made: &mut Made,
) -> Result<Live, Halt> {
    if matches!(plan.source, Source::Absent) {
        return Ok(Live::default());
    }
    let resolved = source(plan, run, made).await?;
    let comparable = physical.is_made_now() || physical.restore_point.is_some();
    run.owes(comparable.then_some([&SOURCE_READABLE, &SOURCE_UNDISTURBED]).into_iter().flatten());
    run.owes(physical.is_made_now().then_some(&BACKUP_MADE));
    let start = run.elapsed();
    let mut snapshot = open(run, &resolved, plan.jobs).await?;
    if let Some(session) = snapshot.sessions.first() {
        run.owes([&SOURCE_APART]);
        run.finding(apart(session, run.stop(), &plan.scratch, work.shares_filesystem).await?);
    }
    if comparable {
        snapshot = at_a_quiet_moment(run, &resolved, plan.jobs, snapshot).await?;
    }
    snapshot.let_go_after(work.max_snapshot_age);
    let database = snapshot.database.clone();
    let (endpoint, resolved) = (snapshot.endpoint.clone(), resolved.pinned(&snapshot.endpoint));
    made.stages.add("snapshot", start, run.elapsed(), "what the source is");
    let first = match comparable {
        true => read(run, made, snapshot, true).await?,
        false => {
            snapshot.release(run).await;
            None
        }
    };
    let mut live = Live { database: Some(database), connection: Some(resolved.clone()), ..Live::default() };
    if physical.expects_canary {
        let age = work.rpo.unwrap_or_default();
        let expected = canary::expected_end(run, &resolved, &application_name(run), age).await?;
        live.target = Some(RecoveryTarget::End { expected });
    }
    if let Origin::BaseBackupNow { tar } = physical.origin {
        let handover = Handover::write(run.folder(), &resolved, &endpoint, &application_name(run));
        let handover = handover.map_err(|error| {
            ENVIRONMENT.inconclusive("pg_basebackup's connection").observed(error.to_string())
        })?;
        live.origin = Some(take_base_backup(plan, run, made, &resolved, &handover, tar).await?);
    }
    let Some(mut first) = first else {
        let reason = "the backup is older than this rehearsal, and no restore point was asked for \
                      (--restore-point NAME): what it must contain is not known";
        live.expected = Some(Err(reason.to_owned()));
        return Ok(live);
    };
    for attempt in 1..=ATTEMPTS {
        if let Some(name) = &physical.restore_point {
            let name = if attempt == 1 { name.clone() } else { format!("{name}-{attempt}") };
            let segment = write_restore_point(run, &resolved, &name).await?;
            live.target = Some(RecoveryTarget::Name(name));
            if attempt == 1 {
                made.stages.add(
                    "restore point",
                    run.elapsed(),
                    run.elapsed(),
                    "written to the source, as asked",
                );
            }
            let second = again(plan, work, run, made, &resolved, &first).await?;
            let settled = settled(&first, &second);
            if settled.is_ok() || attempt == ATTEMPTS {
                live.moved = first.quiet != second.quiet;
                live.expected = Some(settled);
                wait_for_archive(run, physical, &resolved, &segment).await?;
                break;
            }
            first = second;
            run.stop().guard(tokio::time::sleep(PAUSE)).await?;
        } else {
            let second = again(plan, work, run, made, &resolved, &first).await?;
            live.moved = first.quiet != second.quiet;
            live.expected = Some(settled(&first, &second));
            break;
        }
    }
    Ok(live)
}

/// Reads the content in a snapshot, and lets the source go.
async fn read(
    run: &Run,
    made: &mut Made,
    snapshot: Snapshot,
    is_first: bool,
) -> Result<Option<Reading>, Halt> {
    let reading = async {
        let quiet = quiet(run, &snapshot).await?;
        let mut fingerprint = read_source(run, &snapshot, &mut made.stages).await?;
        read_sequences_again(run, &snapshot, &mut fingerprint).await?;
        if is_first {
            run.findings(left_out(&fingerprint));
        }
        Ok(Reading { fingerprint, quiet })
    };
    let reading: Result<Reading, Halt> = reading.await;
    snapshot.release(run).await;
    reading.map(Some)
}

/// Reads it again, unless not one transaction began in between: then it is what it was.
async fn again(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    resolved: &Resolved,
    first: &Reading,
) -> Result<Reading, Halt> {
    let snapshot = Snapshot::open(run, resolved, &application_name(run), plan.jobs).await?;
    let snapshot = at_a_quiet_moment(run, resolved, plan.jobs, snapshot).await?;
    snapshot.let_go_after(work.max_snapshot_age);
    if first.quiet.is_some() && quiet(run, &snapshot).await? == first.quiet {
        let (mut fingerprint, quiet) = (first.fingerprint.clone(), first.quiet.clone());
        let read = read_sequences_again(run, &snapshot, &mut fingerprint).await;
        snapshot.release(run).await;
        return read.map(|()| Reading { fingerprint, quiet });
    }
    read(run, made, snapshot, false).await?.ok_or(Halt::Stopped)
}

/// The snapshot, or one of the next moments in which no transaction is in progress, if there is one soon.
async fn at_a_quiet_moment(
    run: &Run,
    resolved: &Resolved,
    jobs: usize,
    mut snapshot: Snapshot,
) -> Result<Snapshot, Halt> {
    for _ in 1..ATTEMPTS {
        if quiet(run, &snapshot).await?.is_some() {
            break;
        }
        drop(snapshot);
        run.stop().guard(tokio::time::sleep(PAUSE)).await?;
        snapshot = Snapshot::open(run, resolved, &application_name(run), jobs).await?;
    }
    Ok(snapshot)
}

/// A transaction in progress holds a lock on its own number, which everybody may see. (The newest one is not
/// in the snapshot's list of those in progress: it lies behind its end.)
const QUIET: &str = "
SELECT pg_current_snapshot()::text,
       (SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted)";

/// `pg_current_snapshot()` of the snapshot, when no transaction was in progress: `730:730:`.
async fn quiet(run: &Run, snapshot: &Snapshot) -> Result<Option<String>, Halt> {
    let Some(session) = snapshot.sessions.first() else { return Ok(None) };
    let row = session.one(run.stop(), QUIET).await.map_err(|failure| from_query(failure, "snapshot"))?;
    let row: Vec<_> = row.into_iter().map(Option::unwrap_or_default).collect();
    match row.as_slice() {
        [text, in_progress] if in_progress == "0" && is_quiet(text) => Ok(Some(text.clone())),
        _ => Ok(None),
    }
}

fn is_quiet(snapshot: &str) -> bool {
    let parts: Vec<_> = snapshot.split(':').collect();
    matches!(parts.as_slice(), [first, last, ""] if first == last)
}

/// What lies between two readings, where it can be said.
fn settled(first: &Reading, second: &Reading) -> Result<Fingerprint, String> {
    if first.quiet.is_none() || second.quiet.is_none() {
        return Err(
            "a transaction was in progress at the source before or after the point that is restored: \
                    what the copy must contain is not known; rehearse at a quieter time"
                .to_owned(),
        );
    }
    let (before, after) = (&first.fingerprint, &second.fingerprint);
    if before.tables != after.tables || before.objects != after.objects {
        return Err("the source was written to between the readings before and after the point that is \
                    restored: what the copy must contain is not known; rehearse at a quieter time"
            .to_owned());
    }
    let standing = after.sequences.iter().map(|(name, readings)| (name.clone(), readings.after));
    let mut settled = before.clone();
    settled.read_again(&standing.collect());
    Ok(settled)
}

async fn take_base_backup(
    plan: &Plan,
    run: &Run,
    made: &mut Made,
    resolved: &Resolved,
    handover: &Handover,
    tar: bool,
) -> Result<Origin, Halt> {
    let session = Snapshot::session(run, resolved, &application_name(run)).await?;
    let major = session.value(run.stop(), "SELECT current_setting('server_version_num')::int / 10000").await;
    let major = major.map_err(|failure| from_query(failure, "source"))?.parse().ok();
    let sizes = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database";
    let bytes = session.value(run.stop(), sizes).await.ok().and_then(|bytes| bytes.parse().ok());
    let places =
        "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE pg_tablespace_location(oid) <> ''";
    let places =
        session.query(run.stop(), places).await.map_err(|failure| from_query(failure, "tablespaces"))?;
    let places: Vec<_> = places.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    drop(session);
    let programs = programs::find(run, plan.pg_bin.as_deref(), major).await?;
    let place = made.place.as_ref().ok_or(Halt::Stopped)?;
    if let Some(bytes) = bytes {
        place.refuse_without_space(bytes)?;
    }
    let folder = place.folder("backup");
    run.progress().phase("base backup: pg_basebackup, which waits for a checkpoint that spares the source");
    let start = run.elapsed();
    let _growth = Growth::watch(run.progress(), vec![folder.clone()], bytes, "copied");
    base_backup::make(run, &programs, handover, tar, &places, &folder).await?;
    let (took, bytes) = (run.elapsed() - start, folder_bytes(&folder));
    let format = if tar { "tar" } else { "plain" };
    made.stages.add(
        "base backup",
        start,
        run.elapsed(),
        format!("pg_basebackup {}, {format}, log streamed", programs.version),
    );
    run.measurement(Measurement::new("backup_bytes", Decimal::from(bytes), "B"));
    run.finding(
        BACKUP_MADE.passed("pg_basebackup").expected("pg_basebackup ends without an error").observed(
            format!("{bytes} bytes in {}, {}", seconds(took), counted(places.len() as u64, "tablespace")),
        ),
    );
    Ok(Origin::BaseBackup { folders: vec![base_backup::made_in(&folder)] })
}

/// Writes the restore point; gives the name of the segment that holds it.
async fn write_restore_point(run: &Run, resolved: &Resolved, name: &str) -> Result<String, Halt> {
    let session = Snapshot::session(run, resolved, &application_name(run)).await?;
    let statement = format!("SELECT pg_walfile_name(pg_create_restore_point({}))", literal(name));
    session.value(run.stop(), &statement).await.map_err(|failure| match failure {
        crate::connection::QueryFailure::Stopped => Halt::Stopped,
        other => SOURCE_READABLE
            .inconclusive("restore point")
            .expected("a primary, and a role that may call pg_create_restore_point")
            .observed(other.to_string())
            .remedy(
                "GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO …, or leave --restore-point out",
            )
            .into(),
    })
}

/// Waits until the archive holds the segment, as it would have to before an incident.
async fn wait_for_archive(
    run: &Run,
    physical: &Physical,
    resolved: &Resolved,
    segment: &str,
) -> Result<(), Halt> {
    if physical.wal.is_none() && !physical.origin.is_repository() {
        return Ok(());
    }
    run.progress().phase(format!("archive: waiting for {segment}"));
    let deadline = Instant::now() + ARCHIVE_PATIENCE;
    while !is_archived(run, physical.wal.as_deref(), resolved, segment).await? {
        if Instant::now() > deadline {
            return Err(BACKUP_WAL
                .inconclusive(segment)
                .expected(format!("the restore point in the archive within {}", seconds(ARCHIVE_PATIENCE)))
                .observed("its segment has not been archived yet")
                .remedy(
                    "SELECT pg_switch_wal() on the source while the rehearsal waits, or set archive_timeout",
                )
                .into());
        }
        run.stop().guard(tokio::time::sleep(PAUSE)).await?;
    }
    Ok(())
}

/// Whether a folder holds the segment; of a repository, whether the source's archiver says that it is there. (A
/// server without one streams its log, and nothing is to be waited for.)
async fn is_archived(
    run: &Run,
    archive: Option<&Path>,
    resolved: &Resolved,
    segment: &str,
) -> Result<bool, Halt> {
    if let Some(archive) = archive {
        return Ok(wal_archive::holds(archive, segment));
    }
    let session = Snapshot::session(run, resolved, &application_name(run)).await?;
    let statement = format!(
        "SELECT current_setting('archive_mode') = 'off' OR coalesce(left(last_archived_wal, 24) >= {}, false) \
         FROM pg_stat_archiver",
        literal(segment)
    );
    let said = session.value(run.stop(), &statement).await;
    said.map(|said| said == "t").map_err(|failure| from_query(failure, "archiver"))
}

#[cfg(test)]
mod tests {
    use super::is_quiet;

    #[test]
    fn a_snapshot_tells_whether_a_transaction_is_in_progress() {
        assert!(is_quiet("730:730:"));
        for busy in ["730:732:730", "730:732:", "", "730"] {
            assert!(!is_quiet(busy), "{busy}");
        }
    }
}
