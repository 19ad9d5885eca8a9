//! What a rehearsal from files of a whole cluster is told: which backup, which write-ahead log, and where
//! recovery is to end. It reads the paths' kinds, nothing else.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{Barman, Commands, PgBackRest, Source, folder};
use crate::{
    cli::{Method, PhysicalFlags, Until},
    config::Config,
    engines::base_backup,
    error::Error,
    wal::Lsn,
};

/// PostgreSQL cuts names of restore points at so many bytes (`MAXFNAMELEN`).
const NAME_MAX: usize = 63;

/// What stands for a place that the source's canary gives.
const CANARY: &str = "canary";

/// Files of a whole cluster.
#[derive(Debug, Serialize)]
pub(crate) struct Physical {
    /// Where the backup comes from.
    pub(crate) origin: Origin,
    /// A folder of archived segments.
    pub(crate) wal: Option<PathBuf>,
    /// Where recovery is to end.
    pub(crate) recovery: Recovery,
    /// Whether the end of the log must hold the newest beat of the source's canary that is old enough; the target's own
    /// place then counts for nothing.
    pub(crate) expects_canary: bool,
    /// The name under which a restore point is written to the source; asked for by flag only.
    pub(crate) restore_point: Option<String>,
    /// The database that is looked at in the copy, where no source names one.
    pub(crate) database: Option<String>,
    /// A superuser of the copy.
    pub(crate) superuser: Option<String>,
}

/// Where a physical backup comes from: one engine each.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Made now by `pg_basebackup`.
    BaseBackupNow {
        /// As tar archives instead of plain files.
        tar: bool,
    },
    /// Folders that `pg_basebackup` made: a full one, and increments on it.
    BaseBackup {
        /// The full one first.
        folders: Vec<PathBuf>,
    },
    /// A stanza of pgBackRest.
    PgBackRest(PgBackRest),
    /// A server of Barman.
    Barman(Barman),
    /// Any other tool, by commands.
    Command(Commands),
}

/// Where recovery is to end, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Recovery {
    /// The target.
    pub(crate) target: RecoveryTarget,
    /// Whether what is exactly at the target is still recovered.
    pub(crate) inclusive: bool,
    /// `recovery_target_timeline`: `latest`, `current` or a number.
    pub(crate) timeline: String,
}

/// Where recovery is to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RecoveryTarget {
    /// As soon as the copy is consistent: the backup's own end.
    Consistent,
    /// An instant.
    Time(Timestamp),
    /// A place in the write-ahead log.
    Lsn(Lsn),
    /// A restore point.
    Name(String),
    /// The end of the log, which must not lie before this place.
    End {
        /// The place.
        expected: Lsn,
    },
}

impl std::fmt::Display for RecoveryTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Consistent => f.write_str("the end of the backup"),
            Self::Time(at) => write!(f, "the time {at}"),
            Self::Lsn(place) => write!(f, "the place {place}"),
            Self::Name(name) => write!(f, "the restore point \"{name}\""),
            Self::End { expected } => {
                write!(f, "the end of the write-ahead log, not before {expected}")
            }
        }
    }
}

/// Flags over the file's keys. A target that was typed replaces the file's, of whatever kind, and so does a
/// way to the backup. (A restore point is written to the source: no file can ask for that.)
pub(super) fn joined(flags: &PhysicalFlags, file: &Config, file_folder: &Path) -> PhysicalFlags {
    let mut all = flags.clone();
    let near = |path: &PathBuf| file_folder.join(path);
    if all.method.is_none() && all.backup.is_empty() {
        all.method = file.method;
        all.backup = file.backup.iter().map(near).collect();
        all.wal = all.wal.or_else(|| file.wal.as_ref().map(near));
    }
    let typed = all.until.is_some()
        || all.target_time.is_some()
        || all.target_lsn.is_some()
        || all.target_name.is_some()
        || all.expect_lsn.is_some()
        || all.restore_point.is_some();
    if !typed {
        all.until = file.until;
        all.target_time = file.target_time.clone();
        all.target_lsn = file.target_lsn.clone();
        all.target_name = file.target_name.clone();
        all.target_exclusive |= file.target_exclusive && !all.target_inclusive;
        all.expect_lsn = file.expect_lsn.clone();
    }
    all.target_timeline = all.target_timeline.or_else(|| file.target_timeline.clone());
    all.database = all.database.or_else(|| file.database.clone());
    all.superuser = all.superuser.or_else(|| file.superuser.clone());
    all
}

