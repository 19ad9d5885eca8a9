//! Looks at everything that a tracker names: the only part of check and gate that touches the disk. Each file is read
//! once, on every core; of a record only that is kept which check, gate and dashboard ask for.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use jiff::Timestamp;

use super::{
    artefact_rules,
    history::trouble_of,
    link_targets::LinkTargets,
    makefile::{self, Target},
    page_text::Outline,
    paths::{LEADS_OUT, Names, inside, percent_decoded, read_regular, read_start},
    tracker::{Evidence, EvidenceKind, Tracker},
    verify::verify_text,
};
use crate::{
    document,
    history::{Chain, RunLine},
    record::{Finding, Verdict, v1::Record},
    run::history_path,
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

/// Why git could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoGit {
    /// There is no repository.
    NoRepository,
    /// There is one, and git did not answer.
    Trouble(String),
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

/// One file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) bytes: u64,
    /// `None` where there is no git to ask.
    pub(super) tracked: Option<bool>,
    pub(super) page: Page,
    /// Whether a script may be executed; `None` of what is no script.
    pub(super) executable: Option<bool>,
    /// What came of parsing a YAML, JSON or TOML file; `None` of what is none.
    pub(super) form: Option<Form>,
    /// What a page by hand, or the notes behind a record, link to, and what of a template is left in them.
    pub(super) outline: Option<Box<Outline>>,
}

/// What came of parsing a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) name: &'static str,
    /// What is wrong, and in which line.
    pub(super) trouble: Option<(String, Option<u32>)>,
}

/// What kind of page a file is.
#[derive(Debug, Clone)]
pub(super) enum Page {
    /// Made by a tool.
    Evidence {
        /// What its verification found.
        verification: Box<Finding>,
        /// What check, gate and dashboard ask of the record, where it can be read and is consistent: without
        /// details, measurements, timeline, charts and attachments, and of the findings those with a date.
        record: Option<Box<Record>>,
        /// What is wrong with the chain of its runs, or with its place in it.
        chain: Option<Box<Finding>>,
    },
    /// Made by a tool, and no run of it is known that had ended at the moment that is asked for; says so.
    Later(String),
    /// A markdown page by hand.
    ByHand,
    /// Anything else.
    Other,
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

impl File {
    /// Looks at one file.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where it leads out of the root, [`io::ErrorKind::Unsupported`] where it is no
    /// regular file, [`io::ErrorKind::FileTooLarge`] where it is too large to be read.
    pub(super) fn observe(root: &Path, path: &Path, tracked: Option<&BTreeSet<PathBuf>>) -> io::Result<Self> {
        let canonical = fs_err::canonicalize(path)?;
        // Canonical as a rule; asked once more only before a path is refused.
        let root = if canonical.starts_with(root) { root.to_owned() } else { fs_err::canonicalize(root)? };
        let Ok(inside) = canonical.strip_prefix(&root) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, LEADS_OUT));
        };
        let path = inside.display().to_string();
        let tracked = tracked.map(|tracked| tracked.contains(inside));
        let extension = inside.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let is_page = extension == "md";
        // Of what is no page and no structured text only the first bytes say something: is it a script?
        let whole = is_page || form_of(extension).is_some();
        let read = if whole { read_regular(&canonical) } else { read_start(&canonical, 2) };
        let (bytes, meta) = read.map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
        let is_script = bytes.starts_with(b"#!") || matches!(extension, "sh" | "bash");
        let mut file = Self {
            bytes: meta.len(),
            tracked,
            page: Page::Other,
            executable: is_script.then(|| meta.permissions().mode() & 0o111 != 0),
            form: form_of(extension)
                .filter(|_| !bytes.is_empty())
                .map(|name| Form::of(name, &path, bytes.as_slice())),
            outline: None,
            path,
        };
        if is_page {
            file.page = Page::read(&canonical, &file.path, &bytes);
            let text = String::from_utf8_lossy(&bytes);
            let by_hand = match file.page {
                Page::ByHand => Some(text),
                Page::Evidence { record: Some(_), .. } => notes(&text).map(Cow::Owned),
                _ => None,
            };
            file.outline = by_hand.map(|text| {
                let mut outline = Outline::read(&text);
                outline.anchors.clear();
                Box::new(outline)
            });
        }
        Ok(file)
    }
}

