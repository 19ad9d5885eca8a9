//! What a child prints, read while it runs and kept to a bound; so that it never waits for us. A process that left
//! the child's group may hold the stream open for ever: it is not waited for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncReadExt};

/// A stream that is silent for so long after the child's end is somebody else's.
const SILENCE: Duration = Duration::from_millis(500);

/// And one that goes on and on is no longer listened to.
const LONGEST_ECHO: Duration = Duration::from_secs(5);

/// One output of a child, read as it comes; the last bytes of it are kept.
#[derive(Debug)]
pub(super) struct Stream {
    reads: Option<tokio::task::JoinHandle<()>>,
    kept: Arc<Mutex<Tail>>,
    limit: usize,
}

/// The last bytes of a stream, and how many there were.
#[derive(Debug, Default)]
struct Tail {
    bytes: Vec<u8>,
    seen: u64,
}

impl Stream {
    pub(super) fn keep(stream: Option<Box<dyn AsyncRead + Send + Unpin>>, limit: usize) -> Self {
        let kept = Arc::new(Mutex::new(Tail::default()));
        let reads = stream.map(|stream| tokio::spawn(read(stream, limit, Arc::clone(&kept))));
        Self { reads, kept, limit }
    }

    fn seen(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).seen
    }

    /// What was printed, once the stream ended or fell silent.
    pub(super) async fn text(&self) -> String {
        let begun = Instant::now();
        let is_open = || self.reads.as_ref().is_some_and(|reads| !reads.is_finished());
        let (mut seen, mut silent_since) = (self.seen(), begun);
        while is_open() && silent_since.elapsed() < SILENCE && begun.elapsed() < LONGEST_ECHO {
            tokio::time::sleep(Duration::from_millis(2)).await;
            if self.seen() != seen {
                (seen, silent_since) = (self.seen(), Instant::now());
            }
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let from = kept.bytes.len().saturating_sub(self.limit);
        String::from_utf8_lossy(&kept.bytes[from..]).into_owned()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reads.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// Reads to the end; so a child never waits for us, however much it prints.
async fn read(mut stream: Box<dyn AsyncRead + Send + Unpin>, limit: usize, kept: Arc<Mutex<Tail>>) {
    let mut chunk = [0_u8; 8192];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.seen += count as u64;
        kept.bytes.extend_from_slice(&chunk[..count]);
        if kept.bytes.len() > limit.saturating_mul(2) {
            let excess = kept.bytes.len() - limit;
            kept.bytes.drain(..excess);
        }
    }
}
