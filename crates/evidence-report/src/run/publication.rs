//! The exchange of one evidence file and its history: old or new at every moment, one writer at a time.
//!
//! The order of the steps, each of which leaves both files whole:
//! 1. the history is locked; what a killed writer left is removed; a damaged history is kept aside;
//! 2. evidence that stands there and is not in the history is put into it: a writer was killed between 4 and 5,
//!    or the file came by hand;
//! 3. words that would be lost are kept aside;
//! 4. the evidence is replaced; its record names the last line of the history;
//! 5. its own line is put behind that one.

use std::path::{Path, PathBuf};

use fs_err as fs;
use jiff::Timestamp;

use super::{
    atomic::{remove_leftovers, write_atomically},
    evidence_path,
    history_file::HistoryFile,
    publish::PublishError,
};
use crate::{
    document::{
        self, Verification,
        notes::{Standing, Template, kept, proposed},
    },
    history::{self, Came},
    record::{Environment, v1::Record},
};

/// What decides where evidence goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving {
    pub(crate) environment: Environment,
    pub(crate) interrupted: bool,
    pub(crate) now: Timestamp,
}

/// Where the evidence goes, and what goes with it.
#[derive(Debug)]
pub(crate) struct Place {
    /// The file.
    pub(crate) path: PathBuf,
    /// Text behind the managed region.
    pub(crate) notes: String,
    /// The record that stands there, unaltered.
    pub(crate) standing: Option<Record>,
    /// What people should know about it.
    pub(crate) remarks: Vec<String>,
    /// Words that would be lost: to be kept aside first.
    aside: Option<(PathBuf, String)>,
}

/// An exchange under way: nobody else writes this evidence for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Publication {
    history: HistoryFile,
    place: Place,
}

