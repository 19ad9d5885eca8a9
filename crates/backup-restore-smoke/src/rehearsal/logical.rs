//! The story of a rehearsal of a dump that exists: looked through, restored, written to, counted. No source is
//! needed; what only a source could tell is said not to have been checked.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::{
    record::{Decimal, Measurement, Outcome, Requirement},
    run::{Run, run_base},
};

use super::{
    Made, asserted,
    backup::application_name,
    expectation, objectives,
    preflight::{self, Lacks},
    recovery::{first_write, no_space, own_server, run_step, start_cluster},
    rows,
};
use crate::{
    canary,
    checks::{
        BACKUP_COMPLETE, ENVIRONMENT, RECOVERY_TIME, RESTORE_COMPLETED, RESTORE_CONTENT, RESTORE_GLOBALS,
        RESTORE_WRITABLE,
    },
    connection::{Handover, QueryFailure, Session},
    engines::{
        dump_file::{self, DumpedDatabase, Form, Inspection, Reading, Restoring},
        globals::{self, Globals, Unusable},
        restore_errors, script,
    },
    forecast::Way,
    growth::Growth,
    halt::Halt,
    hardware,
    integrity::amcheck,
    plan::{Amcheck, ExistingDump, Plan, Rehearse},
    scratch::{Cluster, ClusterSpec, Isolation, Place, Role, Room, create_roles},
    sql::{identifier, literal},
    target::refused_rights,
    wording::{counted, seconds},
};

/// The superuser of the copy: the name that nearly every cluster has, so that its objects find their owner.
const SUPERUSER: &str = "postgres";

/// The database of a script that names none.
const UNNAMED: &str = "restored";

const AGE_UNKNOWN: &str = "a dump does not say in which time zone it was made, so its age is not known: give it with \
                           --backup-age";

/// Rehearses the dump.
pub(super) async fn rehearse(
    plan: &Plan,
    work: &Rehearse,
    existing: &ExistingDump,
    run: &Run,
    made: &mut Made,
) -> Result<(), Halt> {
    objectives::age(work, run, AGE_UNKNOWN);
    objectives::exposure(work, run, &made.stages);
    run.fact("backup", existing.dump.describe());
    run.measurement(Measurement::new("backup_bytes", Decimal::from(existing.dump.size()), "B"));
    let seen = inspect(run, existing, made).await?;
    let globals = read_globals(existing, &seen)?;
    expectation::announce(run, existing.expectation.as_ref());
    let programs = preflight::programs(run, plan.pg_bin.as_deref(), &existing.dump, &seen).await?;
    if let Some(server) = &work.target {
        return super::on_target::rehearse(plan, work, existing, server, &seen, &programs, run, made).await;
    }
    let place = made.place.insert(Place::make(run, &plan.scratch)?);
    place.refuse_without_space(seen.bytes)?;
    made.room = Some(Room::watch(place.home(), run.stop()));
    let incident = run.elapsed();
    made.stages.add("incident", incident, incident, "simulated: the backup is at hand, nothing else");
    let isolation = Isolation::find(run, [&plan.scratch, &run_base()]).await?;
    run.finding(isolation.finding());
    let spec = ClusterSpec { name: "copy", superuser: SUPERUSER.to_owned(), checksums: true };
    run.fact("scratch hardware", hardware::described(&plan.scratch));
    let cluster = made.copy.insert(Cluster::new(place, spec, &programs, &isolation)?);
    start_cluster(run, cluster, &mut made.stages).await?;
    let start = run.elapsed();
    prepare(run, cluster, &seen, globals.as_ref()).await?;
    made.stages.add("roles and databases", start, run.elapsed(), "");
    for database in &seen.databases {
        restore(plan, run, made, existing, &programs, database).await?;
    }
    let main = main_database(&seen);
    let cluster = made.copy.as_mut().ok_or(Halt::Stopped)?;
    for step in &work.after_restore {
        run_step(run, cluster, &main, step, &mut made.stages).await?;
    }
    let written = first_write(run, cluster, &main, &mut made.stages).await?;
    made.checked.push(&RESTORE_WRITABLE);
    let recovered = asserted(work, run, made, &main, written).await?;
    let copy = made.session(run, &main).await?;
    let bytes = copy.value(run.stop(), "SELECT pg_database_size(current_database())").await;
    let bytes = bytes.map_err(|failure| own_server("size of the copy", failure))?.parse().unwrap_or_default();
    judge_recovery(plan, run, work, made, &main, bytes, recovered.map(|at| at.saturating_sub(incident)));
    let beats = canary::unasked(run);
    let lost =
        canary::measure(run, &copy, canary::Copy::Logical, &beats, canary::Backup::Existing, work.rpo).await;
    lost.map_err(|failure| own_server("canary in the copy", failure))?;
    drop(copy);
    let is_only_one = seen.databases.len() == 1;
    for database in &seen.databases {
        let name = name_of(database);
        let wanted = existing.expectation.as_ref();
        let counted = expectation::count_wanted(wanted, name, is_only_one);
        let found = rows::verify(plan, run, made, name, database, counted).await?;
        expectation::judge_content((plan, work, run), made, name, is_only_one, wanted, &found).await?;
    }
    made.checked.push(&RESTORE_CONTENT);
    if work.amcheck != Amcheck::Off {
        let cluster = made.copy.as_mut().ok_or(Halt::Stopped)?;
        run.finding(amcheck(run, &programs, cluster, &main, work.amcheck, plan.jobs).await?);
    }
    Ok(())
}

