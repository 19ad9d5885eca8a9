//! What a port speaks that does not speak TLS, told by its first bytes.

use crate::wording::printable;

/// In words: `plain HTTP ("HTTP/1.1 400 Bad Request")`.
#[must_use]
pub(super) fn language(first: &[u8]) -> String {
    let line = first.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
    let name = match first {
        [b'H', b'T', b'T', b'P', b'/', ..] => "plain HTTP",
        [b'<', b'!' | b'h' | b'H', ..] => "plain HTTP",
        [b'S', b'S', b'H', b'-', ..] => "SSH",
        [b'2', b'2', b'0', b' ' | b'-', ..] => "SMTP or FTP without TLS",
        [b'*', b' ', b'O', b'K', ..] => "IMAP without TLS",
        [b'+', b'O', b'K', ..] => "POP3 without TLS",
        [_, _, _, 0, 10, ..] => return "MySQL without TLS".to_owned(),
        _ => "something else",
    };
    let text = std::str::from_utf8(line)
        .ok()
        .filter(|line| line.chars().filter(|c| c.is_control()).count() * 4 < line.len());
    match text {
        Some(text) => format!("{name} (\"{}\")", printable(text, 60)),
        None => {
            let bytes: Vec<_> = first.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            format!("{name} (bytes {})", bytes.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn languages_are_recognised_by_their_greeting() {
        for (first, words) in [
            (&b"HTTP/1.1 400 Bad Request\r\nServer: x"[..], "plain HTTP (\"HTTP/1.1 400 Bad Request\")"),
            (b"<!DOCTYPE HTML>\n<html>", "plain HTTP (\"<!DOCTYPE HTML>\")"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH (\"SSH-2.0-OpenSSH_9.2\")"),
            (b"220 mail.example ESMTP\r\n", "SMTP or FTP without TLS (\"220 mail.example ESMTP\")"),
            (b"\x4a\0\0\0\x0a5.7.1\0", "MySQL without TLS"),
            (b"\x01\x02\xff\xfe", "something else (bytes 01 02 ff fe)"),
            (b"hi \x1b[31m there", "something else (\"hi \\u{1b}[31m there\")"),
        ] {
            assert_eq!(language(first), words);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_words_without_control_characters(first in proptest::collection::vec(any::<u8>(), 0..96)) {
            prop_assert!(!language(&first).chars().any(char::is_control));
        }
    }
}
