//! What will be done: validated and complete. `--dry-run` prints it. Past this point everything is valid.

mod backup;
mod physical;
mod repository;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::run::{Defaults, Settings, parse_duration, read_config, run_base};
use serde::Serialize;

use crate::{
    assertions::{self, Assertion, Values},
    cli::{Cli, Command, CompareFlags, FingerprintFlags, RehearseFlags, SourceFlags},
    config::Config,
    connection::{Ambient, Resolved},
    engines::own_command::PLACEHOLDER,
    error::Error,
    exposure::Schedule,
    policy,
};

pub(crate) use self::{
    backup::{Backup, ExistingDump, Expectation},
    physical::{Origin, Physical, Recovery, RecoveryTarget},
    repository::{Barman, Commands, PgBackRest},
};

const MEGABYTE: u64 = 1_000_000;

/// How long a recovery may stand still when nobody says.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How long a snapshot of the source may live when nobody says.
const SNAPSHOT_AGE: Duration = Duration::from_secs(30 * 60);

/// What a run without words of the user's own looks like.
const REHEARSAL: Defaults = Defaults {
    title: "Backup and restore rehearsal",
    evidence_name: Some("backup_restore_rehearsal_report.md"),
    tracker_items: &[3],
    timeout: Duration::from_secs(2 * 3600),
    valid_for: Duration::from_secs(30 * 86_400),
};

/// A fingerprint is no evidence unless asked.
const FINGERPRINT: Defaults =
    Defaults { title: "Fingerprint of a database", evidence_name: None, tracker_items: &[], ..REHEARSAL };

/// Likewise.
const COMPARISON: Defaults = Defaults { title: "Comparison of two databases", ..FINGERPRINT };

/// The plan of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    /// How to run.
    pub(crate) settings: Settings,
    /// What to do.
    pub(crate) work: Work,
    /// Which database.
    pub(crate) source: Source,
    /// Connections and workers at once.
    pub(crate) jobs: usize,
    /// Folder of the programs, where it was named.
    pub(crate) pg_bin: Option<PathBuf>,
    /// The folder under which everything big is put.
    pub(crate) scratch: PathBuf,
}

/// What to do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// The whole rehearsal.
    Rehearse(Rehearse),
    /// Only the fingerprint.
    Fingerprint(Describe),
    /// Two databases or fingerprints.
    Compare(Compare),
}

/// What `fingerprint` is told.
#[derive(Debug, Serialize)]
pub(crate) struct Describe {
    /// Where it is written.
    pub(crate) output: Option<PathBuf>,
    /// A command that makes a backup from the same snapshot.
    pub(crate) command: Vec<String>,
    /// Whether parts of the tables are described, too.
    pub(crate) row_buckets: bool,
}

/// What `compare` is told.
#[derive(Debug, Serialize)]
pub(crate) struct Compare {
    /// What is expected, and what is held against it.
    pub(crate) sides: [Side; 2],
    /// Whether the keys of differing rows are shown.
    pub(crate) show_values: bool,
    /// Whether roles and the properties of the database count.
    pub(crate) cluster: bool,
}

/// One side of a comparison.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// A fingerprint's file.
    File(PathBuf),
    /// A database, which is described anew.
    Database(Box<Resolved>),
}

