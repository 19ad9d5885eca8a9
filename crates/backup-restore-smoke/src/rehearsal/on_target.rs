//! The same story on a server that is kept for rehearsals: one database of ours, roles as they are there, and a write
//! by the role that was given.

use std::time::Duration;

use evidence_report::{record::Requirement, run::Run};

use super::{
    Made, Seen,
    backup::application_name,
    expectation,
    logical::{create_statement, judge_recovery, restore},
    preflight::{self, Lacks},
    recovery::own_server,
    rows,
};
use crate::{
    checks::{RESTORE_ASSERTIONS, RESTORE_CONTENT, RESTORE_STEPS, RESTORE_WRITABLE, TARGET_HARMLESS},
    connection::{ConnectFailure, QueryFailure, Resolved, connect},
    engines::{
        compression::Compression,
        dump_file::{DumpFile, DumpedDatabase, Form, Inspection},
    },
    halt::Halt,
    plan::{ExistingDump, Plan, Rehearse, Source},
    programs::{self, Programs},
    sql::{identifier, literal},
    target::{Known, MARKER_SCHEMA, Target},
};

/// `pg_restore` of this version begins with `SET transaction_timeout`, and servers since then know it.
const TRANSACTION_TIMEOUT_SINCE: u32 = 17;

/// Rehearses a dump that exists.
#[expect(clippy::too_many_arguments, reason = "everything that was learnt before the target was asked for")]
pub(super) async fn rehearse(
    plan: &Plan,
    work: &Rehearse,
    existing: &ExistingDump,
    server: &Resolved,
    seen: &Inspection,
    programs: &Programs,
    run: &Run,
    made: &mut Made,
) -> Result<(), Halt> {
    let refuse = |observed: &str| -> Halt {
        TARGET_HARMLESS
            .inconclusive("backup")
            .expected("one database, and no globals")
            .observed(observed)
            .into()
    };
    let [database] = seen.databases.as_slice() else {
        return Err(refuse("the dump holds several databases; restore it into a scratch cluster"));
    };
    if existing.globals.is_some() || !seen.globals.is_empty() {
        return Err(refuse("globals are never restored into a server of yours; leave --globals out"));
    }
    if existing.dump.form == Form::Plain {
        return Err(refuse(
            "a plain script can name other databases and roles of the server; restore it into a scratch cluster",
        ));
    }
    let known = known(plan, run, existing).await?;
    let target = Target::open(run, server, &known, &application_name(run)).await?;
    let target = made.target.insert(target);
    missing(run, target, database, programs, seen.needed_major()).await?;
    let incident = run.elapsed();
    made.stages.add("incident", incident, incident, "simulated: the backup and the server are at hand");
    let statement = create_statement(database, &target.database);
    run.finding(target.make(run, &statement).await?);
    let name = target.database.clone();
    restore(plan, run, made, existing, programs, database).await?;
    let written = steps_and_write(run, work, made).await?;
    recovered(plan, run, work, made, incident, written).await?;
    let wanted = existing.expectation.as_ref();
    let counted = expectation::count_wanted(wanted, &name, true);
    let found = rows::verify(plan, run, made, &name, database, counted).await?;
    expectation::judge_content((plan, work, run), made, &name, true, wanted, &found).await?;
    made.checked.push(&RESTORE_CONTENT);
    Ok(())
}

/// Whether the server may be used, before hours are spent on a dump for it. A source that does not say who it is is
/// told of where it is read.
pub(super) async fn look_first(server: &Resolved, source: &Resolved, run: &Run) -> Result<(), Halt> {
    run.progress().phase("target: is it a server for rehearsals?");
    let session = match connect(source, &application_name(run), run.stop()).await {
        Ok(session) => session,
        Err(ConnectFailure::Stopped) => return Err(Halt::Stopped),
        Err(_) => return Ok(()),
    };
    let identifier = "SELECT system_identifier::text FROM pg_control_system()";
    let Ok(identifier) = session.value(run.stop(), identifier).await else { return Ok(()) };
    let known = Known { endpoints: source.endpoints.clone(), identifiers: vec![identifier] };
    Target::open(run, server, &known, &application_name(run)).await.map(drop)
}

