//! From the source to a dump: one snapshot, its fingerprint, `pg_dump`. Afterwards the source is let go.

use evidence_report::{
    record::{Decimal, Environment, Measurement},
    run::{Run, run_base},
};

use super::{Made, Seen, listed};
use crate::{
    checks::{BACKUP_MADE, ENVIRONMENT, SOURCE_APART, SOURCE_READABLE},
    clock::Stages,
    comparison::left_out,
    connection::{Handover, Resolved, connect},
    embedded,
    engines::dump,
    fingerprint::{Fingerprint, Unreadable, buckets, describe, sequences},
    forecast::last_dump,
    growth::Growth,
    halt::Halt,
    plan::{Plan, Rehearse, Source},
    programs::{self},
    scratch::{Isolation, Place, Room},
    source::{Snapshot, apart, ended_by_standby, from_query},
    wording::{counted, seconds},
};

/// The connection to the source; an embedded one is made first.
pub(super) async fn source(plan: &Plan, run: &Run, made: &mut Made) -> Result<Resolved, Halt> {
    let bytes = match &plan.source {
        Source::Database(resolved) => {
            resolved.warnings.iter().for_each(|warning| run.progress().note(warning));
            return Ok(resolved.as_ref().clone());
        }
        Source::Embedded { bytes } => *bytes,
        // The plan asks for a source wherever one is needed.
        Source::Absent => return Err(Halt::Stopped),
    };
    run.is_really(Environment::Local);
    let start = run.elapsed();
    let programs = programs::find(run, plan.pg_bin.as_deref(), None).await?;
    let isolation = Isolation::find(run, [&plan.scratch, &run_base()]).await?;
    let place = made.place.insert(Place::make(run, &plan.scratch)?);
    let cluster = made.source.insert(embedded::cluster(place, &programs, &isolation)?);
    let resolved = embedded::fill(run, cluster, bytes).await?;
    made.stages.add("embedded source", start, run.elapsed(), "throw-away cluster with sample data");
    Ok(resolved)
}

pub(crate) async fn open(run: &Run, resolved: &Resolved, sessions: usize) -> Result<Snapshot, Halt> {
    run.progress().phase("source: snapshot");
    let snapshot = Snapshot::open(run, resolved, &application_name(run), sessions).await?;
    let database = &snapshot.database;
    run.fact("database", &database.name);
    run.fact("server version", &database.version);
    run.fact("system identifier", database.system_identifier.as_deref().unwrap_or("not shown to this role"));
    run.fact("server", if database.standby { "standby" } else { "primary" });
    run.fact("host", snapshot.endpoint.to_string());
    run.measurement(Measurement::new("source_database_bytes", Decimal::from(database.bytes), "B"));
    Ok(snapshot)
}

/// By this name the watcher and people in `pg_stat_activity` know every session of the run.
pub(crate) fn application_name(run: &Run) -> String {
    format!("backup-restore-smoke {}", run.id())
}

/// Fingerprint and dump, both from one snapshot.
pub(super) async fn take_backup(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    resolved: &Resolved,
) -> Result<Seen, Halt> {
    let start = run.elapsed();
    let snapshot = open(run, resolved, plan.jobs).await?;
    snapshot.let_go_after(work.max_snapshot_age);
    made.stages.add(
        "snapshot",
        start,
        run.elapsed(),
        "one read-only snapshot, shared by fingerprint and dump",
    );
    let mut seen = from_snapshot(plan, work, run, made, resolved, &snapshot).await;
    let standby = snapshot.database.standby;
    // Before anything else, and whatever came of it: the source is let go, but for one idle session.
    match &mut seen {
        Ok(seen) if !work.let_go_early => {
            seen.kept = snapshot.keep(run, resolved, &application_name(run), work.max_snapshot_age).await;
        }
        _ => snapshot.release(run).await,
    }
    if let (Err(Halt::Found(finding)), true) = (&seen, standby)
        && let Some(ended) = ended_by_standby(finding)
        && connect(resolved, &application_name(run), run.stop()).await.is_ok()
    {
        return Err(ended.into());
    }
    seen
}

