//! Makes dumps with the stock tools, damages them as disks and transfers do, and rehearses what is left.

use std::path::{Path, PathBuf};

use crate::{
    programs::Programs,
    self_test::{
        farm::Database,
        fault::Scene,
        workshop::{Bench, SHARING_ALLOWED, Trouble},
    },
};

/// Dumps a database by `pg_dump` with these options.
pub(super) async fn dump(
    bench: &Bench<'_>,
    database: &Database,
    options: &[&str],
) -> Result<PathBuf, Trouble> {
    let backup = bench.folder.join("backup");
    write(bench, database, "pg_dump", &[options, &["--dbname", database.name()]].concat(), &backup).await?;
    Ok(backup)
}

/// Saves the roles by `pg_dumpall --globals-only`.
pub(super) async fn globals(bench: &Bench<'_>, database: &Database) -> Result<PathBuf, Trouble> {
    let globals = bench.folder.join("globals.sql");
    write(bench, database, "pg_dumpall", &["--globals-only"], &globals).await?;
    Ok(globals)
}

async fn write(
    bench: &Bench<'_>,
    database: &Database,
    program: &str,
    options: &[&str],
    to: &Path,
) -> Result<(), Trouble> {
    let programs: &Programs = bench.programs();
    let output = programs
        .child(bench.run, program)
        .arg("--host")
        .arg(database.socket_folder())
        .args(["--port=5432", "--username=postgres", "--no-password"])
        .args(options)
        .arg("--file")
        .arg(to)
        .output(bench.run.stop())
        .await?;
    if output.status.success() {
        return Ok(());
    }
    Err(Trouble::from(format!("{program} of a healthy database: {}", output.stderr.trim())))
}

/// A rehearsal of this backup.
pub(super) fn rehearse_backup(bench: &Bench<'_>, backup: &Path) -> Scene {
    bench.typed(["rehearse", "--jobs", "2", SHARING_ALLOWED, "--backup", &backup.display().to_string()])
}

/// The largest file with rows of a directory dump.
pub(super) fn data_file(folder: &Path) -> Result<PathBuf, Trouble> {
    let files = std::fs::read_dir(folder)?.flatten().filter(|entry| entry.file_name() != "toc.dat");
    let largest = files.max_by_key(|entry| entry.metadata().map_or(0, |meta| meta.len()));
    largest.map(|entry| entry.path()).ok_or_else(|| "the dump has no file with rows".to_owned().into())
}

/// Cuts a file to so many hundredths.
pub(super) fn keep(file: &Path, hundredths: u64) -> Result<(), Trouble> {
    let open = std::fs::OpenOptions::new().write(true).open(file)?;
    let bytes = open.metadata()?.len();
    Ok(open.set_len(bytes * hundredths / 100)?)
}

/// Flips a bit of this byte of a file.
pub(super) fn flip(file: &Path, at: usize) -> Result<(), Trouble> {
    let mut bytes = std::fs::read(file)?;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 0x01;
    }
    Ok(std::fs::write(file, bytes)?)
}

/// Where this stands first: the place behind it.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Result<usize, Trouble> {
    let at = bytes.windows(wanted.len()).position(|part| part == wanted);
    at.map(|at| at + wanted.len()).ok_or_else(|| "the dump does not hold what it should".to_owned().into())
}
