//! The story of a rehearsal, in order. Every phase adds what it found to the run as it goes, so that a stop
//! at any moment loses nothing; whatever happens, everything that was made is taken away again.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use evidence_report::{
    record::{Check, Decimal, Environment, Measurement, Requirement},
    run::Run,
};

use crate::{
    checks::{
        BACKUP_MADE, CLEANED_UP, ENVIRONMENT, RECOVERY_TIME, RESTORE_CONTENT, RESTORE_DERIVED, RESTORE_STEPS,
        RESTORE_WRITABLE, SOURCE_READABLE,
    },
    clock::{LEFT_OUT, Stages, judge_data_loss, judge_recovery_time, recovery_time_unknown},
    comparison::{Content, SequenceState, TableContent, TableName, compare_content, compare_sequences},
    connection::{Handover, QueryFailure, Resolved, Session},
    embedded,
    engines::dump,
    fingerprint::{Kind, Relation, Unreadable, fingerprint, pin, relations, sequences},
    halt::Halt,
    plan::{Plan, Rehearse, Source, Step},
    programs::{self, Programs},
    scratch::{Attempt, Cluster, ClusterSpec, Isolation, Place, create_roles, first_committed_write},
    source::{Database, Snapshot, from_query},
    wording::{counted, seconds},
};

/// So many tables are listed in the evidence.
const TABLES_LISTED: usize = 200;

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
            run.finding(check.not_checked(Requirement::Required, "rehearsal", reason));
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
    verify(plan, run, made, &seen).await
}

/// The connection to the source; an embedded one is made first.
async fn source(plan: &Plan, run: &Run, made: &mut Made) -> Result<Resolved, Halt> {
    let bytes = match &plan.source {
        Source::Database(resolved) => {
            resolved.warnings.iter().for_each(|warning| run.progress().note(warning));
            return Ok(resolved.as_ref().clone());
        }
        Source::Embedded { bytes } => *bytes,
    };
    run.is_really(Environment::Local);
    let start = run.elapsed();
    let programs = programs::find(run, plan.pg_bin.as_deref(), None).await?;
    let isolation = Isolation::find(run).await?;
    let place = made.place.insert(Place::make(run, &plan.scratch)?);
    let cluster = made.source.insert(embedded::cluster(place, &programs, &isolation)?);
    let resolved = embedded::fill(run, cluster, bytes).await?;
    made.stages.add("embedded source", start, run.elapsed(), "throw-away cluster with sample data");
    Ok(resolved)
}

