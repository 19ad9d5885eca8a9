//! A base backup as plain files: copied file by file. A link is never followed to write: what a tablespace's
//! link or that of `pg_wal` leads to is read, and lands in a folder of the scratch.

use std::{
    fs::FileType,
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use evidence_report::run::{Run, Stop};

use super::super::{
    aside::aside,
    physical::{Fetched, Landing},
};
use crate::{
    checks::{BACKUP_CHOSEN, ENVIRONMENT},
    halt::Halt,
};

/// Copies the backup into the landing.
pub(super) async fn copy(run: &Run, folder: &Path, landing: &Landing) -> Result<Fetched, Halt> {
    let (from, to, stop) = (folder.to_owned(), landing.clone(), run.stop().clone());
    let bytes = match aside(run, move || copy_all(&from, &to, &stop)).await? {
        Ok(bytes) => bytes,
        Err(_) if run.stop().is_requested() => return Err(Halt::Stopped),
        Err(error) => return Err(not_copied(folder, &error)),
    };
    Ok(Fetched { bytes, note: "plain files, copied".to_owned(), manifest: None })
}

fn not_copied(folder: &Path, error: &io::Error) -> Halt {
    let observed = format!("copying {}: {error}", folder.display());
    match error.kind() {
        io::ErrorKind::NotFound => {
            BACKUP_CHOSEN.failed("base backup").expected("every file of the backup").observed(observed).into()
        }
        _ => ENVIRONMENT
            .inconclusive("base backup")
            .expected("a backup that we may read, and a scratch folder with space")
            .observed(observed)
            .remedy("run as a user who may read the backup's files, or make room in --scratch")
            .into(),
    }
}

fn copy_all(from: &Path, landing: &Landing, stop: &Stop) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let (path, to) = (entry.path(), landing.data.join(&name));
        match name.to_string_lossy().as_ref() {
            "pg_tblspc" => bytes += copy_tablespaces(&path, landing, stop)?,
            // Whether a folder or a link to one: its segments are wanted, not its place.
            "pg_wal" => bytes += copy_folder(&path, &to, stop)?,
            "postmaster.pid" | "postmaster.opts" => {}
            _ => bytes += copy_entry(&path, entry.file_type()?, &to, stop)?,
        }
    }
    Ok(bytes)
}

/// Each tablespace: a link to its content, or (in place, or as some tools lay it out) the content itself.
fn copy_tablespaces(from: &Path, landing: &Landing, stop: &Stop) -> io::Result<u64> {
    let mut bytes = 0;
    make_folder(&landing.data.join("pg_tblspc"))?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        bytes += copy_folder(&entry.path(), &landing.tablespaces.join(entry.file_name()), stop)?;
    }
    Ok(bytes)
}

fn copy_folder(from: &Path, to: &Path, stop: &Stop) -> io::Result<u64> {
    make_folder(to)?;
    let mut bytes = 0;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        bytes += copy_entry(&entry.path(), entry.file_type()?, &to.join(entry.file_name()), stop)?;
    }
    Ok(bytes)
}

fn copy_entry(from: &Path, kind: FileType, to: &Path, stop: &Stop) -> io::Result<u64> {
    if stop.is_requested() {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "the run was asked to stop"));
    }
    if kind.is_dir() {
        return copy_folder(from, to, stop);
    }
    if kind.is_symlink() {
        // As it is; where it leads is judged before anything is started.
        std::os::unix::fs::symlink(fs_err::read_link(from)?, to)?;
        return Ok(0);
    }
    if !kind.is_file() {
        // Sockets and pipes hold nothing.
        return Ok(0);
    }
    let bytes = fs_err::copy(from, to)?;
    fs_err::set_permissions(to, std::fs::Permissions::from_mode(0o600))?;
    Ok(bytes)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other,
    }
}