/// Judges the recovery time, where there is one.
pub(super) fn judge_recovery(
    plan: &Plan,
    run: &Run,
    work: &Rehearse,
    made: &mut Made,
    database: &str,
    bytes: u64,
    achieved: Result<Duration, &str>,
) {
    made.checked.push(&RECOVERY_TIME);
    let of = objectives::Of { database, bytes, way: Way::Logical };
    objectives::recovery_time(plan, work, run, &of, &made.stages, achieved);
}

/// The name of a database in the scratch cluster.
pub(super) fn name_of(database: &DumpedDatabase) -> &str {
    database.name.as_deref().unwrap_or(UNNAMED)
}

/// The database that an application writes into: the one with the most rows.
fn main_database(seen: &Inspection) -> String {
    let rows = |database: &&DumpedDatabase| database.rows.values().sum::<u64>();
    seen.databases.iter().max_by_key(rows).map_or(UNNAMED, name_of).to_owned()
}

/// Looks through the dump. A dump that is not whole is not restored.
async fn inspect(run: &Run, existing: &ExistingDump, made: &mut Made) -> Result<Inspection, Halt> {
    run.progress().phase("backup: looking through it");
    let start = run.elapsed();
    let (dump, reading) = (existing.dump.clone(), Reading::until(run.stop()));
    let growth = Growth::count(run.progress(), reading.bytes(), Some(dump.size()), "read");
    let looked = tokio::task::spawn_blocking(move || dump.inspect(&reading)).await;
    drop(growth);
    let seen = looked.map_err(|_| BACKUP_COMPLETE.inconclusive("backup").observed("the reader broke"))?;
    if run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    made.stages.add("looking through the backup", start, run.elapsed(), "not a part of a recovery");
    let findings = seen.problems.iter().map(|problem| {
        BACKUP_COMPLETE.failed(&problem.subject).expected(&problem.expected).observed(&problem.observed)
    });
    let mut findings: Vec<_> = findings.collect();
    if let Some(last) = findings.pop() {
        run.findings(findings);
        return Err(last.into());
    }
    if !seen.refused.is_empty() {
        return Err(BACKUP_COMPLETE
            .inconclusive("backup")
            .expected("what pg_dump and pg_dumpall write")
            .observed(format!("nothing was run, because of: {}", seen.refused.join("; ")))
            .remedy("look at where this backup comes from; restore only what pg_dump itself wrote")
            .into());
    }
    if seen.databases.is_empty() {
        let observed = "no database is in it";
        return Err(BACKUP_COMPLETE.failed("backup").expected("a database").observed(observed).into());
    }
    let (tables, rows) = seen.counts();
    let observed = format!(
        "{}, {}, {}, {} uncompressed, in {}",
        counted(seen.databases.len() as u64, "database"),
        counted(tables, "table"),
        counted(rows, "row"),
        counted(seen.bytes, "byte"),
        seconds(seen.took)
    );
    let expected = "a readable table of contents or a last line, and every block of data to its end";
    run.finding(BACKUP_COMPLETE.passed(existing.dump.describe()).expected(expected).observed(observed));
    made.whole = Some(seen.bytes);
    if !seen.left_out.is_empty() {
        run.detail("Left out of the script", &globals::said(&seen.left_out));
    }
    Ok(seen)
}