/// Restores a dump that this run made from the source.
pub(super) async fn restore_made(
    plan: &Plan,
    work: &Rehearse,
    server: &Resolved,
    source: &Resolved,
    seen: &Seen,
    run: &Run,
    made: &mut Made,
) -> Result<(), Halt> {
    let known = Known {
        endpoints: source.endpoints.clone(),
        identifiers: seen.database.system_identifier.iter().cloned().collect(),
    };
    let target = Target::open(run, server, &known, &application_name(run)).await?;
    let target = made.target.insert(target);
    let programs = programs::find(run, plan.pg_bin.as_deref(), Some(seen.database.major)).await?;
    let dump = DumpFile { path: seen.dump.clone(), form: Form::Directory, compression: Compression::None };
    let looked = dump.contents();
    let database = looked.databases.first().cloned().unwrap_or_default();
    missing(run, target, &database, &programs, looked.needed_major()).await?;
    let incident = run.elapsed();
    made.stages.add("incident", incident, incident, "simulated: the backup and the server are at hand");
    let mut ours = seen.database.clone();
    ours.name.clone_from(&target.database);
    run.finding(target.make(run, &ours.create_statement()).await?);
    made.whole = Some(seen.database.bytes);
    let existing = ExistingDump { dump, globals: None, expectation: None };
    restore(plan, run, made, &existing, &programs, &database).await?;
    let written = steps_and_write(run, work, made).await?;
    recovered(plan, run, work, made, incident, written).await
}

/// Judges the recovery time. Assertions are not run here: their roles would have to be made on the user's server.
async fn recovered(
    plan: &Plan,
    run: &Run,
    work: &Rehearse,
    made: &mut Made,
    incident: Duration,
    written: Option<Duration>,
) -> Result<(), Halt> {
    made.checked.push(&RESTORE_WRITABLE);
    if !work.assertions.is_empty() {
        let reason = "a rehearsal makes no roles on a server of yours: assert in a scratch cluster";
        run.finding(RESTORE_ASSERTIONS.not_checked(Requirement::Required, "assertions", reason));
    }
    let target = made.target.as_ref().ok_or(Halt::Stopped)?;
    let name = target.database.clone();
    let bytes =
        target.session(run).await?.value(run.stop(), "SELECT pg_database_size(current_database())").await;
    let bytes = bytes.map_err(|failure| own_server("size of the copy", failure))?.parse().unwrap_or_default();
    let achieved =
        written.map(|at| at.saturating_sub(incident)).ok_or("the copy never took a committed write");
    judge_recovery(plan, run, work, made, &name, bytes, achieved);
    Ok(())
}

/// What is known of the source of a dump that exists. The source is asked who it is, and nothing else.
async fn known(plan: &Plan, run: &Run, existing: &ExistingDump) -> Result<Known, Halt> {
    let mut known = Known::default();
    let fingerprint = existing.expectation.as_ref().map(|expectation| &expectation.fingerprint);
    known.identifiers.extend(fingerprint.and_then(|fingerprint| fingerprint.taken.system_identifier.clone()));
    if let Source::Database(source) = &plan.source {
        known.endpoints.clone_from(&source.endpoints);
        let unknown = |observed: String| -> Halt {
            TARGET_HARMLESS
                .inconclusive("source")
                .expected("the source says who it is")
                .observed(observed)
                .into()
        };
        let session = connect(source, &application_name(run), run.stop())
            .await
            .map_err(|failure| unknown(format!("no connection to it: {failure}")))?;
        let identifier =
            session.value(run.stop(), "SELECT system_identifier::text FROM pg_control_system()").await;
        known.identifiers.push(identifier.map_err(|failure| unknown(failure.to_string()))?);
    }
    Ok(known)
}

