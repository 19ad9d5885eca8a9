//! What was typed. It knows nothing of what is possible: that is [`crate::plan`]'s.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use evidence_report::run::{CommandLine, SharedFlags, parse_duration};

use crate::config::Config;

const EXAMPLES: &str = "Examples:
  backup-restore-smoke rehearse --embedded
  backup-restore-smoke rehearse --source service=shop --rto 30m --rpo 24h --backup-age 6h
  backup-restore-smoke rehearse --source 'host=db dbname=shop user=backup' --scratch /var/tmp/rehearsal --jobs 4
  backup-restore-smoke rehearse --backup shop.dump --globals globals.sql --backup-age 6h --rpo 24h
  backup-restore-smoke fingerprint --source service=shop
  backup-restore-smoke self-test

The source is only read; passwords come from .pgpass, PGPASSWORD or a service file, never from a flag of ours.
Exit codes: 0 passed, 1 warned, 2 failed (the backup is bad, or an objective was missed), 3 inconclusive (could
not be tested; also usage and configuration errors).";

const SELF_TEST: &str = "Examples:
  backup-restore-smoke self-test
  backup-restore-smoke self-test --only disk
  backup-restore-smoke self-test --evidence self-test.md

It makes servers of its own, on unix sockets only, in a folder of its own, needs no network, and is over in about a
minute. Exit codes: 0 every fault was caught and nothing is left, 2 one slipped through, 3 one could not be made. It
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
    Rehearse(RehearseFlags),
    /// Print what a database contains: every table's number of rows and digest
    Fingerprint(FingerprintFlags),
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
    /// Rehearse this backup instead of making one: a dump of pg_dump (custom, directory, tar, plain SQL) or
    /// pg_dumpall, also compressed by gzip, zstd or lz4. Needs no source; --source then only says which server
    /// the target must not be
    #[arg(long, value_name = "PATH", conflicts_with = "embedded")]
    pub(crate) backup: Option<PathBuf>,
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
    /// Let the copy be on the file system of the source's data, write-ahead log or repository
    #[arg(long)]
    pub(crate) scratch_shares_filesystem: bool,
}

/// `fingerprint`.
#[derive(Debug, Default, Args)]
pub(crate) struct FingerprintFlags {
    #[command(flatten)]
    pub(crate) source: SourceFlags,
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
}

impl CommandLine for Cli {
    fn shared(&self) -> &SharedFlags {
        &self.shared
    }

    fn config_schema() -> Option<schemars::Schema> {
        Some(schemars::schema_for!(Config))
    }
}
