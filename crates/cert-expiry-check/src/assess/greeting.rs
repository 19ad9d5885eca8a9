//! What a port speaks that does not speak TLS, told by its first bytes.

use crate::{targets::StartTls, wording::printable};

/// A record of TLS: an alert or a handshake (RFC 8446, 5.1).
#[must_use]
pub(super) fn is_tls(first: &[u8]) -> bool {
    matches!(first, [21 | 22, 3, ..])
}

/// The protocol whose greeting this is, where it turns TLS on when asked to. SMTP and FTP greet alike: their
/// words and the port decide.
#[must_use]
pub(super) fn start(first: &[u8], port: u16) -> Option<StartTls> {
    let usual = StartTls::of_port(port);
    match first {
        [b'2', b'2', b'0', b' ' | b'-', ..] => {
            let says_ftp = first.windows(3).any(|three| three.eq_ignore_ascii_case(b"ftp"));
            Some(match usual {
                Some(known @ (StartTls::Submission | StartTls::Lmtp | StartTls::Ftp)) => known,
                _ if says_ftp => StartTls::Ftp,
                _ => StartTls::Smtp,
            })
        }
        [b'2', b'0', b'0' | b'1', b' ', ..] => Some(StartTls::Nntp),
        [b'*', b' ', b'O', b'K', ..] => Some(StartTls::Imap),
        [b'+', b'O', b'K', ..] => Some(StartTls::Pop3),
        [b'"', ..] if first.starts_with(b"\"IMPLEMENTATION\"") => Some(StartTls::Sieve),
        [_, _, _, 0, 10 | 255, ..] => Some(StartTls::Mysql),
        _ if is_stream(first) => {
            Some(if usual == Some(StartTls::XmppServer) { StartTls::XmppServer } else { StartTls::Xmpp })
        }
        _ => None,
    }
}

fn is_stream(first: &[u8]) -> bool {
    first.windows(8).any(|eight| eight == b"<stream:")
}

/// In words: `plain HTTP ("HTTP/1.1 400 Bad Request")`.
#[must_use]
pub(super) fn language(first: &[u8]) -> String {
    let line = first.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
    let name = match first {
        [b'H', b'T', b'T', b'P', b'/', ..] => "plain HTTP",
        [b'<', b'!' | b'h' | b'H', ..] => "plain HTTP",
        [b'S', b'S', b'H', b'-', ..] => "SSH",
        _ if is_tls(first) => return "TLS from the start".to_owned(),
        [b'2', b'2', b'0', b' ' | b'-', ..] => "SMTP or FTP without TLS",
        [b'*', b' ', b'O', b'K', ..] => "IMAP without TLS",
        [b'+', b'O', b'K', ..] => "POP3 without TLS",
        [_, _, _, 0, 10, ..] => return "MySQL without TLS".to_owned(),
        _ if is_stream(first) => "XMPP without TLS",
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

    #[test]
    fn the_word_that_asks_for_tls_is_told_by_the_greeting_and_the_port() {
        for (first, port, start) in [
            (&b"220 mail.example ESMTP\r\n"[..], 2525, Some(StartTls::Smtp)),
            (b"220 mail.example ESMTP\r\n", 587, Some(StartTls::Submission)),
            (b"220 files.example ready\r\n", 21, Some(StartTls::Ftp)),
            (b"220 (vsFTPd 3.0.3)\r\n", 2121, Some(StartTls::Ftp)),
            (b"* OK Dovecot ready.\r\n", 1, Some(StartTls::Imap)),
            (b"+OK ready\r\n", 1, Some(StartTls::Pop3)),
            (b"\x4a\0\0\0\x0a5.7.1\0", 1, Some(StartTls::Mysql)),
            (b"<?xml version='1.0'?><stream:stream from='a'>", 1, Some(StartTls::Xmpp)),
            (b"<?xml version='1.0'?><stream:stream from='a'>", 5269, Some(StartTls::XmppServer)),
            (b"SSH-2.0-OpenSSH_9.2\r\n", 25, None),
            (b"HTTP/1.1 400 Bad Request\r\n", 80, None),
        ] {
            assert_eq!(super::start(first, port), start, "{}", String::from_utf8_lossy(first));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_words_without_control_characters(first in proptest::collection::vec(any::<u8>(), 0..96)) {
            prop_assert!(!language(&first).chars().any(char::is_control));
        }
    }
}