async fn from_snapshot(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    resolved: &Resolved,
    snapshot: &Snapshot,
) -> Result<Seen, Halt> {
    let database = &snapshot.database;
    let programs = programs::find(run, plan.pg_bin.as_deref(), Some(database.major)).await?;
    if let (Source::Database(_), Some(session)) = (&plan.source, snapshot.sessions.first()) {
        run.owes([&SOURCE_APART]);
        run.finding(apart(session, run.stop(), &plan.scratch, work.shares_filesystem).await?);
    }
    let mut fingerprint = read_source(run, snapshot, &mut made.stages).await?;
    run.findings(left_out(&fingerprint));
    let place = match made.place.take() {
        Some(place) => place,
        None => Place::make(run, &plan.scratch)?,
    };
    let place = made.place.insert(place);
    place.refuse_without_space(database.bytes)?;
    made.room = Some(Room::watch(place.home(), run.stop()));
    let dump = place.folder("dump");
    run.progress().phase(format!("dump: pg_dump, {}", counted(plan.jobs as u64, "worker")));
    let start = run.elapsed();
    let not_written =
        |error: std::io::Error| ENVIRONMENT.inconclusive("pg_dump's connection").observed(error.to_string());
    let handover = Handover::write(run.folder(), resolved, &snapshot.endpoint, &application_name(run))
        .map_err(not_written)?;
    // No dump that is compressed is larger than its database.
    let evidence = plan.settings.evidence.as_deref();
    let (about, what) = match evidence.and_then(|path| last_dump(path, &database.name)) {
        Some(last) => (last.of(database.bytes), "written, of about"),
        None => (database.bytes, "written, of at most"),
    };
    let growth = Growth::watch(run.progress(), vec![dump.clone()], Some(about), what);
    dump::dump(run, &programs, &handover, snapshot, plan.jobs, &dump).await?;
    drop(growth);
    let took = run.elapsed() - start;
    let bytes = folder_size(&dump);
    made.stages.add(
        "dump",
        start,
        run.elapsed(),
        format!("pg_dump {}, directory format, gzip level 1", programs.version),
    );
    run.measurement(Measurement::new("backup_bytes", Decimal::from(bytes), "B"));
    run.finding(
        BACKUP_MADE
            .passed("pg_dump")
            .expected("pg_dump ends without an error")
            .observed(format!("{bytes} bytes in {}", seconds(took))),
    );
    read_sequences_again(run, snapshot, &mut fingerprint).await?;
    Ok(Seen {
        database: database.clone(),
        fingerprint,
        dump,
        endpoint: snapshot.endpoint.clone(),
        kept: None,
    })
}

/// The fingerprint of an open snapshot.
pub(crate) async fn read_source(
    run: &Run,
    snapshot: &Snapshot,
    stages: &mut Stages,
) -> Result<Fingerprint, Halt> {
    run.progress().phase("source: fingerprint");
    let start = run.elapsed();
    let Snapshot { database, relations, sessions, .. } = snapshot;
    let identifier = database.system_identifier.as_deref();
    let read = describe(sessions, relations, identifier, run.stop(), run.progress()).await;
    let fingerprint = read.map_err(|Unreadable { subject, failure }| from_query(failure, subject))?;
    stages.add("fingerprint of the source", start, run.elapsed(), listed(&fingerprint));
    let read = SOURCE_READABLE.passed(&database.name).expected("every table read in one snapshot");
    run.finding(read.observed(listed(&fingerprint)));
    Ok(fingerprint)
}

/// Adds digests of parts of the tables.
pub(crate) async fn read_parts(
    run: &Run,
    snapshot: &Snapshot,
    fingerprint: &mut Fingerprint,
) -> Result<(), Halt> {
    run.progress().phase("source: parts of the tables by primary key");
    let read =
        buckets(&snapshot.sessions, &snapshot.relations, &fingerprint.tables, run.stop(), run.progress())
            .await;
    fingerprint.buckets = read.map_err(|Unreadable { subject, failure }| from_query(failure, subject))?;
    Ok(())
}

/// Where the sequences stand by now, when the backup has been made.
pub(crate) async fn read_sequences_again(
    run: &Run,
    snapshot: &Snapshot,
    fingerprint: &mut Fingerprint,
) -> Result<(), Halt> {
    let Some(session) = snapshot.sessions.first() else { return Ok(()) };
    let after = sequences(session, run.stop()).await;
    fingerprint.read_again(&after.map_err(|failure| from_query(failure, "sequences"))?);
    Ok(())
}

fn folder_size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}
