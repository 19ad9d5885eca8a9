//! Text → lines, and everything that is wrong with their order, by line and by name.

use super::line::{Came, Line, RunLine, digest};
use crate::{document, record::v1::Record};

/// The largest integer that every reader of JSON reads alike.
const LARGEST: u64 = (1 << 53) - 1;

/// A line with its place.
///
/// ```
/// use evidence_report::history::{Chain, Entry};
///
/// let newest = |chain: &Chain| chain.entries().last().map(|Entry { digest, .. }| digest.clone());
/// assert_eq!(newest(&Chain::read("")), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line of the file, from 1.
    pub at: usize,
    /// SHA-256 over its bytes, without the line feed.
    pub digest: String,
    /// What it says.
    pub line: Line,
}

/// A history, as far as it can be read.
///
/// ```
/// use evidence_report::history::{Chain, Trouble};
///
/// let chain = Chain::read("");
/// assert!(chain.troubles().is_empty() && chain.runs().next().is_none());
/// assert!(matches!(Chain::read("<<<<<<< HEAD\n").troubles(), [Trouble::Unreadable { at: 1, .. }]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    entries: Vec<Entry>,
    troubles: Vec<Trouble>,
}

/// Something is wrong with a history. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A line is none of a history.
    #[error("line {at} cannot be read: {message}")]
    Unreadable {
        /// Where.
        at: usize,
        /// Why.
        message: String,
    },
    /// A line of a kind that this version does not know.
    #[error("line {at} is of a kind that this program does not know ('{kind}'); upgrade it")]
    Newer {
        /// Where.
        at: usize,
        /// The kind that it names.
        kind: String,
    },
    /// The last line has no end.
    #[error("cut: line {at}, the last one, has no end")]
    Torn {
        /// Where.
        at: usize,
    },
    /// Runs are missing.
    #[error("cut: line {at} is run {found}; run {expected} should stand there")]
    Gap {
        /// Where.
        at: usize,
        /// The number that should stand there.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// Two lines follow one and the same.
    #[error("forked: line {at} goes on from line {from}, as line {other} does already")]
    Forked {
        /// Where.
        at: usize,
        /// The line that both go on from.
        from: usize,
        /// The other one.
        other: usize,
    },
    /// A line is not the one that the next one saw.
    #[error("rewritten: line {before} is not the line that line {at} went on from")]
    Rewritten {
        /// The line that saw another one.
        at: usize,
        /// The line that was rewritten.
        before: usize,
    },
    /// A mark that belongs to the beginning.
    #[error("line {at}, about what came before, does not stand first")]
    NotFirst {
        /// Where.
        at: usize,
    },
    /// The newest line about a file says something else than the file's record.
    #[error("rewritten: line {at} does not say what the record in {file} says")]
    Contradicts {
        /// Where.
        at: usize,
        /// The evidence file.
        file: String,
    },
}

impl Trouble {
    /// The line that it is about.
    #[must_use]
    pub const fn at(&self) -> usize {
        match self {
            Self::Unreadable { at, .. }
            | Self::Newer { at, .. }
            | Self::Torn { at }
            | Self::Gap { at, .. }
            | Self::Forked { at, .. }
            | Self::Rewritten { at, .. }
            | Self::NotFirst { at }
            | Self::Contradicts { at, .. } => *at,
        }
    }
}

/// How an evidence file stands to its history.
///
/// ```
/// use evidence_report::{history::{Chain, Standing}, record::v1::Record};
///
/// fn is_newest(chain: &Chain, record: &Record) -> bool {
///     matches!(chain.standing("rehearsal.md", record), Standing::Newest { .. })
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the newest of its name, and its line says what it says.
    Newest {
        /// The number of its run.
        number: u64,
    },
    /// Its run is the next one, and was stopped before its line was written: the next run completes it.
    Pending,
    /// A newer one was there: older evidence was put back.
    Older {
        /// The number of its run.
        number: u64,
        /// The number of the newest.
        newest: u64,
    },
    /// It is no newer than the runs that were taken out of the history by name.
    Pruned,
    /// The history does not know it: its newest lines were cut off, or the file came by hand.
    Unknown,
    /// Its line says something else.
    Contradicted(Trouble),
}

