//! The journal of outside effects: written and synced before each is made, struck when it is undone.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde::{Deserialize, Serialize};

/// Something that outlives a killed run and must be undone by the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// A folder (with everything in it) that the run makes.
    Folder {
        /// Its absolute path.
        path: PathBuf,
    },
    /// Processes that carry the run's mark in their environment, or (where they overwrite it) work in one of
    /// the run's folders.
    Processes {
        /// The program's name; what follows behind a blank is for people.
        program: String,
    },
    /// Something on another machine, which only the tool that made it can undo, and only with a connection.
    Elsewhere {
        /// What and where, for people and for [`super::sweep_command_knowing`]; what stands behind
        /// [`Effect::FOR_THE_TOOL`] is shown to nobody.
        what: String,
        /// What to type so that it is undone.
        undo: String,
    },
}

impl Effect {
    /// Parts what people read of something elsewhere from what its tool does.
    pub const FOR_THE_TOOL: &'static str = " ‖ ";
}

/// One open entry; hand it back to [`Journal::strike`] when its effect is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry(u64);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Made { entry: u64, what: Effect },
    Undone { entry: u64 },
}

/// The journal of a run: JSON lines, each synced to disk.
///
/// ```
/// use evidence_report::run::{Effect, Entry, Journal};
///
/// /// Makes a folder that is gone even when we are killed: the next run reads the journal.
/// fn scratch(journal: &Journal, path: &std::path::Path) -> std::io::Result<Entry> {
///     let entry = journal.note(Effect::Folder { path: path.to_owned() })?;
///     std::fs::create_dir(path)?;
///     Ok(entry)
/// }
/// ```
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: fs_err::File,
    next: u64,
    open: BTreeMap<u64, Effect>,
}

impl Journal {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = fs_err::OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self { inner: Mutex::new(Inner { file, next: 0, open: BTreeMap::new() }) })
    }

    /// Notes an effect that is about to be made. Returns when the note is on disk.
    ///
    /// # Errors
    /// When the journal cannot be written: then do not make the effect.
    pub fn note(&self, effect: Effect) -> std::io::Result<Entry> {
        let mut inner = self.lock();
        let entry = inner.next;
        inner.append(&Line::Made { entry, what: effect.clone() })?;
        inner.next += 1;
        inner.open.insert(entry, effect);
        Ok(Entry(entry))
    }

    /// Strikes an effect that was undone.
    ///
    /// # Errors
    /// When the journal cannot be written; the next sweep then finds nothing left to undo.
    pub fn strike(&self, entry: Entry) -> std::io::Result<()> {
        let mut inner = self.lock();
        inner.append(&Line::Undone { entry: entry.0 })?;
        inner.open.remove(&entry.0);
        Ok(())
    }

    /// What is open now, the newest first.
    pub(super) fn open_effects(&self) -> Vec<Effect> {
        self.lock().open.values().rev().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()
    }
}

/// What a dead run's journal left open, the newest first. A last line cut by a crash was never acted upon
/// (it is synced before its effect is made), so it is left out.
pub(super) fn open_effects(text: &str) -> Vec<Effect> {
    let mut open = BTreeMap::new();
    for line in text.lines() {
        match serde_json::from_str(line) {
            Ok(Line::Made { entry, what }) => {
                open.insert(entry, what);
            }
            Ok(Line::Undone { entry }) => {
                open.remove(&entry);
            }
            Err(_) => break,
        }
    }
    open.into_values().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn struck_entries_are_not_undone_again_and_a_cut_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        let first = journal.note(Effect::Folder { path: "/a".into() }).unwrap();
        journal.note(Effect::Processes { program: "postgres".into() }).unwrap();
        journal.note(Effect::Folder { path: "/b".into() }).unwrap();
        journal.strike(first).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"made\":{\"entry\":9,\"wh");
        assert_eq!(
            open_effects(&text),
            [Effect::Folder { path: "/b".into() }, Effect::Processes { program: "postgres".into() }]
        );
    }
}