/// The globals, from their file or from the script of pg_dumpall.
fn read_globals(existing: &ExistingDump, seen: &Inspection) -> Result<Option<Globals>, Halt> {
    let statements = match &existing.globals {
        None if seen.globals.is_empty() => return Ok(None),
        None => seen.globals.clone(),
        Some(path) => globals::read(path).map_err(|unusable| match unusable {
            Unusable::Broken(what) => BACKUP_COMPLETE
                .failed("globals")
                .expected("globals that can be read to their end")
                .observed(what),
            Unusable::Refused(what) => BACKUP_COMPLETE
                .inconclusive("globals")
                .expected("what pg_dumpall --globals-only writes")
                .observed(format!("nothing was run, because of: {what}")),
        })?,
    };
    Ok(Some(Globals::judge(&statements, SUPERUSER)))
}

/// Roles and empty databases. Everything that this machine lacks is named at once.
async fn prepare(
    run: &Run,
    cluster: &mut Cluster,
    seen: &Inspection,
    globals: Option<&Globals>,
) -> Result<(), Halt> {
    let administrator = cluster.administrator(run, "template1").await?;
    let mut lacks = Lacks::default();
    preflight::extensions(run, &administrator, &seen.databases, &mut lacks).await?;
    if let Some(globals) = globals {
        apply(run, &administrator, globals).await?;
    }
    named_roles(run, &administrator, seen, globals).await?;
    for database in &seen.databases {
        make_database(run, &administrator, database, &mut lacks).await?;
    }
    lacks.end(run)
}

async fn apply(run: &Run, administrator: &Session, globals: &Globals) -> Result<(), Halt> {
    let mut refused = Vec::new();
    for statement in &globals.statements {
        match administrator.query(run.stop(), statement).await {
            Ok(_) => {}
            Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
            // The message's template holds no value, and a password was never in the statement.
            Err(failure) => refused.push(failure.to_string()),
        }
    }
    let expected = "every role and membership, without passwords and logins";
    let statements = counted(globals.statements.len() as u64, "statement");
    run.finding(match refused.first() {
        None => RESTORE_GLOBALS
            .passed("globals")
            .expected(expected)
            .observed(format!("{statements}; left out: {}", globals.said())),
        Some(first) => RESTORE_GLOBALS
            .failed("globals")
            .expected(expected)
            .observed(format!("{} of {statements} refused, the first: {first}", refused.len())),
    });
    Ok(())
}

/// Roles that the dump names and the globals do not bring: by name only.
async fn named_roles(
    run: &Run,
    administrator: &Session,
    seen: &Inspection,
    globals: Option<&Globals>,
) -> Result<(), Halt> {
    let mut wanted: BTreeMap<&str, bool> = BTreeMap::new();
    for database in &seen.databases {
        for (name, superuser) in &database.named.roles {
            *wanted.entry(name).or_default() |= superuser;
        }
    }
    wanted.retain(|name, _| !globals.is_some_and(|globals| globals.roles.contains(*name)));
    let roles: Vec<_> =
        wanted.into_iter().map(|(name, superuser)| Role { name: name.to_owned(), superuser }).collect();
    let made = create_roles(administrator, run.stop(), &roles, SUPERUSER).await;
    made.map_err(|failure| own_server("roles of the copy", failure))?;
    if globals.is_none() {
        let reason = format!(
            "no globals were given (--globals): {} that the dump names, made by name only",
            counted(roles.iter().filter(|role| role.name != SUPERUSER).count() as u64, "role")
        );
        run.finding(RESTORE_GLOBALS.not_checked(Requirement::Optional, "globals", reason));
    }
    Ok(())
}

async fn make_database(
    run: &Run,
    administrator: &Session,
    database: &DumpedDatabase,
    lacks: &mut Lacks,
) -> Result<(), Halt> {
    let name = name_of(database);
    let there = name == "template1" || (name == "postgres" && database.create.is_none());
    if there {
        return Ok(());
    }
    if name == "postgres" {
        let dropped = administrator.query(run.stop(), "DROP DATABASE postgres").await;
        dropped.map_err(|failure| own_server("database of the copy", failure))?;
    }
    if database.create.is_none() {
        run.detail(
            format!("Locale of {name}"),
            "The dump does not tell it (pg_dump --create does): C was used.",
        );
    }
    match administrator.query(run.stop(), &create_statement(database, name)).await {
        Ok(_) => Ok(()),
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        Err(failure) if failure.is_lack_of_space() => Err(no_space(failure.to_string())),
        Err(failure) => {
            lacks.add(
                "locale of the copy",
                format!("the database {name} with the dump's encoding and locale"),
                failure.to_string(),
                "generate the locale on this machine (dpkg-reconfigure locales), or install the same ICU",
            );
            Ok(())
        }
    }
}

