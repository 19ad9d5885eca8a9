//! Carries an [`Exchange`] over a connection, within a limit of time.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{Exchange, StartTrouble, Turn};
use crate::{assess::name::Host, targets::StartTls};

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// Brings the server to the point where TLS begins, within the limit.
pub(in crate::wire) async fn begin(
    stream: &mut TcpStream,
    start: StartTls,
    name: &Host,
    limit: Duration,
) -> Result<(), StartTrouble> {
    let mut exchange = Exchange::new(start, name);
    let deadline = Instant::now() + limit;
    let goodbye = match timeout_at(deadline, converse(stream, &mut exchange)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err((trouble, goodbye))) => (trouble, goodbye),
        Err(_) if exchange.has_heard() => (StartTrouble::Unfinished(exchange.waits_for(), limit), &b""[..]),
        Err(_) => (StartTrouble::Silent(limit), &b""[..]),
    };
    let (trouble, words) = goodbye;
    if !words.is_empty() {
        let _ = timeout(GOODBYE, take_leave(stream, words)).await;
    }
    Err(trouble)
}

async fn converse(
    stream: &mut TcpStream,
    exchange: &mut Exchange,
) -> Result<(), (StartTrouble, &'static [u8])> {
    let opening = exchange.opening();
    stream.write_all(&opening).await.map_err(|error| (trouble_of(&error, exchange), &b""[..]))?;
    let mut buffer = [0; 4096];
    loop {
        let read =
            stream.read(&mut buffer).await.map_err(|error| (trouble_of(&error, exchange), &b""[..]))?;
        if read == 0 {
            return Err((StartTrouble::Closed(exchange.waits_for()), b""));
        }
        let (words, done) = match exchange.hear(&buffer[..read]) {
            Turn::Wait => continue,
            Turn::Say(words) => (words, false),
            Turn::Tls(words) => (words, true),
            Turn::Failed(trouble, goodbye) => return Err((trouble, goodbye)),
        };
        stream.write_all(&words).await.map_err(|error| (trouble_of(&error, exchange), &b""[..]))?;
        if done {
            return Ok(());
        }
    }
}

/// Says goodbye and waits until the server has heard it: closing at once, with its last words unread, would
/// reset the connection.
async fn take_leave(stream: &mut TcpStream, words: &[u8]) -> io::Result<()> {
    stream.write_all(words).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(4096);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(|_| ())
}

fn trouble_of(error: &io::Error, exchange: &Exchange) -> StartTrouble {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => StartTrouble::Reset(exchange.waits_for()),
        _ => StartTrouble::Broken(error.to_string()),
    }
}
