//! The folder that everything big of a run goes into: journaled before it is made, removed at the end.

use std::{
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use evidence_report::{
    record::Finding,
    run::{Effect, Entry, Run, run_base},
};

use crate::{checks::ENVIRONMENT, error::Error, halt::Halt};

/// A path to a unix socket ends at so many bytes (`sun_path`, unix(7)).
const SOCKET_PATH_MAX: usize = 107;

/// The folders of a run outside its own small one.
#[derive(Debug)]
pub(crate) struct Place {
    home: PathBuf,
    /// Where sockets go: a short path, whatever `--scratch` says.
    sockets: PathBuf,
    entries: Vec<(PathBuf, Entry)>,
}

impl Place {
    /// Makes the folders under `parent`.
    ///
    /// # Errors
    /// An inconclusive finding when they cannot be made.
    pub(crate) fn make(run: &Run, parent: &Path) -> Result<Self, Halt> {
        let home = parent.join(format!("scratch-{}", run.id()));
        let sockets = match parent == run_base() {
            true => home.clone(),
            false => run_base().join(format!("sockets-{}", run.id())),
        };
        let mut place = Self { home, sockets, entries: Vec::new() };
        let mut wanted = vec![place.home.clone(), place.sockets.clone()];
        wanted.dedup();
        for folder in wanted {
            let failed = |error: std::io::Error| cannot_make(&folder, &error);
            let entry = run.journal().note(Effect::Folder { path: folder.clone() }).map_err(failed)?;
            place.entries.push((folder.clone(), entry));
            // Others may pass through (a server under another user id must reach its data), not look.
            std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
            // Whatever the umask is.
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711)).map_err(failed)?;
        }
        Ok(place)
    }

    /// Refuses when a dump and a copy of so many bytes would fill the file system.
    ///
    /// # Errors
    /// An inconclusive finding: a full disk here says nothing about the backup.
    pub(crate) fn refuse_without_space(&self, database_bytes: u64) -> Result<(), Halt> {
        // What cannot be asked cannot be refused; a full disk is then told by whoever meets it.
        let Ok(space) = rustix::fs::statvfs(&self.home) else { return Ok(()) };
        let (free, total) = (space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize);
        let needed = needed(database_bytes, total);
        if free >= needed {
            return Ok(());
        }
        Err(ENVIRONMENT
            .inconclusive("space for dump and copy")
            .expected(format!("{needed} bytes free in {}", self.home.display()))
            .observed(format!("{free} bytes free"))
            .remedy("name a folder with more space with --scratch")
            .into())
    }

    /// The folder that everything is in.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The folder for what is named so; the caller makes it.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// The folder for the socket of the cluster that is named so.
    ///
    /// # Errors
    /// When the socket's path would be cut.
    pub(crate) fn socket_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.sockets.join(format!("{name}.sock"));
        let bytes = folder.join(".s.PGSQL.5432").as_os_str().len();
        if bytes > SOCKET_PATH_MAX { Err(Error::SocketPath { path: folder, bytes }) } else { Ok(folder) }
    }

    /// Removes everything; says what could not be removed.
    pub(crate) fn remove(self, run: &Run) -> Vec<String> {
        let mut left = Vec::new();
        for (folder, entry) in self.entries {
            match fs_err::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => left.push(error.to_string()),
                _ => {
                    if let Err(error) = run.journal().strike(entry) {
                        left.push(format!("striking {} from the journal: {error}", folder.display()));
                    }
                }
            }
        }
        left
    }
}

/// What stays free for everybody else: a tenth of the file system, at most this.
const RESERVE: u64 = 10_000_000_000;

/// Space for a dump (at most as large as the database), a copy with its write-ahead log, and the reserve.
fn needed(database_bytes: u64, file_system_bytes: u64) -> u64 {
    database_bytes.saturating_mul(5) / 2 + reserve(file_system_bytes)
}

/// What stays free of a file system of so many bytes.
pub(super) const fn reserve(file_system_bytes: u64) -> u64 {
    let tenth = file_system_bytes / 10;
    if tenth < RESERVE { tenth } else { RESERVE }
}

pub(super) fn cannot_make(folder: &Path, error: &std::io::Error) -> Finding {
    ENVIRONMENT
        .inconclusive("scratch folder")
        .expected("a folder with space that we may write")
        .observed(format!("making {}: {error}", folder.display()))
        .remedy("name another folder with --scratch, or make room")
}

#[cfg(test)]
mod tests {
    use super::{RESERVE, needed};

    #[test]
    fn a_tenth_of_the_file_system_stays_free() {
        assert_eq!(needed(0, 1000), 100);
        assert_eq!(needed(400, 1000), 1100);
        assert_eq!(needed(0, u64::MAX), RESERVE);
        assert!(needed(u64::MAX, u64::MAX) > 1 << 62);
    }
}
