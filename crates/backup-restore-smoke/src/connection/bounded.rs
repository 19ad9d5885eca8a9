//! A session whose answers are bounded: one for queries that somebody else has written. What a server sends beyond the
//! bound is not taken, whatever it is (one huge value, an endless error message); the session is over then, and says
//! why. Only for servers on a unix socket, and without TLS: our own.

use std::{
    io,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use evidence_report::run::Stop;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
};
use tokio_postgres::{CancelToken, NoTls};

use super::{
    resolved::Resolved,
    session::{ConnectFailure, Session, client_config, describe},
};

/// The bound of a session: where it is connected to, and whether an answer went beyond.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    socket: PathBuf,
    exceeded: Arc<AtomicBool>,
}

impl Bound {
    /// Whether an answer was larger than the bound: nothing of it was kept.
    pub(super) fn is_exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Acquire)
    }

    /// Asks the server to cancel what the session is doing.
    pub(super) async fn cancel(&self, token: &CancelToken) {
        if let Ok(stream) = UnixStream::connect(&self.socket).await {
            let _ = token.cancel_query_raw(stream, NoTls).await;
        }
    }
}

/// Connects to our own server; an answer to one question may have at most `most` bytes.
///
/// # Errors
/// What the server said, or that the run was asked to stop.
pub(crate) async fn connect_bounded(
    resolved: &Resolved,
    application_name: &str,
    most: u64,
    stop: &Stop,
) -> Result<Session, ConnectFailure> {
    let tls = resolved.ssl.connector().map_err(ConnectFailure::Settings)?;
    let refused = |why: String| ConnectFailure::Refused(vec![why]);
    let endpoint = resolved.endpoints.first().ok_or_else(|| refused("no server is named".to_owned()))?;
    let socket = PathBuf::from(&endpoint.host).join(format!(".s.PGSQL.{}", endpoint.port));
    let config = client_config(resolved, endpoint, application_name);
    let exceeded = Arc::new(AtomicBool::new(false));
    let bound = Bound { socket: socket.clone(), exceeded: exceeded.clone() };
    let begin = async {
        let stream = UnixStream::connect(&socket).await.map_err(|error| error.to_string())?;
        let stream = Bounded { stream, most, left: most, exceeded };
        config.connect_raw(stream, NoTls).await.map_err(|error| describe(&error))
    };
    let limited = tokio::time::timeout(resolved.connect_timeout, begin);
    match stop.guard(limited).await.map_err(|_| ConnectFailure::Stopped)? {
        Ok(Ok((client, connection))) => {
            // As for every session: it ends when the client is dropped.
            tokio::spawn(async move {
                let _ = connection.await;
            });
            Ok(Session::of(client, tls, endpoint.clone(), Some(bound)))
        }
        Ok(Err(why)) => Err(refused(format!("{endpoint}: {why}"))),
        Err(_) => {
            Err(refused(format!("{endpoint}: no answer within {} s", resolved.connect_timeout.as_secs())))
        }
    }
}

/// A stream that gives no more than so many bytes after each word that was sent.
struct Bounded<S> {
    stream: S,
    most: u64,
    left: u64,
    exceeded: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        let read = (into.filled().len() - before) as u64;
        if read > self.left {
            self.exceeded.store(true, Ordering::Release);
            return Poll::Ready(Err(io::Error::other("the answer is larger than it may be")));
        }
        self.left -= read;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.left = self.most;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn each_question_has_an_answer_of_its_own_size_and_none_a_larger_one() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let exceeded = Arc::new(AtomicBool::new(false));
        let mut bounded = Bounded { stream: ours, most: 8, left: 8, exceeded: exceeded.clone() };
        for _ in 0..2 {
            bounded.write_all(b"?").await.unwrap();
            theirs.write_all(b"12345678").await.unwrap();
            bounded.read_exact(&mut [0; 8]).await.unwrap();
        }
        assert!(!exceeded.load(Ordering::Acquire));
        theirs.write_all(b"9").await.unwrap();
        assert!(bounded.read_u8().await.is_err());
        assert!(exceeded.load(Ordering::Acquire));
    }
}
