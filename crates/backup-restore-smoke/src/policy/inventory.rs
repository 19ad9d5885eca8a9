//! What a source of backups holds, in one shape whatever made it. It knows no tool, and judges nothing.

use std::time::Duration;

use jiff::Timestamp;

/// One backup that could be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    /// Its name: a file's, or the tool's label.
    pub(crate) label: String,
    /// The moment that it brings back at least.
    pub(crate) at: Timestamp,
    /// How long making it took, where that is told.
    pub(crate) took: Option<Duration>,
    /// Its size in bytes, as [`Inventory::sizes`] says.
    pub(crate) bytes: u64,
    /// Whether it needs no other backup.
    pub(crate) full: bool,
}

/// Something that the source itself says is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Of what.
    pub(crate) subject: String,
    /// What is said.
    pub(crate) said: String,
    /// How bad it is.
    pub(crate) weight: Weight,
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It may not be relied upon.
    Bad,
    /// Somebody should look.
    Doubtful,
}

/// What is known of the archive of the write-ahead log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Archive {
    /// This source has none, or does not tell.
    NotTold(&'static str),
    /// It is told.
    Told {
        /// Whether the backups have the log that they need.
        covers: bool,
        /// From where to where, and what was not told.
        words: String,
    },
}

/// All backups of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Those that could be restored, the oldest first.
    pub(crate) backups: Vec<Backup>,
    /// Where they were looked for.
    pub(crate) place: String,
    /// Where their times come from.
    pub(crate) times: String,
    /// What their sizes mean.
    pub(crate) sizes: &'static str,
    /// What the source complains of.
    pub(crate) faults: Vec<Fault>,
    /// The archive of the write-ahead log.
    pub(crate) archive: Archive,
}

impl Inventory {
    /// The newest backup.
    pub(crate) fn newest(&self) -> Option<&Backup> {
        self.backups.last()
    }

    /// Those that need no other, the oldest first.
    pub(crate) fn full(&self) -> impl DoubleEndedIterator<Item = &Backup> {
        self.backups.iter().filter(|backup| backup.full)
    }
}