impl Chain {
    /// Reads a history. What cannot be read is told; what can is kept.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut chain = Self::default();
        for (index, raw) in text.split_inclusive('\n').enumerate() {
            let at = index + 1;
            let Some(raw) = raw.strip_suffix('\n') else {
                chain.troubles.push(Trouble::Torn { at });
                continue;
            };
            // Where git checks files out with other line ends.
            let raw = raw.strip_suffix('\r').unwrap_or(raw);
            match serde_json::from_str::<Line>(raw) {
                Ok(line) if line.text() != raw => {
                    let message = "it is not written as a tool writes it".to_owned();
                    chain.troubles.push(Trouble::Unreadable { at, message });
                }
                Ok(line) if line.number() > LARGEST => {
                    let message = "its number is beyond any number of runs".to_owned();
                    chain.troubles.push(Trouble::Unreadable { at, message });
                }
                Ok(line) => {
                    chain.judge(at, &line);
                    chain.entries.push(Entry { at, digest: digest(raw), line });
                }
                Err(error) => chain.troubles.push(unreadable(at, raw, &error)),
            }
        }
        chain
    }

    /// Whether a line goes on from the one before it.
    fn judge(&mut self, at: usize, line: &Line) {
        let Line::Run(run) = line else {
            if at > 1 {
                self.troubles.push(Trouble::NotFirst { at });
            }
            return;
        };
        let Some(before) = self.entries.last() else {
            if run.number != 1 {
                self.troubles.push(Trouble::Gap { at, expected: 1, found: run.number });
            }
            return;
        };
        let expected = before.line.number() + 1;
        let follows = head_of(before) == run.previous.as_deref();
        if follows && run.number == expected {
            return;
        }
        let origin = self.entries.iter().find(|entry| head_of(entry) == run.previous.as_deref());
        let trouble = match origin {
            Some(origin) if origin.at != before.at => {
                let other = self.entries.iter().find(|entry| entry.at > origin.at);
                Trouble::Forked { at, from: origin.at, other: other.map_or(before.at, |other| other.at) }
            }
            _ if run.number != expected => Trouble::Gap { at, expected, found: run.number },
            _ => Trouble::Rewritten { at, before: before.at },
        };
        self.troubles.push(trouble);
    }

    /// What is wrong with it, from the top.
    #[must_use]
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// Every line that could be read.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The runs, the oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &RunLine> {
        self.entries.iter().filter_map(|entry| entry.line.run())
    }

    /// What the next run's record and line name as the one before.
    #[must_use]
    pub fn head(&self) -> Option<&str> {
        self.entries.last().and_then(head_of)
    }

    /// The number of the next run.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.entries.iter().map(|entry| entry.line.number()).max().unwrap_or(0) + 1
    }

    /// The line for a record that goes to `file`.
    #[must_use]
    pub fn next(&self, record: &Record, file: &str, came: Came) -> Line {
        let previous = self.head().map(str::to_owned);
        Line::Run(Box::new(RunLine::of(record, self.next_number(), previous, file, came)))
    }

    /// Puts a line behind the last one.
    pub(crate) fn push(&mut self, line: Line) {
        let at = self.entries.last().map_or(0, |entry| entry.at) + 1;
        self.entries.push(Entry { at, digest: digest(&line.text()), line });
    }

    /// The run of a record, by its seal: the newest, where it is there more than once.
    #[must_use]
    pub fn of_seal(&self, seal: &str) -> Option<&RunLine> {
        self.runs().rev().find(|run| run.seal == seal)
    }

    /// How the evidence in the file of this name stands to its history.
    #[must_use]
    pub fn standing(&self, file: &str, record: &Record) -> Standing {
        let seal = document::seal(record);
        let of_file = |entry: &&Entry| entry.line.run().is_some_and(|run| run.file == file);
        let mine = self.entries.iter().rev().filter(of_file);
        let newest = mine.clone().find_map(|entry| entry.line.run()).map_or(0, |run| run.number);
        let own = mine.clone().find_map(|entry| {
            let run = entry.line.run().filter(|run| run.seal == seal)?;
            Some((entry, run))
        });
        let Some((entry, run)) = own else {
            let pruned = self.entries.iter().find_map(|entry| match &entry.line {
                Line::Pruned(pruned) => Some(Record::time(&pruned.finished)),
                _ => None,
            });
            return if record.previous.as_deref() == self.head() {
                Standing::Pending
            } else if pruned.is_some_and(|last| Record::time(&record.finished) <= last) {
                Standing::Pruned
            } else {
                Standing::Unknown
            };
        };
        let told = RunLine::of(record, run.number, run.previous.clone(), file, run.came);
        let anchored = run.came != Came::Published || run.previous == record.previous;
        if digest(&Line::Run(Box::new(told)).text()) != entry.digest || !anchored {
            return Standing::Contradicted(Trouble::Contradicts { at: entry.at, file: file.to_owned() });
        }
        match run.number {
            number if number == newest => Standing::Newest { number },
            number => Standing::Older { number, newest },
        }
    }
}

/// What a line behind this one names as the one before.
fn head_of(entry: &Entry) -> Option<&str> {
    match &entry.line {
        Line::Pruned(pruned) => Some(&pruned.previous),
        Line::Run(_) | Line::Anew(_) => Some(&entry.digest),
    }
}

fn unreadable(at: usize, raw: &str, error: &serde_json::Error) -> Trouble {
    let kind = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(raw)
        .ok()
        .filter(|map| map.len() == 1)
        .and_then(|map| map.keys().next().cloned())
        .filter(|kind| !["run", "pruned", "anew"].contains(&kind.as_str()));
    match kind {
        Some(kind) => Trouble::Newer { at, kind: kind.chars().take(40).collect() },
        None => Trouble::Unreadable { at, message: error.to_string() },
    }
}