/// What `rehearse` is told.
#[derive(Debug, Serialize)]
pub(crate) struct Rehearse {
    /// Objective of the recovery time.
    #[serde(serialize_with = "seconds")]
    pub(crate) rto: Option<Duration>,
    /// Objective of the data loss.
    #[serde(serialize_with = "seconds")]
    pub(crate) rpo: Option<Duration>,
    /// Age of the newest real backup.
    #[serde(serialize_with = "seconds")]
    pub(crate) backup_age: Option<Duration>,
    /// The runbook's SQL.
    pub(crate) after_restore: Vec<Step>,
    /// What the user asserts about the restored data.
    pub(crate) assertions: Vec<Assertion>,
    /// Whether values of rows may be said.
    pub(crate) show_values: bool,
    /// How backups come about.
    pub(crate) schedule: Option<Schedule>,
    /// For which size a recovery is forecast, in bytes.
    pub(crate) forecast: Option<u64>,
    /// What is restored.
    pub(crate) backup: Backup,
    /// Whether amcheck looks at the copy.
    pub(crate) amcheck: Amcheck,
    /// Where to, when not into a scratch cluster.
    pub(crate) target: Option<Box<Resolved>>,
    /// The snapshot of the source is let go after so long.
    #[serde(serialize_with = "always_seconds")]
    pub(crate) max_snapshot_age: Duration,
    /// The source's snapshot is let go as soon as the dump is made.
    pub(crate) let_go_early: bool,
    /// A recovery that stands still for so long is given up.
    #[serde(serialize_with = "always_seconds")]
    pub(crate) recovery_patience: Duration,
    /// The copy may be on the source's file system.
    pub(crate) shares_filesystem: bool,
}

impl Rehearse {
    /// Whether values of rows may be said.
    pub(crate) fn values(&self) -> Values {
        if self.show_values { Values::Shown } else { Values::Hidden }
    }
}

/// How far amcheck goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Amcheck {
    /// Not at all.
    Off,
    /// Heaps and the structure of indexes.
    Structure,
    /// Besides, every row must stand in every index.
    HeapAllIndexed,
}

/// One SQL file, read before anything is begun.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) path: PathBuf,
    #[serde(skip)]
    pub(crate) sql: String,
}

/// Where the data comes from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// A database of the user's.
    Database(Box<Resolved>),
    /// A throw-away one of about so many bytes.
    Embedded {
        /// About this size.
        bytes: u64,
    },
    /// None: the backup exists, or the work names its own.
    Absent,
}

fn seconds<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_str(&format!("{} s", duration.as_secs_f64())),
        None => serializer.serialize_none(),
    }
}

fn always_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    seconds(&Some(*duration), serializer)
}

impl Plan {
    /// Joins flags, configuration and the connection's ambient settings.
    ///
    /// # Errors
    /// When they contradict each other, or name something that is not there.
    pub(crate) fn resolve(cli: &Cli) -> Result<Self, Error> {
        let (file, file_folder) = match &cli.shared.config {
            Some(path) => (read_config::<Config>(path)?, path.parent().unwrap_or(Path::new("")).to_owned()),
            None => (Config::default(), PathBuf::new()),
        };
        let (flags, defaults) = match &cli.command {
            Command::Rehearse(flags) => (&flags.source, &REHEARSAL),
            Command::Fingerprint(flags) => (&flags.source, &FINGERPRINT),
            Command::Compare(flags) => return compare(cli, flags, &file),
            Command::Policy(_) | Command::Canary(_) | Command::SelfTest(_) | Command::Sweep(_) => {
                return Err(Error::NoSource);
            }
        };
        let from = source(flags, &file);
        let (work, source) = match &cli.command {
            Command::Rehearse(flags) => {
                let repository = repository::resolve(flags, &file, &file_folder)?;
                let from = match from {
                    Err(Error::NoSource)
                        if !flags.physical.backup.is_empty()
                            || !file.backup.is_empty()
                            || repository.is_some() =>
                    {
                        Source::Absent
                    }
                    other => other?,
                };
                (Work::Rehearse(rehearse(flags, &file, &file_folder, &from, repository)?), from)
            }
            Command::Fingerprint(flags) => (Work::Fingerprint(describe(flags)?), from?),
            _ => return Err(Error::NoSource),
        };
        let scratch = flags.scratch.clone().or_else(|| file.scratch.clone());
        let pg_bin = flags.pg_bin.clone().or_else(|| file.pg_bin.clone());
        Ok(Self {
            settings: Settings::resolve(&cli.shared, &file.run, defaults)?,
            work,
            source,
            jobs: jobs(flags.jobs.or(file.jobs))?,
            pg_bin: pg_bin.map(|path| folder("--pg-bin", path)).transpose()?,
            scratch: scratch.map_or_else(|| Ok(run_base()), |path| folder("--scratch", path))?,
        })
    }
}