/// The statement that makes the database under this name: the dump's own, without its tablespace.
pub(super) fn create_statement(database: &DumpedDatabase, name: &str) -> String {
    let Some(given) = &database.create else {
        let encoding = database.encoding.as_deref().unwrap_or("UTF8");
        return format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'",
            identifier(name),
            literal(encoding)
        );
    };
    let words = script::placed(given.as_bytes());
    let text = |range: std::ops::Range<usize>| given.get(range).unwrap_or_default();
    let mut statement = format!("CREATE DATABASE {}", identifier(name));
    let mut index = 3;
    while let Some(word) = words.get(index) {
        if word.token.is("tablespace") {
            // TABLESPACE = name
            index += 3;
            continue;
        }
        statement.push(' ');
        statement.push_str(text(word.range.clone()));
        index += 1;
    }
    statement
}

/// Restores one database of the dump.
pub(super) async fn restore(
    plan: &Plan,
    run: &Run,
    made: &mut Made,
    existing: &ExistingDump,
    programs: &crate::programs::Programs,
    database: &DumpedDatabase,
) -> Result<(), Halt> {
    let connection = made.connection(name_of(database)).ok_or(Halt::Stopped)?;
    run.progress().phase(format!("restore: {}", connection.database));
    let start = run.elapsed();
    let endpoint = connection.endpoints.first().cloned().ok_or(Halt::Stopped)?;
    let handover = Handover::write(run.folder(), &connection, &endpoint, &application_name(run))
        .map_err(|error| ENVIRONMENT.inconclusive("the restore's connection").observed(error.to_string()))?;
    let restoring = Restoring {
        run,
        programs,
        handover: &handover,
        database: &connection.database,
        segment: database.segment,
        jobs: plan.jobs,
    };
    let growth = match (&made.target, &made.copy) {
        (Some(target), _) => target.growth(run, made.whole).await,
        (None, copy) => copy.as_ref().map(|cluster| cluster.growth(run, made.whole)),
    };
    let restored = dump_file::restore(&restoring, &existing.dump, made.copy.as_mut()).await?;
    drop(growth);
    made.stages.add("restore", start, run.elapsed(), restored.how(&existing.dump));
    let shown: Vec<_> = restored.errors.iter().map(|(code, message)| format!("{code}: {message}")).collect();
    if !shown.is_empty() {
        run.detail(format!("Errors of the restore of {}", connection.database), &shown.join("\n"));
    }
    let on_ordinary_target = made.target.as_ref().is_some_and(|target| !target.is_superuser());
    if let Some(finding) = on_ordinary_target.then(|| refused_rights(&restored.errors)).flatten() {
        return Err(finding.into());
    }
    let finding = restore_errors::judge(&restored.errors, false).unwrap_or_else(|| {
        RESTORE_COMPLETED
            .passed(name_of(database))
            .expected("the restore ends without an error")
            .observed("no error that says anything")
    });
    // Half a restore for want of something here says nothing about the backup: its rows are not counted. psql leaves
    // off at the first error, which may only be a foreign server that the copy must not reach where all is there.
    let left_off = existing.dump.form == Form::Plain && finding.outcome == Outcome::Inconclusive;
    let reached_out = restored.errors.iter().any(|(code, _)| code.starts_with("08"));
    if finding.check.id == ENVIRONMENT.id || (left_off && !reached_out) {
        return Err(finding.into());
    }
    run.finding(finding);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_made_as_the_dump_says_without_its_tablespace() {
        let create = "CREATE DATABASE \"sh op\" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C' TABLESPACE = fast;";
        let mut database = DumpedDatabase { create: Some(create.to_owned()), ..DumpedDatabase::default() };
        assert_eq!(
            create_statement(&database, "sh\"op"),
            "CREATE DATABASE \"sh\"\"op\" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C' ;"
        );
        database = DumpedDatabase { encoding: Some("LATIN1".to_owned()), ..DumpedDatabase::default() };
        assert!(create_statement(&database, "x").contains("ENCODING 'LATIN1' LC_COLLATE 'C'"));
    }
}
