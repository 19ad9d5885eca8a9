//! The role that assertions run as: it may log in to the copy, is no superuser, and has the rights of the
//! application's role, or may read everything.

use evidence_report::run::Run;

use super::judge::ANSWER_TAKEN;
use crate::{
    connection::{ConnectFailure, QueryFailure, Session},
    scratch::{Cluster, quiet_role},
    sql::{identifier, literal},
};

/// Why there is no session for an assertion.
pub(super) enum NoSession {
    /// The run was asked to stop.
    Stopped,
    /// In words.
    Because(String),
}

impl From<QueryFailure> for NoSession {
    fn from(failure: QueryFailure) -> Self {
        match failure {
            QueryFailure::Stopped => Self::Stopped,
            other => Self::Because(other.to_string()),
        }
    }
}

/// Makes the role `name`, and a session of it with the rights of `application`.
pub(super) async fn open(
    run: &Run,
    cluster: &Cluster,
    administrator: &Session,
    database: &str,
    name: &str,
    application: Option<&str>,
) -> Result<Session, NoSession> {
    let (role, stop) = (identifier(name), run.stop());
    if let Some(application) = application {
        let query =
            format!("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = {}", literal(application));
        let rows = administrator.query(stop, &query).await?;
        match rows.first().and_then(|row| row.first().cloned().flatten()).as_deref() {
            Some("f") => {}
            Some(_) => {
                let why = "is a superuser: it sees what no application sees, and could do what none may";
                return Err(NoSession::Because(format!("the role \"{application}\" {why}")));
            }
            None => return Err(NoSession::Because(format!("the source has no role \"{application}\""))),
        }
    }
    let (bypass, rights) = match application {
        Some(application) => ("NOBYPASSRLS", identifier(application)),
        None => ("BYPASSRLS", "pg_read_all_data".to_owned()),
    };
    // As a replica: event triggers of the copy must not write into its tables on our behalf.
    let make = format!(
        "SET session_replication_role = replica; CREATE ROLE {role} LOGIN NOSUPERUSER {bypass}; \
         GRANT CONNECT ON DATABASE {} TO {role}; GRANT {rights} TO {role}; {}",
        identifier(database),
        quiet_role(cluster.major(), name, database)
    );
    administrator.query(stop, &make).await?;
    let session = match cluster.bounded_session(stop, database, name, ANSWER_TAKEN).await {
        Ok(session) => session,
        Err(ConnectFailure::Stopped) => return Err(NoSession::Stopped),
        Err(ConnectFailure::Settings(error)) => return Err(NoSession::Because(error.to_string())),
        Err(ConnectFailure::Refused(attempts)) => return Err(NoSession::Because(attempts.join("; "))),
    };
    if let Some(application) = application {
        session.query(stop, &format!("SET ROLE {}", identifier(application))).await?;
    }
    Ok(session)
}

/// Takes the role away again, so that the comparison sees only what was restored.
pub(super) async fn close(run: &Run, administrator: &Session, name: &str) -> Result<(), QueryFailure> {
    let role = identifier(name);
    administrator.query(run.stop(), &format!("DROP OWNED BY {role}; DROP ROLE {role};")).await.map(drop)
}
