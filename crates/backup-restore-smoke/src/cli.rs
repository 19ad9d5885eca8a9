//! What was typed. It knows nothing of what is possible: that is [`crate::plan`]'s.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use evidence_report::run::{CommandLine, SharedFlags, parse_duration};

use crate::config::Config;

const EXAMPLES: &str = "Examples:
  backup-restore-smoke rehearse --embedded
  backup-restore-smoke rehearse --source service=shop --rto 30m --rpo 24h --backup-age 6h
  backup-restore-smoke rehearse --source 'host=db dbname=shop user=backup' --scratch /var/tmp/rehearsal --jobs 4
  backup-restore-smoke rehearse --source service=shop --method base-backup
  backup-restore-smoke rehearse --backup /backups/base --wal /backups/wal --target-time 2026-01-31T12:30:00Z
  backup-restore-smoke rehearse --pgbackrest shop --target-time 2026-01-31T12:30:00Z
  backup-restore-smoke rehearse --barman shop --target immediate
  backup-restore-smoke fingerprint --source service=shop

The source is only read; passwords come from .pgpass, PGPASSWORD or a service file, never from a flag of ours.
Exit codes: 0 passed, 1 warned, 2 failed (the backup is bad, or an objective was missed), 3 inconclusive (could
not be tested; also usage and configuration errors).";

/// Rehearses backup and restore of PostgreSQL for real: proves the content, times the recovery
#[derive(Debug, Parser)]
#[command(name = "backup-restore-smoke", version, about, max_term_width = 110, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: SharedFlags,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Dump a database, restore it into a throw-away cluster, prove that nothing differs, time it
    #[command(after_help = EXAMPLES)]
    Rehearse(Box<RehearseFlags>),
    /// Print what a database contains: every table's number of rows and digest
    Fingerprint(FingerprintFlags),
    /// Undo what killed runs left behind (processes and folders), and nothing else
    Sweep,
}

/// Which database, and with how many hands.
#[derive(Debug, Default, Args)]
#[group(multiple = true)]
pub(crate) struct SourceFlags {
    /// The source: a URI, a keyword string, a database's name or service=NAME; PG* variables, service files
    /// and .pgpass count as they do for psql
    #[arg(long, value_name = "CONNINFO", conflicts_with = "embedded")]
    pub(crate) source: Option<String>,
    /// Make a throw-away source with sample data instead
    #[arg(long)]
    pub(crate) embedded: bool,
    /// Size of the embedded source, about [default: 20MB]
    #[arg(long, value_name = "SIZE", requires = "embedded")]
    pub(crate) embedded_size: Option<String>,
    /// Connections and workers at work at once [default: the number of processors, at most 4]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Folder of the PostgreSQL programs (`PGBIN`, PATH and /usr/lib/postgresql/*/bin are searched otherwise)
    #[arg(long, value_name = "DIR")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// Where the throw-away clusters and the dump are put [default: the folder of the runs, under /tmp]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

/// `rehearse`.
#[derive(Debug, Default, Args)]
pub(crate) struct RehearseFlags {
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Objective: how long a recovery may take, for example 15m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) rto: Option<Duration>,
    /// Objective: how much may be lost, for example 1h (judged when --backup-age is given)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) rpo: Option<Duration>,
    /// Age of the newest backup that would be there at an incident, for example 26h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) backup_age: Option<Duration>,
    /// SQL that your runbook runs on a restored database before it is opened (repeatable; it is timed, and
    /// the comparison judges what it leaves)
    #[arg(long, value_name = "FILE")]
    pub(crate) after_restore: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) physical: Box<PhysicalFlags>,
    #[command(flatten)]
    pub(crate) repository: RepositoryFlags,
    #[command(flatten)]
    pub(crate) integrity: IntegrityFlags,
}

