//! What every importer hands over: results one by one, and in the end an account of the file.

use jiff::Timestamp;

use crate::record::{Measurement, v1::one_line};

/// What another tool says of one of its tests or findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Said {
    /// Made, and right.
    Passed,
    /// Right in the end, but somebody should look.
    Warned,
    /// Wrong.
    Failed,
    /// It tried, or somebody has to decide.
    Undecided,
    /// Not made, or set aside by the tool. It never passes.
    Skipped,
}

/// One result of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it says.
    pub said: Said,
    /// Of what: a test's name, a place in the source.
    pub subject: String,
    /// Its own words, in one line.
    pub words: String,
    /// The file and line that it names.
    pub place: Option<(String, Option<u32>)>,
}

impl Told {
    /// A result without a place. Names and words are cut to what anybody reads.
    #[must_use]
    pub fn new(said: Said, subject: &str, words: &str) -> Self {
        Self { said, subject: short(subject, 300), words: short(words, 500), place: None }
    }

    /// With the file and line that the tool names.
    #[must_use]
    pub fn at(mut self, path: &str, line: Option<u32>) -> Self {
        self.place = (!path.trim().is_empty()).then(|| (short(path, 300), line));
        self
    }
}

/// A file that was read, whole or as far as it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The tool that made it, where the file says so.
    pub tool: Option<String>,
    /// When it was made, where the file says so.
    pub made_at: Option<Timestamp>,
    /// What keeps the file from being the whole story: a test that is missing, a suite without tests.
    pub gaps: Vec<String>,
    /// Numbers worth keeping.
    pub measurements: Vec<Measurement>,
}

/// So many gaps are told one by one.
const GAPS: usize = 50;

impl Account {
    /// Notes what is missing.
    pub(super) fn gap(&mut self, what: impl AsRef<str>) {
        match self.gaps.len() {
            0..GAPS => self.gaps.push(short(what.as_ref(), 300)),
            GAPS => self.gaps.push("and more of that kind".into()),
            _ => {}
        }
    }

    /// Notes that something of the file was made at this moment: the last counts.
    pub(super) fn made(&mut self, at: Timestamp) {
        self.made_at = Some(self.made_at.map_or(at, |known| known.max(at)));
    }
}

/// A file that cannot be read further: what was read before still counts, the rest is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreadable {
    /// Why.
    pub why: String,
    /// In which line, from 1.
    pub line: Option<u32>,
}

impl Unreadable {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), line: None }
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        // The message may quote what stands in the file: one line of it is enough.
        let line = u32::try_from(error.line()).ok().filter(|line| *line > 0);
        Self { why: short(&error.to_string(), 300), line }
    }
}

/// Where results go as they are read.
pub type Sink<'s> = &'s mut dyn FnMut(Told);

/// A text in one line, cut to so many characters.
pub(super) fn short(text: &str, limit: usize) -> String {
    // A name of a hundred megabytes is not walked through.
    let mut end = text.len().min(limit * 8);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let line = one_line(&text[..end]);
    match line.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_one_line_and_short() {
        assert_eq!(short("a\nb", 10), "a b");
        assert_eq!(short(&"é".repeat(50), 3), "ééé…");
        assert_eq!(short(&"x".repeat(100_000_000), 3), "xxx…");
    }

    #[test]
    fn many_gaps_are_told_as_many() {
        let mut account = Account::default();
        (0..1000).for_each(|n| account.gap(format!("gap {n}")));
        assert_eq!(account.gaps.len(), GAPS + 1);
    }
}