/// Joins the flags; `None` where nothing asks for files of a whole cluster.
///
/// # Errors
/// When they contradict each other, or name something that is not there.
pub(super) fn resolve(
    flags: &PhysicalFlags,
    source: &Source,
    repository: Option<Origin>,
) -> Result<Option<Physical>, Error> {
    let archived = repository.is_some();
    let origin = match (flags.method.unwrap_or_default(), flags.backup.as_slice()) {
        _ if archived => repository.ok_or(Error::PhysicalWithoutBackup)?,
        (_, []) if flags.is_empty() => return Ok(None),
        (Method::BaseBackup, []) => Origin::BaseBackupNow { tar: false },
        (Method::BaseBackupTar, []) => Origin::BaseBackupNow { tar: true },
        (Method::Dump, []) => return Err(Error::PhysicalWithoutBackup),
        (_, paths) => Origin::BaseBackup { folders: base_backups(paths)? },
    };
    let now = matches!(origin, Origin::BaseBackupNow { .. });
    let expects_canary = flags.expect_lsn.as_deref() == Some(CANARY);
    match source {
        Source::Absent if now => return Err(Error::NoSource),
        Source::Absent if flags.restore_point.is_some() => return Err(Error::RestorePointWithoutSource),
        Source::Absent if expects_canary => return Err(Error::CanaryWithoutSource),
        Source::Embedded { .. } => return Err(Error::EmbeddedPhysical),
        _ => {}
    }
    if flags.restore_point.is_some() && flags.wal.is_none() && !archived {
        return Err(Error::RestorePointWithoutWal);
    }
    let name_fits = |name: &String| (1..=NAME_MAX).contains(&name.len()) && !name.contains('\0');
    if let Some(name) = flags.restore_point.iter().chain(&flags.target_name).find(|name| !name_fits(name)) {
        return Err(Error::RestorePointName(name.clone()));
    }
    Ok(Some(Physical {
        origin,
        wal: flags.wal.clone().map(|path| folder("--wal", path)).transpose()?,
        recovery: Recovery {
            target: target(flags, archived)?,
            inclusive: !flags.target_exclusive,
            timeline: timeline(flags.target_timeline.as_deref())?,
        },
        expects_canary,
        restore_point: flags.restore_point.clone(),
        database: flags.database.clone(),
        superuser: flags.superuser.clone(),
    }))
}

fn base_backups(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let one = |path: &PathBuf| {
        let full = folder("--backup", path.clone())?;
        if base_backup::is_base_backup(&full) { Ok(full) } else { Err(Error::NoBackup(full)) }
    };
    paths.iter().map(one).collect()
}

fn target(flags: &PhysicalFlags, archived: bool) -> Result<RecoveryTarget, Error> {
    let mut asked: Vec<RecoveryTarget> = Vec::new();
    if let Some(text) = &flags.target_time {
        let unreadable = || Error::TargetTime(text.clone());
        asked.push(RecoveryTarget::Time(text.trim().parse().map_err(|_| unreadable())?));
    }
    let place = |text: &String| text.parse().map_err(Error::Lsn);
    if let Some(text) = &flags.target_lsn {
        asked.push(RecoveryTarget::Lsn(place(text)?));
    }
    asked.extend(flags.target_name.clone().map(RecoveryTarget::Name));
    let expected = match &flags.expect_lsn {
        // The place is known once the source has been asked.
        Some(word) if word == CANARY => Some(Lsn(0)),
        written => written.as_ref().map(place).transpose()?,
    };
    match (flags.until, expected) {
        (Some(Until::Immediate), None) => asked.push(RecoveryTarget::Consistent),
        (Some(Until::Latest), None) => return Err(Error::BlindLatest),
        (Some(Until::Latest) | None, Some(expected)) => asked.push(RecoveryTarget::End { expected }),
        (Some(Until::Immediate), Some(_)) => return Err(Error::TwoTargets),
        (None, None) => {}
    }
    match (asked.pop(), asked.is_empty()) {
        (Some(_), false) => Err(Error::TwoTargets),
        (Some(target), true) => Ok(target),
        // The restore point becomes the target once it has been written.
        (None, _) if (flags.wal.is_none() && !archived) || flags.restore_point.is_some() => {
            Ok(RecoveryTarget::Consistent)
        }
        (None, _) => Err(Error::BlindLatest),
    }
}

