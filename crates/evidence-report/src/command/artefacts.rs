//! Looks at everything that a tracker names: the only part of check and gate that touches the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    tracker::{Evidence, EvidenceKind, Tracker},
    verify::verify_bytes,
};
use crate::{
    document::{self, ReadError},
    record::{Finding, v1::Record},
};

/// What was seen of everything that a tracker names.
#[derive(Debug, Default)]
pub(super) struct Seen {
    files: BTreeMap<EvidenceKind, Artefact>,
    make_targets: BTreeSet<String>,
}

/// What was seen of one path or glob.
#[derive(Debug, Clone, Default)]
pub(super) struct Artefact {
    /// The files, from the repository's root. A folder counts with what is directly in it.
    pub(super) files: Vec<File>,
    /// Why nothing could be looked at.
    pub(super) trouble: Option<String>,
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) bytes: u64,
    /// `None` where there is no git to ask.
    pub(super) tracked: Option<bool>,
    pub(super) page: Page,
}

/// What kind of page a file is.
#[derive(Debug, Clone)]
pub(super) enum Page {
    /// Made by a tool.
    Evidence {
        /// What its verification found.
        verification: Box<Finding>,
        /// The record, where it can be read and is consistent.
        record: Option<Box<Record>>,
    },
    /// A markdown page by hand.
    ByHand,
    /// Anything else.
    Other,
}

impl Seen {
    /// Looks at everything that the tracker names.
    pub(super) fn observe(root: &Path, tracker_folder: &Path, tracker: &Tracker) -> Self {
        let tracked = git_files(root);
        let mut seen = Self { files: BTreeMap::new(), make_targets: make_targets(root) };
        for evidence in tracker.items.iter().flat_map(|item| item.paths()) {
            let pattern = match &evidence.kind {
                EvidenceKind::Path(path) => root.join(path.trim_start_matches('/')),
                EvidenceKind::Link(path) => tracker_folder.join(path),
                EvidenceKind::Make(_) => continue,
            };
            seen.files
                .entry(evidence.kind.clone())
                .or_insert_with(|| Artefact::observe(root, &pattern, tracked.as_ref()));
        }
        seen
    }

    pub(super) fn artefact(&self, evidence: &Evidence) -> Artefact {
        self.files.get(&evidence.kind).cloned().unwrap_or_default()
    }

    pub(super) fn has_make_target(&self, name: &str) -> bool {
        self.make_targets.contains(name)
    }
}

impl Artefact {
    fn observe(root: &Path, pattern: &Path, tracked: Option<&BTreeSet<PathBuf>>) -> Self {
        let text = pattern.to_string_lossy();
        let is_glob = text.contains(['*', '?']);
        let paths: Vec<PathBuf> = if is_glob {
            match glob::glob(&text) {
                Ok(paths) => paths.flatten().collect(),
                Err(error) => {
                    return Self { files: Vec::new(), trouble: Some(format!("the glob is wrong: {error}")) };
                }
            }
        } else {
            vec![pattern.to_owned()]
        };
        let mut artefact = Self::default();
        for path in paths.into_iter().flat_map(|path| files_of(&path)) {
            match File::observe(root, &path, tracked) {
                Ok(file) => artefact.files.push(file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => artefact.trouble = Some(error.to_string()),
            }
        }
        artefact
    }
}

/// The file itself, or the files directly in a folder.
fn files_of(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut files: Vec<_> = fs_err::read_dir(path)
        .map(|entries| entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect())
        .unwrap_or_default();
    files.sort();
    files
}

impl File {
    pub(super) fn observe(
        root: &Path,
        path: &Path,
        tracked: Option<&BTreeSet<PathBuf>>,
    ) -> std::io::Result<Self> {
        let meta = fs_err::metadata(path)?;
        let canonical = fs_err::canonicalize(path)?;
        let root = fs_err::canonicalize(root)?;
        let inside = canonical.strip_prefix(&root).unwrap_or(&canonical);
        let name = inside.display().to_string();
        let page = if path.extension().is_some_and(|extension| extension == "md") {
            Page::read(&name, &fs_err::read(path)?)
        } else {
            Page::Other
        };
        let tracked = tracked.map(|tracked| tracked.contains(inside));
        Ok(Self { path: name, bytes: meta.len(), tracked, page })
    }
}

impl Page {
    fn read(name: &str, bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::ByHand };
        let record = match document::verify(text) {
            document::Verification::Unverified(ReadError::NoEvidence) => return Self::ByHand,
            document::Verification::Consistent(record) => Some(record),
            _ => None,
        };
        Self::Evidence { verification: Box::new(verify_bytes(name, bytes)), record }
    }
}

/// The files that git tracks, from the root; `None` where there is no git or no repository.
fn git_files(root: &Path) -> Option<BTreeSet<PathBuf>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

/// The explicit targets of the Makefile at the root.
fn make_targets(root: &Path) -> BTreeSet<String> {
    let names = ["GNUmakefile", "makefile", "Makefile"];
    let text = names.iter().find_map(|name| fs_err::read_to_string(root.join(name)).ok()).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with(['\t', '#', ' ', '.']))
        .filter_map(|line| line.split_once(':'))
        .filter(|(_, rest)| !rest.starts_with('='))
        .flat_map(|(targets, _)| targets.split_whitespace())
        .map(str::to_owned)
        .collect()
}
