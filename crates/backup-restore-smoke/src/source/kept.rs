//! A snapshot of the source that is kept while the copy is made, so that rows which differ can be named: one session
//! that sees it and has read nothing, so it holds no table's lock. It is let go, and nothing is stopped for it, when it
//! grows too old or when anybody waits for it (what is built CONCURRENTLY waits for old snapshots).

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use evidence_report::run::Run;

use super::{
    Snapshot,
    snapshot::{BEGIN, open_session},
    watcher::Watcher,
};
use crate::{
    connection::{Resolved, Session},
    halt::Halt,
    sql::literal,
    wording::seconds,
};

/// The session, or why it was let go.
pub(super) type Held = Arc<Mutex<Result<Session, String>>>;

/// A kept snapshot. Dropping it lets the source go.
pub(crate) struct Kept {
    /// What it was taken from; without its sessions and locks.
    of: Snapshot,
    held: Held,
    /// Looks on while the session is idle.
    watcher: Watcher,
    /// From its beginning.
    at_most: Duration,
}

impl Snapshot {
    /// Lets everything go but one idle session. `None` where the source has no room for that: then it is let go
    /// wholly.
    pub(crate) async fn keep(
        mut self,
        run: &Run,
        resolved: &Resolved,
        application_name: &str,
        at_most: Duration,
    ) -> Option<Kept> {
        let joined = join(run, &self, resolved, application_name, at_most).await;
        run.findings(mem::take(&mut self.watcher).finish().await);
        // Locks, and whatever was read.
        self.holder = None;
        self.sessions.clear();
        match joined {
            Ok((session, watching)) => {
                let left = at_most.saturating_sub(self.opened.elapsed());
                let held = Arc::new(Mutex::new(Ok(session)));
                let stop = run.stop().clone();
                let watcher = Watcher::over_kept(watching, stop, application_name, left, Arc::clone(&held));
                Some(Kept { of: self, held, watcher, at_most })
            }
            Err(_) => None,
        }
    }
}

/// A session that sees the snapshot, and one to look on.
async fn join(
    run: &Run,
    snapshot: &Snapshot,
    resolved: &Resolved,
    application_name: &str,
    at_most: Duration,
) -> Result<(Session, Session), Halt> {
    let resolved = resolved.pinned(&snapshot.endpoint);
    // The server itself ends it, should we hang.
    let limit = at_most.saturating_sub(snapshot.opened.elapsed()) + Duration::from_secs(60);
    let session = open_session(&resolved, application_name, run.stop(), limit).await?;
    let statement = format!("{BEGIN}; SET TRANSACTION SNAPSHOT {}", literal(&snapshot.id));
    session.query(run.stop(), &statement).await.map_err(|_| Halt::Stopped)?;
    let watching = open_session(&resolved, application_name, run.stop(), limit).await?;
    Ok((session, watching))
}

impl Kept {
    /// The snapshot, to be read from under the eye of a watcher that asks the run to stop.
    ///
    /// # Errors
    /// Why it is no longer there, in words; or that the run was asked to stop.
    pub(crate) async fn again(
        self,
        run: &Run,
        resolved: &Resolved,
        application_name: &str,
    ) -> Result<Result<Snapshot, String>, Halt> {
        let Self { mut of, held, watcher, at_most } = self;
        drop(watcher);
        let gone = Err("it is used elsewhere".to_owned());
        let session = mem::replace(&mut *held.lock().unwrap_or_else(PoisonError::into_inner), gone);
        let session = match session {
            Ok(session) => session,
            Err(why) => return Ok(Err(why)),
        };
        let age = of.opened.elapsed();
        let Some(left) = at_most.checked_sub(age) else {
            return Ok(Err(format!("it was {} old", seconds(age))));
        };
        let resolved = resolved.pinned(&of.endpoint);
        let watching = match open_session(&resolved, application_name, run.stop(), left).await {
            Ok(watching) => watching,
            Err(Halt::Stopped) => return Err(Halt::Stopped),
            Err(Halt::Found(finding)) => return Ok(Err(finding.observed)),
        };
        of.watcher = Watcher::start(watching, run.stop().clone(), application_name);
        of.watcher.let_go_after(left);
        of.sessions.push(session);
        Ok(Ok(of))
    }
}

/// Lets it go.
pub(super) fn let_go(held: &Held, why: &str) {
    *held.lock().unwrap_or_else(PoisonError::into_inner) = Err(why.to_owned());
}
