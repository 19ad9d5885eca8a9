//! What was typed. It knows nothing of what is possible: that is [`crate::plan`]'s.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use evidence_report::run::{CommandLine, SharedFlags, parse_duration};

use crate::{
    canary::CanaryCommand,
    config::Config,
    policy::{PolicyFlags, ScheduleFlags},
    size::parse_database_size,
};

const EXAMPLES: &str = "Examples:
  backup-restore-smoke rehearse --embedded
  backup-restore-smoke rehearse --source service=shop --rto 30m --rpo 24h --backup-age 6h
  backup-restore-smoke rehearse --source 'host=db dbname=shop user=backup' --scratch /var/tmp/rehearsal --jobs 4
  backup-restore-smoke rehearse --source service=shop --method base-backup
  backup-restore-smoke rehearse --backup /backups/base --wal /backups/wal --target-time 2026-01-31T12:30:00Z
  backup-restore-smoke rehearse --pgbackrest shop --target-time 2026-01-31T12:30:00Z
  backup-restore-smoke rehearse --barman shop --until immediate
  backup-restore-smoke rehearse --backup shop.dump --globals globals.sql --backup-age 6h --rpo 24h
  backup-restore-smoke fingerprint --source service=shop
  backup-restore-smoke compare service=shop service=shop-restored
  backup-restore-smoke policy --files '/backups/shop-*.dump' --newest-age 26h --redundancy 7 --retention 30d
  backup-restore-smoke self-test

The source is only read; passwords come from .pgpass, PGPASSWORD or a service file, never from a flag of ours.
Exit codes: 0 passed, 1 warned, 2 failed (the backup is bad, or an objective was missed), 3 inconclusive (could
not be tested; also usage and configuration errors).";

const FINGERPRINT_EXAMPLES: &str = "Examples:
  backup-restore-smoke fingerprint --source service=shop
  backup-restore-smoke fingerprint --source service=shop -o shop.fingerprint.json
  backup-restore-smoke fingerprint --source service=shop -o shop.fingerprint.json -- \\
    pg_dump --snapshot={snapshot} --format=custom --file=shop.dump";

const COMPARE_EXAMPLES: &str = "Examples:
  backup-restore-smoke compare service=shop service=shop-restored
  backup-restore-smoke compare shop.fingerprint.json 'host=/run/restored dbname=shop'

Between two databases that can both be read, the differing rows are found by their primary keys.";

const SELF_TEST: &str = "Examples:
  backup-restore-smoke self-test
  backup-restore-smoke self-test --only disk
  backup-restore-smoke self-test --evidence self-test.md

It makes servers of its own, on unix sockets only, in a folder of its own, needs no network, and is over in about two
minutes. Exit codes: 0 every fault was caught and nothing is left, 2 one slipped through, 3 one could not be made. It
writes evidence only if asked.";

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
    /// Print or keep what a database contains: every table's number of rows and digest, and every definition
    #[command(after_help = FINGERPRINT_EXAMPLES)]
    Fingerprint(FingerprintFlags),
    /// Compare two databases, or fingerprints of databases: exit code 0 when they are the same, 2 when not
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareFlags),
    /// Judge whether backups are there as they should be, without restoring: newest, interval, size, number,
    /// retention
    Policy(Box<PolicyFlags>),
    /// A heartbeat in the source, from which data loss is measured: these commands write to the source
    #[command(subcommand)]
    Canary(CanaryCommand),
    /// Make the faults of the field on throw-away clusters, and show that each is caught
    #[command(after_help = SELF_TEST)]
    SelfTest(SelfTestFlags),
    /// Undo what killed runs left behind (processes and folders), and nothing else
    Sweep(SweepFlags),
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
    /// Objective: how much may be lost, for example 1h (held against --backup-age, the schedule's worst
    /// case and the canary)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) rpo: Option<Duration>,
    /// Age of the newest backup that would be there at an incident, for example 26h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) backup_age: Option<Duration>,
    /// SQL that your runbook runs on a restored database before it is opened (repeatable; it is timed, and
    /// the comparison judges what it leaves)
    #[arg(long, value_name = "FILE")]
    pub(crate) after_restore: Vec<PathBuf>,
    /// Show values of rows where an assertion does not hold, and the primary keys of rows that differ (they then
    /// stand in the evidence)
    #[arg(long)]
    pub(crate) show_values: bool,
    /// How often a backup is made, for example 24h: the worst case is then computed and held against --rpo
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) backup_interval: Option<Duration>,
    #[command(flatten)]
    pub(crate) schedule: ScheduleFlags,
    /// Forecast the recovery time of a database of this size, for example 800GB, from this and earlier rehearsals
    #[arg(long, value_name = "SIZE", value_parser = parse_database_size)]
    pub(crate) forecast: Option<u64>,
    #[command(flatten)]
    pub(crate) physical: Box<PhysicalFlags>,
    #[command(flatten)]
    pub(crate) repository: RepositoryFlags,
    #[command(flatten)]
    pub(crate) integrity: IntegrityFlags,
    #[command(flatten)]
    pub(crate) existing: ExistingFlags,
    #[command(flatten)]
    pub(crate) care: CareFlags,
}

