//! What may stand in the configuration file. Flags win over it.

use std::path::PathBuf;

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::Deserialize;

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
    /// A backup that exists, instead of one that is made, relative to this file.
    pub(crate) backup: Option<PathBuf>,
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
}
