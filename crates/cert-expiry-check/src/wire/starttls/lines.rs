//! Reading what servers of text protocols say: lines, and replies that begin with a number.

/// The first line without its end, and how many bytes it takes with it.
pub(super) fn line(received: &[u8]) -> Option<(&[u8], usize)> {
    let end = received.iter().position(|&byte| byte == b'\n')?;
    let line = &received[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// Every whole line, and how many bytes each takes with it.
pub(super) fn lines(received: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (line, taken) = line(&received[at..])?;
        at += taken;
        Some((line, taken))
    })
}

/// A reply of SMTP, FTP or NNTP (RFC 5321, 4.2; RFC 959, 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply<'r> {
    /// Its end has not come yet.
    Unfinished,
    /// It begins with no number.
    Foreign,
    /// A whole one.
    Whole {
        /// Its number.
        code: u16,
        /// All of it, as it came.
        text: &'r [u8],
        /// Its length in bytes.
        taken: usize,
    },
}

/// Reads a reply. It may have several lines: `250-` begins one, `250 ` or a bare `250` ends it.
pub(super) fn reply(received: &[u8]) -> Reply<'_> {
    let begins_well = received.iter().take(3).all(u8::is_ascii_digit);
    if !begins_well {
        return Reply::Foreign;
    }
    let Some((first, _)) = line(received) else { return Reply::Unfinished };
    let Some((code, separator)) = code(first) else { return Reply::Foreign };
    let mut taken = 0;
    for (index, (line, length)) in lines(received).enumerate() {
        taken += length;
        let ends = match index {
            0 => separator != Some(b'-'),
            _ => matches!(self::code(line), Some((number, Some(b' ') | None)) if number == code),
        };
        if ends {
            return Reply::Whole { code, text: &received[..taken], taken };
        }
    }
    Reply::Unfinished
}

/// The number at the front of a line, and what separates it from the rest.
fn code(line: &[u8]) -> Option<(u16, Option<u8>)> {
    let digits = std::str::from_utf8(line.get(..3)?).ok()?;
    let separator = line.get(3).copied();
    matches!(separator, None | Some(b' ' | b'-')).then_some(())?;
    Some((digits.parse().ok()?, separator))
}

/// Whether one of the lines of a reply, behind its number, begins with this word.
pub(super) fn offers(reply: &[u8], word: &str) -> bool {
    let first_word = |line: &[u8]| {
        let rest = line.get(4..).unwrap_or_default();
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        rest[..end].eq_ignore_ascii_case(word.as_bytes())
    };
    lines(reply).any(|(line, _)| first_word(line))
}

/// Whether a line has this word somewhere between blanks, brackets or quotes.
pub(super) fn has_word(line: &[u8], word: &str) -> bool {
    line.split(|byte| byte.is_ascii_whitespace() || b"[]()\"".contains(byte))
        .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_with_its_own_number() {
        for (received, code, taken) in [
            (&b"220 mail.example\r\nrest"[..], 220, 18),
            (b"220\r\n", 220, 5),
            (b"220\n", 220, 4),
            (b"250-mail.example\r\n250-SIZE\r\n250 STARTTLS\r\n", 250, 42),
            (b"250-mail.example\n250 OK\n", 250, 24),
            // RFC 959: between the first line and the last stands what the server likes.
            (b"220-Welcome\r\n 220 is not the end\r\n221 neither\r\nfree text\r\n220 End\r\n", 220, 67),
        ] {
            let expected = Reply::Whole { code, text: &received[..taken], taken };
            assert_eq!(reply(received), expected, "{}", String::from_utf8_lossy(received));
        }
        for unfinished in [&b""[..], b"2", b"220", b"220 mail", b"220-a\r\n", b"250-a\r\n250-b\r\n"] {
            assert_eq!(reply(unfinished), Reply::Unfinished);
        }
        for foreign in [&b"SSH-2.0\r\n"[..], b"* OK\r\n", b"22x", b"2200 a\r\n", b"22\n0", b"\xff"] {
            assert_eq!(reply(foreign), Reply::Foreign);
        }
    }

    #[test]
    fn a_capability_is_a_whole_word() {
        let reply = b"250-mail.example\r\n250-XSTARTTLS\r\n250-NOSTARTTLS 1\r\n250 SIZE 1000\r\n";
        assert!(!offers(reply, "STARTTLS"));
        assert!(offers(b"250-a\r\n250-StartTLS\r\n250 SIZE\r\n", "STARTTLS"));
        assert!(offers(b"250 STARTTLS required\r\n", "STARTTLS"));
        assert!(has_word(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready", "STARTTLS"));
        assert!(!has_word(b"* CAPABILITY IMAP4rev1 XSTARTTLS", "STARTTLS"));
        assert!(has_word(b"\"STARTTLS\"", "STARTTLS"));
    }
}