/// `sweep`.
#[derive(Debug, Default, Args)]
pub(crate) struct SweepFlags {
    /// Also drop the databases that killed runs left on this server: those that bear our mark, and no other
    #[arg(long, value_name = "CONNINFO")]
    pub(crate) target: Option<String>,
}

/// A backup that exists already, and where it goes.
#[derive(Debug, Default, Args)]
pub(crate) struct ExistingFlags {
    /// What `pg_dumpall --globals-only` wrote: restored first, without passwords, logins and tablespaces
    #[arg(long, value_name = "FILE", requires = "backup")]
    pub(crate) globals: Option<PathBuf>,
    /// What the backup should contain, as `fingerprint` wrote it
    #[arg(long, value_name = "FILE", requires = "backup")]
    pub(crate) fingerprint: Option<PathBuf>,
    /// Restore into a database of its own on this server, which is kept for rehearsals, instead of a
    /// throw-away cluster
    #[arg(long, value_name = "CONNINFO")]
    pub(crate) target: Option<String>,
}

/// How the source is spared.
#[derive(Debug, Default, Args)]
pub(crate) struct CareFlags {
    /// Let the source's snapshot go after so long, and end [default: 30m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) max_snapshot_age: Option<Duration>,
    /// Let the source's snapshot go as soon as the dump is made: rows that differ are then named only in tables that
    /// have not been written to since
    #[arg(long)]
    pub(crate) let_go_early: bool,
    /// Let the copy be on the file system of the source's data and write-ahead log, or of the backup
    #[arg(long)]
    pub(crate) scratch_shares_filesystem: bool,
}

/// Files of a whole cluster, and where their recovery ends.
#[derive(Debug, Default, Clone, Args)]
#[group(multiple = true)]
pub(crate) struct PhysicalFlags {
    /// How the backup is made from a live source
    #[arg(long, value_name = "METHOD", conflicts_with = "backup")]
    pub(crate) method: Option<Method>,
    /// Rehearse this backup instead of making one: a dump of pg_dump (custom, directory, tar, plain SQL) or
    /// pg_dumpall, also compressed by gzip, zstd or lz4, or files of a whole cluster that pg_basebackup made
    /// (for increments of PostgreSQL 17, the full one first and each increment after it). Needs no source;
    /// --source then only says which server the target must not be
    #[arg(long, value_name = "PATH", conflicts_with = "embedded")]
    pub(crate) backup: Vec<PathBuf>,
    /// A folder of archived write-ahead log (plain, .gz, .zst or .lz4)
    #[arg(long, value_name = "DIR")]
    pub(crate) wal: Option<PathBuf>,
    /// Recover to the backup's own end, or to the end of the log (only with --expect-lsn)
    #[arg(long, value_name = "WHICH")]
    pub(crate) until: Option<Until>,
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
    /// The end of the log must not lie before this place, or (`canary`, with --source) before the newest beat of the
    /// source's canary that is as old as --rpo
    #[arg(long, value_name = "LSN|canary")]
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
    /// Give a recovery up that makes no progress for so long [default: 30m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) recovery_patience: Option<Duration>,
}

impl PhysicalFlags {
    /// Whether nothing here was typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.method.unwrap_or_default() == Method::Dump
            && self.backup.is_empty()
            && self.wal.is_none()
            && self.until.is_none()
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
    /// Write the fingerprint to this file (readable by you only) instead of printing the tables
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Keep digests of parts of each table too, by hashes of the primary keys: a rehearsal without the source can then
    /// say in which part the differing rows lie. Every table with a primary key is read twice
    #[arg(long)]
    pub(crate) row_buckets: bool,
    /// A command that makes a backup from the same snapshot: {snapshot} in its arguments is replaced by the
    /// snapshot's name; it gets the connection by PGSERVICE, PGDATABASE and their like, and runs without a shell.
    /// If it fails no fingerprint is left
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// `compare`.
#[derive(Debug, Default, Args)]
pub(crate) struct CompareFlags {
    /// What is expected: a fingerprint's file, or a connection string as for --source
    #[arg(value_name = "A")]
    pub(crate) expected: String,
    /// What is held against it, likewise
    #[arg(value_name = "B")]
    pub(crate) found: String,
    /// Compare also what belongs to the cluster: roles, their memberships and settings, rights on parameters, the
    /// database's owner, grants and settings
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Show the primary keys of differing rows as they are, instead of as salted hashes
    #[arg(long)]
    pub(crate) show_values: bool,
    /// Connections a database at work at once [default: the number of processors, at most 4]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
}

/// `self-test`.
#[derive(Debug, Default, Args)]
pub(crate) struct SelfTestFlags {
    /// Only faults whose title has this word (repeatable: all of the words)
    #[arg(long, value_name = "WORD")]
    pub(crate) only: Vec<String>,
    /// Folder of the PostgreSQL programs (`PGBIN`, PATH and /usr/lib/postgresql/*/bin are searched otherwise)
    #[arg(long, value_name = "DIR")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// Where the servers and backups are made [default: the folder of the runs, under /tmp]; in memory it is quicker
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

impl CommandLine for Cli {
    fn shared(&self) -> &SharedFlags {
        &self.shared
    }

    fn config_schema() -> Option<schemars::Schema> {
        Some(schemars::schema_for!(Config))
    }
}
