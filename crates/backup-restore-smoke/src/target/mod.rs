//! A server of the user's that is kept for rehearsals: used only after it was shown not to be the source, and
//! only inside one database that this run made and marked.
//!
//! No role, no setting and no other database of the server is ever touched.

mod identity;
mod rights;
mod sweep;

use std::sync::Arc;

use evidence_report::{
    record::Finding,
    run::{Effect, Entry, Run, run_base, sweep_knowing},
};

pub(crate) use self::{identity::Known, rights::refused as refused_rights, sweep::sweep};
use crate::{
    checks::{ENVIRONMENT, TARGET_HARMLESS},
    connection::{ConnectFailure, Endpoint, QueryFailure, Resolved, Session, connect},
    growth::Growth,
    halt::Halt,
    sql::{identifier, literal},
};

/// The schema of ours in the database, which bears the mark inside.
pub(crate) const MARKER_SCHEMA: &str = "ops_smoke_rehearsal";

/// A server's own limits must not end the session by which others know that the database is in use, nor the making and
/// dropping of the database. (Joined to what this server's version knows.)
const PINS: &str = "SELECT pg_catalog.set_config(known.name, wanted.value, false) FROM (VALUES \
                    ('standard_conforming_strings', 'on'), ('statement_timeout', '0'), ('idle_session_timeout', '0')) \
                    AS wanted(name, value) JOIN pg_catalog.pg_settings AS known USING (name)";

/// The mark outside: the comment of the database.
fn marker(run_id: &str) -> String {
    format!("backup-restore-smoke rehearsal {run_id}: to be dropped")
}

/// The name of a run's database.
fn database_name(run_id: &str) -> String {
    format!("ops_smoke_{run_id}")
}

/// How the journal names a database; a sweep that has seen the server finds it again by this.
fn journal_name(endpoint: &Endpoint, database: &str) -> String {
    format!("the database {database} on {endpoint}")
}

/// The server, and our database on it. Call [`Target::close`] whatever happened.
pub(crate) struct Target {
    server: Resolved,
    /// Open as long as the run: by it a sweep knows that the database is in use.
    session: Session,
    application_name: String,
    /// The name of our database.
    pub(crate) database: String,
    /// Whether our role there is a superuser.
    superuser: bool,
    /// Its major version.
    pub(crate) major: u32,
    made: Option<Entry>,
}

impl Target {
    /// Connects, and makes sure that it is a server for rehearsals.
    ///
    /// # Errors
    /// A finding that says why it is not used, or that the run was asked to stop.
    pub(crate) async fn open(
        run: &Run,
        resolved: &Resolved,
        known: &Known,
        application_name: &str,
    ) -> Result<Self, Halt> {
        identity::refuse_same_address(resolved, known)?;
        let session =
            connect(resolved, application_name, run.stop()).await.map_err(|failure| not_taken(&failure))?;
        identity::refuse_source(run, &session, known).await?;
        let failed = |failure: QueryFailure| refused("role", &failure);
        session.query(run.stop(), PINS).await.map_err(failed)?;
        let superuser = session.value(run.stop(), "SELECT current_setting('is_superuser')").await;
        let major = "SELECT current_setting('server_version_num')::int / 10000";
        let major = session.value(run.stop(), major).await.map_err(failed)?;
        let server = resolved.pinned(&session.endpoint);
        run.fact("target", session.endpoint.to_string());
        Ok(Self {
            server,
            application_name: application_name.to_owned(),
            database: database_name(run.id()),
            superuser: superuser.map_err(failed)? == "on",
            major: major.parse().unwrap_or_default(),
            session,
            made: None,
        })
    }

