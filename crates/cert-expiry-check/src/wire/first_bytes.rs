//! A stream that remembers the first bytes it received: they tell what a port speaks that does not speak TLS.
//! It goes on reading when it can no longer write: a server that refuses us says why, and closes at once.
//! And what is written waits until an answer is wanted or the stream ends: the end of a handshake, a goodbye and
//! the end of the stream are one packet.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use rustix::net::{SendFlags, send};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// Enough to recognise a protocol by its greeting.
const KEPT: usize = 96;

/// What has been received so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Received(Arc<Mutex<(Vec<u8>, u64)>>);

impl Received {
    /// The first bytes, and how many came in all.
    pub(super) fn so_far(&self) -> (Vec<u8>, u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take_in(&self, bytes: &[u8]) {
        let mut received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(received.0.len()).min(bytes.len());
        received.0.extend_from_slice(&bytes[..room]);
        received.1 += bytes.len() as u64;
    }
}

/// The stream.
pub(super) struct FirstBytes {
    inner: TcpStream,
    received: Received,
    /// What was written and has not left yet.
    waiting: Vec<u8>,
    /// Why nothing can be written any more.
    deaf: Option<io::ErrorKind>,
}

impl FirstBytes {
    pub(super) fn new(inner: TcpStream, received: Received) -> Self {
        Self { inner, received, waiting: Vec::new(), deaf: None }
    }

    /// Sends what waits. What nobody takes any more is as good as sent. With [`SendFlags::MORE`] the kernel keeps
    /// what it may of it, for the end of the stream to follow at once (send(2)).
    fn poll_send(&mut self, context: &mut Context<'_>, flags: SendFlags) -> Poll<io::Result<()>> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, WouldBlock};
        while !self.waiting.is_empty() {
            let Self { inner, waiting, .. } = self;
            let sent = match inner.poll_write_ready(context) {
                Poll::Ready(Ok(())) => inner
                    .try_io(Interest::WRITABLE, || Ok(send(&*inner, waiting, flags | SendFlags::NOSIGNAL)?)),
                Poll::Ready(Err(error)) => Err(error),
                Poll::Pending => return Poll::Pending,
            };
            match sent {
                Ok(count) => drop(waiting.drain(..count)),
                Err(error) if error.kind() == WouldBlock => {}
                Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                    self.deaf = Some(error.kind());
                    self.waiting.clear();
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for FirstBytes {
    /// An alert, say: whoever is told nothing waits for its own timeout.
    fn drop(&mut self) {
        if !self.waiting.is_empty() {
            let _ = self.inner.try_write(&self.waiting);
        }
    }
}

impl AsyncRead for FirstBytes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Who cannot take what we say may still have said something.
        if let Poll::Ready(Err(error)) = self.poll_send(context, SendFlags::empty()) {
            return Poll::Ready(Err(error));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.received.take_in(&buffer.filled()[before..]);
        match (&polled, self.deaf) {
            (Poll::Ready(Ok(())), Some(kind)) if buffer.filled().len() == before => {
                Poll::Ready(Err(kind.into()))
            }
            _ => polled,
        }
    }
}

impl AsyncWrite for FirstBytes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Only handshakes, alerts and one short request are ever written: a few kilobytes.
        let before = self.waiting.len();
        slices.iter().for_each(|slice| self.waiting.extend_from_slice(slice));
        Poll::Ready(Ok(self.waiting.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing leaves before an answer is wanted.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_send(context, SendFlags::MORE) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.inner).poll_shutdown(context),
            unfinished => unfinished,
        }
    }
}
