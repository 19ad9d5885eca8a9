//! What the user asserts about the restored data: a query each, run on the copy by a role without superuser
//! rights, in a READ ONLY transaction, with a timeout. Values of rows stay in the database.

mod config;
mod judge;
mod role;

use std::time::Duration;

use evidence_report::{
    record::{Finding, Outcome, Requirement},
    run::Run,
};

use self::{
    config::Kind,
    judge::{Answer, of_answer, of_failure},
    role::NoSession,
};
pub(crate) use self::{
    config::{Assertion, AssertionConfig, resolve},
    judge::Values,
};
use crate::{
    checks::RESTORE_ASSERTIONS,
    clock::Stages,
    connection::{QueryFailure, Session},
    halt::Halt,
    risk_note,
    scratch::Cluster,
    wording::counted,
};

/// Runs all of them on the copy; says when every mandatory one had passed, which is when the database is
/// recovered: `written` where there is none, `None` where one does not hold.
///
/// # Errors
/// When the run is asked to stop, or our own server does not take us.
pub(crate) async fn check(
    run: &Run,
    cluster: &mut Cluster,
    database: &str,
    assertions: &[Assertion],
    values: Values,
    stages: &mut Stages,
    written: Duration,
) -> Result<Option<Duration>, Halt> {
    if assertions.is_empty() {
        let reason = "none is configured (assertions in --config)";
        run.finding(RESTORE_ASSERTIONS.not_checked(Requirement::Optional, "assertions", reason));
        return Ok(Some(written));
    }
    let of = |kind| assertions.iter().filter(move |one| one.kind == kind).collect::<Vec<_>>();
    let mut recovered = Some(written);
    for (kind, name) in [(Kind::Mandatory, "mandatory assertions"), (Kind::Advisory, "advisory assertions")] {
        let wanted = of(kind);
        if wanted.is_empty() {
            continue;
        }
        run.progress().phase(format!("{name}: {}", wanted.len()));
        let start = run.elapsed();
        let mut findings = Vec::new();
        for (number, assertion) in wanted.into_iter().enumerate() {
            let role = format!("ops_smoke_{}_{}{number}", run.id(), name.get(..1).unwrap_or_default());
            findings.push(one(run, cluster, database, assertion, values, &role).await?);
        }
        let end = run.elapsed();
        stages.add(name, start, end, counted(findings.len() as u64, "assertion"));
        if kind == Kind::Mandatory {
            recovered = findings.iter().all(|finding| finding.outcome == Outcome::Passed).then_some(end);
        }
        risk_note::add(run, &findings);
        run.findings(findings);
    }
    Ok(recovered)
}

async fn one(
    run: &Run,
    cluster: &mut Cluster,
    database: &str,
    assertion: &Assertion,
    values: Values,
    role: &str,
) -> Result<Finding, Halt> {
    let administrator = cluster.administrator(run, database).await?;
    let application = assertion.role.as_deref();
    let session = match role::open(run, cluster, &administrator, database, role, application).await {
        Ok(session) => session,
        Err(NoSession::Stopped) => return Err(Halt::Stopped),
        Err(NoSession::Because(why)) => {
            let finding =
                RESTORE_ASSERTIONS.inconclusive(&assertion.name).expected(assertion.expect.words(values));
            let finding = finding.observed(format!("it could not be asked: {why}"));
            return Ok(finding.remedy("Name a role that the application really has (role)."));
        }
    };
    let finding = match ask(run, &session, assertion).await {
        Ok(answer) => of_answer(assertion, &answer, values),
        Err((QueryFailure::Stopped, _)) => return Err(Halt::Stopped),
        Err(_) if session.was_answered_too_much() => of_answer(assertion, &Answer::TooLarge, values),
        Err((failure, position)) => of_failure(assertion, &failure, position, values),
    };
    drop(session);
    match role::close(run, &administrator, role).await {
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        // What is left of a role is found by the comparison, and the copy is thrown away.
        _ => Ok(finding),
    }
}

/// A cursor takes nothing but a query, and gives no more rows than are needed to decide.
async fn ask(
    run: &Run,
    session: &Session,
    assertion: &Assertion,
) -> Result<Answer, (QueryFailure, Option<usize>)> {
    let (stop, unplaced) = (run.stop(), |failure| (failure, None));
    let limit = assertion.timeout.as_millis().min(2_000_000_000);
    let begin = format!(
        "SET client_min_messages = error; SET default_transaction_read_only = on; BEGIN READ ONLY; SET LOCAL statement_timeout = {limit}; \
         SET LOCAL standard_conforming_strings = on; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'"
    );
    session.query(stop, &begin).await.map_err(unplaced)?;
    if session.parse(stop, &assertion.sql).await? == 0 {
        let message = "it is no query: it gives no columns".to_owned();
        return Err(unplaced(QueryFailure::Refused { code: "42601".to_owned(), message }));
    }
    let declare = format!("DECLARE ops_smoke_assertion NO SCROLL CURSOR FOR {}", assertion.sql);
    session.query(stop, &declare).await.map_err(unplaced)?;
    match assertion.expect.rows_needed() {
        Some(rows) => {
            let moved = session.count(stop, &format!("MOVE FORWARD {rows} IN ops_smoke_assertion")).await;
            moved.map(Answer::Rows).map_err(unplaced)
        }
        None => {
            let rows = session.query(stop, "FETCH FORWARD 2 FROM ops_smoke_assertion").await;
            rows.map(Answer::Content).map_err(unplaced)
        }
    }
}
