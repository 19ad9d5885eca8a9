//! What git knows of the repository that a tracker stands in. It only reads, and takes no lock.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Why git could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoGit {
    /// There is no repository.
    NoRepository,
    /// There is one, and git did not answer.
    Trouble(String),
}

/// The files that git tracks, those of submodules too, from the root.
pub(super) fn git_files(root: &Path) -> Result<BTreeSet<PathBuf>, NoGit> {
    let output = git(root, &["ls-files", "-z", "--recurse-submodules"])
        .map_err(|error| NoGit::Trouble(format!("git could not be started: {error}")))?;
    if output.status.success() {
        let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        return Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("git ls-files failed");
    if first.contains("not a git repository") {
        Err(NoGit::NoRepository)
    } else {
        Err(NoGit::Trouble(first.trim_start_matches("fatal: ").to_owned()))
    }
}

/// Asks git about the repository of this folder, whatever the environment says of another one (a hook's does).
pub(super) fn git(root: &Path, arguments: &[&str]) -> io::Result<Output> {
    let mut git = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"] {
        git.env_remove(name);
    }
    // Reading must not take locks or refresh the index of a repository that somebody works in.
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    git.arg("-C").arg(root).args(arguments).stdin(Stdio::null()).output()
}