/// Versions, roles, rights and extensions that the dump needs and the server has not.
async fn missing(
    run: &Run,
    target: &Target,
    database: &DumpedDatabase,
    programs: &Programs,
    needed: Option<u32>,
) -> Result<(), Halt> {
    let mut lacks = Lacks::default();
    version(target, programs.major, needed, &mut lacks);
    preflight::extensions(run, target.server(), std::slice::from_ref(database), &mut lacks).await?;
    let rows = target.server().query(run.stop(), "SELECT rolname FROM pg_roles").await;
    let rows = rows.map_err(|failure| own_server("roles of the target", failure))?;
    let there: Vec<_> = rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let wanted = database.named.roles.keys().filter(|name| !there.contains(name));
    let names: Vec<_> = wanted.map(|name| identifier(name)).collect();
    if !names.is_empty() {
        lacks.add(
            "roles of the target",
            "every role that the dump names",
            format!("missing: {}", names.join(", ")),
            "make them there without login and password; a rehearsal makes no roles on a server of yours",
        );
    }
    let owners: Vec<_> = database.named.owners.iter().filter(|name| there.contains(name)).collect();
    let owners: Vec<_> = owners.into_iter().map(String::as_str).collect();
    let outside = target.no_member_of(run, &owners).await;
    if let Some((observed, remedy)) =
        outside.map_err(|failure| own_server("memberships on the target", failure))?
    {
        let expected = "a role that may make every owner of the dump an owner";
        lacks.add("rights of the role of --target", expected, observed, remedy);
    }
    lacks.end(run)
}

/// A dump goes into a server of its version or a newer one, and `pg_restore` of 17 and later sets what older servers do
/// not know.
fn version(target: &Target, programs: u32, needed: Option<u32>, lacks: &mut Lacks) {
    let (there, needed) = (target.major, needed.unwrap_or_default());
    if there < needed {
        lacks.add(
            "version of the server of --target",
            format!("PostgreSQL {needed} or newer, as the dump"),
            format!("it is {there}"),
            format!("keep a server of PostgreSQL {needed} for rehearsals; the backup itself is not judged"),
        );
    } else if there < TRANSACTION_TIMEOUT_SINCE && programs >= TRANSACTION_TIMEOUT_SINCE {
        lacks.add(
            "version of pg_restore",
            format!("one whose settings a server of PostgreSQL {there} knows"),
            format!("it is of {programs}"),
            format!("name the programs of PostgreSQL {there} by --pg-bin"),
        );
    }
}

async fn steps_and_write(run: &Run, work: &Rehearse, made: &mut Made) -> Result<Option<Duration>, Halt> {
    let target = made.target.as_ref().ok_or(Halt::Stopped)?;
    for step in &work.after_restore {
        let name = step.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let start = run.elapsed();
        let expected = "the file runs without an error";
        match target.session(run).await?.each(run.stop(), &step.sql, drop).await {
            Ok(()) => run.finding(RESTORE_STEPS.passed(&name).expected(expected).observed("no error")),
            Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
            Err(failure) => {
                run.finding(RESTORE_STEPS.failed(&name).expected(expected).observed(failure.to_string()));
            }
        }
        made.stages.add(&format!("after the restore: {name}"), start, run.elapsed(), "");
    }
    write(run, target, &mut made.stages).await
}

/// A committed write by the role that was given: no role is made on a server of the user's.
async fn write(
    run: &Run,
    target: &Target,
    stages: &mut crate::clock::Stages,
) -> Result<Option<Duration>, Halt> {
    run.progress().phase("first committed write");
    let start = run.elapsed();
    let expected = "a role commits a write that another session sees";
    let table = format!("{}.run", identifier(MARKER_SCHEMA));
    let (one, other) = (target.session(run).await?, target.session(run).await?);
    let mark = literal(&format!("written {}", run.id()));
    let written = match one.query(run.stop(), &format!("INSERT INTO {table} VALUES ({mark})")).await {
        Ok(_) => other.value(run.stop(), &format!("SELECT count(*) FROM {table} WHERE id = {mark}")).await,
        Err(failure) => Err(failure),
    };
    let name = &target.database;
    match written {
        Ok(count) if count == "1" => {
            let at = run.elapsed();
            stages.add("first committed write", start, at, "recovered");
            let who = if target.is_superuser() {
                "by a superuser, so rights are not proven"
            } else {
                "by the role of --target"
            };
            run.finding(
                RESTORE_WRITABLE
                    .passed(name)
                    .expected(expected)
                    .observed(format!("committed and seen, {who}")),
            );
            Ok(Some(at))
        }
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        other => {
            let observed =
                other.map_or_else(|failure| failure.to_string(), |_| "its row is not seen".to_owned());
            run.finding(RESTORE_WRITABLE.failed(name).expected(expected).observed(observed));
            Ok(None)
        }
    }
}
