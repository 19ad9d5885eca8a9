//! `backup_label` and `tablespace_map`: what PostgreSQL writes into a base backup about itself. Pure.

use jiff::Timestamp;

use crate::wal::Lsn;

/// A `backup_label`, as far as we need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// What `pg_basebackup --label` was given.
    pub(crate) label: Option<String>,
    /// Where recovery begins: the checkpoint's redo place.
    pub(crate) start_lsn: Option<Lsn>,
    /// The timeline of that place.
    pub(crate) timeline: Option<u32>,
    /// When the backup was begun, where the zone can be told.
    pub(crate) started: Option<Timestamp>,
    /// For an increment: where the backup that it is made on begins.
    pub(crate) incremental_from: Option<Lsn>,
}

impl Label {
    /// Reads the file's text.
    pub(crate) fn read(text: &str) -> Self {
        let value = |key: &str| {
            text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(str::trim)
        };
        let first_word = |key| value(key).and_then(|value| value.split_whitespace().next());
        Self {
            label: value("LABEL").map(str::to_owned),
            start_lsn: first_word("START WAL LOCATION").and_then(|word| word.parse().ok()),
            timeline: value("START TIMELINE").and_then(|value| value.parse().ok()),
            started: value("START TIME").and_then(instant),
            incremental_from: first_word("INCREMENTAL FROM LSN").and_then(|word| word.parse().ok()),
        }
    }

    /// When it was begun, in words.
    pub(crate) fn started_text(&self) -> String {
        self.started.map_or_else(|| "at a time that cannot be told".to_owned(), |at| at.to_string())
    }
}

/// Reads `2026-01-31 12:30:00 UTC`. Other zones come as abbreviations, which are ambiguous: not read.
fn instant(text: &str) -> Option<Timestamp> {
    let bare = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT"))?;
    format!("{}Z", bare.trim()).parse().ok()
}

/// Reads a `tablespace_map`: number and place of each tablespace.
pub(crate) fn tablespaces(text: &str) -> Vec<(u32, String)> {
    let mut places = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = cut_line(rest);
        if let Some((number, place)) = line.split_once(' ')
            && let Ok(number) = number.parse()
        {
            places.push((number, place.to_owned()));
        }
        rest = after;
    }
    places
}

/// The first line, with its escapes taken off: a backslash keeps the character behind it.
fn cut_line(text: &str) -> (String, &str) {
    let mut line = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\n' | '\r' => return (line, &text[at + 1..]),
            '\\' => line.extend(characters.next().map(|(_, kept)| kept)),
            other => line.push(other),
        }
    }
    (line, "")
}

/// Writes a `tablespace_map` as PostgreSQL reads it.
pub(crate) fn tablespace_map<'a>(places: impl IntoIterator<Item = (u32, &'a str)>) -> String {
    let mut text = String::new();
    for (number, place) in places {
        text.push_str(&format!("{number} "));
        for character in place.chars() {
            if matches!(character, '\n' | '\r' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read() {
        let label = Label::read(
            "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nCHECKPOINT LOCATION: 0/2000060\n\
             BACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-01-31 12:30:00 UTC\n\
             LABEL: pg_basebackup base backup\nSTART TIMELINE: 1\nINCREMENTAL FROM LSN: 0/1000028\n",
        );
        assert_eq!(label.start_lsn, Some(Lsn(0x200_0028)));
        assert_eq!(label.timeline, Some(1));
        assert_eq!(label.started_text(), "2026-01-31T12:30:00Z");
        assert_eq!(label.incremental_from, Some(Lsn(0x100_0028)));
        assert_eq!(label.label.as_deref(), Some("pg_basebackup base backup"));
        assert_eq!(Label::read("START TIME: 2026-01-31 12:30:00 CET\n").started, None);
    }

    #[test]
    fn maps_survive_hostile_places() {
        let places = [(16_384, "/plain"), (16_385, "/with space\\and\nline")];
        let text = tablespace_map(places);
        let read = tablespaces(&text);
        assert_eq!(read, places.map(|(number, place)| (number, place.to_owned())));
        assert_eq!(tablespaces(""), []);
    }
}