fn rehearse(
    flags: &RehearseFlags,
    file: &Config,
    file_folder: &Path,
    source: &Source,
    repository: Option<Origin>,
) -> Result<Rehearse, Error> {
    let backup = backup::resolve(flags, file, file_folder, source, repository)?;
    let is_physical = matches!(backup, Backup::Physical(_));
    let target = flags.existing.target.as_ref().or(file.target.as_ref());
    let target = target.map(|text| crate::connection::resolve(text, &Ambient::of_this_process())).transpose();
    let target = target.map_err(Error::Target)?;
    if is_physical && target.is_some() {
        return Err(Error::TargetOfACluster);
    }
    let (amcheck, heapallindexed) = (
        flags.integrity.amcheck || file.amcheck || is_physical,
        flags.integrity.heapallindexed || file.heapallindexed,
    );
    let duration = |flag: Option<Duration>, key, text: &Option<String>| match (flag, text) {
        (Some(flag), _) => Ok(Some(flag)),
        (None, Some(text)) => {
            parse_duration(text).map(Some).map_err(|message| Error::Duration { key, message })
        }
        (None, None) => Ok(None),
    };
    let steps = if flags.after_restore.is_empty() {
        file.after_restore.iter().map(|path| file_folder.join(path)).collect()
    } else {
        flags.after_restore.clone()
    };
    let read = |path: PathBuf| match std::fs::read_to_string(&path) {
        Ok(sql) => Ok(Step { path, sql }),
        Err(source) => Err(Error::File { path, source }),
    };
    Ok(Rehearse {
        rto: duration(flags.rto, "rto", &file.rto)?,
        rpo: duration(flags.rpo, "rpo", &file.rpo)?,
        backup_age: duration(flags.backup_age, "backup_age", &file.backup_age)?,
        after_restore: steps.into_iter().map(read).collect::<Result<_, _>>()?,
        assertions: assertions::resolve(&file.assertions, file_folder)?,
        show_values: flags.show_values,
        schedule: match (policy::of_flags(&flags.schedule, flags.backup_interval), &file.schedule) {
            (None, Some(schedule)) => policy::of_config(schedule, None)?,
            (schedule, _) => schedule,
        },
        forecast: flags.forecast,
        amcheck: match (heapallindexed, amcheck) {
            (true, _) => Amcheck::HeapAllIndexed,
            (false, true) => Amcheck::Structure,
            (false, false) => Amcheck::Off,
        },
        backup,
        target: target.map(Box::new),
        max_snapshot_age: duration(flags.care.max_snapshot_age, "max_snapshot_age", &file.max_snapshot_age)?
            .unwrap_or(SNAPSHOT_AGE),
        let_go_early: flags.care.let_go_early || file.let_go_early,
        recovery_patience: duration(
            flags.physical.recovery_patience,
            "recovery_patience",
            &file.recovery_patience,
        )?
        .unwrap_or(RECOVERY_PATIENCE),
        shares_filesystem: flags.care.scratch_shares_filesystem || file.scratch_shares_filesystem,
    })
}

fn describe(flags: &FingerprintFlags) -> Result<Describe, Error> {
    // It is replaced, and removed before a command starts: that must never hit a device.
    if let Some(path) = flags.output.as_ref().filter(|path| path.exists() && !path.is_file()) {
        return Err(Error::NoFile { flag: "-o", path: path.clone() });
    }
    if flags.command.is_empty() {
        return Ok(Describe {
            output: flags.output.clone(),
            command: Vec::new(),
            row_buckets: flags.row_buckets,
        });
    }
    let named = flags.command.iter().skip(1).any(|argument| argument.contains(PLACEHOLDER));
    match &flags.output {
        None => Err(Error::CommandWithoutOutput),
        Some(_) if !named => Err(Error::CommandWithoutSnapshot),
        Some(output) => Ok(Describe {
            output: Some(output.clone()),
            command: flags.command.clone(),
            row_buckets: flags.row_buckets,
        }),
    }
}

