//! Stopping is cooperative: a deadline or a signal cancels one token; nobody drops the work's future.

use std::{
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// Why a run was asked to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The deadline of the whole run.
    Deadline(Duration),
    /// A signal, by its name.
    Signal(&'static str),
    /// The tool itself decided so, for this reason.
    Requested(String),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(after) => write!(f, "the run's deadline of {} s (--timeout)", after.as_secs_f64()),
            Self::Signal(name) => write!(f, "{name}"),
            Self::Requested(reason) => f.write_str(reason),
        }
    }
}

/// The work was given up because the run was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was asked to stop")]
pub struct Stopped;

/// The one token of a run. Clones share it.
///
/// ```
/// use evidence_report::run::{Stop, StopReason, Stopped};
///
/// let stop = Stop::new();
/// stop.request(StopReason::Requested("enough was seen".into()));
/// assert!(stop.is_requested());
/// let work = tokio::runtime::Runtime::new().unwrap().block_on(stop.guard(std::future::pending::<()>()));
/// assert_eq!(work, Err(Stopped));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
}

impl Stop {
    /// A token that nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop. The first reason counts.
    pub fn request(&self, reason: StopReason) {
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Why, once it was.
    #[must_use]
    pub fn reason(&self) -> Option<&StopReason> {
        self.reason.get()
    }

    /// Ends when the run is asked to stop.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Does `work` unless the run is asked to stop before it ends. Only for work that may be dropped at any
    /// await: a query that must be cancelled at the server, or a child, needs more than that.
    ///
    /// # Errors
    /// [`Stopped`] when the run was asked to stop first.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.requested() => Err(Stopped),
            done = work => Ok(done),
        }
    }
}
