//! One file that a tracker names: whether it can be started, parses, is evidence or a page by hand, and what stood there
//! at an earlier moment. Of a record only that is kept which check, gate and dashboard ask for.

use std::{
    collections::BTreeSet,
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    artefact_rules,
    history::trouble_of,
    page_text::Outline,
    paths::{LEADS_OUT, read_regular, read_start},
    verify::verify_text,
};
use crate::{
    document,
    history::{Chain, RunLine},
    record::{Finding, Verdict, v1::Record},
    run::history_path,
};

/// One file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: String,
    /// How long it is; 0 of a page and of a structured text with nothing but white space.
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
            bytes: if whole && is_blank(&bytes) { 0 } else { meta.len() },
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
            let outline = match file.page {
                Page::ByHand => Some(Outline::read(&text)),
                Page::Evidence { record: Some(_), .. } => {
                    notes(&text).map(|(before, notes)| Outline::read_behind(before, notes))
                }
                _ => None,
            };
            file.outline = outline.map(|mut outline| {
                outline.anchors.clear();
                Box::new(outline)
            });
        }
        Ok(file)
    }
}

/// Whether a text says nothing, however long it is.
fn is_blank(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// What people wrote behind a record, and how many lines stand before it; nothing where they wrote nothing.
fn notes(text: &str) -> Option<(usize, &str)> {
    let (before, notes) = document::behind_managed(text)?;
    (!matches!(notes.trim(), "" | "## Notes")).then_some((before, notes))
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
pub(super) fn as_of(root: &Path, mut file: File, now: Timestamp) -> File {
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
