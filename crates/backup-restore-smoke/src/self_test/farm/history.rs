//! A base backup and the write-ahead log behind it: 10 orders are in the backup, 20 at a restore point, 30 at the
//! end of the log. Made once; each fault gets a copy to damage.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use evidence_report::run::Run;

use super::{Database, Server};
use crate::{
    programs::Programs,
    self_test::workshop::{Bench, Trouble},
};

/// The restore point.
pub(in crate::self_test) const RESTORE_POINT: &str = "before the change";

/// The database.
pub(in crate::self_test) const DATABASE: &str = "history";

/// How long the archive may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The backup and the archive.
#[derive(Debug)]
pub(in crate::self_test) struct History {
    server: Server,
    kept: Kept,
}

/// A copy of them.
#[derive(Debug, Clone)]
pub(in crate::self_test) struct Kept {
    /// The base backup, without write-ahead log of its own.
    pub(in crate::self_test) base: PathBuf,
    /// The archive.
    pub(in crate::self_test) wal: PathBuf,
    /// The place behind the last commit.
    pub(in crate::self_test) end: String,
    /// The file of the table of customers, relative to a data folder.
    pub(in crate::self_test) customers: String,
}

impl History {
    /// Makes them on a server of its own in this folder.
    ///
    /// # Errors
    /// When something of it fails.
    pub(in crate::self_test) async fn make(
        run: &Run,
        programs: &Programs,
        server: Server,
        base: PathBuf,
    ) -> Result<Self, Trouble> {
        let wal = server.archive().ok_or_else(|| "the server archives nothing".to_owned())?;
        let database = begin(&server).await?;
        base_backup(run, programs, &database, &base, &["--wal-method=none"]).await?;
        let end = go_on(&database, &wal).await?;
        let customers = database.value("SELECT pg_relation_filepath('shop.customers')").await?;
        Ok(Self { server, kept: Kept { base, wal, end, customers } })
    }

    /// A copy in the fault's folder.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub(in crate::self_test) async fn copy(&self, bench: &Bench<'_>) -> Result<Kept, Trouble> {
        let (base, wal) = (bench.folder.join("base"), bench.folder.join("wal"));
        for (from, to) in [(&self.kept.base, &base), (&self.kept.wal, &wal)] {
            let copied = bench.run.child("cp").arg("-r").arg(from).arg(to).output(bench.run.stop()).await?;
            if !copied.status.success() {
                return Err(format!("copying a backup: {}", copied.stderr.trim()).into());
            }
        }
        Ok(Kept { base, wal, ..self.kept.clone() })
    }

    /// The server, when nobody needs it any more.
    pub(in crate::self_test) fn into_server(self) -> Server {
        self.server
    }
}

/// The database as the backup holds it.
///
/// # Errors
/// When the server refuses.
pub(super) async fn begin(server: &Server) -> Result<Database, Trouble> {
    let database = server.shop(DATABASE).await?;
    database.sql("CREATE TABLE shop.placed (i int PRIMARY KEY)").await?;
    order(&database, 1).await?;
    Ok(database)
}

/// What happens after the backup; says at which place the last commit ends.
///
/// # Errors
/// When the server refuses, or its archive does not follow.
pub(super) async fn go_on(database: &Database, archive: &Path) -> Result<String, Trouble> {
    order(database, 11).await?;
    database.sql(&format!("SELECT pg_create_restore_point('{RESTORE_POINT}')")).await?;
    // The rest in segments of its own, so that one can be lost between the two.
    archive_everything(database, archive).await?;
    order(database, 21).await?;
    let end = database.value("SELECT pg_current_wal_insert_lsn()").await?;
    archive_everything(database, archive).await?;
    Ok(end)
}

/// The segments in a folder, in order.
///
/// # Errors
/// When it cannot be read, or holds fewer than three.
pub(super) fn segments_in(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let files = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let is_segment = |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == 24);
    let mut segments: Vec<_> = files.filter(is_segment).collect();
    segments.sort();
    if segments.len() < 3 { Err("the archive is too short".to_owned().into()) } else { Ok(segments) }
}

impl Kept {
    /// The archived segments, in order.
    ///
    /// # Errors
    /// When the archive cannot be read, or holds fewer than three.
    pub(in crate::self_test) fn segments(&self) -> Result<Vec<PathBuf>, Trouble> {
        segments_in(&self.wal)
    }
}

async fn order(database: &Database, from: u32) -> Result<(), Trouble> {
    database.sql(&format!("INSERT INTO shop.placed SELECT generate_series({from}, {from} + 9)")).await
}

/// Takes a base backup with the stock tool.
///
/// # Errors
/// When it fails.
pub(in crate::self_test) async fn base_backup(
    run: &Run,
    programs: &Programs,
    of: &Database,
    to: &Path,
    options: &[&str],
) -> Result<(), Trouble> {
    let taken = programs
        .child(run, "pg_basebackup")
        .arg("--host")
        .arg(of.socket_folder())
        .args(["--port=5432", "--username=postgres", "--no-password", "--checkpoint=fast", "--no-sync"])
        .args(options)
        .arg("--pgdata")
        .arg(to)
        .output(run.stop())
        .await?;
    if taken.status.success() {
        return Ok(());
    }
    Err(format!("pg_basebackup of a healthy server: {}", taken.stderr.trim()).into())
}

/// Closes the segment that is written to, and waits until it is in the archive.
pub(super) async fn archive_everything(database: &Database, archive: &Path) -> Result<(), Trouble> {
    let last = database.value("SELECT pg_walfile_name(pg_current_wal_lsn())").await?;
    database.sql("SELECT pg_switch_wal()").await?;
    let deadline = Instant::now() + PATIENCE;
    let archived = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver";
    while database.value(archived).await? < last {
        if Instant::now() > deadline {
            return Err(format!("{last} did not come into {}", archive.display()).into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
