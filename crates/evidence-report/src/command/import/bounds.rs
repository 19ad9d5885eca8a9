//! Files of others made harmless before a parser sees them: valid UTF-8, and no single text longer than memory
//! likes. Parsers then need as much room as the longest text, whatever the size of the file.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// No text, tag, comment or string of a file may be longer than this.
pub(super) const LONGEST: u64 = 16 * 1024 * 1024;

const PIECE: usize = 32 * 1024;

/// Hands on valid UTF-8: what is none becomes the replacement character. A byte order mark goes.
#[derive(Debug)]
pub(super) struct Utf8<R> {
    source: R,
    /// Bytes of a character that the last piece has cut.
    torn: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    at_start: bool,
}

impl<R: Read> Utf8<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, torn: Vec::new(), ready: Vec::new(), given: 0, at_start: true }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut piece = std::mem::take(&mut self.torn);
        let had = piece.len();
        piece.resize(had + PIECE, 0);
        let count = self.source.read(&mut piece[had..])?;
        piece.truncate(had + count);
        if let (Err(error), true) = (std::str::from_utf8(&piece), count > 0)
            && error.error_len().is_none()
        {
            self.torn = piece.split_off(error.valid_up_to());
        }
        if std::mem::take(&mut self.at_start) && piece.starts_with("\u{FEFF}".as_bytes()) {
            piece.drain(..3);
        }
        self.ready = match String::from_utf8(piece) {
            Ok(text) => text.into_bytes(),
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into_bytes(),
        };
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            self.fill()?;
            // A piece may hold nothing but the beginning of a character.
            if self.ready.is_empty() && self.torn.is_empty() {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.ready.len() - self.given);
        buffer[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// How much may still be read before whoever reads says that it has understood it.
#[derive(Debug, Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(LONGEST)))
    }

    /// What was read is understood: the next text may be as long again.
    pub(super) fn renew(&self) {
        self.0.set(LONGEST);
    }

    /// A reader that stops where the budget ends.
    pub(super) fn reader<R>(&self, source: R) -> Budgeted<R> {
        Budgeted { source, budget: self.clone() }
    }
}

/// See [`Budget::reader`].
#[derive(Debug)]
pub(super) struct Budgeted<R> {
    source: R,
    budget: Budget,
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let left = self.budget.0.get().checked_sub(count as u64).ok_or_else(too_long)?;
        self.budget.0.set(left);
        Ok(count)
    }
}

fn too_long() -> io::Error {
    io::Error::other(format!("a single text in it is longer than {} MiB", LONGEST / 1024 / 1024))
}

/// Hands on JSON as it is, until a string in it is too long.
#[derive(Debug)]
pub(super) struct JsonStrings<R> {
    source: R,
    /// Length of the string that we are in.
    string: Option<u64>,
    escaped: bool,
}

impl<R: Read> JsonStrings<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, string: None, escaped: false }
    }

    fn look(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        loop {
            let next = match self.string {
                _ if self.escaped => (!rest.is_empty()).then_some(0),
                Some(_) => memchr::memchr2(b'"', b'\\', rest),
                None => memchr::memchr(b'"', rest),
            };
            let passed = next.map_or(rest.len(), |at| at + 1);
            if let Some(length) = &mut self.string {
                *length += passed as u64;
                if *length > LONGEST {
                    return Err(too_long());
                }
            }
            let Some(at) = next else { return Ok(()) };
            if self.escaped {
                self.escaped = false;
            } else if rest[at] == b'\\' {
                self.escaped = true;
            } else {
                self.string = if self.string.is_some() { None } else { Some(0) };
            }
            rest = &rest[passed..];
        }
    }
}

impl<R: Read> Read for JsonStrings<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.look(&buffer[..count])?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time: every character is cut.
    struct Slowly<'b>(&'b [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn what_is_no_utf8_is_replaced_wherever_it_is_cut() {
        for (bytes, text) in [
            ("é証😀".as_bytes(), "é証😀"),
            (b"a\xFFb", "a\u{FFFD}b"),
            (b"a\xE8\xA8", "a\u{FFFD}"),
            (b"\xEF\xBB\xBFa", "a"),
            (b"", ""),
        ] {
            let mut read = String::new();
            Utf8::new(bytes).read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
        let mut read = String::new();
        Utf8::new(Slowly("é証😀".as_bytes())).read_to_string(&mut read).unwrap();
        assert_eq!(read, "é証😀");
    }

    #[test]
    fn a_string_may_be_long_and_not_longer() {
        let read = |text: &str| {
            let mut out = Vec::new();
            JsonStrings::new(text.as_bytes()).read_to_end(&mut out).map(|_| out.len())
        };
        let long = "x".repeat(usize::try_from(LONGEST).unwrap() - 1);
        let twice = format!("[\"{long}\", \"{long}\"]");
        assert_eq!(read(&twice).unwrap(), twice.len());
        assert!(read(&format!("[\"{long}xx")).is_err());
        assert!(read(&format!("[\"\\\"{long}xx")).is_err(), "an escaped quote ends no string");
        assert!(read(&" ".repeat(long.len() * 2)).is_ok());
    }
}
