//! What the rules look at: files of the repository, read once and bounded (the only part of the rules that
//! touches the disk), and the forms in which they can be taken: a tree of values, a page, a list of records.
//! It knows no rule.

mod dotenv;
mod json;
mod node;
mod page;
mod records;
mod toml;
mod when;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::{Component, Path, PathBuf},
};

pub(in crate::command) use self::when::Period;
pub(super) use self::{
    node::{Node, Value},
    page::{Page, is_blank, normalised},
    records::{Cell, Record, Wanted},
    when::{day, end_of, moment, span_of, utc_day},
};
use super::checks::READABLE;
use crate::record::Finding;

/// A file beyond this is not taken into memory.
const LARGEST: u64 = 16 * 1024 * 1024;

/// All files together; what is beyond is not read, and says so.
const LARGEST_IN_ALL: u64 = 64 * 1024 * 1024;

/// What was seen of everything that rules name.
#[derive(Debug, Default)]
pub(in crate::command) struct Observed {
    /// From a path or pattern to the files that it stands for, from the root.
    patterns: BTreeMap<String, Vec<String>>,
    files: BTreeMap<String, Seen>,
}

/// What was seen of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Text(String),
    /// Something is wrong with the file.
    Wrong(String, Option<u32>),
    /// Our own environment kept us from reading it.
    Prevented(String),
}

/// Why a file cannot be taken as what a rule needs; lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) line: Option<u32>,
}

impl Trouble {
    fn new(message: impl Into<String>, line: Option<u32>) -> Self {
        Self { message: message.into(), line }
    }
}

impl Observed {
    /// Reads the files that `patterns` name, from the root. Nothing outside of the root is read.
    pub(super) fn read<'p>(root: &Path, patterns: impl IntoIterator<Item = &'p str>) -> Self {
        let mut observed = Self::default();
        let canonical = fs_err::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let mut room = LARGEST_IN_ALL;
        for pattern in patterns.into_iter().collect::<BTreeSet<_>>() {
            let paths =
                if is_pattern(pattern) { matches(&canonical, pattern) } else { vec![pattern.to_owned()] };
            for path in &paths {
                observed.files.entry(path.clone()).or_insert_with(|| Seen::of(&canonical, path, &mut room));
            }
            observed.patterns.insert(pattern.to_owned(), paths);
        }
        observed
    }

    /// The files of a pattern, in order; a plain path stands for itself, whether it is there or not.
    pub(super) fn paths(&self, pattern: &str) -> &[String] {
        self.patterns.get(pattern).map_or(&[], Vec::as_slice)
    }

    /// The text of a file.
    ///
    /// # Errors
    /// The finding that says why there is none.
    pub(super) fn text(&self, path: &str) -> Result<&str, Box<Finding>> {
        let (finding, observed, line) = match self.files.get(path) {
            Some(Seen::Text(text)) => return Ok(text),
            Some(Seen::Wrong(why, line)) => (READABLE.failed(path), why.as_str(), *line),
            Some(Seen::Prevented(why)) => (READABLE.inconclusive(path), why.as_str(), None),
            None => (READABLE.failed(path), "nothing there", None),
        };
        Err(Box::new(finding.expected("a file of text").observed(observed).at(path, line)))
    }

    /// The documents of a YAML, JSON, TOML or .env file, by its name.
    ///
    /// # Errors
    /// The finding that says why it cannot be read.
    pub(super) fn documents(&self, path: &str) -> Result<Vec<Node>, Box<Finding>> {
        let text = self.text(path)?;
        let (form, read) = match Form::of(path) {
            Form::Json => ("JSON", json::read(text).map(|node| vec![node])),
            Form::Toml => ("TOML", toml::read(text).map(|node| vec![node])),
            Form::DotEnv => ("KEY=value lines", dotenv::read(text).map(|node| vec![node])),
            Form::Yaml | Form::Page => ("YAML", yaml::read(text)),
        };
        read.map_err(|trouble| unreadable(path, form, &trouble))
    }

    /// The one document of a file.
    ///
    /// # Errors
    /// The finding that says why it cannot be read.
    pub(super) fn document(&self, path: &str) -> Result<Node, Box<Finding>> {
        let mut documents = self.documents(path)?;
        match (documents.pop(), documents.len()) {
            (Some(document), 0) => Ok(document),
            (last, before) => {
                let number = before + usize::from(last.is_some());
                let trouble = Trouble::new(format!("{number} documents"), None);
                Err(unreadable(path, "one document", &trouble))
            }
        }
    }

    /// A markdown page.
    ///
    /// # Errors
    /// The finding that says why it cannot be read.
    pub(super) fn page(&self, path: &str) -> Result<Page, Box<Finding>> {
        self.text(path).map(Page::read)
    }

    /// What tests hand to rules instead of a folder.
    #[cfg(test)]
    pub(super) fn of_texts(texts: &[(&str, &str)]) -> Self {
        let mut observed = Self::default();
        for (path, text) in texts {
            observed.files.insert((*path).to_owned(), Seen::Text((*text).to_owned()));
            observed.patterns.insert((*path).to_owned(), vec![(*path).to_owned()]);
        }
        observed
    }

    /// What a rule sees when a file is not there.
    #[cfg(test)]
    pub(super) fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        for (pattern, paths) in &mut self.patterns {
            paths.retain(|other| other != path || other == pattern);
        }
        self
    }

    /// What tests hand to rules instead of a folder's glob.
    #[cfg(test)]
    pub(super) fn with_pattern(mut self, pattern: &str, paths: &[&str]) -> Self {
        self.patterns.insert(pattern.to_owned(), paths.iter().map(|path| (*path).to_owned()).collect());
        self
    }
}

