//! A base backup as tar archives, unpacked by `tar`, which strips leading slashes and refuses to write through
//! a link of the archive. How an archive is compressed is told by its first bytes.

use std::path::{Path, PathBuf};

use evidence_report::run::{Run, child::ChildCommand};

use super::super::physical::{Fetched, Landing};
use crate::{
    checks::{BACKUP_CHOSEN, ENVIRONMENT},
    engines::wal_archive::Compression,
    halt::Halt,
    scratch::{folder_bytes, make_private, own_wal_folder},
};

/// Unpacks `base.tar`, `pg_wal.tar` and the tablespaces' archives.
pub(super) async fn unpack(
    run: &Run,
    folder: &Path,
    base: &Path,
    landing: &Landing,
) -> Result<Fetched, Halt> {
    extract(run, base, &landing.data).await?;
    for (archive, stem) in archives(folder) {
        let to = match stem.as_str() {
            "base" => continue,
            "pg_wal" => {
                let unchanged = |error: std::io::Error| no_tar(&error.to_string());
                own_wal_folder(&landing.data).map_err(unchanged)?;
                landing.data.join("pg_wal")
            }
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => landing.tablespaces.join(number),
            _ => continue,
        };
        make_private(&to)?;
        extract(run, &archive, &to).await?;
    }
    let bytes = [&landing.data, &landing.tablespaces].map(|folder| folder_bytes(folder)).iter().sum();
    Ok(Fetched {
        bytes,
        note: "tar archives, unpacked".to_owned(),
        manifest: Some(folder.join("backup_manifest")),
    })
}

/// The archives of a folder, each with its name before `.tar`.
fn archives(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let stem = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let (stem, rest) = name.split_once(".tar")?;
        matches!(rest, "" | ".gz" | ".lz4" | ".zst").then(|| (path, stem.to_owned()))
    };
    let mut found: Vec<_> = entries.filter_map(|entry| stem(entry.path())).collect();
    found.sort();
    found
}

async fn extract(run: &Run, archive: &Path, to: &Path) -> Result<(), Halt> {
    let command = reading(run, archive)?
        .args(["--extract", "--no-same-owner", "--no-same-permissions", "--directory"])
        .arg(to);
    let output = command.output(run.stop()).await.map_err(|error| no_tar(&error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    if output.status.success() {
        return Ok(());
    }
    // "Removing leading …" is no complaint; gzip begins with an empty line.
    let complaint = |line: &&str| {
        !(line.trim().is_empty()
            || line.contains("Removing leading")
            || line.contains("Exiting with failure"))
    };
    let said = output.stderr.lines().find(complaint).unwrap_or("no message").to_owned();
    if output.stderr.contains("No space left on device") {
        return Err(ENVIRONMENT.inconclusive("space for the copy").observed(said).into());
    }
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Err(BACKUP_CHOSEN.failed(name).expected("an archive that unpacks to its end").observed(said).into())
}

/// The text of one file of an archive, where it is there.
pub(super) async fn text_of(run: &Run, archive: &Path, name: &str) -> Result<Option<String>, Halt> {
    for spelling in [name.to_owned(), format!("./{name}")] {
        let command = reading(run, archive)?.args(["--extract", "--to-stdout", "--occurrence=1", "--"]);
        let output = command.arg(&spelling).output(run.stop()).await;
        let output = output.map_err(|error| no_tar(&error.to_string()))?;
        if output.stopped {
            return Err(Halt::Stopped);
        }
        if !output.stdout.is_empty() {
            return Ok(Some(output.stdout));
        }
    }
    Ok(None)
}

fn reading(run: &Run, archive: &Path) -> Result<ChildCommand, Halt> {
    let command = run.child("tar").env("LC_ALL", "C").arg("--force-local");
    let program = Compression::of_file(archive).map(Compression::program);
    let command = match program {
        Some(program) => {
            if evidence_report::run::child::find_program(program).is_none() {
                return Err(no_tar(&format!("'{program}' is not installed, and the archive needs it")).into());
            }
            command.arg(format!("--use-compress-program={program}"))
        }
        None => command,
    };
    Ok(command.arg("--file").arg(archive))
}

fn no_tar(observed: &str) -> evidence_report::record::Finding {
    ENVIRONMENT
        .inconclusive("programs that unpack")
        .expected("tar, and the program that the archives are compressed with")
        .observed(observed)
        .remedy("install tar, gzip, lz4 or zstd, whichever is named")
}
