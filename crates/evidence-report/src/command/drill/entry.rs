//! The lines of a drill's log, as values. One JSON object a line; each names the digest of the line before it, so
//! that a line taken out or changed later is found. Pure: bytes come in.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::document::hex;

/// What kind of drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Talked through at a table.
    Tabletop,
    /// Something is restored from a backup.
    Restore,
    /// A fault is injected, or a real incident is kept as a drill is.
    Incident,
    /// Back to the last good revision, without a change of contract.
    Rollback,
}

impl Kind {
    /// The word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Tabletop => "tabletop",
            Self::Restore => "restore",
            Self::Incident => "incident",
            Self::Rollback => "rollback",
        }
    }
}

/// A moment that every drill has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Somebody, or an alert, saw it.
    Detected,
    /// Somebody took it on.
    Acknowledged,
    /// Users no longer feel it.
    Mitigated,
    /// It is as it was.
    Recovered,
}

impl Moment {
    /// The word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Acknowledged => "acknowledged",
            Self::Mitigated => "mitigated",
            Self::Recovered => "recovered",
        }
    }
}

/// How a drill came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Success {
    /// The objective was reached.
    Achieved,
    /// In part.
    Partly,
    /// It was not.
    Missed,
}

impl Success {
    /// The word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Achieved => "achieved",
            Self::Partly => "partly achieved",
            Self::Missed => "missed",
        }
    }
}

/// Who does what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// `lead`, `scribe`, …
    pub role: String,
    /// Who.
    pub name: String,
}

/// What changes because of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// What is to be done.
    pub what: String,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<jiff::civil::Date>,
}

/// A contract by its digest: an interface description that a rollback may not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Its file.
    pub path: String,
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// The beginning of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// What it is called.
    pub title: String,
    /// What kind it is.
    pub kind: Kind,
    /// What it is to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    /// Within how many seconds recovery is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_seconds: Option<u64>,
    /// Who does what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// From which revision a rollback goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_revision: Option<String>,
    /// To which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_revision: Option<String>,
    /// The contract before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
}

/// The end of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// How it came out.
    pub outcome: Success,
    /// In a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What changes because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow_ups: Vec<FollowUp>,
    /// The contract after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// The drill begins.
    Start(Start),
    /// Something happened.
    Note {
        /// What.
        text: String,
        /// Where it is one of the moments that every drill has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moment: Option<Moment>,
        /// So many seconds before the line was written it happened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ago_seconds: Option<u64>,
    },
    /// Somebody takes a role.
    Role(Role),
    /// The drill ends.
    Finish(Finish),
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub n: u32,
    /// When, by the wall clock.
    pub at: Timestamp,
    /// Which boot of which machine: the first digits of its id.
    pub boot: String,
    /// Milliseconds since that boot: a clock that nobody sets.
    pub up_ms: u64,
    /// Who wrote it.
    pub by: String,
    /// Digest of the line before: its first 16 digits; empty in the first.
    pub previous: String,
    /// What it says.
    #[serde(flatten)]
    pub what: What,
}

impl Entry {
    /// How long before it was written it happened.
    pub(super) const fn ago(&self) -> Duration {
        match self.what {
            What::Note { ago_seconds: Some(seconds), .. } => Duration::from_secs(seconds),
            _ => Duration::ZERO,
        }
    }

    /// When it happened, by the wall clock.
    pub(super) fn happened(&self) -> Timestamp {
        jiff::SignedDuration::try_from(self.ago())
            .ok()
            .and_then(|ago| self.at.checked_sub(ago).ok())
            .unwrap_or(self.at)
    }
}

/// A log as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The entries, in the order of the file.
    pub entries: Vec<Entry>,
    /// What is wrong with it: a torn line, a broken chain.
    pub damage: Vec<String>,
    /// Digest of the last line.
    pub last: String,
}

/// The digest that the next line names.
fn digest(line: &[u8]) -> String {
    hex(&Sha256::digest(line))[..16].to_owned()
}

impl History {
    /// Reads a log. A line that was torn by a crash is passed over and told; it is never mended.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut history = Self::default();
        // A line of the chain may follow a torn one, which it does not know.
        let mut good = String::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice::<Entry>(line) {
                Ok(entry) => {
                    if entry.previous != good {
                        history.damage.push(format!("line {number} does not follow the line before it: something was taken out or changed"));
                    }
                    good = digest(line);
                    history.entries.push(entry);
                }
                Err(_) => history.damage.push(format!("line {number} is torn or is none of ours")),
            }
        }
        history.damage.truncate(20);
        history.last = good;
        history
    }

    /// The beginning; `None` where the log has none.
    #[must_use]
    pub fn start(&self) -> Option<&Start> {
        self.entries.iter().find_map(|entry| match &entry.what {
            What::Start(start) => Some(start),
            _ => None,
        })
    }

    /// The end, where it came.
    #[must_use]
    pub fn finish(&self) -> Option<(&Entry, &Finish)> {
        self.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Finish(finish) => Some((entry, finish)),
            _ => None,
        })
    }
}
