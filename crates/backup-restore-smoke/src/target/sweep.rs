//! Takes away what killed runs left on a server kept for rehearsals: databases that bear our mark, and only those.

use std::collections::BTreeSet;

use evidence_report::run::Stop;

use super::{database_name, journal_name, marker};
use crate::{
    connection::{Ambient, QueryFailure, Row, Session, connect, resolve},
    sql::{identifier, literal},
};

const LIST: &str = "
SELECT d.datname, coalesce(shobj_description(d.oid, 'pg_database'), ''),
       (SELECT count(*) FROM pg_stat_activity a
        WHERE a.application_name = 'backup-restore-smoke ' || substr(d.datname, 11))
FROM pg_database d WHERE d.datname LIKE 'ops\\_smoke\\_%'";

/// What a sweep of a server did.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// A line for each thing that was dropped.
    pub(crate) dropped: Vec<String>,
    /// A line for each thing that was left, and why.
    pub(crate) left: Vec<String>,
    endpoint: String,
    present: BTreeSet<String>,
}

impl Swept {
    /// Whether what a journal names so is gone from this server.
    pub(crate) fn is_gone(&self, what: &str) -> bool {
        what.ends_with(&self.endpoint) && !self.present.contains(what)
    }
}

/// Sweeps the server.
///
/// # Errors
/// Why it could not be done.
pub(crate) async fn sweep(conninfo: &str) -> Result<Swept, String> {
    let stop = Stop::new();
    let resolved = resolve(conninfo, &Ambient::of_this_process()).map_err(|error| error.to_string())?;
    let session = connect(&resolved, "backup-restore-smoke sweep", &stop).await;
    let session = session.map_err(|failure| failure.to_string())?;
    sweep_server(&session, &stop).await.map_err(|failure| failure.to_string())
}

/// Sweeps the server that this session is with. A run that is at work there has a session of its own.
///
/// # Errors
/// When the databases cannot be listed.
pub(super) async fn sweep_server(session: &Session, stop: &Stop) -> Result<Swept, QueryFailure> {
    let endpoint = format!(" on {}", session.endpoint);
    let mut swept = Swept { endpoint, ..Swept::default() };
    for row in session.query(stop, LIST).await? {
        let Some((name, id, in_use)) = ours(row) else { continue };
        let what = journal_name(&session.endpoint, &name);
        let left = match (in_use, id) {
            (true, _) => Err("a run is at work in it".to_owned()),
            (false, None) => Err("it bears no mark of ours; look at it, and drop it by hand".to_owned()),
            (false, Some(id)) => drop_marked(session, stop, &name, &id).await,
        };
        match left {
            Ok(()) => swept.dropped.push(format!("dropped {what}")),
            Err(reason) => {
                swept.left.push(format!("{what}: {reason}"));
                swept.present.insert(what);
            }
        }
    }
    Ok(swept)
}

/// The name, the run's id where the mark is right, and whether a run is at work.
fn ours(row: Row) -> Option<(String, Option<String>, bool)> {
    let [name, comment, sessions] = <[Option<String>; 3]>::try_from(row).ok()?;
    let name = name?;
    let id = name.strip_prefix(&database_name(""))?.to_owned();
    let marked = comment.as_deref() == Some(marker(&id).as_str());
    Some((name, marked.then_some(id), sessions.as_deref() != Some("0")))
}

/// Drops a database if, and only if, it bears the mark of this run.
///
/// # Errors
/// Why it stays.
pub(super) async fn drop_marked(
    session: &Session,
    stop: &Stop,
    name: &str,
    run_id: &str,
) -> Result<(), String> {
    let look = format!(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = {}",
        literal(name)
    );
    let rows = session.query(stop, &look).await.map_err(|failure| failure.to_string())?;
    // It was never made.
    let Some(comment) = rows.into_iter().next() else { return Ok(()) };
    let comment = comment.into_iter().next().flatten();
    if comment.as_deref() != Some(marker(run_id).as_str()) {
        return Err("it bears no mark of ours; look at it, and drop it by hand".to_owned());
    }
    let statement = format!("DROP DATABASE {} WITH (FORCE)", identifier(name));
    session.query(stop, &statement).await.map(drop).map_err(|failure| failure.to_string())
}
