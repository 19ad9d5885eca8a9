//! A child that runs: waited for, ended in time, never left behind.

use std::{
    process::ExitStatus,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{ChildError, Farewell, Groups, Output, stream::Stream};
use crate::run::stop::Stop;

/// A child that runs. Dropping it kills its whole group.
///
/// ```
/// use evidence_report::run::{Run, child::{Child, ChildError}};
///
/// async fn until_it_ends(run: &Run) -> Result<(), ChildError> {
///     let mut server: Child = run.child("prometheus").spawn()?;
///     server.wait().await.map(drop)
/// }
/// ```
#[derive(Debug)]
pub struct Child {
    pub(super) inner: tokio::process::Child,
    pub(super) program: String,
    pub(super) group: Pid,
    pub(super) groups: Groups,
    pub(super) farewell: Farewell,
    pub(super) patience: Duration,
    pub(super) started: Instant,
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
}

impl Child {
    /// Its process id, which is also its group's.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    /// Ends when the child does.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn wait(&mut self) -> Result<ExitStatus, ChildError> {
        let program = self.program.clone();
        self.inner.wait().await.map_err(|source| ChildError::Wait { program, source })
    }

    /// Whether it has ended already.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ChildError> {
        let program = self.program.clone();
        self.inner.try_wait().map_err(|source| ChildError::Wait { program, source })
    }

    /// Waits for its end, or ends it when the run is asked to stop; either way with what it printed.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn output(mut self, stop: &Stop) -> Result<Output, ChildError> {
        let (status, stopped) = tokio::select! {
            status = self.wait() => (status?, false),
            () = stop.requested() => (self.end().await?, true),
        };
        self.collect(status, stopped).await
    }

    /// Asks the whole group to end, waits as long as its patience lasts, then kills it.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn end(&mut self) -> Result<ExitStatus, ChildError> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        let _ = kill_process_group(self.group, self.farewell.signal());
        if let Ok(status) = tokio::time::timeout(self.patience, self.wait()).await {
            return status;
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        self.wait().await
    }

    async fn collect(self, status: ExitStatus, stopped: bool) -> Result<Output, ChildError> {
        let took = self.started.elapsed();
        // A grandchild may hold the pipes open: it belongs to the group, and goes with it.
        let _ = kill_process_group(self.group, Signal::KILL);
        let (stdout, stderr) = tokio::join!(self.stdout.text(), self.stderr.text());
        Ok(Output { status, stopped, stdout, stderr, took })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // After the leader was reaped its id could only be taken again by a new group once no member is
        // left, and then there is nobody of ours to end.
        if self.inner.id().is_some() {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
        self.groups.remove(self.group);
    }
}
