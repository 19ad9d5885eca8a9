//! A throw-away server to be rehearsed from, with a small shop in it.

use std::path::PathBuf;

use evidence_report::run::Run;

use super::Database;
use crate::{
    programs::Programs,
    scratch::{Cluster, ClusterSpec, Isolation, Place},
    self_test::workshop::Trouble,
};

/// The database that others are copied from; nobody else connects to it.
const TEMPLATE: &str = "shop_template";

/// The roles of this group need a password.
const RULES: &str =
    "local all +with_password scram-sha-256\nlocal all all trust\nlocal replication all trust\n";

/// What makes it a source: it keeps write-ahead log for others, and a name that its copies do not have. It is
/// thrown away, so nothing of it needs to be on disk.
const SETTINGS: [&str; 8] = [
    "cluster_name=self-test",
    "wal_level=replica",
    "max_wal_senders=10",
    "max_connections=200",
    // A base backup begins with a checkpoint that is spread over time, to spare a source.
    "checkpoint_completion_target=0",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=16MB",
];

/// Short segments: many of them are copied.
const INITDB: [&str; 1] = ["--wal-segsize=1"];

/// What a server is made like.
#[derive(Debug, Clone, Copy)]
pub(in crate::self_test) struct Kind {
    /// Its name, which no other server has.
    pub(in crate::self_test) name: &'static str,
    /// Whether its pages carry checksums.
    pub(in crate::self_test) checksums: bool,
    /// Whether it archives its write-ahead log.
    pub(in crate::self_test) archives: bool,
    /// Whether nobody works in it by himself: a page that is damaged on disk would be written anew by whoever changed
    /// it in memory.
    pub(in crate::self_test) still: bool,
}

/// A server.
#[derive(Debug)]
pub(in crate::self_test) struct Server {
    cluster: Cluster,
    data: PathBuf,
    archive: Option<PathBuf>,
    major: u32,
    run_stop: evidence_report::run::Stop,
}

impl Server {
    /// Makes a cluster, starts it and fills it.
    ///
    /// # Errors
    /// When one of these fails.
    pub(in crate::self_test) async fn start(
        run: &Run,
        place: &Place,
        programs: &Programs,
        isolation: &Isolation,
        kind: Kind,
    ) -> Result<Self, Trouble> {
        let Kind { name, checksums, archives, still } = kind;
        let spec = ClusterSpec { name, superuser: "postgres".to_owned(), checksums };
        let mut settings: Vec<_> = SETTINGS.map(str::to_owned).into();
        if still {
            settings.push("autovacuum=off".to_owned());
        }
        let archive = archives.then(|| place.folder(&format!("{name}.archive")));
        if let Some(folder) = &archive {
            std::fs::create_dir(folder)?;
            isolation.give_folder(run, folder).await?;
            settings.push("archive_mode=on".to_owned());
            settings.push(format!("archive_command=cp \"%p\" \"{}/%f\"", folder.display()));
        }
        let cluster =
            Cluster::new(place, spec, programs, isolation)?.with_settings(settings).made_with(&INITDB);
        cluster.initdb(run).await?;
        let data = place.folder(name).join("data");
        std::fs::write(data.join("pg_hba.conf"), RULES)?;
        let mut server = Self { cluster, data, archive, major: programs.major, run_stop: run.stop().clone() };
        let filled = server.fill(run).await;
        match filled {
            Ok(()) => Ok(server),
            Err(trouble) => {
                server.cluster.close(run).await;
                Err(trouble)
            }
        }
    }

    async fn fill(&mut self, run: &Run) -> Result<(), Trouble> {
        self.cluster.start(run).await?;
        let create = format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0");
        self.database("postgres").sql(&create).await?;
        self.database(TEMPLATE).sql(include_str!("shop.sql")).await
    }

    /// Where its write-ahead log is archived.
    pub(in crate::self_test) fn archive(&self) -> Option<PathBuf> {
        self.archive.clone()
    }

    /// One of its databases.
    pub(in crate::self_test) fn database(&self, name: &str) -> Database {
        let resolved = self.cluster.connection(name, self.cluster.superuser());
        Database::new(resolved, self.run_stop.clone(), self.data.clone())
    }

    /// A new database with a shop in it.
    ///
    /// # Errors
    /// When the server refuses.
    pub(in crate::self_test) async fn shop(&self, name: &str) -> Result<Database, Trouble> {
        self.copy(TEMPLATE, name, "").await
    }

    /// A new database, copied file by file as they lie on disk: pages damaged there are read from there.
    ///
    /// # Errors
    /// When the server refuses.
    pub(in crate::self_test) async fn copy_from_disk(
        &self,
        of: &str,
        name: &str,
    ) -> Result<Database, Trouble> {
        // Before 15 there is no other way.
        self.copy(of, name, if self.major >= 15 { " STRATEGY file_copy" } else { "" }).await
    }

    async fn copy(&self, of: &str, name: &str, strategy: &str) -> Result<Database, Trouble> {
        let quote = crate::sql::identifier;
        let create = format!("CREATE DATABASE {} TEMPLATE {}{strategy}", quote(name), quote(of));
        self.database("postgres").sql(&create).await?;
        Ok(self.database(name))
    }

    /// Why it ended by itself, if it did: then what was not made or slipped through says nothing of the tool.
    pub(in crate::self_test) fn death(&mut self) -> Option<String> {
        if !self.cluster.has_ended() {
            return None;
        }
        let reports = self.cluster.reports_since(0);
        let last = reports[reports.len().saturating_sub(4)..].join("; ");
        Some(format!("a server of the self-test ended in the middle; its log ends: {last}"))
    }

    /// Ends it; says what could not be ended.
    pub(in crate::self_test) async fn close(&mut self, run: &Run) -> Option<String> {
        self.cluster.close(run).await
    }
}