/// Files of a whole cluster, and where their recovery ends.
#[derive(Debug, Default, Clone, Args)]
#[group(multiple = true)]
pub(crate) struct PhysicalFlags {
    /// How the backup is made from a live source
    #[arg(long, value_name = "METHOD", conflicts_with = "backup")]
    pub(crate) method: Option<Method>,
    /// A backup that exists; for increments of PostgreSQL 17, name the full one first and each increment
    /// after it
    #[arg(long, value_name = "PATH")]
    pub(crate) backup: Vec<PathBuf>,
    /// A folder of archived write-ahead log (plain, .gz, .zst or .lz4)
    #[arg(long, value_name = "DIR")]
    pub(crate) wal: Option<PathBuf>,
    /// Recover to the backup's own end, or to the end of the log (only with --expect-lsn)
    #[arg(long, value_name = "WHICH")]
    pub(crate) target: Option<Until>,
    /// Recover to this instant, with its zone: 2026-01-31T12:30:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) target_time: Option<String>,
    /// Recover to this place in the write-ahead log: 0/3000060
    #[arg(long, value_name = "LSN")]
    pub(crate) target_lsn: Option<String>,
    /// Recover to this restore point
    #[arg(long, value_name = "NAME")]
    pub(crate) target_name: Option<String>,
    /// Follow this timeline: latest, current or a number [default: latest]
    #[arg(long, value_name = "TIMELINE")]
    pub(crate) target_timeline: Option<String>,
    /// Recover what is exactly at the target too (as PostgreSQL does by itself)
    #[arg(long, conflicts_with = "target_exclusive")]
    pub(crate) target_inclusive: bool,
    /// Stop just before the target
    #[arg(long)]
    pub(crate) target_exclusive: bool,
    /// The end of the log must not lie before this place
    #[arg(long, value_name = "LSN")]
    pub(crate) expect_lsn: Option<String>,
    /// Write a restore point of this name to the source, recover to it, and compare the content there
    #[arg(long, value_name = "NAME")]
    pub(crate) restore_point: Option<String>,
    /// The database of the copy that is written to [default: the source's, else the largest]
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,
    /// A superuser in a physical copy [default: the source's, else postgres]
    #[arg(long, value_name = "NAME")]
    pub(crate) superuser: Option<String>,
}

impl PhysicalFlags {
    /// Whether nothing here was typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.method.unwrap_or_default() == Method::Dump
            && self.backup.is_empty()
            && self.wal.is_none()
            && self.target.is_none()
            && self.target_time.is_none()
            && self.target_lsn.is_none()
            && self.target_name.is_none()
            && self.target_timeline.is_none()
            && !self.target_exclusive
            && !self.target_inclusive
            && self.expect_lsn.is_none()
            && self.restore_point.is_none()
            && self.database.is_none()
            && self.superuser.is_none()
    }
}

/// A repository of a backup tool, from which a backup is fetched.
#[derive(Debug, Default, Args)]
#[group(multiple = true)]
pub(crate) struct RepositoryFlags {
    /// Fetch the backup from this stanza of pgBackRest
    #[arg(long, value_name = "STANZA", conflicts_with_all = ["backup", "method", "barman"])]
    pub(crate) pgbackrest: Option<String>,
    /// Configuration of pgBackRest [default: its own]
    #[arg(long, value_name = "FILE")]
    pub(crate) pgbackrest_config: Option<PathBuf>,
    /// The backup's label [default: the newest that had finished at the incident]
    #[arg(long, value_name = "LABEL")]
    pub(crate) set: Option<String>,
    /// Fetch the backup of this server from Barman
    #[arg(long, value_name = "SERVER", conflicts_with_all = ["backup", "method"])]
    pub(crate) barman: Option<String>,
    /// Configuration of Barman [default: its own]
    #[arg(long, value_name = "FILE")]
    pub(crate) barman_config: Option<PathBuf>,
    /// The backup's id in Barman [default: the newest that had finished at the incident]
    #[arg(long, value_name = "ID")]
    pub(crate) backup_id: Option<String>,
    /// As whom the tool runs, where root rehearses [default: the owner of the repository]
    #[arg(long, value_name = "USER")]
    pub(crate) repository_user: Option<String>,
}

impl RepositoryFlags {
    /// Whether nothing here was typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.pgbackrest.is_none()
            && self.pgbackrest_config.is_none()
            && self.set.is_none()
            && self.barman.is_none()
            && self.barman_config.is_none()
            && self.backup_id.is_none()
            && self.repository_user.is_none()
    }
}

/// Which integrity checks run besides those that always do.
#[derive(Debug, Default, Args)]
#[group(multiple = true)]
pub(crate) struct IntegrityFlags {
    /// Check heaps and indexes of the copy with amcheck (always done on a physical copy)
    #[arg(long)]
    pub(crate) amcheck: bool,
    /// With amcheck, also look for every row in every index (about ten times as long)
    #[arg(long)]
    pub(crate) heapallindexed: bool,
}

/// How a backup is made now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    /// `pg_dump` of one database
    #[default]
    Dump,
    /// `pg_basebackup` of the whole cluster, plain files
    BaseBackup,
    /// `pg_basebackup` of the whole cluster, tar archives
    BaseBackupTar,
}

/// An end of recovery without a place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Until {
    /// The end of the backup
    Immediate,
    /// The end of the write-ahead log
    Latest,
}

/// `fingerprint`.
#[derive(Debug, Default, Args)]
pub(crate) struct FingerprintFlags {
    #[command(flatten)]
    pub(crate) source: SourceFlags,
}

impl CommandLine for Cli {
    fn shared(&self) -> &SharedFlags {
        &self.shared
    }

    fn config_schema() -> Option<schemars::Schema> {
        Some(schemars::schema_for!(Config))
    }
}
