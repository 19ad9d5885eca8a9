//! What may stand in the configuration file. Flags win over it.

use std::path::PathBuf;

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    assertions::AssertionConfig,
    policy::{PolicyConfig, ScheduleConfig},
};

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
    /// What must be so in the restored data.
    pub(crate) assertions: Vec<AssertionConfig>,
    /// Sources of backups, and what they must be like: for `policy`.
    pub(crate) policy: Vec<PolicyConfig>,
    /// How backups come about, so that a rehearsal can compute what would be lost at the worst.
    pub(crate) schedule: Option<ScheduleConfig>,
}