/// What keeps a YAML, JSON or TOML text (by its name) from being parsed, and in which line.
pub(in crate::command) fn trouble_of(path: &str, text: &str) -> Option<(String, Option<u32>)> {
    let trouble = match Form::of(path) {
        Form::Json => json::read(text).err(),
        Form::Toml => toml::read(text).err(),
        Form::DotEnv => dotenv::read(text).err(),
        Form::Yaml => yaml::read(text).err(),
        Form::Page => None,
    };
    trouble.map(|trouble| (trouble.message, trouble.line))
}

/// The finding of a file that is not of the form that a rule needs.
pub(super) fn unreadable(path: &str, form: &str, trouble: &Trouble) -> Box<Finding> {
    Box::new(READABLE.failed(path).expected(form).observed(&trouble.message).at(path, trouble.line))
}

/// In which form a file is written, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Yaml,
    Json,
    Toml,
    DotEnv,
    Page,
}

impl Form {
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            _ if name == ".env" || name.starts_with(".env.") => Self::DotEnv,
            Some("json" | "sarif") => Self::Json,
            Some("toml") => Self::Toml,
            Some("env") => Self::DotEnv,
            Some("md" | "markdown") => Self::Page,
            _ => Self::Yaml,
        }
    }
}

impl Seen {
    /// Reads a file, and takes its length from the room that is left.
    fn of(root: &Path, path: &str, room: &mut u64) -> Self {
        let leads_out = || Self::Wrong("the path leads out of the repository".to_owned(), None);
        let Some(inside) = inside(path) else { return leads_out() };
        let whole = root.join(inside);
        match fs_err::canonicalize(&whole) {
            Ok(real) if !real.starts_with(root) => return leads_out(),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Self::Wrong("nothing there".to_owned(), None);
            }
            Err(error) => return Self::Prevented(plain(&error)),
        }
        let seen = read(&whole, *room).unwrap_or_else(|error| Self::Prevented(plain(&error)));
        if let Self::Text(text) = &seen {
            *room = room.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX));
        }
        seen
    }

    fn of_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => Self::Wrong("it is empty".to_owned(), None),
            Ok(text) => Self::Text(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
                Self::Wrong("it is not UTF-8".to_owned(), u32::try_from(line).ok())
            }
        }
    }
}

fn plain(error: &std::io::Error) -> String {
    format!("it cannot be read: {}", error.kind())
}

fn read(path: &Path, room: u64) -> std::io::Result<Seen> {
    let meta = fs_err::metadata(path)?;
    if !meta.is_file() {
        return Ok(Seen::Wrong("it is no file".to_owned(), None));
    }
    let mut bytes = Vec::new();
    fs_err::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        let why = format!("it is larger than {} MiB, and was not read", LARGEST / 1024 / 1024);
        return Ok(Seen::Prevented(why));
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > room) {
        let most = LARGEST_IN_ALL / 1024 / 1024;
        return Ok(Seen::Prevented(format!(
            "it was not read: the files of the rules are larger than {most} MiB in all"
        )));
    }
    Ok(Seen::of_bytes(bytes))
}

