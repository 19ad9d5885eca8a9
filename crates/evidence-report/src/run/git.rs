//! The commit that a run was made from.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// The commit id, and whether the work tree differs from it. Evidence files are no dirt: each run writes
/// some. `None` outside a repository, or without git.
pub(super) fn commit(folder: &Path) -> Option<(String, bool)> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            // Reading must not take locks or refresh the index of a repository that somebody works in.
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let id = git(&["rev-parse", "--verify", "HEAD"])?;
    let changes = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ":/",
        ":(top,exclude)doc/operations/evidence",
    ])?;
    Some((id, !changes.is_empty()))
}
