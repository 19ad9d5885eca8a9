//! One database of one of the servers: what makes a fault of it, and how a rehearsal is told of it.

use std::path::PathBuf;

use evidence_report::run::Stop;

use super::Task;
use crate::{
    connection::{Resolved, Session, connect, quoted},
    self_test::workshop::Trouble,
};

/// By this name the self-test's own sessions are known.
const APPLICATION: &str = "self-test";

/// A database.
#[derive(Debug, Clone)]
pub struct Database {
    resolved: Box<Resolved>,
    stop: Stop,
    /// The data folder of its server.
    pub(in crate::self_test) data: PathBuf,
}

impl Database {
    pub(super) fn new(resolved: Resolved, stop: Stop, data: PathBuf) -> Self {
        Self { resolved: Box::new(resolved), stop, data }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.resolved.database
    }

    /// The folder of its server's socket.
    pub(crate) fn socket_folder(&self) -> PathBuf {
        self.resolved.endpoints.first().map(|endpoint| PathBuf::from(&endpoint.host)).unwrap_or_default()
    }

    /// What is typed after `--source` for it.
    pub(crate) fn conninfo(&self) -> String {
        self.conninfo_as(&self.resolved.user)
    }

    /// The same as another role.
    pub(crate) fn conninfo_as(&self, user: &str) -> String {
        self.conninfo_through(&self.socket_folder(), user)
    }

    /// The same through a socket in another folder.
    pub(crate) fn conninfo_through(&self, folder: &std::path::Path, user: &str) -> String {
        format!(
            "host={} port=5432 user={} dbname={}",
            quoted(&folder.to_string_lossy()),
            quoted(user),
            quoted(self.name())
        )
    }

    /// A session of the superuser.
    ///
    /// # Errors
    /// When the server does not take it.
    pub(crate) async fn session(&self) -> Result<Session, Trouble> {
        Ok(connect(&self.resolved, APPLICATION, &self.stop).await?)
    }

    /// Says this to it.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) async fn sql(&self, statements: &str) -> Result<(), Trouble> {
        self.session().await?.query(&self.stop, statements).await?;
        Ok(())
    }

    /// Asks it for one value.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) async fn value(&self, statement: &str) -> Result<String, Trouble> {
        Ok(self.session().await?.value(&self.stop, statement).await?)
    }

    /// Says this to it, and keeps the session: what a transaction locks stays locked as long.
    ///
    /// # Errors
    /// When it refuses.
    pub(crate) async fn holding(&self, statements: &str) -> Result<Session, Trouble> {
        let session = self.session().await?;
        session.query(&self.stop, statements).await?;
        Ok(session)
    }

    /// Says this to it over and over, until what is given back is dropped.
    pub(crate) fn hammering(&self, statements: String) -> Task {
        let database = self.clone();
        Task::start(async move {
            let Ok(session) = database.session().await else { return };
            while session.query(&database.stop, &statements).await.is_ok() {}
        })
    }
}
