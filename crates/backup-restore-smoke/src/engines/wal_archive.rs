//! A folder of archived write-ahead log: its segments are copied into the scratch beforehand, unpacked, under
//! the names that PostgreSQL asks for. Recovery asks nothing of the archive itself.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use evidence_report::run::{Run, child::find_program};

use super::aside::aside;
use crate::{
    checks::{BACKUP_WAL, ENVIRONMENT},
    halt::Halt,
    wal::Segment,
};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Lz4,
    Zstd,
}

impl Compression {
    /// Tells it by the file's first bytes; `None` for a plain file, and for one that cannot be read.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let mut first = [0; 4];
        fs_err::File::open(path).ok()?.read_exact(&mut first).ok()?;
        match first {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x04, 0x22, 0x4D, 0x18] => Some(Self::Lz4),
            [0x28, 0xB5, 0x2F, 0xFD] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The program that undoes it.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// A file of an archive that recovery may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Archived {
    path: PathBuf,
    /// A segment that was still being written when it was archived.
    partial: bool,
}

/// Copies every history and every segment from this number on; says how many bytes that were.
///
/// # Errors
/// A finding that names what cannot be unpacked, or that the run was asked to stop.
pub(crate) async fn copy(
    run: &Run,
    archive: &Path,
    first: u64,
    segment_bytes: u64,
    to: &Path,
) -> Result<u64, Halt> {
    let mut bytes = 0;
    let folder = archive.to_owned();
    let found = aside(run, move || look(&folder)).await?.map_err(|error| unreadable(archive, &error))?;
    let bar = run.progress().bytes(Some(found.len() as u64 * segment_bytes), "archived log");
    for (name, archived) in found {
        bar.advance(segment_bytes);
        let wanted = match Segment::from_name(&name, segment_bytes) {
            Some(segment) => segment.number >= first,
            None => name.ends_with(".history"),
        };
        if !wanted {
            continue;
        }
        if run.stop().is_requested() {
            return Err(Halt::Stopped);
        }
        bytes += copy_one(run, &archived.path, &to.join(&name)).await?;
    }
    Ok(bytes)
}

/// Whether the archive holds the whole segment. A plain one that is still being copied there is not whole.
pub(crate) fn holds(archive: &Path, segment: &str) -> bool {
    let found = look(archive).unwrap_or_default();
    found.get(segment).is_some_and(|archived| {
        let bytes = fs_err::metadata(&archived.path).map_or(0, |meta| meta.len());
        !archived.partial && (Compression::of_file(&archived.path).is_some() || is_segment_size(bytes))
    })
}

/// Segments have a power of two from 1 MiB to 1 GiB.
fn is_segment_size(bytes: u64) -> bool {
    bytes.is_power_of_two() && (1 << 20..=1 << 30).contains(&bytes)
}

/// What an archive holds, by the name that PostgreSQL asks for; also one folder deep, as Barman keeps it. A
/// whole segment comes before a partial one.
fn look(archive: &Path) -> std::io::Result<BTreeMap<String, Archived>> {
    let mut found: BTreeMap<String, Archived> = BTreeMap::new();
    let mut folders = vec![archive.to_owned()];
    let mut at_top = true;
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            if path.is_dir() {
                if at_top {
                    folders.push(path);
                }
                continue;
            }
            let Some((name, partial)) = asked_for(&entry.file_name().to_string_lossy()) else { continue };
            // A pipe or a device of that name would never end.
            if !path.is_file() {
                continue;
            }
            let better = found.get(&name).is_none_or(|known| known.partial && !partial);
            if better {
                found.insert(name, Archived { path, partial });
            }
        }
        at_top = false;
    }
    Ok(found)
}

/// The name that PostgreSQL asks for, of `000000010000000000000003.partial.gz` and the like.
fn asked_for(name: &str) -> Option<(String, bool)> {
    let plain = [".gz", ".lz4", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let (bare, partial) = plain.strip_suffix(".partial").map_or((plain, false), |bare| (bare, true));
    let hexadecimal = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    let is_segment = bare.len() == 24 && hexadecimal(bare);
    let is_history = bare.len() == 16 && bare.ends_with(".history") && hexadecimal(&bare[..8]);
    (is_segment || is_history).then(|| (bare.to_owned(), partial))
}

async fn copy_one(run: &Run, from: &Path, to: &Path) -> Result<u64, Halt> {
    let (source, target) = (from.to_owned(), to.to_owned());
    let copied = move || match Compression::of_file(&source) {
        None => fs_err::copy(&source, &target).map(Ok),
        Some(compression) => Ok(Err(compression)),
    };
    let program = match aside(run, copied).await?.map_err(|error| unreadable(from, &error))? {
        Ok(bytes) => return Ok(bytes),
        Err(compression) => compression.program(),
    };
    if find_program(program).is_none() {
        return Err(ENVIRONMENT
            .inconclusive("programs that unpack")
            .expected(format!("'{program}', which the archived segments are compressed with"))
            .observed("it is not installed")
            .remedy(format!("install {program}"))
            .into());
    }
    let output = run
        .child("sh")
        .args(["-c", "exec \"$1\" -d -c < \"$2\" > \"$3\"", "sh", program])
        .args([from, to])
        .output(run.stop())
        .await
        .map_err(|error| ENVIRONMENT.inconclusive("programs that unpack").observed(error.to_string()))?;
    match (output.stopped, output.status.success()) {
        (true, _) => Err(Halt::Stopped),
        (false, true) => Ok(std::fs::metadata(to).map_or(0, |meta| meta.len())),
        (false, false) => {
            let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let said = output.stderr.lines().next().unwrap_or("no message").to_owned();
            Err(BACKUP_WAL.failed(name).expected("a segment that unpacks").observed(said).into())
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> evidence_report::record::Finding {
    ENVIRONMENT
        .inconclusive("archive of the write-ahead log")
        .expected("segments that we may read, and a scratch folder with space")
        .observed(format!("{}: {error}", path.display()))
        .remedy("run as a user who may read the archive, or make room in --scratch")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_other_files() {
        let segment = "000000010000000000000003";
        for (name, asked) in [
            (segment.to_owned(), Some((segment.to_owned(), false))),
            (format!("{segment}.partial"), Some((segment.to_owned(), true))),
            (format!("{segment}.gz"), Some((segment.to_owned(), false))),
            (format!("{segment}.partial.zst"), Some((segment.to_owned(), true))),
            ("00000002.history".to_owned(), Some(("00000002.history".to_owned(), false))),
            (format!("{segment}.00000028.backup"), None),
            ("notes.txt".to_owned(), None),
            ("é.history".to_owned(), None),
        ] {
            assert_eq!(asked_for(&name), asked, "{name}");
        }
    }

    #[test]
    fn a_whole_segment_comes_before_a_partial_one() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("0000000100000000");
        std::fs::create_dir(&nested).unwrap();
        let whole = nested.join("000000010000000000000003");
        std::fs::write(&whole, "whole").unwrap();
        std::fs::write(folder.path().join("000000010000000000000003.partial"), "part").unwrap();
        let found = look(folder.path()).unwrap();
        assert_eq!(found["000000010000000000000003"], Archived { path: whole, partial: false });
    }
}
