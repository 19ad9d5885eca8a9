//! One HTTP request without a body, and the status of its answer: some servers (nginx) finish the handshake
//! with anybody, and refuse a client without a certificate only here. Sent only where it was asked for by
//! name.

use std::{io, net::IpAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    assess::name::Host,
    targets::{DEFAULT_PORT, Endpoint},
};

/// As much as the longest status line that is waited for.
const LONGEST: usize = 512;

/// Asks for the head of `/`. `None`, when what comes is no answer of HTTP.
///
/// # Errors
/// When the server goes without a word.
pub(super) async fn ask<S>(stream: &mut S, endpoint: &Endpoint) -> io::Result<Option<u16>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let host = authority(endpoint);
    let agent = concat!("cert-expiry-check/", env!("CARGO_PKG_VERSION"));
    let request = format!(
        "HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    // Who is gone when we ask may have said why: that is read, whatever became of the request.
    let _ = send(stream, request.as_bytes()).await;
    let mut answer = Vec::new();
    while answer.len() < LONGEST && !answer.contains(&b'\n') {
        let mut some = [0; 128];
        match stream.read(&mut some).await {
            Ok(0) if answer.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if answer.is_empty() => return Err(error),
            Ok(0) | Err(_) => break,
            Ok(bytes) => answer.extend_from_slice(&some[..bytes]),
        }
    }
    Ok(status(&answer))
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> io::Result<()> {
    stream.write_all(request).await?;
    stream.flush().await
}

/// What stands behind `Host:` (RFC 9110, 7.2): an IPv6 address in brackets (RFC 3986, 3.2.2), the port where it is
/// not that of HTTPS.
fn authority(endpoint: &Endpoint) -> String {
    let host = match endpoint.asked_as() {
        Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        host => host.to_string(),
    };
    if endpoint.port == DEFAULT_PORT { host } else { format!("{host}:{}", endpoint.port) }
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
    fn the_host_is_named_as_http_wants_it() {
        for (target, sni, expected) in [
            ("shop.example", None, "shop.example"),
            ("shop.example:8443", None, "shop.example:8443"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("::1", None, "[::1]"),
            ("[2001:db8::1]:8443", None, "[2001:db8::1]:8443"),
            ("[::1]:8443", Some("shop.example"), "shop.example:8443"),
            // The port is the one that clients name, not the one at the end of a tunnel.
            ("shop.example:443@127.0.0.1:8443", None, "shop.example"),
        ] {
            let mut endpoint = Endpoint::from_authority(target).unwrap();
            if let Some(name) = sni {
                endpoint.ask_as(Host::Name(name.to_owned()));
            }
            assert_eq!(authority(&endpoint), expected, "{target}");
        }
    }

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
