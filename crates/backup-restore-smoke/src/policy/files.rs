//! Backups that are files: every match of a pattern, or every entry of a folder, is one (a base backup's
//! folder too). Only names, sizes and times are read.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use evidence_report::run::Run;
use jiff::{SignedDuration, Timestamp, tz::Offset};

use super::{
    inventory::{Archive, Backup, Fault, Inventory, Weight},
    name_time::{NameTime, name_time},
};
use crate::{checks::POLICY_FOUND, halt::Halt};

/// Endings of what is still being written.
const UNFINISHED: [&str; 5] = [".partial", ".part", ".tmp", ".incomplete", ".inprogress"];

/// Endings of what lies beside a backup, where the backup's own name stands before them.
const COMPANIONS: [&str; 9] =
    [".sha1", ".sha256", ".sha512", ".b2", ".md5", ".sig", ".asc", ".minisig", ".log"];

/// What was changed more recently may still be being written.
const SETTLED: Duration = Duration::from_secs(60);

/// After so long it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What lies at the top of a folder that is one backup by itself.
const SIGNS_OF_ONE: [&str; 6] =
    ["toc.dat", "backup_manifest", "backup_label", "PG_VERSION", "base.tar", "base.tar.gz"];

/// What a file that says its day only may have been changed before that: names of another zone, whose clock is ahead.
const ZONES: SignedDuration = SignedDuration::from_hours(15);

/// A backup that was begun on a day may end so long after it.
const PAST_MIDNIGHT: SignedDuration = SignedDuration::from_hours(2);

/// Where the time of a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimeFrom {
    /// From the name where a time stands in it, otherwise the time of the last change.
    Auto,
    /// From the name; one without a time is a fault.
    Name,
    /// The time of the last change.
    Mtime,
}

/// Which files.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Files {
    /// A folder, or a pattern.
    pub(crate) pattern: String,
    /// Where the time comes from.
    pub(crate) time: TimeFrom,
    /// What the clock of the names is ahead of UTC, in seconds.
    pub(crate) name_offset_seconds: i32,
}

/// What one look at the files saw.
struct Look {
    inventory: Inventory,
    /// Size and last change of each, by its path.
    states: BTreeMap<PathBuf, (u64, Timestamp)>,
}

/// Looks at the files; a second time where one was changed a moment ago: what grows is still being written, and does
/// not count.
///
/// # Errors
/// An inconclusive finding where we may not look, or where the pattern makes no sense.
pub(crate) async fn look(run: &Run, name: &str, files: &Files) -> Result<Inventory, Halt> {
    let first = once(name, files, &BTreeSet::new())?;
    let settled = Timestamp::now().checked_sub(SETTLED).unwrap_or(Timestamp::MIN);
    if first.states.values().all(|(_, changed)| *changed < settled) {
        return Ok(first.inventory);
    }
    run.stop().guard(tokio::time::sleep(LOOK_AGAIN)).await.map_err(|_| Halt::Stopped)?;
    let second = once(name, files, &BTreeSet::new())?;
    let grows = |(path, state): (&PathBuf, &(u64, Timestamp))| {
        (first.states.get(path) != Some(state)).then(|| path.clone())
    };
    let growing: BTreeSet<_> = second.states.iter().filter_map(grows).collect();
    if growing.is_empty() {
        return Ok(second.inventory);
    }
    let mut settled = once(name, files, &growing)?.inventory;
    let names = growing.iter().map(|path| label(path)).collect::<Vec<_>>().join(", ");
    settled.place = format!("{} (being written at this moment, and not counted: {names})", settled.place);
    Ok(settled)
}