async fn open(run: &Run, resolved: &Resolved, sessions: usize) -> Result<Snapshot, Halt> {
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
fn application_name(run: &Run) -> String {
    format!("backup-restore-smoke {}", run.id())
}

/// Fingerprint and dump, both from one snapshot.
async fn take_backup(plan: &Plan, run: &Run, made: &mut Made, resolved: &Resolved) -> Result<Seen, Halt> {
    let start = run.elapsed();
    let snapshot = open(run, resolved, plan.jobs).await?;
    made.stages.add(
        "snapshot",
        start,
        run.elapsed(),
        "one read-only snapshot, shared by fingerprint and dump",
    );
    let seen = from_snapshot(plan, run, made, resolved, &snapshot).await;
    // Before anything else, and whatever came of it: the source is let go.
    snapshot.release(run).await;
    seen
}

async fn from_snapshot(
    plan: &Plan,
    run: &Run,
    made: &mut Made,
    resolved: &Resolved,
    snapshot: &Snapshot,
) -> Result<Seen, Halt> {
    let database = &snapshot.database;
    let programs = programs::find(run, plan.pg_bin.as_deref(), Some(database.major)).await?;
    let content = read_source(run, snapshot, &mut made.stages).await?;
    left_out(run, &snapshot.relations);
    let before = read_sequences(run, snapshot).await?;
    let place = match made.place.take() {
        Some(place) => place,
        None => Place::make(run, &plan.scratch)?,
    };
    let place = made.place.insert(place);
    place.refuse_without_space(database.bytes)?;
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

async fn read_source(run: &Run, snapshot: &Snapshot, stages: &mut Stages) -> Result<Content, Halt> {
    run.progress().phase("source: fingerprint");
    let start = run.elapsed();
    let read = fingerprint(&snapshot.sessions, &snapshot.relations, run.stop(), run.progress()).await;
    let content = read.map_err(|Unreadable { table, failure }| from_query(failure, table.to_string()))?;
    stages.add("fingerprint of the source", start, run.elapsed(), listed(&content));
    let read = SOURCE_READABLE.passed(&snapshot.database.name).expected("every table read in one snapshot");
    run.finding(read.observed(listed(&content)));
    Ok(content)
}

async fn read_sequences(run: &Run, snapshot: &Snapshot) -> Result<BTreeMap<TableName, SequenceState>, Halt> {
    match snapshot.sessions.first() {
        Some(session) => {
            sequences(session, run.stop()).await.map_err(|failure| from_query(failure, "sequences"))
        }
        None => Ok(BTreeMap::new()),
    }
}

/// Says which relations a dump does not carry, or computes anew.
fn left_out(run: &Run, relations: &[Relation]) {
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

/// From an empty machine to the first committed write; says when that was.
async fn restore(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    seen: &Seen,
) -> Result<Option<Duration>, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), Some(seen.database.major)).await?;
    let isolation = Isolation::find(run).await?;
    run.finding(isolation.finding());
    let Made { place, copy, stages, .. } = made;
    let place = place.as_ref().ok_or(Halt::Stopped)?;
    let spec = ClusterSpec {
        name: "copy",
        superuser: seen.database.superuser.clone(),
        checksums: seen.database.checksums,
    };
    let cluster = copy.insert(Cluster::new(place, spec, &programs, &isolation)?);
    start_cluster(run, cluster, stages).await?;
    let start = run.elapsed();
    prepare_database(run, cluster, &seen.database).await?;
    stages.add("roles and database", start, run.elapsed(), "");
    run.progress().phase(format!("restore: pg_restore, {}", counted(plan.jobs as u64, "worker")));
    let start = run.elapsed();
    restore_dump(plan, run, &programs, cluster, seen).await?;
    stages.add(
        "restore",
        start,
        run.elapsed(),
        format!("pg_restore, {}", counted(plan.jobs as u64, "worker")),
    );
    for step in &work.after_restore {
        run_step(run, cluster, &seen.database, step, stages).await?;
    }
    first_write(run, cluster, &seen.database, stages).await
}

async fn start_cluster(run: &Run, cluster: &mut Cluster, stages: &mut Stages) -> Result<(), Halt> {
    run.progress().phase("scratch cluster: initdb");
    let start = run.elapsed();
    cluster.initdb(run).await?;
    stages.add("initdb", start, run.elapsed(), "an empty cluster of the same major version");
    run.progress().phase("scratch cluster: start");
    let start = run.elapsed();
    cluster.start(run).await?;
    stages.add("server start", start, run.elapsed(), "until it accepts connections");
    Ok(())
}

/// An empty database like the source's, with the roles that its objects need.
async fn prepare_database(run: &Run, cluster: &mut Cluster, database: &Database) -> Result<(), Halt> {
    let existing = cluster.superuser().to_owned();
    let administrator = cluster.administrator(run, "template1").await?;
    missing_extensions(run, &administrator, database).await?;
    let roles = create_roles(&administrator, run.stop(), &database.roles, &existing).await;
    roles.map_err(|failure| own_server("roles of the copy", failure))?;
    if database.name == "template1" {
        return Ok(());
    }
    // The database of that name that initdb made has another locale.
    if database.name == "postgres" {
        let dropped = administrator.query(run.stop(), "DROP DATABASE postgres").await;
        dropped.map_err(|failure| own_server("database of the copy", failure))?;
    }
    match administrator.query(run.stop(), &database.create_statement()).await {
        Ok(_) => Ok(()),
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        Err(failure) => Err(ENVIRONMENT
            .inconclusive("locale of the copy")
            .expected("a database with the source's encoding and locale")
            .observed(failure.to_string())
            .remedy("generate the source's locale on this machine (dpkg-reconfigure locales), or install the same ICU")
            .into()),
    }
}

