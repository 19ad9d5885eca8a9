//! Repositories of backup tools, made by the real tools beside a real server: what a rehearsal takes out of them is
//! right, and nothing in them is touched.

mod barman;
mod command;
mod encrypted;
mod pgbackrest;
mod timelines;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool, temporary_folder, until},
};

/// Trust on the socket, for replication too.
const RULES: &str = "local all all trust\nlocal replication all trust\n";

/// A folder for a repository, in which the server's user may write.
pub(super) struct Depot {
    folder: tempfile::TempDir,
}

impl Depot {
    pub(super) fn new() -> Self {
        let folder = temporary_folder("brd");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self { folder }
    }

    pub(super) fn root(&self) -> std::path::Display<'_> {
        self.folder.path().display()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder that belongs to the server's user.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        path
    }

    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A program of that name which writes down its arguments, then becomes the real one. Gives the folder for PATH.
    pub(super) fn recorder(&self, name: &str, real: &str) -> PathBuf {
        let folder = self.folder("recorder");
        let log = self.file("calls", "");
        fs::set_permissions(&log, fs::Permissions::from_mode(0o666)).unwrap();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\037' \"$@\" >> {log}\necho >> {log}\nexec {real} \"$@\"\n",
            log = log.display()
        );
        let path = folder.join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    /// The arguments of each call of the recorder.
    pub(super) fn calls(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(self.path("calls")).unwrap();
        text.lines().map(|line| line.split('\u{1f}').map(str::to_owned).collect()).collect()
    }
}

/// Every file and folder below some, with size and time of the last change: what was written shows.
pub(super) fn listing(folders: &[&Path]) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    while let Some(path) = open.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        found.insert(path.clone(), (meta.len(), meta.mtime(), meta.mtime_nsec()));
        if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

/// Runs to its end; it must succeed.
pub(super) fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A table of one row a step; what is there at a target tells how far recovery came.
pub(super) fn begin_steps(cluster: &TestCluster) {
    cluster.sql("postgres", "CREATE TABLE steps (step int)");
}

pub(super) fn step(cluster: &TestCluster, number: u32) {
    cluster.sql("postgres", &format!("INSERT INTO steps VALUES ({number})"));
}

/// SQL that fails unless the copy holds just these steps.
pub(super) fn expect_steps(tool: &Tool, steps: &str) -> String {
    let sql = format!(
        "DO $$ BEGIN IF (SELECT string_agg(step::text, ' ' ORDER BY step) FROM public.steps) IS DISTINCT FROM '{steps}' \
         THEN RAISE EXCEPTION 'other steps'; END IF; END $$"
    );
    tool.file("expect.sql", &sql).display().to_string()
}

/// Ends the segment, and waits until the archiver has brought it away.
pub(super) fn archive_segment(cluster: &TestCluster) -> String {
    let segment = cluster.sql("postgres", "SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
    cluster
        .sql("postgres", "CREATE TABLE IF NOT EXISTS filler (); DROP TABLE filler; SELECT pg_switch_wal()");
    until(&format!("the archiving of {segment}"), || {
        let archived = cluster.sql("postgres", "SELECT last_archived_wal FROM pg_stat_archiver");
        archived.get(..24).is_some_and(|last| last >= segment.as_str())
    });
    segment
}

/// An instant of the server's, with a moment on either side.
pub(super) fn now(cluster: &TestCluster) -> String {
    cluster.sql(
        "postgres",
        "SELECT pg_sleep(0.01); SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'); \
         SELECT pg_sleep(0.01)",
    )
    .trim()
    .to_owned()
}

/// Waits until the clock's second is another: tools cut the time at which a backup had finished.
pub(super) fn next_second(cluster: &TestCluster) {
    cluster.sql(
        "postgres",
        "SELECT pg_sleep(ceil(now) - now + 0.01) FROM extract(epoch FROM clock_timestamp()) AS of (now)",
    );
}

/// It came to its target, with just these contents, and everything is right.
pub(super) fn assert_recovered(ended: &Ended) {
    ended.assert_code(0);
    for check in ["restore.steps", "restore.writable", "recovery.target", "restore.contained", "backup.wal"] {
        let findings = ended.findings(check);
        assert!(
            !findings.is_empty() && findings.iter().all(|(outcome, ..)| outcome == "passed"),
            "{check}: {findings:?}\n{}",
            ended.everything()
        );
    }
}
