//! The data of one table in a dump: read through to its end, its rows counted. Nothing of a row is kept.

use std::io::{self, Read};

use super::toc::Archive;

/// Behind the last row of COPY stand these bytes.
const TERMINATOR: &[u8] = b"\\.\n\n\n";

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Through {
    /// Bytes, uncompressed.
    pub(crate) bytes: u64,
    /// Rows of COPY, where the data ends as COPY data does.
    pub(crate) rows: Option<u64>,
}

/// Reads data to its end.
///
/// # Errors
/// When it cannot be read or uncompressed.
pub(crate) fn through(mut data: impl Read) -> io::Result<Through> {
    let mut chunk = vec![0; 128 << 10];
    let (mut bytes, mut lines) = (0_u64, 0_u64);
    let mut last: Vec<u8> = Vec::new();
    loop {
        let count = match data.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes += count as u64;
        lines += memchr::memchr_iter(b'\n', &chunk[..count]).count() as u64;
        let keep = TERMINATOR.len() + 1;
        last.extend_from_slice(&chunk[count.saturating_sub(keep)..count]);
        last.drain(..last.len().saturating_sub(keep));
    }
    let ends =
        last == TERMINATOR || (last.len() > TERMINATOR.len() && last[0] == b'\n' && last[1..] == *TERMINATOR);
    Ok(Through { bytes, rows: ends.then(|| lines.saturating_sub(3)) })
}

/// The chunks of a block of the custom format, as one stream.
pub(crate) struct Chunks<'a, R> {
    archive: &'a mut Archive<R>,
    left: u64,
    over: bool,
}

impl<'a, R: Read> Chunks<'a, R> {
    /// The chunks that follow in the archive.
    pub(crate) const fn of(archive: &'a mut Archive<R>) -> Self {
        Self { archive, left: 0, over: false }
    }

    /// Goes on to the end of the block, whatever was left unread.
    ///
    /// # Errors
    /// When the archive ends before the block does.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }
}

impl<R: Read> Read for Chunks<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over || buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.left = u64::try_from(self.archive.integer()?)
                .map_err(|_| super::toc::wrong("a chunk of data has a negative length"))?;
            if self.left == 0 {
                self.over = true;
                return Ok(0);
            }
        }
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.archive.rest().read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_and_a_missing_end_is_seen() {
        let rows = |text: &str| through(text.as_bytes()).unwrap().rows;
        assert_eq!(rows("\\.\n\n\n"), Some(0));
        assert_eq!(rows("1\tx\n2\ty\n\\.\n\n\n"), Some(2));
        assert_eq!(rows("1\tx\n2\ty\n"), None);
        assert_eq!(rows("1\tx\\.\n\n\n"), None);
        assert_eq!(rows(""), None);
    }
}