/// What people wrote behind a record, with as many empty lines before it as the managed region has; `None` where they
/// wrote nothing.
fn notes(text: &str) -> Option<String> {
    let written = text.trim_end();
    let written = written.strip_suffix("## Notes").unwrap_or(written).trim_end();
    if written.ends_with(document::END_MARKER) {
        return None;
    }
    let document = document::read(text).ok()?;
    let before = text.strip_suffix(document.notes.as_str())?.matches('\n').count();
    Some("\n".repeat(before) + &document.notes)
}

/// What a file is written in, by its extension.
fn form_of(extension: &str) -> Option<&'static str> {
    match extension {
        "yaml" | "yml" => Some("YAML"),
        "json" | "sarif" => Some("JSON"),
        "toml" => Some("TOML"),
        _ => None,
    }
}

impl Form {
    fn of(name: &'static str, path: &str, bytes: &[u8]) -> Self {
        let trouble = match std::str::from_utf8(bytes) {
            Ok(text) => artefact_rules::trouble_of(path, text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
                Some(("it is not UTF-8".to_owned(), u32::try_from(line).ok()))
            }
        };
        Self { name, trouble }
    }
}

impl Page {
    fn read(path: &Path, name: &str, bytes: &[u8]) -> Self {
        // What is no UTF-8 within a record is an alteration like any other.
        match verify_text(name, &String::from_utf8_lossy(bytes)) {
            None => Self::ByHand,
            Some((verification, record)) => Self::Evidence {
                verification: Box::new(verification),
                chain: record.as_ref().and_then(|record| trouble_of(path, name, record)).map(Box::new),
                record: record.map(lean),
            },
        }
    }
}

/// Of ten thousand records only what is asked for is kept.
fn lean(record: Box<Record>) -> Box<Record> {
    let mut record = *record;
    record.findings.retain(|finding| finding.hurts_at.is_some());
    record.findings.shrink_to_fit();
    record.measurements = Vec::new();
    record.timeline = None;
    record.charts = Vec::new();
    record.details = Vec::new();
    record.attachments = Vec::new();
    record.command = Vec::new();
    Box::new(record)
}

/// The file as it stood at a moment. Where its record is of a later one, its history knows what stood there before.
fn as_of(root: &Path, mut file: File, now: Timestamp) -> File {
    let Page::Evidence { record: Some(record), .. } = &mut file.page else { return file };
    if Record::time(&record.finished) <= now {
        return file;
    }
    let path = root.join(&file.path);
    let chain = history_of(&path);
    match chain.as_ref().and_then(|chain| run_until(chain, &path, now)) {
        Some(run) => {
            record.verdict = if run.interrupted { Verdict::Inconclusive } else { run.verdict };
            record.environment = run.environment;
            record.finished.clone_from(&run.finished);
            record.valid_until.clone_from(&run.valid_until);
            record.commit.clone_from(&run.commit);
            record.findings.clear();
        }
        None => file.page = Page::Later(first_run_later(&record.finished)),
    }
    file
}

/// What is said of evidence that nobody had yet.
pub(super) fn first_run_later(finished: &str) -> String {
    format!("its first known run ended on {finished}, later")
}

/// The history beside an evidence file, where there is one that can be read.
pub(super) fn history_of(evidence: &Path) -> Option<Chain> {
    let (bytes, _) = read_regular(&history_path(evidence)).ok()?;
    Some(Chain::read(&String::from_utf8_lossy(&bytes)))
}

/// The newest run of a file that had ended at a moment. Files of several environments share one history.
pub(super) fn run_until<'c>(chain: &'c Chain, evidence: &Path, now: Timestamp) -> Option<&'c RunLine> {
    let name = evidence.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_over = |run: &RunLine| run.finished.parse::<Timestamp>().is_ok_and(|at| at <= now);
    chain.runs().rfind(|run| run.file == name && is_over(run))
}

/// The files that git tracks, those of submodules too, from the root.
fn git_files(root: &Path) -> Result<BTreeSet<PathBuf>, NoGit> {
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
