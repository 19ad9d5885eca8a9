//! Publishing a file whole or not at all: a temporary file beside the target, fsync, rename.

use std::{io::Write, os::unix::fs::PermissionsExt, path::Path};

use fs_err as fs;

/// Replaces the file at `path` by `content`: after a crash at any moment there is the old file or the new
/// one, never half of either. Missing folders are made. A symbolic link is followed, and its target replaced.
///
/// # Errors
/// When the folder cannot be made or written; the old file then still stands as it was.
pub fn write_atomically(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => Path::new(".").to_owned(),
    };
    fs::create_dir_all(&folder)?;
    let mode = fs::metadata(&target).map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    let mut file = tempfile::Builder::new()
        .prefix(".evidence-")
        .suffix(".tmp")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(&folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    fs::File::open(&folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/evidence.md");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
