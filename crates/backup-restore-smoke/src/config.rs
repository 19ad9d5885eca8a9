//! What may stand in the configuration file. Flags win over it.

use std::path::PathBuf;

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::{
    assertions::AssertionConfig,
    cli::{Method, Until},
    policy::{PolicyConfig, ScheduleConfig},
};

/// A path, or a list of them.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a path, or a list of paths")]
enum Paths {
    /// One.
    One(PathBuf),
    /// Several, in this order.
    Several(Vec<PathBuf>),
}

fn one_or_several<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<PathBuf>, D::Error> {
    Ok(match Paths::deserialize(given)? {
        Paths::One(path) => vec![path],
        Paths::Several(paths) => paths,
    })
}

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
    /// Fetch the backup from a stanza of pgBackRest.
    pub(crate) pgbackrest: Option<PgBackRestConfig>,
    /// Fetch the backup of a server from Barman.
    pub(crate) barman: Option<BarmanConfig>,
    /// Fetch the backup by commands, from any other tool.
    pub(crate) command: Option<CommandConfig>,
    /// As whom the tool runs, where root rehearses; otherwise as the owner of the repository.
    pub(crate) repository_user: Option<String>,
    /// How the backup is made from a live source: `dump`, `base-backup` or `base-backup-tar`.
    pub(crate) method: Option<Method>,
    /// A backup that exists, instead of one that is made, relative to this file; for increments a list, the full one
    /// first.
    #[serde(deserialize_with = "one_or_several")]
    #[schemars(with = "Paths")]
    pub(crate) backup: Vec<PathBuf>,
    /// A folder of archived write-ahead log, relative to this file.
    pub(crate) wal: Option<PathBuf>,
    /// Recover to the backup's own end (`immediate`), or to the end of the log (`latest`, with `expect_lsn`).
    pub(crate) until: Option<Until>,
    /// Recover to this instant, with its zone, for example `2026-01-31T12:30:00Z`.
    pub(crate) target_time: Option<String>,
    /// Recover to this place in the write-ahead log, for example `0/3000060`.
    pub(crate) target_lsn: Option<String>,
    /// Stop just before the target of this file.
    pub(crate) target_exclusive: bool,
    /// Recover to this restore point.
    pub(crate) target_name: Option<String>,
    /// Follow this timeline: `latest`, `current` or a number.
    pub(crate) target_timeline: Option<String>,
    /// The end of the log must not lie before this place, for example `0/3000060`; or, with a source, before the newest
    /// beat of its canary that is as old as `rpo`: `canary`.
    pub(crate) expect_lsn: Option<String>,
    /// The database of a physical copy that is written to.
    pub(crate) database: Option<String>,
    /// A superuser in a physical copy.
    pub(crate) superuser: Option<String>,
    /// Check heaps and indexes of the copy with amcheck (always done on a physical copy).
    pub(crate) amcheck: bool,
    /// With amcheck, also look for every row in every index.
    pub(crate) heapallindexed: bool,
    /// What `pg_dumpall --globals-only` wrote, relative to this file.
    pub(crate) globals: Option<PathBuf>,
    /// What the backup should contain, as `fingerprint` wrote it, relative to this file.
    pub(crate) fingerprint: Option<PathBuf>,
    /// A server kept for rehearsals, as for `--target`. Never a password.
    pub(crate) target: Option<String>,
    /// Let the source's snapshot go after so long, for example `30m`.
    pub(crate) max_snapshot_age: Option<String>,
    /// Let the source's snapshot go as soon as the dump is made. Rows that differ are then named only in tables that
    /// have not been written to since.
    pub(crate) let_go_early: bool,
    /// Give a recovery up that makes no progress for so long, for example `1h`.
    pub(crate) recovery_patience: Option<String>,
    /// Let the copy be on the file system of the source's data and write-ahead log, or of the backup.
    pub(crate) scratch_shares_filesystem: bool,
}

/// A stanza of pgBackRest.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PgBackRestConfig {
    /// The stanza.
    pub(crate) stanza: String,
    /// pgBackRest's configuration, relative to this file; otherwise its own default.
    pub(crate) config: Option<PathBuf>,
    /// The backup's label; otherwise the newest that had finished at the incident.
    pub(crate) set: Option<String>,
}

/// A server of Barman.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BarmanConfig {
    /// The server.
    pub(crate) server: String,
    /// Barman's configuration, relative to this file; otherwise its own default.
    pub(crate) config: Option<PathBuf>,
    /// The backup's id; otherwise the newest that had finished at the incident.
    pub(crate) backup_id: Option<String>,
}

/// Commands, each a list of a program and its words. No shell sees them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandConfig {
    /// Prints the backups: a JSON object a line, or an array of them.
    pub(crate) list: Vec<String>,
    /// Fills `{data}` with the backup `{label}`; the content of tablespaces may go to `{tablespaces}/NUMBER`.
    pub(crate) fetch: Vec<String>,
    /// Brings the file `{segment}` of the write-ahead log to `{destination}`. As for a `restore_command` of PostgreSQL,
    /// an exit code from 1 to 125 says that there is no such file, and a higher one or a signal that it could not be
    /// told.
    pub(crate) wal: Option<Vec<String>>,
    /// The backup's label; otherwise the newest that had finished at the incident.
    pub(crate) label: Option<String>,
    /// How long `list` may take before it is ended [default: 5m].
    pub(crate) list_timeout: Option<String>,
    /// How long `fetch` may take [default: as long as the run].
    pub(crate) fetch_timeout: Option<String>,
    /// How long `wal` may take for one file [default: 10m].
    pub(crate) wal_timeout: Option<String>,
}
