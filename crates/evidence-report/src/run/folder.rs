//! Where a run keeps what it makes: one folder a run under a fixed base, short enough for socket paths.

use std::{
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use fs_err as fs;

use super::{
    journal::Journal,
    lock::Lock,
    session::RunError,
    sweep::{self, Leftovers, Swept},
};

/// Names the base folder in tests and in pods; otherwise it is `/tmp/ops-smoke-UID`.
pub(super) const BASE_VARIABLE: &str = "OPS_SMOKE_RUN_BASE";

/// The folder under which every run of this user has its own: fixed, so that a later run finds what an
/// earlier one left, and short, because a socket path ends at 107 bytes.
#[must_use]
pub fn run_base() -> PathBuf {
    std::env::var_os(BASE_VARIABLE).map_or_else(
        || PathBuf::from(format!("/tmp/ops-smoke-{}", rustix::process::getuid().as_raw())),
        PathBuf::from,
    )
}

/// A run's own folder (0700), with its held lock and its journal.
///
/// ```
/// use evidence_report::run::{Run, RunFolder, run_base};
///
/// fn beside(run: &Run) -> bool {
///     run.folder().starts_with(run_base())
/// }
/// fn id(folder: &RunFolder) -> &str {
///     folder.id()
/// }
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    id: String,
    journal: Journal,
    has_children: AtomicBool,
    _lock: Lock,
}

impl RunFolder {
    /// Makes a folder for a run of `tool`, takes its lock and opens its journal.
    ///
    /// # Errors
    /// When the base is not ours alone, or cannot be written.
    pub(super) fn create(base: &Path, tool: &str) -> Result<Self, RunError> {
        prepare_base(base)?;
        // The sweep of another run that starts right now may take a folder that is not yet locked for a
        // dead one; so the folder gets its final name only when its lock is held.
        let staging = tempfile::Builder::new().prefix(".new-").rand_bytes(8).tempdir_in(base);
        let staging = staging.map_err(|source| RunError::folder(base, source))?;
        let lock_path = staging.path().join("lock");
        let holder = format!("{tool} (pid {})", std::process::id());
        let lock = Lock::take(&lock_path, &holder)
            .map_err(|source| RunError::folder(&lock_path, source))?
            .map_err(|_| RunError::folder(&lock_path, std::io::Error::other("a new lock is already held")))?;
        let random = staging.path().file_name().map(|name| name.to_string_lossy().into_owned());
        let id = random.unwrap_or_default().trim_start_matches(".new-").to_owned();
        let path = base.join(&id);
        let staging = staging.keep();
        fs::rename(&staging, &path).map_err(|source| RunError::folder(&path, source))?;
        let journal =
            Journal::open(&path.join("journal")).map_err(|source| RunError::folder(&path, source))?;
        Ok(Self { path, id, journal, has_children: AtomicBool::new(false), _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id: the folder's name, and what marks its children.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id, for a child that is about to start: from now on processes may carry it.
    pub(super) fn mark(&self) -> &str {
        self.has_children.store(true, Ordering::Relaxed);
        &self.id
    }

    /// The journal of outside effects.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

impl Drop for RunFolder {
    /// However the run ends, what it left open is undone, and its folder goes. Processes are looked for where there
    /// can be any.
    fn drop(&mut self) {
        let leftovers =
            if *self.has_children.get_mut() { Leftovers::Processes } else { Leftovers::NoProcesses };
        sweep::undo(&self.id, &self.path, self.journal.open_effects(), leftovers, &mut Swept::default());
    }
}

/// Makes the base, or refuses one that somebody else could have put there. Others may pass through it (a
/// server under another user id must reach its data) but neither list nor write it.
fn prepare_base(base: &Path) -> Result<(), RunError> {
    let made = std::fs::DirBuilder::new().mode(0o711).recursive(true).create(base);
    made.map_err(|source| RunError::folder(base, source))?;
    let meta = fs::symlink_metadata(base).map_err(|source| RunError::folder(base, source))?;
    let ours = meta.is_dir() && meta.uid() == rustix::process::getuid().as_raw();
    let mode = meta.permissions().mode();
    if !ours || mode & 0o022 != 0 {
        return Err(RunError::ForeignBase { base: base.to_owned() });
    }
    // A strict umask has taken the passage away.
    if mode & 0o011 != 0o011 {
        fs::set_permissions(base, std::fs::Permissions::from_mode(mode | 0o011))
            .map_err(|source| RunError::folder(base, source))?;
    }
    Ok(())
}
