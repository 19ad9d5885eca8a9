//! A stream that remembers the first bytes it received: they tell what a port speaks that does not speak TLS.
//! And it goes on reading when it can no longer write: a server that refuses us says why, and closes at once.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
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
    /// Why nothing can be written any more.
    deaf: Option<io::ErrorKind>,
}

impl FirstBytes {
    pub(super) fn new(inner: TcpStream, received: Received) -> Self {
        Self { inner, received, deaf: None }
    }

    /// What came of writing so many bytes: those that nobody takes any more are as good as written.
    fn taken(&mut self, polled: Poll<io::Result<usize>>, bytes: usize) -> Poll<io::Result<usize>> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        match polled {
            Poll::Ready(Err(error)) if matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                self.deaf = Some(error.kind());
                Poll::Ready(Ok(bytes))
            }
            polled => polled,
        }
    }
}

impl AsyncRead for FirstBytes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.taken(polled, bytes.len())
    }

    /// The records of one flight leave together.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.taken(polled, slices.iter().map(|slice| slice.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
