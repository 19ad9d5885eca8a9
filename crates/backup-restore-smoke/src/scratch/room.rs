//! The eye on the disk under the scratch: whoever else needs it must not find it full because of us.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use evidence_report::{
    record::Finding,
    run::{Stop, StopReason},
};
use tokio::task::JoinHandle;

use super::place::reserve;
use crate::checks::ENVIRONMENT;

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(200);

/// Free and total bytes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Space {
    free: u64,
    total: u64,
}

/// A watch over the file system of a folder. Dropping it ends the watch.
#[derive(Debug)]
pub(crate) struct Room {
    folder: PathBuf,
    short: Arc<OnceLock<Space>>,
    task: JoinHandle<()>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Room {
    /// Starts to watch; the run is asked to stop when less than the reserve is left.
    pub(crate) fn watch(folder: &Path, stop: &Stop) -> Self {
        let short = Arc::new(OnceLock::new());
        let task = tokio::spawn(watch(folder.to_owned(), stop.clone(), Arc::clone(&short)));
        Self { folder: folder.to_owned(), short, task }
    }

    /// What is to be said: nothing where there was room all the time.
    pub(crate) fn finding(&self) -> Option<Finding> {
        let space = self.short.get()?;
        Some(
            ENVIRONMENT
                .inconclusive("space while it ran")
                .expected(format!("{} bytes stay free in {}", reserve(space.total), self.folder.display()))
                .observed(format!("{} bytes were free; everything was let go", space.free))
                .remedy("name a folder with more space with --scratch"),
        )
    }
}

async fn watch(folder: PathBuf, stop: Stop, short: Arc<OnceLock<Space>>) {
    loop {
        if let Some(space) = space(&folder).filter(|space| is_short(*space)) {
            let _ = short.set(space);
            let reason = format!("the disk under {} was getting full", folder.display());
            return stop.request(StopReason::Requested(reason));
        }
        if stop.guard(tokio::time::sleep(INTERVAL)).await.is_err() {
            return;
        }
    }
}

fn space(folder: &Path) -> Option<Space> {
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(Space { free: space.f_bavail * space.f_frsize, total: space.f_blocks * space.f_frsize })
}

const fn is_short(space: Space) -> bool {
    space.free < reserve(space.total)
}

#[cfg(test)]
mod tests {
    use super::{Space, is_short};

    #[test]
    fn a_tenth_is_kept_free_to_the_byte() {
        assert!(!is_short(Space { free: 100, total: 1000 }));
        assert!(is_short(Space { free: 99, total: 1000 }));
        assert!(!is_short(Space { free: 10_000_000_000, total: u64::MAX }));
        assert!(is_short(Space { free: 9_999_999_999, total: u64::MAX }));
    }
}