async fn missing_extensions(run: &Run, administrator: &Session, database: &Database) -> Result<(), Halt> {
    let available = administrator.query(run.stop(), "SELECT name FROM pg_available_extensions").await;
    let available = available.map_err(|failure| own_server("extensions", failure))?;
    let available: Vec<_> =
        available.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let missing: Vec<_> =
        database.extensions.iter().filter(|name| !available.contains(name)).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ENVIRONMENT
        .inconclusive("extensions")
        .expected(format!("every extension of the source: {}", database.extensions.join(", ")))
        .observed(format!("not installed here: {}", missing.join(", ")))
        .remedy(format!(
            "install the packages of {} for PostgreSQL {}; the backup itself is not judged",
            missing.join(", "),
            database.major
        ))
        .into())
}

fn own_server(subject: &str, failure: QueryFailure) -> Halt {
    match failure {
        QueryFailure::Stopped => Halt::Stopped,
        other => ENVIRONMENT.inconclusive(subject).observed(other.to_string()).into(),
    }
}

async fn restore_dump(
    plan: &Plan,
    run: &Run,
    programs: &Programs,
    cluster: &mut Cluster,
    seen: &Seen,
) -> Result<(), Halt> {
    let target = cluster.connection(&seen.database.name, cluster.superuser());
    let not_written = |error: std::io::Error| {
        ENVIRONMENT.inconclusive("pg_restore's connection").observed(error.to_string())
    };
    let endpoint = target.endpoints.first().cloned().ok_or(Halt::Stopped)?;
    let handover =
        Handover::write(run.folder(), &target, &endpoint, &application_name(run)).map_err(not_written)?;
    let finding = dump::restore(run, programs, &handover, cluster, plan.jobs, &seen.dump).await?;
    run.finding(finding);
    Ok(())
}

/// One SQL file of the runbook.
async fn run_step(
    run: &Run,
    cluster: &mut Cluster,
    database: &Database,
    step: &Step,
    stages: &mut Stages,
) -> Result<(), Halt> {
    let name = step.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    run.progress().phase(format!("after the restore: {name}"));
    let start = run.elapsed();
    let session = cluster.administrator(run, &database.name).await?;
    let expected = "the file runs without an error";
    match session.query(run.stop(), &step.sql).await {
        Ok(_) => run.finding(RESTORE_STEPS.passed(&name).expected(expected).observed("no error")),
        Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
        Err(failure) => {
            run.finding(RESTORE_STEPS.failed(&name).expected(expected).observed(failure.to_string()))
        }
    }
    stages.add(&format!("after the restore: {name}"), start, run.elapsed(), "");
    Ok(())
}

async fn first_write(
    run: &Run,
    cluster: &mut Cluster,
    database: &Database,
    stages: &mut Stages,
) -> Result<Option<Duration>, Halt> {
    run.progress().phase("first committed write");
    let start = run.elapsed();
    let administrator = cluster.administrator(run, &database.name).await?;
    let name = format!("ops_smoke_{}", run.id());
    let attempt = first_committed_write(cluster, &administrator, run.stop(), &database.name, &name).await;
    let expected = "a role without superuser rights commits a write that another session sees";
    match attempt {
        Attempt::Stopped => Err(Halt::Stopped),
        Attempt::Committed(transaction) => {
            let at = run.elapsed();
            stages.add("first committed write", start, at, "recovered");
            let observed = format!("transaction {transaction} committed, and its row seen");
            run.finding(RESTORE_WRITABLE.passed(&database.name).expected(expected).observed(observed));
            Ok(Some(at))
        }
        Attempt::Refused(reason) => {
            stages.add("first committed write", start, run.elapsed(), "refused");
            run.finding(RESTORE_WRITABLE.failed(&database.name).expected(expected).observed(reason));
            Ok(None)
        }
    }
}

