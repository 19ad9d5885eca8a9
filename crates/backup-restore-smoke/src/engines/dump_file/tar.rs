//! Tar files, read member by member as a stream: names and sizes, and that the end is there. Nothing is unpacked.

use std::io::{self, Read};

use super::toc::wrong;

const BLOCK: u64 = 512;

/// The members of a tar file.
pub(crate) struct Members<R> {
    inner: R,
    /// Bytes of the member at hand that were not read, and its padding.
    left: u64,
    padding: u64,
}

/// One member; reading it ends where it ends.
pub(crate) struct Member<'a, R> {
    /// Its name.
    pub(crate) name: String,
    members: &'a mut Members<R>,
}

impl<R: Read> Members<R> {
    /// The members of what is read here.
    pub(crate) const fn of(inner: R) -> Self {
        Self { inner, left: 0, padding: 0 }
    }

    /// The next member; `None` behind the last.
    ///
    /// # Errors
    /// When the file ends before its end mark, or a head is damaged.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member<'_, R>>> {
        let rest = self.left + self.padding;
        if io::copy(&mut (&mut self.inner).take(rest), &mut io::sink())? != rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut head = [0; BLOCK as usize];
        self.inner.read_exact(&mut head)?;
        if head.iter().all(|&byte| byte == 0) {
            (self.left, self.padding) = (0, 0);
            return Ok(None);
        }
        let sum: u64 = head
            .iter()
            .enumerate()
            .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { byte.into() })
            .sum();
        if number(&head[148..156]) != Some(sum) {
            return Err(wrong("the head of a member does not fit its checksum"));
        }
        self.left = number(&head[124..136]).ok_or_else(|| wrong("a member has no readable size"))?;
        self.padding = self.left.next_multiple_of(BLOCK) - self.left;
        let name = head[..100].split(|&byte| byte == 0).next().unwrap_or_default();
        Ok(Some(Member { name: String::from_utf8_lossy(name).into_owned(), members: self }))
    }
}

impl<R: Read> Read for Member<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.members.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.members.inner.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.members.left -= count as u64;
        Ok(count)
    }
}

/// A number in octal digits, or (large ones) in binary behind a first byte of 0x80.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] == 0x80 {
        return Some(field[1..].iter().fold(0, |value, &byte| value << 8 | u64::from(byte)));
    }
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn sizes_are_read_in_both_ways() {
        assert_eq!(number(b"00000001750\0"), Some(0o1750));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(2 << 32));
        assert_eq!(number(b"garbage\0\0\0\0\0"), None);
    }
}
