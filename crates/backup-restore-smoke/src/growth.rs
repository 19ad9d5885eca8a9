//! Shows on a terminal how the bytes grow that a program of somebody else's writes or a thread of ours reads: so many,
//! how fast, and how long it will take where the whole is known. It looks only where somebody can see it, and decides
//! nothing.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use evidence_report::run::Progress;
use tokio::task::JoinHandle;

use crate::scratch::folder_bytes;

/// How often it looks at the least.
const INTERVAL: Duration = Duration::from_millis(250);

/// A look may take so large a part of the time between two of them.
const PART: u32 = 20;

/// The bar, and who moves it. Dropping it takes it off the screen.
#[derive(Debug)]
pub(crate) struct Growth(Option<JoinHandle<()>>);

impl Drop for Growth {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

impl Growth {
    /// Watches these folders, which need not exist yet; `total` is about by how much they will grow together.
    pub(crate) fn watch(progress: &Progress, folders: Vec<PathBuf>, total: Option<u64>, what: &str) -> Self {
        Self::watch_until(progress, folders, total, what, || false)
    }

    /// The same, until something else has begun that shows its own bytes.
    pub(crate) fn watch_until(
        progress: &Progress,
        folders: Vec<PathBuf>,
        total: Option<u64>,
        what: &str,
        is_over: impl Fn() -> bool + Clone + Send + 'static,
    ) -> Self {
        if !progress.is_drawn() {
            return Self(None);
        }
        let holding =
            |folders: &[PathBuf]| -> u64 { folders.iter().map(|folder| folder_bytes(folder)).sum() };
        let (before, folders) = (holding(&folders), Arc::new(folders));
        Self::ask(progress, total, what, move || {
            let folders = Arc::clone(&folders);
            let is_over = is_over.clone();
            let look = move || (!is_over()).then(|| holding(&folders).saturating_sub(before));
            async move { tokio::task::spawn_blocking(look).await.ok().flatten() }
        })
    }

    /// Watches a number that somebody else counts up.
    pub(crate) fn count(
        progress: &Progress,
        counted: Arc<AtomicU64>,
        total: Option<u64>,
        what: &str,
    ) -> Self {
        Self::ask(progress, total, what, move || {
            let bytes = counted.load(Ordering::Relaxed);
            async move { Some(bytes) }
        })
    }

    /// Asks again and again, until there is no answer.
    pub(crate) fn ask<Answer>(
        progress: &Progress,
        total: Option<u64>,
        what: &str,
        mut look: impl FnMut() -> Answer + Send + 'static,
    ) -> Self
    where
        Answer: Future<Output = Option<u64>> + Send,
    {
        if !progress.is_drawn() {
            return Self(None);
        }
        let bar = progress.bytes(total, what);
        Self(Some(tokio::spawn(async move {
            loop {
                let start = Instant::now();
                let Some(bytes) = look().await else { return };
                bar.set(bytes);
                tokio::time::sleep(INTERVAL.max(start.elapsed() * PART)).await;
            }
        })))
    }
}