fn compare(cli: &Cli, flags: &CompareFlags, file: &Config) -> Result<Plan, Error> {
    Ok(Plan {
        settings: Settings::resolve(&cli.shared, &file.run, &COMPARISON)?,
        work: Work::Compare(Compare {
            sides: [side(&flags.expected)?, side(&flags.found)?],
            show_values: flags.show_values,
            cluster: flags.cluster,
        }),
        source: Source::Absent,
        jobs: jobs(flags.jobs.or(file.jobs))?,
        pg_bin: None,
        scratch: run_base(),
    })
}

/// A file that is there, or that is named as only a file is; otherwise a connection string.
fn side(text: &str) -> Result<Side, Error> {
    let path = Path::new(text);
    let looks_like_one =
        (text.ends_with(".json") || text.contains('/')) && !text.contains("://") && !text.contains('=');
    if path.is_dir() || (looks_like_one && !path.exists()) {
        return Err(Error::NoSide(path.to_owned()));
    }
    if path.is_file() || looks_like_one {
        return Ok(Side::File(path.to_owned()));
    }
    Ok(Side::Database(Box::new(crate::connection::resolve(text, &Ambient::of_this_process())?)))
}

fn source(flags: &SourceFlags, file: &Config) -> Result<Source, Error> {
    // A flag of one kind wins over the file's key of the other kind.
    let (conninfo, embedded) = match (&flags.source, flags.embedded) {
        (None, false) => (file.source.as_deref(), file.embedded),
        (conninfo, embedded) => (conninfo.as_deref(), embedded),
    };
    let size = flags.embedded_size.as_deref().or(if embedded { file.embedded_size.as_deref() } else { None });
    match (conninfo, embedded) {
        (Some(_), true) => Err(Error::TwoSources),
        (Some(_), false) if size.is_some() => Err(Error::SizeWithoutEmbedded),
        (Some(conninfo), false) => {
            Ok(Source::Database(Box::new(crate::connection::resolve(conninfo, &Ambient::of_this_process())?)))
        }
        (None, true) => Ok(Source::Embedded { bytes: size.map_or(Ok(20 * MEGABYTE), parse_size)? }),
        (None, false) => Err(Error::NoSource),
    }
}

fn jobs(asked: Option<usize>) -> Result<usize, Error> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let jobs = asked.unwrap_or_else(processors);
    if (1..=64).contains(&jobs) { Ok(jobs) } else { Err(Error::Jobs(jobs)) }
}

/// The whole path of a folder that a flag names.
///
/// # Errors
/// When it is no folder.
pub(crate) fn folder(flag: &'static str, path: PathBuf) -> Result<PathBuf, Error> {
    match path.canonicalize() {
        Ok(full) if full.is_dir() => Ok(full),
        _ => Err(Error::NoFolder { flag, path }),
    }
}

/// Reads `100MB`, `1.5 GB`, `500kB`: decimal units, from 1 MB to 1 TB.
fn parse_size(text: &str) -> Result<u64, Error> {
    let wrong = || Error::Size(text.to_owned());
    let trimmed = text.trim();
    let unit_at = trimmed.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = trimmed.split_at(unit_at);
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        _ => return Err(wrong()),
    };
    let bytes = number * factor;
    if !(1e6..=1e12).contains(&bytes) {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1e6 and 1e12")]
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_type_them() {
        for (text, bytes) in [
            ("100MB", 100 * MEGABYTE),
            ("1.5 GB", 1500 * MEGABYTE),
            ("5000kb", 5 * MEGABYTE),
            ("1t", 1_000_000 * MEGABYTE),
        ] {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "100", "MB", "-5MB", "10kB", "2TB", "5 parsecs", "NaNMB", "infMB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_of_jobs_is_sane() {
        assert!(jobs(None).unwrap() >= 1);
        assert_eq!(jobs(Some(64)).unwrap(), 64);
        assert!(jobs(Some(0)).is_err() && jobs(Some(65)).is_err());
    }
}
