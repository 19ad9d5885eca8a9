//! Cuts a stream of chunks into lines, with a bound on the length of a line.

/// A line longer than this is refused: it bounds the memory that a hostile exposition can take.
pub(super) const LONGEST_LINE: usize = 1024 * 1024;

/// One step of the cutting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A line, without its line feed.
    Line(&'a [u8]),
    /// A line longer than [`LONGEST_LINE`]; it is dropped to its end. Its beginning is given.
    TooLong(&'a [u8]),
}

/// What was left over from the chunks so far.
#[derive(Debug, Default)]
pub(super) struct Lines {
    carry: Vec<u8>,
    dropping: bool,
}

impl Lines {
    /// Takes the next chunk and hands out every line that it completes.
    pub(super) fn feed(&mut self, mut chunk: &[u8], mut piece: impl FnMut(Piece<'_>)) {
        if !self.carry.is_empty() || self.dropping {
            let Some(end) = memchr::memchr(b'\n', chunk) else {
                self.keep(chunk);
                return;
            };
            self.keep(&chunk[..end]);
            piece(self.carried());
            self.carry.clear();
            self.dropping = false;
            chunk = &chunk[end + 1..];
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', chunk) {
            let line = &chunk[start..end];
            piece(if line.len() > LONGEST_LINE { Piece::TooLong(&line[..64]) } else { Piece::Line(line) });
            start = end + 1;
        }
        self.keep(&chunk[start..]);
    }

    /// Hands out what stands after the last line feed, if anything does.
    pub(super) fn finish(&mut self, mut piece: impl FnMut(Piece<'_>)) {
        if !self.carry.is_empty() || self.dropping {
            piece(self.carried());
        }
    }

    fn keep(&mut self, part: &[u8]) {
        if self.dropping {
            return;
        }
        self.carry.extend_from_slice(part);
        if self.carry.len() > LONGEST_LINE {
            self.dropping = true;
            self.carry = self.carry[..64].to_vec();
        }
    }

    fn carried(&self) -> Piece<'_> {
        if self.dropping { Piece::TooLong(&self.carry) } else { Piece::Line(&self.carry) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut note = |piece: Piece<'_>| {
            seen.push(match piece {
                Piece::Line(line) => String::from_utf8_lossy(line).into_owned(),
                Piece::TooLong(start) => format!("too long: {}", start.len()),
            });
        };
        for chunk in chunks {
            lines.feed(chunk, &mut note);
        }
        lines.finish(&mut note);
        seen
    }

    #[test]
    fn lines_do_not_depend_on_how_the_stream_was_chunked() {
        let text = b"one\ntwo\n\nthree";
        let whole = cut(&[text]);
        assert_eq!(whole, ["one", "two", "", "three"]);
        for at in 0..text.len() {
            assert_eq!(cut(&[&text[..at], &text[at..]]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(cut(&bytes), whole);
    }

    #[test]
    fn an_endless_line_is_dropped_and_the_next_line_is_read() {
        let endless = vec![b'a'; LONGEST_LINE + 1];
        assert_eq!(cut(&[&endless, b"bbb", b"b\nnext\n"]), ["too long: 64", "next"]);
        let whole = [&endless[..], b"\nnext\n"].concat();
        assert_eq!(cut(&[&whole]), ["too long: 64", "next"]);
        assert_eq!(cut(&[&endless]), ["too long: 64"]);
    }
}
