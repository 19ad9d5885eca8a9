//! Publishing a file whole or not at all: a temporary file beside the target, fsync, rename.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use fs_err as fs;
use rustix::{
    fs::{Mode, OFlags, fcntl_setfl, open},
    io::Errno,
};

/// How long a named pipe may have nobody who reads it.
const NOBODY_READS: Duration = Duration::from_secs(5);

/// Replaces the file at `path` by `content`: after a crash at any moment there is the old file or the new
/// one, never half of either. Missing folders are made. A symbolic link is followed, and its target replaced. What is no
/// file (`/dev/null`, a pipe) is written into and never replaced: who runs as root would be without it.
///
/// # Errors
/// When the folder cannot be made or written; the old file then still stands as it was. When nobody reads a named pipe.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        return open_special(&target, NOBODY_READS)?.write_all(content);
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => Path::new(".").to_owned(),
    };
    fs::create_dir_all(&folder)?;
    let mode = fs::metadata(&target).map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    let prefix = temporary_prefix(&target);
    let mut file = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(SUFFIX)
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(&folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    fs::File::open(&folder)?.sync_all()
}

/// Opens what is no file. A named pipe that nobody reads would hold up whoever opens it, for ever (fifo(7)).
fn open_special(path: &Path, patience: Duration) -> io::Result<File> {
    let deadline = Instant::now() + patience;
    loop {
        match open(path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
        {
            Ok(opened) => {
                fcntl_setfl(&opened, OFlags::empty())?;
                return Ok(File::from(opened));
            }
            Err(Errno::NXIO) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Err(Errno::NXIO) => {
                let why = format!("it is a pipe, and nobody read it for {} s", patience.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The ending of our temporary files.
const SUFFIX: &str = ".tmp";

/// How the temporary files beside a target begin. A name ends at 255 bytes.
fn temporary_prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    format!(".{}.", name.chars().take(50).collect::<String>())
}

/// Removes the temporary files that killed writers left beside the file at `path`. Call it only while nobody
/// else may write that file.
pub(super) fn remove_leftovers(path: &Path) {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let prefix = temporary_prefix(&target);
    let siblings = target.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    for sibling in siblings.into_iter().flatten().flatten() {
        let name = sibling.file_name().to_string_lossy().into_owned();
        let random = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(SUFFIX));
        if random.is_some_and(|random| {
            random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }) {
            // What cannot be removed lies there until it can: it holds nothing that anybody reads.
            let _ = fs::remove_file(sibling.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_written_into_and_stays_what_it_is() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let read = thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        write_atomically(&pipe, b"content").unwrap();
        assert_eq!(read.join().unwrap(), b"content");
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_that_nobody_reads_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = open_special(&pipe, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("it is a pipe, and nobody read it"), "{error}");
    }

    #[test]
    fn replaces_the_file_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/evidence.md");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn only_what_a_killed_writer_left_beside_this_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let names = [".e.md.Ab3dE9.tmp", ".e.md.notes.tmp", ".e.md.Ab-dE9.tmp", ".f.md.Ab3dE9.tmp", "e.md"];
        for name in names {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        remove_leftovers(&folder.path().join("e.md"));
        let left: Vec<_> = names.iter().filter(|name| folder.path().join(name).exists()).collect();
        assert_eq!(left, names[1..].iter().collect::<Vec<_>>());
    }
}