impl Publication {
    /// Steps 1 and 2, for the required file at `path`.
    pub(crate) fn begin(
        path: &Path,
        arriving: Arriving,
        templates: &[Template],
    ) -> Result<Self, PublishError> {
        let mut history = HistoryFile::lock(path)?;
        let anew = history.begin_anew_if_damaged(arriving.now)?;
        remove_leftovers(history.path());
        let mut place = Place::find(path, arriving, templates)?;
        place.remarks.extend(anew);
        for file in evidence_path::all(path) {
            remove_leftovers(&file);
            place.remarks.extend(catch_up(&mut history, &file)?);
        }
        Ok(Self { history, place })
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether this very record stands there.
    pub(crate) fn holds(&self, record: &Record) -> bool {
        self.place.standing.as_ref() == Some(record)
    }

    /// Keeps the words that came with evidence from elsewhere, behind those that stand there.
    #[cfg(feature = "command")]
    pub(crate) fn add_notes(&mut self, notes: &str, from: &str) {
        let words = notes.trim().strip_prefix("## Notes").unwrap_or(notes).trim();
        if words.is_empty() || self.place.notes.contains(words) {
            return;
        }
        let notes = self.place.notes.trim_end();
        self.place.notes =
            format!("{notes}\n\nNotes that came with `{}`:\n\n{words}\n", from.replace('`', "'"));
    }

    #[cfg(feature = "command")]
    pub(crate) fn history(&self) -> &history::Chain {
        self.history.chain()
    }

    /// What the record names as the one before.
    pub(crate) fn previous(&self) -> Option<String> {
        self.history.chain().head().map(str::to_owned)
    }

    /// Steps 3 to 5.
    pub(crate) fn write(
        mut self,
        record: &Record,
        signature: Option<&str>,
        came: Came,
    ) -> Result<Place, PublishError> {
        if let Some((path, text)) = &self.place.aside {
            write("the damaged file's copy", path, text)?;
        }
        let text = format!("{}{}", document::render_signed_v1(record, signature), self.place.notes);
        write("the evidence file", &self.place.path, &text)?;
        let line = self.history.chain().next(record, &file_name(&self.place.path), came);
        self.history.append(line)?;
        Ok(self.place)
    }
}

/// Evidence that stands there, whole, and is not in the history.
fn catch_up(history: &mut HistoryFile, file: &Path) -> Result<Option<String>, PublishError> {
    let Some(text) = read_existing(file)? else { return Ok(None) };
    let Verification::Consistent(record) = document::verify(&text) else { return Ok(None) };
    let chain = history.chain();
    let name = file_name(file);
    let (came, told) = match chain.standing(&name, &record) {
        history::Standing::Pending => (
            Came::Published,
            format!("the run before was stopped before {name} was in its history; now it is"),
        ),
        history::Standing::Unknown => {
            (Came::Found, format!("{name} was not in its history; now it is, as found standing there"))
        }
        _ => return Ok(None),
    };
    let told = (chain.next_number() > 1).then_some(told);
    let line = chain.next(&record, &name, came);
    history.append(line)?;
    Ok(told)
}

impl Place {
    /// A run of a lower environment, or an interrupted one, never goes over the required file.
    fn find(path: &Path, arriving: Arriving, templates: &[Template]) -> Result<Self, PublishError> {
        let mut remarks = Vec::new();
        // Altered evidence of a higher environment is still not ours to replace.
        let standing = read_existing(path)?.and_then(|text| document::read(&text).ok());
        let standing = standing.map(|document| document.record.environment);
        let mut path = path.to_owned();
        if arriving.interrupted {
            path = evidence_path::beside(&path, arriving.environment);
            remarks.push(format!("interrupted, so the evidence goes to {}", short(&path)));
        } else if let Some(standing) = standing.filter(|standing| *standing > arriving.environment) {
            let other = evidence_path::beside(&path, arriving.environment);
            remarks.push(format!(
                "{} holds evidence of {standing}; this run of {} goes to {}",
                short(&path),
                arriving.environment,
                short(&other)
            ));
            path = other;
        }
        let existing = read_existing(&path)?;
        let (standing, notes) = kept(existing.as_deref());
        let mut place =
            Self { path, notes: proposed(notes, templates), standing: None, remarks, aside: None };
        match (&standing, existing) {
            (Standing::Damaged(error), Some(text)) => {
                let stamp = arriving.now.strftime("%Y%m%dT%H%M%SZ");
                let kept_at = place.path.with_extension(format!("damaged-{stamp}.md"));
                place.remarks.push(format!(
                    "what stood at {} is kept as {}: {error}",
                    short(&place.path),
                    short(&kept_at)
                ));
                place.aside = Some((kept_at, text));
            }
            (Standing::Evidence, Some(text)) => place.look_at(&text),
            _ => {}
        }
        Ok(place)
    }

    fn look_at(&mut self, text: &str) {
        if let Verification::Altered(alterations) = document::verify(text) {
            let told: Vec<_> = alterations.iter().take(3).map(ToString::to_string).collect();
            self.remarks.push(format!(
                "the evidence that stood at {} had been altered by hand: {}",
                short(&self.path),
                told.join("; ")
            ));
        } else if let Ok(document) = document::read(text) {
            self.standing = Some(document.record);
        }
    }
}

/// The name of an evidence file in its history: of the file itself, where the path is a link to it.
pub(crate) fn file_name(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn read_existing(path: &Path) -> Result<Option<String>, PublishError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PublishError::Read { path: path.to_owned(), source }),
    }
}

pub(crate) fn write(what: &'static str, path: &Path, text: &str) -> Result<(), PublishError> {
    write_atomically(path, text.as_bytes()).map_err(|source| PublishError::Write {
        what,
        path: path.to_owned(),
        source,
    })
}

/// The path as seen from the working folder, where that is shorter.
pub(crate) fn short(path: &Path) -> String {
    let relative =
        std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    relative.as_deref().unwrap_or(path).display().to_string()
}
