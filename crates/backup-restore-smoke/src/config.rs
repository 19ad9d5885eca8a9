//! What may stand in the configuration file. Flags win over it.

use std::path::PathBuf;

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::cli::{Method, Until};

/// Configuration of `backup-restore-smoke`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// How to run.
    pub(crate) run: SharedConfig,
    /// The source, as for `--source`. Never a password: name a service, or use .pgpass.
    pub(crate) source: Option<String>,
    /// Make a throw-away source with sample data instead.
    pub(crate) embedded: bool,
    /// Size of the embedded source, for example `100MB`.
    pub(crate) embedded_size: Option<String>,
    /// Connections and workers at work at once.
    pub(crate) jobs: Option<usize>,
    /// Folder of the PostgreSQL programs.
    pub(crate) pg_bin: Option<PathBuf>,
    /// Where the throw-away clusters and the dump are put.
    pub(crate) scratch: Option<PathBuf>,
    /// Objective: how long a recovery may take, for example `15m`.
    pub(crate) rto: Option<String>,
    /// Objective: how much may be lost, for example `1h`.
    pub(crate) rpo: Option<String>,
    /// Age of the newest backup that would be there at an incident, for example `26h`.
    pub(crate) backup_age: Option<String>,
    /// SQL files that your runbook runs on a restored database before it is opened, relative to this file.
    pub(crate) after_restore: Vec<PathBuf>,
    /// What `pg_dumpall --globals-only` wrote, relative to this file.
    pub(crate) globals: Option<PathBuf>,
    /// What the backup should contain, as `fingerprint` wrote it, relative to this file.
    pub(crate) fingerprint: Option<PathBuf>,
    /// A server kept for rehearsals, as for `--target`. Never a password.
    pub(crate) target: Option<String>,
    /// Let the source's snapshot go after so long, for example `30m`.
    pub(crate) max_snapshot_age: Option<String>,
    /// Let the copy be on the file system of the source's data, write-ahead log or repository.
    pub(crate) scratch_shares_filesystem: bool,
    /// How the backup is made from a live source: `dump`, `base-backup` or `base-backup-tar`.
    pub(crate) method: Option<Method>,
    /// A backup that exists, instead of one that is made, relative to this file; for increments, the full one first.
    pub(crate) backup: Vec<PathBuf>,
    /// A folder of archived write-ahead log, relative to this file.
    pub(crate) wal: Option<PathBuf>,
    /// Recover to the backup's own end (`immediate`), or to the end of the log (`latest`, with `expect_lsn`).
    pub(crate) until: Option<Until>,
    /// Recover to this restore point.
    pub(crate) target_name: Option<String>,
    /// Follow this timeline: `latest`, `current` or a number.
    pub(crate) target_timeline: Option<String>,
    /// The end of the log must not lie before this place, for example `0/3000060`.
    pub(crate) expect_lsn: Option<String>,
    /// The database of a physical copy that is written to.
    pub(crate) database: Option<String>,
    /// A superuser in a physical copy.
    pub(crate) superuser: Option<String>,
    /// Check heaps and indexes of the copy with amcheck (always done on a physical copy).
    pub(crate) amcheck: bool,
    /// With amcheck, also look for every row in every index.
    pub(crate) heapallindexed: bool,
}
