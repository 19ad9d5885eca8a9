//! The commit that a run was made from.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::history_file::FOLDER;
use crate::{document, history::Chain};

/// More changed files than this are not looked into: it is dirty.
const LOOKED_INTO: usize = 200;

/// The commit id, and whether the work tree differs from it. What the tools wrote is no dirt, wherever it lies: each
/// run writes some. `None` outside a repository, or without git.
pub(super) fn commit(folder: &Path) -> Option<(String, bool)> {
    let id = git(folder, &["rev-parse", "--verify", "HEAD"])?;
    let changes = git(
        folder,
        &[
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--no-renames",
            "-z",
            "--",
            ":/",
            ":(top,exclude)doc/operations/evidence",
        ],
    )?;
    // Each entry: two letters, a blank, the path from the root.
    let changed: Vec<_> = changes.split('\0').filter_map(|entry| entry.get(3..)).collect();
    if changed.is_empty() || changed.len() > LOOKED_INTO {
        return Some((id, !changed.is_empty()));
    }
    let root = PathBuf::from(git(folder, &["rev-parse", "--show-toplevel"])?);
    let dirty = changed.iter().any(|path| !is_ours(&root.join(path)));
    Some((id, dirty))
}

/// Whether a file is evidence, or the history of some.
fn is_ours(path: &Path) -> bool {
    let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    if is("jsonl") {
        return path.parent().is_some_and(|folder| folder.ends_with(FOLDER))
            && Chain::read(&text).runs().next().is_some();
    }
    is("md") && document::read(&text).is_ok()
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
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
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
