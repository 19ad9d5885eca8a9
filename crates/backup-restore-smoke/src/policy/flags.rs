//! `policy` on the command line: one source, or those of the configuration.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use evidence_report::run::parse_duration;

use super::rules::parse_share;
use crate::size::parse_bytes;

/// From what the worst-case exposure is computed.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct ScheduleFlags {
    /// How long a backup takes until it is safe elsewhere, after it was made [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) upload: Option<Duration>,
    /// The server's archive_timeout, where the write-ahead log is archived: then that decides the worst case
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) archive_timeout: Option<Duration>,
    /// How long a segment takes until it is safe in the archive [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "archive_timeout")]
    pub(crate) archive_lag: Option<Duration>,
}

/// `policy`.
#[derive(Debug, Default, Args)]
pub(crate) struct PolicyFlags {
    /// A folder whose entries are the backups, or a pattern such as '/backups/shop-*.dump' (quoted)
    #[arg(long, value_name = "PATTERN", group = "place")]
    pub(crate) files: Option<String>,
    /// A stanza of pgBackRest; only `pgbackrest info` is called
    #[arg(long, value_name = "STANZA", group = "place")]
    pub(crate) pgbackrest: Option<String>,
    /// A server of Barman; only `barman list-backups` and `show-backup` are called
    #[arg(long, value_name = "SERVER", group = "place")]
    pub(crate) barman: Option<String>,
    /// The backup tool's configuration, where it is not in its usual place
    #[arg(long, value_name = "FILE", requires = "place", conflicts_with = "files")]
    pub(crate) tool_config: Option<PathBuf>,
    /// What the clock of file names is ahead of UTC, for example +02:00 [default: they are in UTC]
    #[arg(long, value_name = "OFFSET", requires = "files", allow_hyphen_values = true)]
    pub(crate) name_offset: Option<String>,
    /// How old the newest backup may be, for example 26h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "place")]
    pub(crate) newest_age: Option<Duration>,
    /// How far backups may lie apart, for example 24h (a tenth more is allowed)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "place")]
    pub(crate) interval: Option<Duration>,
    /// Over which time back the interval is judged [default: seven intervals]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "interval")]
    pub(crate) interval_over: Option<Duration>,
    /// How large the newest backup must be, for example 500MB
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "place")]
    pub(crate) minimum_size: Option<u64>,
    /// By how much the newest may be smaller than the median of those before, for example 50%
    #[arg(long, value_name = "SHARE", value_parser = parse_share, requires = "place")]
    pub(crate) maximum_drop: Option<f64>,
    /// How many backups there must be that need no other
    #[arg(long, value_name = "N", requires = "place")]
    pub(crate) redundancy: Option<u32>,
    /// How far back the oldest recoverable point must reach, for example 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "place")]
    pub(crate) retention: Option<Duration>,
    /// Beyond which age nothing should be kept [default: twice the retention]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "place")]
    pub(crate) keep_at_most: Option<Duration>,
    /// Objective: how much may be lost; the worst case of the schedule is held against it
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) rpo: Option<Duration>,
    #[command(flatten)]
    pub(crate) schedule: ScheduleFlags,
}
