//! From the source to a dump: one snapshot, its fingerprint, `pg_dump`. Afterwards the source is let go.

use std::collections::BTreeMap;

use evidence_report::{
    record::{Decimal, Environment, Measurement, Requirement},
    run::{Run, run_base},
};

use super::{Made, Seen, listed};
use crate::{
    checks::{BACKUP_MADE, ENVIRONMENT, RESTORE_DERIVED, SOURCE_READABLE},
    clock::Stages,
    comparison::{Content, SequenceState, TableName},
    connection::{Handover, Resolved},
    embedded,
    engines::dump,
    fingerprint::{Kind, Relation, Unreadable, fingerprint, sequences},
    halt::Halt,
    plan::{Plan, Rehearse, Source},
    programs::{self},
    scratch::{Isolation, Place, Room},
    source::{Snapshot, apart, from_query},
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

pub(super) async fn open(run: &Run, resolved: &Resolved, sessions: usize) -> Result<Snapshot, Halt> {
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
pub(super) fn application_name(run: &Run) -> String {
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
    let seen = from_snapshot(plan, work, run, made, resolved, &snapshot).await;
    // Before anything else, and whatever came of it: the source is let go.
    snapshot.release(run).await;
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
        run.finding(apart(session, run.stop(), &plan.scratch, work.shares_filesystem).await?);
    }
    let content = read_source(run, snapshot, &mut made.stages).await?;
    left_out(run, &snapshot.relations);
    let before = read_sequences(run, snapshot).await?;
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
    dump::dump(run, &programs, &handover, snapshot, plan.jobs, &dump).await?;
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
    let after = read_sequences(run, snapshot).await?;
    Ok(Seen {
        database: database.clone(),
        relations: snapshot.relations.clone(),
        content,
        before,
        after,
        dump,
    })
}

pub(super) async fn read_source(
    run: &Run,
    snapshot: &Snapshot,
    stages: &mut Stages,
) -> Result<Content, Halt> {
    run.progress().phase("source: fingerprint");
    let start = run.elapsed();
    let read = fingerprint(&snapshot.sessions, &snapshot.relations, run.stop(), run.progress()).await;
    let content = read.map_err(|Unreadable { table, failure }| from_query(failure, table.to_string()))?;
    stages.add("fingerprint of the source", start, run.elapsed(), listed(&content));
    let read = SOURCE_READABLE.passed(&snapshot.database.name).expected("every table read in one snapshot");
    run.finding(read.observed(listed(&content)));
    Ok(content)
}

pub(super) async fn read_sequences(
    run: &Run,
    snapshot: &Snapshot,
) -> Result<BTreeMap<TableName, SequenceState>, Halt> {
    match snapshot.sessions.first() {
        Some(session) => {
            sequences(session, run.stop()).await.map_err(|failure| from_query(failure, "sequences"))
        }
        None => Ok(BTreeMap::new()),
    }
}

/// Says which relations a dump does not carry, or computes anew.
pub(super) fn left_out(run: &Run, relations: &[Relation]) {
    for (kind, reason) in [
        (Kind::Foreign, "foreign: its rows live on another server, and no dump carries them"),
        (Kind::OfExtension, "belongs to an extension, which makes it anew"),
        (Kind::UnloggedOnStandby, "unlogged: a standby cannot read it"),
        (Kind::MaterialisedView, "materialised view: computed anew by the restore"),
    ] {
        let names: Vec<_> = relations
            .iter()
            .filter(|relation| relation.kind == kind)
            .map(|relation| relation.name.to_string())
            .collect();
        let subject = match names.as_slice() {
            [] => continue,
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        run.finding(RESTORE_DERIVED.not_checked(Requirement::Optional, subject, reason));
    }
}

fn folder_size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}
