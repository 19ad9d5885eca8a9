//! Errors: the tool could not do its job. What it finds out about a backup is never one of these.

use std::path::PathBuf;

use evidence_report::{
    run::{ConfigError, PublishError, RunError, SettingsError, Usage},
    self_test,
};

use crate::{connection::ConnectionError, fingerprint::FileError};

/// What was asked for cannot be done, or not be written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Shared flags that contradict each other.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The run could not start.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The evidence could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The self-test could not be made.
    #[error(transparent)]
    SelfTest(#[from] self_test::Error),
    /// Something was typed that cannot be done.
    #[error(transparent)]
    Usage(#[from] Usage),
    /// The source's connection settings.
    #[error("the connection settings of the source: {0}")]
    Connection(#[from] ConnectionError),
    /// Neither `--source` nor `--embedded`.
    #[error(
        "say which database to rehearse: --source CONNINFO (for example --source service=staging), or --embedded for a throw-away one"
    )]
    NoSource,
    /// Both.
    #[error("--source and --embedded exclude each other; give one of them (flag or configuration)")]
    TwoSources,
    /// `policy` without a source of backups.
    #[error(
        "say where the backups are: --files PATTERN, --pgbackrest STANZA or --barman SERVER, or a list under `policy` in --config FILE"
    )]
    NoPolicy,
    /// A policy in the configuration that cannot be followed.
    #[error("policy '{name}' in the configuration: {message}")]
    Policy {
        /// Which.
        name: String,
        /// Why.
        message: String,
    },
    /// An assertion in the configuration that cannot be followed.
    #[error("assertion '{name}' in the configuration: {message}")]
    Assertion {
        /// Which.
        name: String,
        /// Why.
        message: String,
    },
    /// An offset from UTC.
    #[error(
        "'{0}' is no offset from UTC; write +02:00, -05:30 or Z (a zone with summer time has two: put the time into the names in UTC, with a Z behind it)"
    )]
    NameOffset(String),
    /// `--embedded` where it makes no sense.
    #[error("--embedded-size goes with --embedded; leave it out for a source of your own")]
    SizeWithoutEmbedded,
    /// A command without a file for the fingerprint.
    #[error("a command after -- goes with -o FILE: the fingerprint of what it backs up is written there")]
    CommandWithoutOutput,
    /// A command that does not use the snapshot.
    #[error(
        "the command after -- does not contain {{snapshot}}: without it the backup is of another moment than the fingerprint; write for example -- pg_dump --snapshot={{snapshot}} --format=custom --file=shop.dump"
    )]
    CommandWithoutSnapshot,
    /// A fingerprint's file.
    #[error(transparent)]
    Fingerprint(#[from] FileError),
    /// What is compared is no file.
    #[error(
        "{path}: there is no such file. Name a fingerprint's file (`backup-restore-smoke fingerprint --source CONNINFO -o FILE` makes one) or a connection string; a database of that name is dbname={path}",
        path = .0.display()
    )]
    NoSide(PathBuf),
    /// The target's connection settings.
    #[error("the connection settings of --target: {0}")]
    Target(ConnectionError),
    /// A server that is kept for rehearsals could not be swept.
    #[error("sweeping the server of --target: {0}")]
    Sweep(String),
    /// What belongs to a backup that exists, without one.
    #[error("--globals and --fingerprint belong to a backup that exists: name it with --backup PATH")]
    WithoutBackup,
    /// What belongs to a dump, with files of a whole cluster.
    #[error(
        "--globals and --fingerprint belong to a dump; files of a whole cluster hold their roles, and are compared by a restore point (--restore-point NAME)"
    )]
    NotOfADump,
    /// What belongs to files of a whole cluster, with a dump.
    #[error("{path} is a dump: it has no write-ahead log to recover (--wal, --until, --target-time and their like), and no other databases (--database, --superuser); leave these out", path = .0.display())]
    NotOfACluster(PathBuf),
    /// A server of the user's for files of a whole cluster.
    #[error(
        "--target takes dumps only: files of a whole cluster need a server of their own, which the rehearsal makes"
    )]
    TargetOfACluster,
    /// `--embedded` beside a backup that exists.
    #[error(
        "--embedded makes a source to back up; with --backup there is nothing to make: leave one of them out"
    )]
    EmbeddedWithBackup,
    /// A number of jobs that makes no sense.
    #[error("--jobs {0}: give a number from 1 to 64")]
    Jobs(usize),
    /// A size.
    #[error("'{0}' is no size; write 20MB, 1GB or 500kB (1 MB to 1 TB)")]
    Size(String),
    /// A duration in the configuration.
    #[error("{key} in the configuration: {message}")]
    Duration {
        /// The key.
        key: &'static str,
        /// Why.
        message: String,
    },
    /// A file that the plan needs.
    #[error("reading {path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something is there, and is no file.
    #[error("{flag} {path}: this is no file; name one that may be replaced", path = path.display())]
    NoFile {
        /// The flag.
        flag: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// Something is not a folder.
    #[error("{flag} {path}: this is no folder; make it, or name another", path = path.display())]
    NoFolder {
        /// The flag.
        flag: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// Flags of physical backups without one.
    #[error(
        "these flags are for files of a whole cluster: name a base backup with --backup DIR, or make one with --method base-backup"
    )]
    PhysicalWithoutBackup,
    /// An existing path that is no backup that we know.
    #[error(
        "--backup {path}: this is no base backup (a folder with PG_VERSION and backup_label, or with base.tar)",
        path = .0.display()
    )]
    NoBackup(PathBuf),
    /// A physical backup of the embedded source.
    #[error(
        "an embedded source is rehearsed by a dump; name a source of your own with --source for a base backup"
    )]
    EmbeddedPhysical,
    /// A restore point nowhere.
    #[error("--restore-point is written to a source: name it with --source")]
    RestorePointWithoutSource,
    /// A canary nowhere.
    #[error("--expect-lsn canary asks the source for its newest beat: name it with --source")]
    CanaryWithoutSource,
    /// A restore point that cannot be reached.
    #[error("--restore-point lies after the backup's end: name the archive that will hold it with --wal DIR")]
    RestorePointWithoutWal,
    /// A restore point's name.
    #[error("'{0}' is no name of a restore point: 1 to 63 bytes")]
    RestorePointName(String),
    /// Several repositories.
    #[error(
        "name one repository: --pgbackrest STANZA, --barman SERVER, or the commands of the configuration, with the flags of that one"
    )]
    TwoRepositories,
    /// Flags of a repository without one.
    #[error(
        "--set, --backup-id, --repository-user and the tools' configurations go with a repository: name it with --pgbackrest STANZA or --barman SERVER, or under command in the configuration"
    )]
    NoRepository,
    /// A name that a tool could take for something else.
    #[error(
        "{flag} '{name}': letters, digits, '_', '-' and '.' make a name; it is no option, no path, and not 'all'"
    )]
    RepositoryName {
        /// The flag.
        flag: &'static str,
        /// What was given.
        name: String,
    },
    /// A command of the configuration.
    #[error("command.{key} in the configuration: {refused}")]
    Command {
        /// The key.
        key: &'static str,
        /// Why.
        refused: crate::engines::command::Refused,
    },
    /// Several targets.
    #[error(
        "give one target of recovery: --until, --target-time, --target-lsn, --target-name or --expect-lsn"
    )]
    TwoTargets,
    /// An instant.
    #[error(
        "--target-time '{0}' is no instant; write it with its zone: 2026-01-31T12:30:00Z or 2026-01-31 13:30:00+01"
    )]
    TargetTime(String),
    /// A place in the write-ahead log.
    #[error("{0}")]
    Lsn(String),
    /// A timeline.
    #[error("--target-timeline '{0}': give latest, current or a number")]
    Timeline(String),
    /// The end of the log without an expectation.
    #[error(
        "recovery to the end of the log proves nothing by itself: a server starts happily although segments are missing. \
         Say where it must end: --target-time, --target-lsn, --target-name, --until latest --expect-lsn LSN (or canary), or \
         --until immediate for the backup's own end"
    )]
    BlindLatest,
    /// A socket path would be cut by the operating system.
    #[error(
        "the folder {path} is too long for a unix socket ({bytes} of 107 bytes); name a shorter one with OPS_SMOKE_RUN_BASE",
        path = path.display()
    )]
    SocketPath {
        /// The folder.
        path: PathBuf,
        /// How long the socket's path would be.
        bytes: usize,
    },
}
