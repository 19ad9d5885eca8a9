//! Shows on a terminal how the bytes of a folder grow while a program of somebody else's fills it: so many, how fast,
//! and how long it will take where the whole is known. It looks only where somebody can see it, and decides nothing.

use std::{
    path::PathBuf,
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
    /// Watches these folders, which need not exist yet; `total` is about what they will hold together.
    pub(crate) fn watch(progress: &Progress, folders: Vec<PathBuf>, total: Option<u64>, what: &str) -> Self {
        if !progress.is_drawn() {
            return Self(None);
        }
        let bar = progress.bytes(total, what);
        Self(Some(tokio::spawn(async move {
            let folders = std::sync::Arc::new(folders);
            loop {
                let (start, looked_at) = (Instant::now(), std::sync::Arc::clone(&folders));
                let look = move || looked_at.iter().map(|folder| folder_bytes(folder)).sum();
                let Ok(bytes) = tokio::task::spawn_blocking(look).await else { return };
                bar.set(bytes);
                tokio::time::sleep(INTERVAL.max(start.elapsed() * PART)).await;
            }
        })))
    }
}