fn timeline(asked: Option<&str>) -> Result<String, Error> {
    match asked {
        None => Ok("latest".to_owned()),
        Some(word @ ("latest" | "current")) => Ok(word.to_owned()),
        Some(number) if number.parse::<u32>().is_ok_and(|number| number > 0) => Ok(number.to_owned()),
        Some(other) => Err(Error::Timeline(other.to_owned())),
    }
}

impl Origin {
    /// Whether a tool fetches backup and write-ahead log from a repository of its own.
    pub(crate) fn is_repository(&self) -> bool {
        matches!(self, Self::PgBackRest(_) | Self::Barman(_) | Self::Command(_))
    }

    /// What its tool itself holds against every file that it restores.
    pub(crate) fn verifies_files(&self) -> Option<&'static str> {
        matches!(self, Self::PgBackRest(_))
            .then_some("pgBackRest's own manifest, by whose checksums it restores")
    }
}

impl Physical {
    /// Whether the backup is made by this rehearsal.
    pub(crate) fn is_made_now(&self) -> bool {
        matches!(self.origin, Origin::BaseBackupNow { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(change: impl FnOnce(&mut PhysicalFlags)) -> PhysicalFlags {
        let mut flags = PhysicalFlags::default();
        change(&mut flags);
        flags
    }

    #[test]
    fn the_end_of_the_log_is_never_asked_for_blindly() {
        let wal = |flags: &mut PhysicalFlags| flags.wal = Some("/".into());
        assert!(matches!(target(&flags(wal), false), Err(Error::BlindLatest)));
        assert!(matches!(
            target(&flags(|flags| flags.until = Some(Until::Latest)), false),
            Err(Error::BlindLatest)
        ));
        assert_eq!(target(&flags(|_| {}), false).unwrap(), RecoveryTarget::Consistent);
        let expected = RecoveryTarget::End { expected: Lsn(0x10) };
        assert_eq!(target(&flags(|flags| flags.expect_lsn = Some("0/10".into())), false).unwrap(), expected);
    }

    #[test]
    fn what_was_typed_wins_over_the_file() {
        let file = Config {
            backup: vec!["base".into()],
            wal: Some("wal".into()),
            target_name: Some("filed".into()),
            ..Config::default()
        };
        let folder = Path::new("/ops");
        let all = joined(&PhysicalFlags::default(), &file, folder);
        assert_eq!((all.backup, all.wal), (vec!["/ops/base".into()], Some("/ops/wal".into())));
        assert_eq!(all.target_name.as_deref(), Some("filed"));
        let typed = flags(|flags| {
            flags.method = Some(Method::BaseBackup);
            flags.until = Some(Until::Immediate);
        });
        let all = joined(&typed, &file, folder);
        assert!(all.backup.is_empty() && all.wal.is_none() && all.target_name.is_none());
    }

    #[test]
    fn one_target_and_a_time_that_says_its_zone() {
        let time = |text: &str| target(&flags(|flags| flags.target_time = Some(text.into())), false);
        for text in ["2026-01-02T03:04:05Z", "2026-01-02 03:04:05+00", "2026-01-02 04:04:05.5+01:00"] {
            assert!(time(text).is_ok(), "{text}");
        }
        for text in ["yesterday", "2026-01-02 03:04:05", ""] {
            assert!(matches!(time(text), Err(Error::TargetTime(_))), "{text}");
        }
        let two = flags(|flags| {
            flags.target_name = Some("a".into());
            flags.target_lsn = Some("0/1".into());
        });
        assert!(matches!(target(&two, false), Err(Error::TwoTargets)));
        assert!(timeline(Some("0")).is_err() && timeline(Some("soon")).is_err());
    }
}
