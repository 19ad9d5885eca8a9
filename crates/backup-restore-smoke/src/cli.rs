//! What was typed. It knows nothing of what is possible: that is [`crate::plan`]'s.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use evidence_report::run::{CommandLine, SharedFlags, parse_duration};

use crate::{
    canary::CanaryCommand,
    config::Config,
    policy::{PolicyFlags, ScheduleFlags},
    size::parse_bytes,
};

const EXAMPLES: &str = "Examples:
  backup-restore-smoke rehearse --embedded
  backup-restore-smoke rehearse --source service=shop --rto 30m --rpo 24h --backup-age 6h
  backup-restore-smoke rehearse --source 'host=db dbname=shop user=backup' --scratch /var/tmp/rehearsal --jobs 4
  backup-restore-smoke fingerprint --source service=shop
  backup-restore-smoke compare service=shop service=shop-restored
  backup-restore-smoke policy --files '/backups/shop-*.dump' --newest-age 26h --redundancy 7 --retention 30d

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
    Rehearse(RehearseFlags),
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
    /// Show values of rows where an assertion does not hold (they then stand in the evidence)
    #[arg(long)]
    pub(crate) show_values: bool,
    /// How often a backup is made, for example 24h: the worst case is then computed and held against --rpo
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) backup_interval: Option<Duration>,
    #[command(flatten)]
    pub(crate) schedule: ScheduleFlags,
    /// Forecast the recovery time of a database of this size, for example 800GB, from this and earlier rehearsals
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) forecast: Option<u64>,
}

/// `fingerprint`.
#[derive(Debug, Default, Args)]
pub(crate) struct FingerprintFlags {
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Write the fingerprint to this file (readable by you only) instead of printing the tables
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
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
    /// Compare also what belongs to the cluster: roles and memberships, the database's owner, grants and settings
    #[arg(long)]
    pub(crate) cluster: bool,
    /// Show the primary keys of differing rows as they are, instead of as salted hashes
    #[arg(long)]
    pub(crate) show_values: bool,
    /// Connections a database at work at once [default: the number of processors, at most 4]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
}

impl CommandLine for Cli {
    fn shared(&self) -> &SharedFlags {
        &self.shared
    }

    fn config_schema() -> Option<schemars::Schema> {
        Some(schemars::schema_for!(Config))
    }
}