/// Fingerprints the copy the same way, and compares.
async fn verify(plan: &Plan, run: &Run, made: &mut Made, seen: &Seen) -> Result<(), Halt> {
    let Made { copy, stages, checked, .. } = made;
    let cluster = copy.as_mut().ok_or(Halt::Stopped)?;
    run.progress().phase("copy: fingerprint");
    let start = run.elapsed();
    let mut sessions = Vec::new();
    for _ in 0..plan.jobs {
        let session = cluster.administrator(run, &seen.database.name).await?;
        pin(&session, run.stop(), run.settings().timeout)
            .await
            .map_err(|failure| own_server("copy", failure))?;
        sessions.push(session);
    }
    let first = sessions.first().ok_or(Halt::Stopped)?;
    let present = relations(first, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    let standing = sequences(first, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    let content = read_copy(run, &sessions, &seen.relations, &present).await?;
    stages.add("fingerprint of the copy", start, run.elapsed(), listed(&content));
    let name = &seen.database.name;
    run.findings(compare_content(name, &seen.content, &content));
    checked.push(&RESTORE_CONTENT);
    run.findings(missing_views(&seen.relations, &present));
    run.findings(compare_sequences(name, &seen.before, &seen.after, &standing));
    run.detail("Tables of the source", &tables(&seen.content));
    run.detail(
        "What the recovery time is",
        &format!(
            "From the start of the restore work (an empty machine with PostgreSQL's programs and the dump) to the \
             first committed write of a role without superuser rights; {LEFT_OUT}. Restored: {}, {} \
             in the source, by {} on {}.",
            listed(&seen.content),
            counted(seen.database.bytes, "byte"),
            counted(plan.jobs as u64, "worker"),
            counted(std::thread::available_parallelism().map_or(1, usize::from) as u64, "processor")
        ),
    );
    Ok(())
}

/// Reads what the source has as the source was read, and besides what the copy has in excess.
async fn read_copy(
    run: &Run,
    sessions: &[Session],
    wanted: &[Relation],
    present: &[Relation],
) -> Result<Content, Halt> {
    let is_table = |relation: &&Relation| relation.kind == Kind::Table;
    let present_names: BTreeSet<_> = present.iter().filter(is_table).map(|relation| &relation.name).collect();
    // Whatever the source has under that name, table or not, is no extra table in the copy.
    let source_names: BTreeSet<_> = wanted.iter().map(|relation| &relation.name).collect();
    let common = wanted.iter().filter(is_table).filter(|relation| present_names.contains(&relation.name));
    let extra = present.iter().filter(is_table).filter(|relation| !source_names.contains(&relation.name));
    let mut to_read: Vec<_> = common.chain(extra).cloned().collect();
    let mut unreadable = Content::new();
    loop {
        match fingerprint(sessions, &to_read, run.stop(), run.progress()).await {
            Ok(mut content) => {
                content.extend(unreadable);
                return Ok(content);
            }
            Err(Unreadable { failure: QueryFailure::Stopped, .. }) => return Err(Halt::Stopped),
            // Its columns are others: that is a difference, not an obstacle.
            Err(Unreadable { table, failure }) if failure.is("42703") || failure.is("42P01") => {
                to_read.retain(|relation| relation.name != table);
                unreadable.insert(table, TableContent { rows: 0, digest: failure.to_string() });
            }
            Err(Unreadable { table, failure }) => {
                return Err(RESTORE_CONTENT
                    .failed(table.to_string())
                    .expected("the table can be read in the copy")
                    .observed(failure.to_string())
                    .into());
            }
        }
    }
}

fn missing_views(wanted: &[Relation], present: &[Relation]) -> Vec<evidence_report::record::Finding> {
    let is_view = |relation: &&Relation| relation.kind == Kind::MaterialisedView;
    wanted
        .iter()
        .filter(is_view)
        .filter(|view| !present.iter().filter(is_view).any(|found| found.name == view.name))
        .map(|view| {
            RESTORE_CONTENT
                .failed(view.name.to_string())
                .expected("the materialised view")
                .observed("it is missing")
        })
        .collect()
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

fn tables(content: &Content) -> String {
    let mut lines: Vec<_> = content
        .iter()
        .take(TABLES_LISTED)
        .map(|(name, table)| format!("{name}: {}, digest {}", counted(table.rows, "row"), table.digest))
        .collect();
    if content.len() > TABLES_LISTED {
        lines.push(format!("… and {} more", content.len() - TABLES_LISTED));
    }
    lines.join("\n")
}

fn folder_size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}
