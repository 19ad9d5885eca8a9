//! One HTTP request without a body, and the status of its answer: some servers (nginx) finish the handshake
//! with anybody, and refuse a client without a certificate only here. Sent only where it was asked for by
//! name.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// As much as the longest status line that is waited for.
const LONGEST: usize = 512;

/// Asks for the head of `/`. `None`, when what comes is no answer of HTTP.
pub(super) async fn ask<S>(stream: &mut S, host: &str) -> io::Result<Option<u16>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let agent = concat!("cert-expiry-check/", env!("CARGO_PKG_VERSION"));
    let request = format!(
        "HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    while answer.len() < LONGEST && !answer.contains(&b'\n') {
        let mut some = [0; 128];
        match stream.read(&mut some).await? {
            0 => break,
            bytes => answer.extend_from_slice(&some[..bytes]),
        }
    }
    Ok(status(&answer))
}

/// The status of a status line (RFC 9112, 4).
fn status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(2..5).filter(|_| rest.get(1) == Some(&b' '))?;
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_from_answers_of_http_only() {
        for (answer, expected) in [
            ("HTTP/1.1 400 Bad Request\r\n", Some(400)),
            ("HTTP/1.0 200\r\n", Some(200)),
            ("HTTP/1.1 42", None),
            ("HTTP/1.1 999 X\r\n", None),
            ("220 mail.example ESMTP\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(answer.as_bytes()), expected, "{answer}");
        }
    }
}
