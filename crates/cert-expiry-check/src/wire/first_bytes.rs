//! A stream that remembers the first bytes it received: they tell what a port speaks that does not speak TLS.

use std::{
    io,
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
}

impl FirstBytes {
    pub(super) fn new(inner: TcpStream, received: Received) -> Self {
        Self { inner, received }
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
        polled
    }
}

impl AsyncWrite for FirstBytes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
