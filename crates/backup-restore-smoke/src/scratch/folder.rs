//! Folders of the scratch: private, measured, and looked through without ever following a link.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::place::cannot_make;
use crate::halt::Halt;

/// Makes a folder that only we may enter; one that is there already is left as it is.
///
/// # Errors
/// An inconclusive finding when it cannot be made.
pub(crate) fn make_private(folder: &Path) -> Result<(), Halt> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !folder.is_dir() => {
            Err(cannot_make(folder, &error).into())
        }
        _ => Ok(()),
    }
}

/// How many bytes the files below a folder have; what cannot be read counts nothing.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    let _ = walk(folder, &mut |_, meta| {
        bytes += if meta.is_file() { meta.len() } else { 0 };
        Ok(())
    });
    bytes
}

/// Shows every entry below a folder; a link is shown, never followed.
///
/// # Errors
/// When a folder cannot be read, or `see` says so.
pub(crate) fn walk(
    folder: &Path,
    see: &mut dyn FnMut(PathBuf, &Metadata) -> io::Result<()>,
) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let meta = fs_err::symlink_metadata(&path)?;
        see(path.clone(), &meta)?;
        if meta.is_dir() {
            walk(&path, see)?;
        }
    }
    Ok(())
}