/// A path below the root, without a way out.
fn inside(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (inside && !path.as_os_str().is_empty()).then(|| path.to_owned())
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The files that a glob matches, from the root.
fn matches(root: &Path, pattern: &str) -> Vec<String> {
    let Some(pattern) = inside(pattern) else { return Vec::new() };
    let prefix = glob::Pattern::escape(&root.to_string_lossy());
    let Ok(paths) = glob::glob(&format!("{prefix}/{}", pattern.display())) else { return Vec::new() };
    paths
        .flatten()
        .filter(|path| path.is_file())
        .filter_map(|path| Some(path.strip_prefix(root).ok()?.to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;

    fn seen(make: impl Fn(&Path)) -> (Outcome, String, Option<u32>) {
        let folder = tempfile::tempdir().unwrap();
        make(&folder.path().join("a.yaml"));
        let observed = Observed::read(folder.path(), ["a.yaml"]);
        let finding = observed.text("a.yaml").unwrap_err();
        (finding.outcome, finding.observed.clone(), finding.location.unwrap().line)
    }

    #[test]
    fn what_is_no_text_is_told_and_where() {
        let failed = |told: &str, line| (Outcome::Failed, told.to_owned(), line);
        assert_eq!(seen(|_| {}), failed("nothing there", None));
        assert_eq!(seen(|path| fs_err::create_dir(path).unwrap()), failed("it is no file", None));
        assert_eq!(seen(|path| fs_err::write(path, " \n").unwrap()), failed("it is empty", None));
        let bytes = b"a: 1\nb: \xff\n";
        assert_eq!(seen(|path| fs_err::write(path, bytes).unwrap()), failed("it is not UTF-8", Some(2)));
        let large = seen(|path| fs_err::File::create(path).unwrap().set_len(LARGEST + 1).unwrap());
        let told = "it is larger than 16 MiB, and was not read".to_owned();
        assert_eq!(large, (Outcome::Inconclusive, told, None));
    }

    #[test]
    fn all_files_together_have_a_bound_and_what_is_beyond_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["1.yaml", "2.yaml", "3.yaml", "4.yaml", "5.yaml"];
        let text = "a".repeat(usize::try_from(LARGEST).unwrap());
        names.iter().for_each(|name| fs_err::write(folder.path().join(name), &text).unwrap());
        let observed = Observed::read(folder.path(), ["*.yaml"]);
        assert_eq!(observed.paths("*.yaml"), names);
        let read = names.map(|name| observed.text(name).map(str::len).map_err(|finding| finding.outcome));
        assert_eq!(read[..4], [const { Ok(16 * 1024 * 1024) }; 4]);
        assert_eq!(read[4], Err(Outcome::Inconclusive));
    }

    #[test]
    fn nothing_outside_of_the_root_is_read() {
        let outside = tempfile::tempdir().unwrap();
        fs_err::write(outside.path().join("secret"), "hunter2").unwrap();
        let root = outside.path().join("root");
        fs_err::create_dir(&root).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        let absolute = outside.path().join("secret").display().to_string();
        for path in ["../secret", "link", absolute.as_str(), "a/../../secret"] {
            let observed = Observed::read(&root, [path]);
            let finding = observed.text(path).unwrap_err();
            assert!(finding.observed.contains("leads out of the repository"), "{path}: {finding:?}");
        }
        assert_eq!(Observed::read(&root, ["../*"]).paths("../*"), [""; 0]);
    }

    #[test]
    fn the_form_follows_the_name() {
        for (path, form) in [
            ("ops/a.yaml", Form::Yaml),
            ("a.sarif", Form::Json),
            ("x/.env", Form::DotEnv),
            (".env.production", Form::DotEnv),
            ("staging.env", Form::DotEnv),
            ("a.toml", Form::Toml),
            ("a.MD", Form::Page),
            ("a", Form::Yaml),
        ] {
            assert_eq!(Form::of(path), form, "{path}");
        }
    }
}
