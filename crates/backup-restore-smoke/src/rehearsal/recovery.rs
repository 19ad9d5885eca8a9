//! From an empty machine to the first committed write: what the recovery time is measured over.

use std::time::Duration;

use evidence_report::run::{Run, run_base};

use super::{Made, Seen, backup::application_name};
use crate::{
    checks::{ENVIRONMENT, RESTORE_STEPS, RESTORE_WRITABLE},
    clock::Stages,
    connection::{Handover, QueryFailure, Session},
    engines::dump,
    halt::Halt,
    hardware,
    plan::{Plan, Rehearse, Step},
    programs::{self, Programs},
    scratch::{Attempt, Cluster, ClusterSpec, Isolation, create_roles, first_committed_write},
    source::Database,
    wording::counted,
};

/// From an empty machine to the first committed write; says when that was.
pub(super) async fn restore(
    plan: &Plan,
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    seen: &Seen,
) -> Result<Option<Duration>, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), Some(seen.database.major)).await?;
    let isolation = Isolation::find(run, [&plan.scratch, &run_base()]).await?;
    run.finding(isolation.finding());
    let Made { place, copy, stages, .. } = made;
    let place = place.as_ref().ok_or(Halt::Stopped)?;
    let spec = ClusterSpec {
        name: "copy",
        superuser: seen.database.superuser.clone(),
        checksums: seen.database.checksums,
    };
    run.fact("scratch hardware", hardware::described(&plan.scratch));
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
        run_step(run, cluster, &seen.database.name, step, stages).await?;
    }
    first_write(run, cluster, &seen.database.name, stages).await
}

pub(super) async fn start_cluster(run: &Run, cluster: &mut Cluster, stages: &mut Stages) -> Result<(), Halt> {
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
        Err(failure) if failure.is_lack_of_space() => Err(no_space(failure.to_string())),
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

/// The scratch's own disk is full, which says nothing about the backup.
pub(super) fn no_space(observed: String) -> Halt {
    ENVIRONMENT
        .inconclusive("space for the copy")
        .expected("space for everything that the copy holds")
        .observed(observed)
        .remedy("name a folder with more space with --scratch")
        .into()
}

pub(super) fn own_server(subject: &str, failure: QueryFailure) -> Halt {
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
    let _growth = cluster.growth(run, Some(seen.database.bytes));
    let finding = dump::restore(run, programs, &handover, cluster, plan.jobs, &seen.dump).await?;
    run.finding(finding);
    Ok(())
}

/// One SQL file of the runbook.
pub(super) async fn run_step(
    run: &Run,
    cluster: &mut Cluster,
    database: &str,
    step: &Step,
    stages: &mut Stages,
) -> Result<(), Halt> {
    let name = step.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    run.progress().phase(format!("after the restore: {name}"));
    let start = run.elapsed();
    let session = cluster.administrator(run, database).await?;
    let expected = "the file runs without an error";
    // What it prints is nobody's to read, and may be a whole table.
    match session.each(run.stop(), &step.sql, drop).await {
        Ok(()) => run.finding(RESTORE_STEPS.passed(&name).expected(expected).observed("no error")),
        Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
        // Nothing that follows would say anything about the backup.
        Err(failure) if failure.is_lack_of_space() => return Err(no_space(format!("{name}: {failure}"))),
        Err(QueryFailure::Lost(_)) if cluster.has_died(run).await => {
            return Err(cluster.why_ended(&format!("the server ended while {name} ran")).into());
        }
        Err(failure) => {
            run.finding(RESTORE_STEPS.failed(&name).expected(expected).observed(failure.to_string()))
        }
    }
    stages.add(&format!("after the restore: {name}"), start, run.elapsed(), "");
    Ok(())
}

pub(super) async fn first_write(
    run: &Run,
    cluster: &mut Cluster,
    database: &str,
    stages: &mut Stages,
) -> Result<Option<Duration>, Halt> {
    run.progress().phase("first committed write");
    let start = run.elapsed();
    let administrator = cluster.administrator(run, database).await?;
    let name = format!("ops_smoke_{}", run.id());
    let attempt = first_committed_write(cluster, &administrator, run.stop(), database, &name).await;
    let expected = "a role without superuser rights commits a write that another session sees";
    match attempt {
        Attempt::Stopped => Err(Halt::Stopped),
        Attempt::Committed(transaction) => {
            let at = run.elapsed();
            stages.add("first committed write", start, at, "recovered");
            let observed = format!("transaction {transaction} committed, and its row seen");
            run.finding(RESTORE_WRITABLE.passed(database).expected(expected).observed(observed));
            Ok(Some(at))
        }
        Attempt::Full(observed) => Err(no_space(observed)),
        Attempt::Refused(reason) if cluster.has_died(run).await => Err(cluster.why_ended(&reason).into()),
        Attempt::Refused(reason) => {
            stages.add("first committed write", start, run.elapsed(), "refused");
            run.finding(RESTORE_WRITABLE.failed(database).expected(expected).observed(reason));
            Ok(None)
        }
    }
}