    /// Drops what killed runs left there, makes our database by this statement (which must name it), and marks it.
    ///
    /// # Errors
    /// A finding that says why it could not be made, or that the run was asked to stop.
    pub(crate) async fn make(&mut self, run: &Run, statement: &str) -> Result<Finding, Halt> {
        let swept = self.sweep(run).await?;
        let what = journal_name(&self.session.endpoint, &self.database);
        let undo = "backup-restore-smoke sweep --target CONNINFO".to_owned();
        let noted = run.journal().note(Effect::Elsewhere { what, undo });
        let entry = noted.map_err(|error| ENVIRONMENT.inconclusive("journal").observed(error.to_string()))?;
        self.made = Some(entry);
        let (name, mark) = (identifier(&self.database), literal(&marker(run.id())));
        let stop = run.stop();
        let failed = |failure: QueryFailure| refused("database of the rehearsal", &failure);
        self.session.query(stop, statement).await.map_err(failed)?;
        self.session.query(stop, &format!("COMMENT ON DATABASE {name} IS {mark}")).await.map_err(failed)?;
        let inside = self.session(run).await?;
        let schema = identifier(MARKER_SCHEMA);
        let marking = format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.run (id text NOT NULL); \
             INSERT INTO {schema}.run VALUES ({})",
            literal(run.id())
        );
        inside.query(stop, &marking).await.map_err(failed)?;
        let role =
            if self.superuser { "; its role is a superuser, which a rehearsal does not need" } else { "" };
        Ok(TARGET_HARMLESS
            .passed(self.session.endpoint.to_string())
            .expected("another cluster than the source's, no standby, one marked database of our own")
            .observed(format!("so it is; the database is {}{role}{swept}", self.database)))
    }

    /// Drops what killed runs left there; says what that was.
    async fn sweep(&self, run: &Run) -> Result<String, Halt> {
        let swept = sweep::sweep_server(&self.session, run.stop()).await;
        let swept = swept.map_err(|failure| refused("databases of killed runs", &failure))?;
        if swept.dropped.is_empty() {
            return Ok(String::new());
        }
        // What the journals of dead runs name there is gone: their folders need not be kept for it.
        let _ = sweep_knowing(&run_base(), &|what| swept.is_gone(what));
        Ok(format!("; of killed runs: {}", swept.dropped.join(", ")))
    }

    /// Which of these roles our role cannot make an owner of anything there, and what to do about it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn no_member_of(
        &self,
        run: &Run,
        owners: &[&str],
    ) -> Result<Option<(String, String)>, QueryFailure> {
        if self.superuser || owners.is_empty() {
            return Ok(None);
        }
        let rows = self.session.query(run.stop(), &rights::no_member_of(owners)).await?;
        let roles = rows.into_iter().filter_map(|row| {
            let [name, superuser] = <[Option<String>; 2]>::try_from(row).ok()?;
            Some((name?, superuser.as_deref() == Some("t")))
        });
        let roles: Vec<_> = roles.collect();
        let names: Vec<_> = roles.iter().map(|(name, _)| identifier(name)).collect();
        let said = format!("{} is no member of {}", identifier(&self.server.user), names.join(", "));
        Ok((!roles.is_empty()).then(|| (said, rights::remedy(&roles, &self.server.user))))
    }

    /// The connection to our database.
    pub(crate) fn connection(&self) -> Resolved {
        let mut connection = self.server.clone();
        connection.database.clone_from(&self.database);
        connection
    }

    /// A session in our database.
    ///
    /// # Errors
    /// When the server does not take us any more.
    pub(crate) async fn session(&self, run: &Run) -> Result<Session, Halt> {
        connect(&self.connection(), &self.application_name, run.stop())
            .await
            .map_err(|failure| not_taken(&failure))
    }

    /// Shows by how much our database grows, towards `total`; `None` where nobody can see it.
    pub(crate) async fn growth(&self, run: &Run, total: Option<u64>) -> Option<Growth> {
        if !run.progress().is_drawn() {
            return None;
        }
        let session = Arc::new(self.session(run).await.ok()?);
        let stop = run.stop().clone();
        let size = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
        let before: u64 = session.value(&stop, size).await.ok()?.parse().ok()?;
        let look = move || {
            let (session, stop) = (Arc::clone(&session), stop.clone());
            async move {
                let now = session.value(&stop, size).await.ok()?.parse::<u64>().ok()?;
                Some(now.saturating_sub(before))
            }
        };
        Some(Growth::ask(run.progress(), total, "in the database", look))
    }

    /// A session in the database that the connection names: for questions about the server.
    pub(crate) const fn server(&self) -> &Session {
        &self.session
    }

    /// Whether our role there may do anything.
    pub(crate) const fn is_superuser(&self) -> bool {
        self.superuser
    }

    /// Drops our database; says what could not be done. Works without the run's token, which may be used up.
    pub(crate) async fn close(mut self, run: &Run) -> Option<String> {
        let entry = self.made.take()?;
        let stop = evidence_report::run::Stop::new();
        let connection = connect(&self.server, &self.application_name, &stop).await;
        let dropped = match &connection {
            Ok(session) => sweep::drop_marked(session, &stop, &self.database, run.id()).await,
            Err(_) => Err("the server takes no connection".to_owned()),
        };
        match dropped {
            Ok(()) => {
                run.journal().strike(entry).err().map(|error| format!("striking from the journal: {error}"))
            }
            Err(reason) => Some(format!(
                "{}: {reason}; run `backup-restore-smoke sweep --target CONNINFO`",
                journal_name(&self.session.endpoint, &self.database)
            )),
        }
    }
}

fn not_taken(failure: &ConnectFailure) -> Halt {
    let observed = match failure {
        ConnectFailure::Stopped => return Halt::Stopped,
        ConnectFailure::Settings(error) => error.to_string(),
        ConnectFailure::Refused(attempts) => attempts.join("; "),
    };
    ENVIRONMENT
        .inconclusive("target")
        .expected("a connection to the server of --target")
        .observed(observed)
        .remedy("try the same connection string with psql")
        .into()
}

fn refused(subject: &str, failure: &QueryFailure) -> Halt {
    match failure {
        QueryFailure::Stopped => Halt::Stopped,
        other => ENVIRONMENT
            .inconclusive(subject)
            .expected("the server of --target takes a database of ours")
            .observed(other.to_string())
            .remedy(if other.is("25006") {
                "the role, the database or the server is set to read only (default_transaction_read_only): turn it off for this role"
            } else if other.is("42501") {
                "give the role CREATEDB"
            } else {
                "give the server the locale of the source: the same of the system, or the same ICU"
            })
            .into(),
    }
}