fn once(name: &str, files: &Files, growing: &BTreeSet<PathBuf>) -> Result<Look, Halt> {
    let offset = Offset::from_seconds(files.name_offset_seconds).unwrap_or(Offset::UTC);
    let (mut backups, mut faults, mut sources) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut states = BTreeMap::new();
    for path in matches(name, &files.pattern)? {
        let (bytes, changed) = match state(&path) {
            // Expired between the listing and this look.
            Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => continue,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(unreadable(name, &files.pattern, &format!("{}: {error}", path.display())));
            }
            Err(error) => {
                let said = match error.kind() {
                    ErrorKind::NotFound => "a link to what is not there".to_owned(),
                    _ => error.to_string(),
                };
                faults.push(Fault { subject: label(&path), said, weight: Weight::Doubtful });
                continue;
            }
            Ok(state) => state,
        };
        if growing.contains(&path) {
            continue;
        }
        let label = label(&path);
        match when(&label, changed, files.time, offset) {
            Some((at, source)) => {
                sources.insert(source);
                backups.push(Backup { label, at, took: None, bytes, full: true });
                states.insert(path, (bytes, changed));
            }
            None => {
                let said = "no time stands in its name".to_owned();
                faults.push(Fault { subject: label, said, weight: Weight::Doubtful });
            }
        }
    }
    backups.sort_by(|one, other| (one.at, &one.label).cmp(&(other.at, &other.label)));
    let empty = backups.iter().filter(|backup| backup.bytes == 0);
    faults.extend(empty.map(|backup| Fault {
        subject: backup.label.clone(),
        said: "it is empty".to_owned(),
        weight: Weight::Bad,
    }));
    let inventory = Inventory {
        backups,
        place: files.pattern.clone(),
        times: sources.into_iter().collect::<Vec<_>>().join(", otherwise "),
        sizes: "of the files, as they lie there",
        faults,
        archive: Archive::NotTold("files do not tell whether the write-ahead log is archived"),
    };
    Ok(Look { inventory, states })
}

fn label(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// We may not look, which says nothing about the backups.
fn unreadable(name: &str, pattern: &str, what: &str) -> Halt {
    let finding = POLICY_FOUND.inconclusive(name).expected(format!("{pattern} can be looked at"));
    Halt::from(finding.observed(what).remedy("run as a user who may read the folder"))
}

/// The backups that the pattern names. A file that is reached twice (by a link `latest`) counts once.
fn matches(name: &str, pattern: &str) -> Result<Vec<PathBuf>, Halt> {
    let unreadable = |what: String| unreadable(name, pattern, &what);
    let folder = Path::new(pattern);
    let found: Vec<PathBuf> = if folder.is_dir() && !is_one_backup(folder) {
        let entries =
            std::fs::read_dir(folder).map_err(|error| unreadable(format!("reading {pattern}: {error}")))?;
        let entries = entries.map(|entry| entry.map(|entry| entry.path()));
        entries
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(format!("reading {pattern}: {error}")))?
    } else {
        let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
        let wrong = |error: glob::PatternError| {
            let finding = POLICY_FOUND.inconclusive(name).expected("a pattern").observed(error.to_string());
            Halt::from(
                finding.remedy("correct the pattern: * and ? stand for any characters, [ begins a set"),
            )
        };
        let paths = glob::glob_with(pattern, options).map_err(wrong)?;
        paths.collect::<Result<_, _>>().map_err(|error| unreadable(error.to_string()))?
    };
    let mut seen = BTreeSet::new();
    let all: BTreeSet<PathBuf> = found.iter().cloned().collect();
    let mut kept: Vec<_> =
        found.into_iter().filter(|path| counts(path) && !accompanies(path, &all)).collect();
    kept.sort_by_key(|path| path.is_symlink());
    kept.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    Ok(kept)
}

fn is_one_backup(folder: &Path) -> bool {
    SIGNS_OF_ONE.iter().any(|sign| folder.join(sign).exists())
}

fn counts(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // The folder that every file system of Linux begins with.
    let of_the_disk = name == "lost+found";
    !name.starts_with('.') && !of_the_disk && !UNFINISHED.iter().any(|ending| name.ends_with(ending))
}

/// A checksum, a signature, a log of a backup that is there itself.
fn accompanies(path: &Path, all: &BTreeSet<PathBuf>) -> bool {
    let Some(text) = path.to_str() else { return false };
    COMPANIONS.iter().filter_map(|ending| text.strip_suffix(ending)).any(|of| all.contains(Path::new(of)))
}

/// Size and last change.
fn state(path: &Path) -> std::io::Result<(u64, Timestamp)> {
    let meta = std::fs::metadata(path)?;
    let (bytes, changed) = if meta.is_dir() {
        let mut sum = (0, None);
        walk(path, &mut sum)?;
        sum
    } else {
        (meta.len(), meta.modified().ok())
    };
    let changed = Timestamp::try_from(changed.unwrap_or(SystemTime::UNIX_EPOCH)).map_err(Error::other)?;
    Ok((bytes, changed))
}

