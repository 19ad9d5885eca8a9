//! The tracker as values, with the line of everything that was read.

mod read;
mod rules;

pub(super) use read::TrackerError;
pub(super) use rules::{GateRule, MOST, Meaning, Need};

/// How many items the markdown of a tracker has: what whoever replays hostile pages asks of the reader.
///
/// # Errors
/// Why it is no tracker.
pub fn count_items(text: &str) -> Result<usize, String> {
    Tracker::read("tracker", text).map(|tracker| tracker.items.len()).map_err(|error| error.to_string())
}

/// A tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tracker {
    /// Its file, as the user named it.
    pub(super) path: String,
    /// Its items, in order.
    pub(super) items: Vec<Item>,
    /// The rules of its section Launch Gating.
    pub(super) gates: Vec<GateRule>,
}

/// One numbered item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) number: u32,
    pub(super) title: String,
    /// The line of its heading, from 1.
    pub(super) line: u32,
    pub(super) status: Option<Field>,
    pub(super) owner: Option<Field>,
    pub(super) target: Option<Field>,
    /// The bullets of its scope.
    pub(super) scope: Vec<Field>,
    pub(super) evidence: Vec<Evidence>,
    /// What is still to be shown.
    pub(super) pending: Vec<Field>,
}

/// A value and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) value: String,
    pub(super) line: u32,
}

/// One thing that an item names as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) kind: EvidenceKind,
    pub(super) line: u32,
}

/// What kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EvidenceKind {
    /// A path or glob from the repository's root (a code span).
    Path(String),
    /// A path from the tracker's folder (a link).
    Link(String),
    /// A make target.
    Make(String),
}

/// The status of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Open,
    InProgress,
    Done,
}

impl Status {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "open" => Some(Self::Open),
            "in_progress" => Some(Self::InProgress),
            "done" => Some(Self::Done),
            _ => None,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Done => "done",
        }
    }
}

impl Item {
    /// The status, if it is one of the three words.
    pub(super) fn known_status(&self) -> Option<Status> {
        self.status.as_ref().and_then(|field| Status::parse(&field.value))
    }

    /// How the item is named in findings.
    pub(super) fn name(&self) -> String {
        format!("item {} ({})", self.number, self.title)
    }

    /// The line of the status, or of the heading where there is none.
    pub(super) fn status_line(&self) -> u32 {
        self.status.as_ref().map_or(self.line, |field| field.line)
    }

    /// Paths and links: a make target shows nothing by itself.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().filter(|evidence| !matches!(evidence.kind, EvidenceKind::Make(_)))
    }
}
