//! The first committed write of an application: the moment at which a database is recovered.

use evidence_report::run::Stop;

use super::{cluster::Cluster, quiet};
use crate::{
    connection::{ConnectFailure, QueryFailure, Session},
    sql::identifier,
};

/// What came of the attempt.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// A transaction was committed: its id.
    Committed(String),
    /// Somebody refused; what, in words.
    Refused(String),
    /// The disk of the scratch is full.
    Full(String),
    /// The run was asked to stop.
    Stopped,
}

/// Lets a role without superuser rights connect, write and commit; then looks from another session whether
/// it is so. What it made is taken away again, so that the comparison sees only what was restored.
pub(crate) async fn first_committed_write(
    cluster: &Cluster,
    administrator: &Session,
    stop: &Stop,
    database: &str,
    name: &str,
) -> Attempt {
    match attempt(cluster, administrator, stop, database, name).await {
        Ok(attempt) => attempt,
        Err(QueryFailure::Stopped) => Attempt::Stopped,
        Err(failure) if failure.is_lack_of_space() => Attempt::Full(failure.to_string()),
        Err(failure) => Attempt::Refused(failure.to_string()),
    }
}

async fn attempt(
    cluster: &Cluster,
    administrator: &Session,
    stop: &Stop,
    database: &str,
    name: &str,
) -> Result<Attempt, QueryFailure> {
    let (role, quoted_database) = (identifier(name), identifier(database));
    // As a replica: event triggers of the copy must not write into its tables on our behalf.
    administrator
        .query(
            stop,
            &format!(
                "SET session_replication_role = replica; CREATE ROLE {role} LOGIN NOSUPERUSER; \
                 GRANT CONNECT ON DATABASE {quoted_database} TO {role}; CREATE SCHEMA {role}; \
                 CREATE TABLE {role}.proof (at timestamptz NOT NULL); \
                 GRANT USAGE ON SCHEMA {role} TO {role}; GRANT INSERT ON {role}.proof TO {role}; {}",
                quiet::of_role(cluster.major(), name, database)
            ),
        )
        .await?;
    let application = match cluster.session(stop, database, name).await {
        Ok(session) => session,
        Err(ConnectFailure::Stopped) => return Ok(Attempt::Stopped),
        Err(ConnectFailure::Settings(error)) => return Ok(Attempt::Refused(error.to_string())),
        Err(ConnectFailure::Refused(attempts)) => return Ok(Attempt::Refused(attempts.join("; "))),
    };
    if application.value(stop, "SELECT current_setting('is_superuser')").await? != "off" {
        return Ok(Attempt::Refused("the role is a superuser, so its write proves nothing".to_owned()));
    }
    let transaction = application
        .value(
            stop,
            &format!(
                "BEGIN; INSERT INTO {role}.proof VALUES (clock_timestamp()); \
                 SELECT pg_current_xact_id()::text; COMMIT;"
            ),
        )
        .await?;
    let seen = administrator
        .one(
            stop,
            &format!("SELECT pg_xact_status('{transaction}'::xid8), (SELECT count(*) FROM {role}.proof)"),
        )
        .await?;
    let seen: Vec<_> = seen.into_iter().map(Option::unwrap_or_default).collect();
    if seen != ["committed", "1"] {
        return Ok(Attempt::Refused(format!(
            "another session sees the transaction as {}",
            seen.join(", rows: ")
        )));
    }
    drop(application);
    administrator
        .query(stop, &format!("DROP SCHEMA {role} CASCADE; DROP OWNED BY {role}; DROP ROLE {role};"))
        .await?;
    Ok(Attempt::Committed(transaction))
}
