//! What may be said about backups in the configuration file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::files::TimeFrom;

/// One source of backups, and what it must be like.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyConfig {
    /// What it is called in the evidence.
    pub(crate) name: String,
    /// Where the backups are.
    pub(crate) source: PolicySource,
    /// How old the newest may be, for example `26h`.
    pub(crate) newest_age: Option<String>,
    /// How far they may lie apart, for example `24h` (a tenth more is allowed).
    pub(crate) interval: Option<String>,
    /// Over which time back the interval is judged; otherwise seven intervals.
    pub(crate) interval_over: Option<String>,
    /// How large the newest must be, for example `500MB`.
    pub(crate) minimum_size: Option<String>,
    /// By how much the newest may be smaller than the median of those before, for example `50%`.
    pub(crate) maximum_drop: Option<String>,
    /// How many there must be that need no other.
    pub(crate) redundancy: Option<u32>,
    /// How far back the oldest recoverable point must reach, for example `30d`.
    pub(crate) retention: Option<String>,
    /// Beyond which age nothing should be kept; otherwise twice the retention.
    pub(crate) keep_at_most: Option<String>,
    /// How the worst-case exposure comes about, where `interval` alone does not say it.
    pub(crate) schedule: Option<ScheduleConfig>,
}

/// Where backups are: exactly one of `files`, `pgbackrest` and `barman`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PolicySource {
    /// A folder whose entries are the backups, or a pattern, relative to this file.
    pub(crate) files: Option<String>,
    /// Where the time of a file comes from; otherwise from its name where one stands in it.
    pub(crate) time: Option<TimeFrom>,
    /// What the clock of the names is ahead of UTC, for example `+02:00`.
    pub(crate) name_offset: Option<String>,
    /// A stanza of pgBackRest.
    pub(crate) pgbackrest: Option<String>,
    /// A server of Barman.
    pub(crate) barman: Option<String>,
    /// The tool's configuration, where it is not in its usual place.
    pub(crate) config: Option<PathBuf>,
}

/// From what the worst-case exposure is computed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScheduleConfig {
    /// How often a backup is made, for example `24h`.
    pub(crate) interval: Option<String>,
    /// How long a backup takes until it is safe elsewhere, after it was made.
    pub(crate) upload: Option<String>,
    /// The server's `archive_timeout`, where the write-ahead log is archived.
    pub(crate) archive_timeout: Option<String>,
    /// How long a segment takes until it is safe in the archive.
    pub(crate) archive_lag: Option<String>,
}