/// The time, and where it comes from. A name that gives the day only is made more exact by the last change,
/// where that lies on the same day or soon after it: a file that was copied or touched later must not look fresh.
fn when(name: &str, changed: Timestamp, time: TimeFrom, offset: Offset) -> Option<(Timestamp, &'static str)> {
    let by_change = (changed, "the time of the last change");
    let by_name = match time {
        TimeFrom::Mtime => return Some(by_change),
        TimeFrom::Auto | TimeFrom::Name => name_time(name, offset),
    };
    match (by_name, time) {
        (Some(NameTime::Instant(at)), _) => Some((at, "the time in the name")),
        (Some(NameTime::Day(day)), _) => {
            let since = changed.duration_since(day);
            let same_day = (-ZONES..=SignedDuration::from_hours(24) + PAST_MIDNIGHT).contains(&since);
            let made = if same_day { changed } else { day };
            let source =
                "the day in the name, and the last change where it lies on that day or two hours behind it";
            Some((made, source))
        }
        (None, TimeFrom::Name) => None,
        (None, _) => Some(by_change),
    }
}

/// Adds up the sizes and finds the newest change, without following links.
fn walk(folder: &Path, sum: &mut (u64, Option<SystemTime>)) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_dir() {
            walk(&entry.path(), sum)?;
        } else {
            sum.0 += meta.len();
            sum.1 = sum.1.max(meta.modified().ok());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_copied_file_does_not_look_fresh() {
        let copied = at("2026-05-01T09:00:00Z");
        let seen = |name| when(name, copied, TimeFrom::Auto, Offset::UTC).unwrap().0;
        assert_eq!(seen("shop-20260301-0230.dump"), at("2026-03-01T02:30:00Z"));
        assert_eq!(seen("shop-20260301.dump"), at("2026-03-01T00:00:00Z"));
        assert_eq!(seen("shop-20260501.dump"), copied);
        assert_eq!(seen("shop-20260430.dump"), at("2026-04-30T00:00:00Z"));
        let ended = |changed| when("shop-20260430.dump", at(changed), TimeFrom::Auto, Offset::UTC).unwrap().0;
        assert_eq!(ended("2026-05-01T02:00:00Z"), at("2026-05-01T02:00:00Z"));
        assert_eq!(ended("2026-05-01T02:00:01Z"), at("2026-04-30T00:00:00Z"));
        assert_eq!(ended("2026-04-29T22:30:00Z"), at("2026-04-29T22:30:00Z"));
        assert_eq!(seen("shop.dump"), copied);
    }

    #[test]
    fn a_name_without_a_time_is_a_fault_where_the_name_must_say_it() {
        let now = at("2026-05-01T09:00:00Z");
        assert_eq!(when("shop.dump", now, TimeFrom::Name, Offset::UTC), None);
        assert_eq!(when("shop-20260301-0230", now, TimeFrom::Mtime, Offset::UTC).unwrap().0, now);
    }

    #[test]
    fn folders_count_as_one_links_once_and_what_is_being_written_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("base-20260301-0000")).unwrap();
        std::fs::write(path("base-20260301-0000/backup_manifest"), "1234").unwrap();
        std::fs::write(path("base-20260302-0000.tar"), "12").unwrap();
        std::fs::write(path("base-20260303-0000.tar.partial"), "1").unwrap();
        std::os::unix::fs::symlink(path("base-20260302-0000.tar"), path("latest")).unwrap();
        let files = |pattern: &Path| Files {
            pattern: pattern.display().to_string(),
            time: TimeFrom::Auto,
            name_offset_seconds: 0,
        };
        std::fs::write(path("base-20260302-0000.tar.sha256"), "sum").unwrap();
        std::fs::create_dir(path("lost+found")).unwrap();
        let look = |pattern: &Path| once("x", &files(pattern), &BTreeSet::new()).unwrap().inventory;
        let seen = look(folder.path());
        let told: Vec<_> = seen.backups.iter().map(|one| (one.label.as_str(), one.bytes)).collect();
        assert_eq!(told, [("base-20260301-0000", 4), ("base-20260302-0000.tar", 2)]);
        let one = look(&path("base-20260301-0000"));
        assert_eq!(one.backups.len(), 1);
        assert!(look(&path("nothing-*.dump")).backups.is_empty());
    }
}
