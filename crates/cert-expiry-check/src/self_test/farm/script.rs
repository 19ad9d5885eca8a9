//! What a server says and hears in plain text, before it speaks TLS or instead.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One line of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The server says this.
    Say(&'static [u8]),
    /// The server listens until what it heard since its last words holds this.
    Hear(&'static [u8]),
    /// The server says nothing more, and listens until the client goes.
    FallSilent,
    /// The server closes the connection.
    Close,
    /// The server says this again and again.
    SayForEver(&'static [u8]),
    /// TLS begins.
    BeginTls,
}

/// What became of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// TLS is to begin.
    Tls,
    /// The connection is done.
    Done,
}

/// Plays the script; everything that is heard goes to `heard`.
pub(super) async fn play(
    script: &[Line],
    stream: &mut TcpStream,
    mut heard: impl FnMut(&[u8]),
) -> io::Result<Ending> {
    for line in script {
        match line {
            Line::Say(words) => stream.write_all(words).await?,
            Line::Hear(words) => {
                if !hear(words, stream, &mut heard).await? {
                    return Ok(Ending::Done);
                }
            }
            Line::FallSilent => {
                let _ = hear(b"", stream, &mut heard).await?;
                return Ok(Ending::Done);
            }
            Line::Close => {
                stream.shutdown().await?;
                return Ok(Ending::Done);
            }
            Line::SayForEver(words) => loop {
                stream.write_all(words).await?;
            },
            Line::BeginTls => return Ok(Ending::Tls),
        }
    }
    hear(b"", stream, &mut heard).await?;
    Ok(Ending::Done)
}

/// Listens for these words, or to the client's end where there are none. It reads byte by byte, so that what
/// follows is left for TLS.
async fn hear(words: &[u8], stream: &mut TcpStream, heard: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    let mut recent = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).await? > 0 {
        heard(&byte);
        recent.push(byte[0]);
        if !words.is_empty() && recent.ends_with(words) {
            return Ok(true);
        }
    }
    Ok(false)
}
