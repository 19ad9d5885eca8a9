//! Looks at everything that a tracker names: with `artefact_file` and `git` the only part of check and gate that touches
//! the disk. Each file is read once, on every core.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;

use super::{
    artefact_file::as_of,
    git::git_files,
    link_targets::LinkTargets,
    makefile::{self, Target},
    page_text::Outline,
    paths::{LEADS_OUT, Names, inside, percent_decoded, read_regular},
    tracker::{Evidence, EvidenceKind, Tracker},
};
pub(super) use super::{
    artefact_file::{File, Page, first_run_later, history_of, run_until},
    git::{NoGit, git},
};

/// More threads than this gain nothing: the disk is shared.
const MOST_THREADS: usize = 8;

/// What was seen of everything that a tracker names.
#[derive(Debug, Default)]
pub(super) struct Seen {
    files: BTreeMap<EvidenceKind, Artefact>,
    nothing: Artefact,
    make: BTreeMap<String, Target>,
    /// What the tracker itself links to.
    pub(super) tracker: Outline,
    /// The tracker's folder from the root; `None` where it lies outside.
    pub(super) folder: Option<PathBuf>,
    /// What the links of the pages and of the tracker lead to.
    pub(super) targets: LinkTargets,
    /// Why git could not be asked what it tracks.
    pub(super) git: Option<NoGit>,
}

/// What was seen of one path or glob.
#[derive(Debug, Clone, Default)]
pub(super) struct Artefact {
    /// The files, from the repository's root. A folder counts with what is directly in it.
    pub(super) files: Vec<File>,
    /// Why nothing could be looked at.
    pub(super) trouble: Option<String>,
    /// What is wrong with the path itself.
    pub(super) wrong: Option<String>,
    /// What is there, and differs from what is named only in case.
    pub(super) meant: Option<String>,
}

impl Seen {
    /// Looks at everything that the tracker names. Of evidence that was replaced after `now` that run counts which
    /// stood there then.
    pub(super) fn observe(root: &Path, tracker_folder: &Path, tracker: &Tracker, now: Timestamp) -> Self {
        let (tracked, untold) = match git_files(root) {
            Ok(tracked) => (Some(tracked), None),
            Err(why) => (None, Some(why)),
        };
        let root = fs_err::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let folder = if tracker_folder.as_os_str().is_empty() { Path::new(".") } else { tracker_folder };
        let folder = fs_err::canonicalize(folder)
            .ok()
            .and_then(|folder| Some(folder.strip_prefix(&root).ok()?.to_owned()));
        let mut seen = Self { folder, git: untold, ..Self::default() };
        let mut wanted = Vec::new();
        for evidence in tracker.items.iter().flat_map(|item| &item.evidence) {
            if let EvidenceKind::Make(command) = &evidence.kind {
                let observe = || makefile::observe(&root, command);
                seen.make.entry(command.clone()).or_insert_with(observe);
            } else if !seen.files.contains_key(&evidence.kind) {
                let (artefact, paths) = Artefact::find(&root, seen.folder.as_deref(), &evidence.kind);
                seen.files.insert(evidence.kind.clone(), artefact);
                wanted.extend(paths.into_iter().map(|path| (evidence.kind.clone(), path)));
            }
        }
        let files = on_every_core(&wanted, |(_, path)| {
            File::observe(&root, path, tracked.as_ref()).map(|file| as_of(&root, file, now))
        });
        for ((kind, _), file) in wanted.iter().zip(files) {
            let Some(artefact) = seen.files.get_mut(kind) else { continue };
            artefact.take(file);
        }
        seen.find_what_was_meant(&root);
        if let Ok((bytes, _)) = read_regular(Path::new(&tracker.path)) {
            seen.tracker = Outline::read(&String::from_utf8_lossy(&bytes));
        }
        seen.targets = LinkTargets::observe(&root, &seen);
        seen
    }

    pub(super) fn artefact(&self, evidence: &Evidence) -> &Artefact {
        self.files.get(&evidence.kind).unwrap_or(&self.nothing)
    }

    /// What is known of a make command's targets.
    pub(super) fn make_target(&self, command: &str) -> Option<&Target> {
        self.make.get(command)
    }

    /// Every file, as often as it is named.
    pub(super) fn all_files(&self) -> impl Iterator<Item = &File> {
        self.files.values().flat_map(|artefact| &artefact.files)
    }

    fn find_what_was_meant(&mut self, root: &Path) {
        let mut names = Names::default();
        for (kind, artefact) in &mut self.files {
            let is_gone = artefact.files.is_empty() && artefact.trouble.is_none() && artefact.wrong.is_none();
            let Some(path) = written(self.folder.as_deref(), kind).filter(|_| is_gone) else { continue };
            artefact.meant = names.meant(root, &path).map(|path| path.display().to_string());
        }
    }
}

/// The path of an evidence from the root; `None` where it leads out.
fn written(folder: Option<&Path>, kind: &EvidenceKind) -> Option<PathBuf> {
    match kind {
        EvidenceKind::Path(path) => inside(Path::new(""), path),
        EvidenceKind::Link(path) => match folder {
            Some(folder) => inside(folder, &percent_decoded(path)),
            None => path.starts_with('/').then(|| inside(Path::new(""), path)).flatten(),
        },
        EvidenceKind::Make(_) => None,
    }
}

/// `work` on every thing, in order, on every core.
fn on_every_core<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = cores.min(MOST_THREADS).min(things.len() / 16 + 1);
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(thing) = things.get(index)
        {
            done.push((index, work(thing)));
        }
        done
    };
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

impl Artefact {
    /// The files that a path or glob stands for, not yet looked at.
    fn find(root: &Path, folder: Option<&Path>, kind: &EvidenceKind) -> (Self, Vec<PathBuf>) {
        let mut artefact = Self::default();
        let Some(path) = written(folder, kind) else {
            artefact.wrong = Some(LEADS_OUT.to_owned());
            return (artefact, Vec::new());
        };
        let text = path.to_string_lossy();
        let paths = if text.contains(['*', '?']) {
            let prefix = glob::Pattern::escape(&root.to_string_lossy());
            match glob::glob(&format!("{prefix}/{text}")) {
                Ok(paths) => paths.flatten().collect(),
                Err(error) => {
                    artefact.wrong = Some(format!("the glob is wrong: {error}"));
                    Vec::new()
                }
            }
        } else {
            vec![root.join(&path)]
        };
        (artefact, paths.into_iter().flat_map(|path| files_of(&path)).collect())
    }

    fn take(&mut self, file: io::Result<File>) {
        match file {
            Ok(file) => self.files.push(file),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {}
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => {
                    self.wrong = Some(error.to_string())
                }
                _ => self.trouble = Some(error.to_string()),
            },
        }
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
