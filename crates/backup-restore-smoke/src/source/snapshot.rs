//! One read-only snapshot of the source, shared by several sessions and by `pg_dump`.

use std::time::{Duration, Instant};

use evidence_report::run::{Run, Stop};

use super::{
    facts::{Database, facts},
    failures::{from_connect, from_query},
    pooler::refuse_pooler,
    watcher::Watcher,
};
use crate::{
    connection::{ConnectFailure, Endpoint, QueryFailure, Resolved, Session, connect},
    fingerprint::{Kind, Relation, pin, relations},
    halt::Halt,
    sql::literal,
};

pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// So many tables are locked with one statement.
const BATCH: usize = 500;

/// An open snapshot. Dropping it lets the source go.
pub(crate) struct Snapshot {
    /// What `pg_dump --snapshot` is given.
    pub(crate) id: String,
    /// The source, described.
    pub(crate) database: Database,
    /// Its relations, as the snapshot sees them.
    pub(crate) relations: Vec<Relation>,
    /// The server that answered.
    pub(crate) endpoint: Endpoint,
    /// The sessions that see the snapshot and read from it.
    pub(crate) sessions: Vec<Session>,
    /// The session that exported it and holds the locks. It never waits for anything after that: who waits and
    /// holds can be one side of a deadlock, and then the server may end the other side, which is not ours.
    pub(super) holder: Option<Session>,
    pub(super) watcher: Watcher,
    /// When it began.
    pub(super) opened: Instant,
}

impl Snapshot {
    /// Opens the snapshot with so many sessions, and keeps every table from being altered (ACCESS SHARE, which
    /// hinders no reader and no writer).
    ///
    /// # Errors
    /// A finding that says why it cannot be read, or that the run was asked to stop.
    pub(crate) async fn open(
        run: &Run,
        resolved: &Resolved,
        application_name: &str,
        sessions: usize,
    ) -> Result<Self, Halt> {
        let stop = run.stop();
        let limit = run.settings().timeout.saturating_sub(run.elapsed()) + Duration::from_secs(60);
        let subject = resolved.database.clone();
        let exporter = connected(resolved, application_name, stop).await?;
        let endpoint = exporter.endpoint.clone();
        let resolved = resolved.pinned(&endpoint);
        let watching = connected(&resolved, application_name, stop).await?;
        refuse_pooler(&exporter, &watching, stop, &subject).await?;
        let exporter = pinned(exporter, stop, limit, &subject).await?;
        let watching = pinned(watching, stop, limit, &subject).await?;
        let watcher = Watcher::start(watching, stop.clone(), application_name);
        let failed = |failure: QueryFailure| from_query(failure, subject.clone());
        let opened = Instant::now();
        exporter.query(stop, BEGIN).await.map_err(failed)?;
        let id = exporter.value(stop, "SELECT pg_export_snapshot()").await.map_err(failed)?;
        let database = facts(&exporter, stop).await.map_err(failed)?;
        let relations = relations(&exporter, stop).await.map_err(failed)?;
        lock(&exporter, stop, &relations).await.map_err(failed)?;
        let mut all = Vec::new();
        for _ in 0..sessions.max(1) {
            let session = open_session(&resolved, application_name, stop, limit).await?;
            let join = format!("{BEGIN}; SET TRANSACTION SNAPSHOT {}", literal(&id));
            session.query(stop, &join).await.map_err(failed)?;
            all.push(session);
        }
        Ok(Self { id, database, relations, endpoint, sessions: all, holder: Some(exporter), watcher, opened })
    }

    /// One session beside any snapshot, pinned as all are.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) async fn session(
        run: &Run,
        resolved: &Resolved,
        application_name: &str,
    ) -> Result<Session, Halt> {
        let limit = run.settings().timeout.saturating_sub(run.elapsed()) + Duration::from_secs(60);
        session_of_ones_own(resolved, application_name, run.stop(), limit).await
    }

    /// Lets the source go by itself once the snapshot is so old: the run is asked to stop.
    pub(crate) fn let_go_after(&self, at_most: Duration) {
        self.watcher.let_go_after(at_most);
    }

    /// Lets the source go, and says whether anybody waited for us.
    pub(crate) async fn release(self, run: &Run) {
        drop(self.sessions);
        drop(self.holder);
        run.findings(self.watcher.finish().await);
    }
}

/// One pinned session with a source of which nothing is known yet. A second one shows for a moment that no pooler is in
/// between.
///
/// # Errors
/// As [`Snapshot::open`].
pub(crate) async fn session_of_ones_own(
    resolved: &Resolved,
    application_name: &str,
    stop: &Stop,
    limit: Duration,
) -> Result<Session, Halt> {
    let session = connected(resolved, application_name, stop).await?;
    let witness = connected(&resolved.pinned(&session.endpoint), application_name, stop).await?;
    refuse_pooler(&session, &witness, stop, &resolved.database).await?;
    pinned(session, stop, limit, &resolved.database).await
}

/// One more pinned session with a source that is known to be no pooler.
pub(super) async fn open_session(
    resolved: &Resolved,
    application_name: &str,
    stop: &Stop,
    limit: Duration,
) -> Result<Session, Halt> {
    let session = connected(resolved, application_name, stop).await?;
    pinned(session, stop, limit, &resolved.database).await
}

/// Whatever the database or the role sets: our own limit is set when the session is pinned.
const UNLIMITED: &str = "-c statement_timeout=0";

/// A session in which nothing has been set yet. Poolers do not take options: there it goes without.
async fn connected(resolved: &Resolved, application_name: &str, stop: &Stop) -> Result<Session, Halt> {
    let unlimited = resolved.clone().with_more_options(UNLIMITED);
    let session = match connect(&unlimited, application_name, stop).await {
        Err(ConnectFailure::Refused(said)) if said.iter().any(|said| said.contains("startup parameter")) => {
            connect(resolved, application_name, stop).await
        }
        session => session,
    };
    session.map_err(|failure| from_connect(failure, &resolved.database))
}

async fn pinned(session: Session, stop: &Stop, limit: Duration, subject: &str) -> Result<Session, Halt> {
    pin(&session, stop, limit).await.map_err(|failure| from_query(failure, subject))?;
    Ok(session)
}

/// Parents of partitions have no rows, but who alters one begins there: it shall wait before it holds anything.
const PARENTS: &str = "
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'p' AND c.relpersistence <> 't' ORDER BY 1";

async fn lock(session: &Session, stop: &Stop, relations: &[Relation]) -> Result<(), QueryFailure> {
    let parents = session.query(stop, PARENTS).await?;
    let parents = parents.into_iter().filter_map(|row| row.into_iter().next().flatten());
    let tables = relations.iter().filter(|relation| relation.kind == Kind::Table).map(Relation::quoted);
    let tables: Vec<_> = parents.chain(tables).map(|name| format!("ONLY {name}")).collect();
    for batch in tables.chunks(BATCH) {
        session.query(stop, &format!("LOCK TABLE {} IN ACCESS SHARE MODE", batch.join(", "))).await?;
    }
    Ok(())
}
