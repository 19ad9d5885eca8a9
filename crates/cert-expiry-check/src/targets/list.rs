//! A list of targets in text: one a line, comments behind `#`. It is read line by line, since it may be long.

use std::io::{self, BufRead};

/// A word of a list, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTarget<'t> {
    /// Counts from 1.
    pub line: u32,
    /// The character on its line at which it begins, counted from 1.
    pub column: usize,
    /// What stands there.
    pub word: &'t str,
}

/// Why a list was not read to its end.
#[derive(Debug)]
pub enum ListTrouble<E> {
    /// It cannot be read, or is no text.
    Unreadable(io::Error),
    /// Whoever was told its targets does not take one.
    Refused(E),
}

/// More than a million targets.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Tells the targets of a list, line by line. A `#` begins a comment at the start of a line or behind a blank, so that
/// a file name may hold one.
///
/// # Errors
/// When it cannot be read, is no text in UTF-8, or is larger than any list; and those of `tell`.
pub fn read_list<E>(
    reader: impl BufRead,
    mut tell: impl FnMut(ListedTarget<'_>) -> Result<(), E>,
) -> Result<(), ListTrouble<E>> {
    let unreadable = |why: String| ListTrouble::Unreadable(io::Error::other(why));
    let mut reader = reader.take(LARGEST + 1);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let count = reader.read_until(b'\n', &mut bytes).map_err(ListTrouble::Unreadable)?;
        if reader.limit() == 0 {
            let limit = LARGEST / 1024 / 1024;
            let why = format!("it is larger than {limit} MiB; split it, or name networks (10.0.0.0/24:443)");
            return Err(unreadable(why));
        }
        if count == 0 {
            break;
        }
        let content = as_text(&bytes, line).map_err(unreadable)?;
        let content = if line == 1 { content.strip_prefix('\u{feff}').unwrap_or(content) } else { content };
        let word = without_comment(content).trim();
        if !word.is_empty() {
            let column = 1 + content.chars().take_while(|character| character.is_whitespace()).count();
            tell(ListedTarget { line, column, word }).map_err(ListTrouble::Refused)?;
        }
    }
    Ok(())
}

fn as_text(bytes: &[u8], line: u32) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let column = 1 + String::from_utf8_lossy(before).chars().count();
        format!("line {line}, column {column} is no text in UTF-8; save it as UTF-8, one target a line")
    })
}

fn without_comment(line: &str) -> &str {
    let starts_comment = |&(at, _): &(usize, &str)| line[..at].ends_with(char::is_whitespace) || at == 0;
    line.match_indices('#').find(starts_comment).map_or(line, |(at, _)| &line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_no_targets() {
        let text = "\u{feff}# shops\nshop.example:443\r\n\n   \n  api.example # the API\nfile#1.pem\n\t#x\n";
        let mut read = Vec::new();
        let told = read_list(text.as_bytes(), |listed| {
            read.push((listed.line, listed.column, listed.word.to_owned()));
            Ok::<_, ()>(())
        });
        told.unwrap();
        let read: Vec<_> = read.iter().map(|(line, column, word)| (*line, *column, word.as_str())).collect();
        assert_eq!(read, [(2, 1, "shop.example:443"), (5, 3, "api.example"), (6, 1, "file#1.pem")]);
    }
}
