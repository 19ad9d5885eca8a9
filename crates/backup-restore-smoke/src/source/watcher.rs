//! The eye on the source: a session of its own looks twice a second whether anybody waits for a lock of ours,
//! and after 5 s asks the run to stop, which cancels our queries, ends `pg_dump` and closes the snapshot.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use evidence_report::{
    record::{Finding, Requirement},
    run::{Stop, StopReason},
};
use tokio::task::JoinHandle;

use super::kept::{Held, let_go};
use crate::{
    checks::SOURCE_UNDISTURBED,
    connection::{QueryFailure, Session},
    sql::literal,
    wording::{counted, seconds},
};

/// How long somebody may wait for us.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the watcher looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// What was seen so far.
#[derive(Debug, Default)]
struct Seen {
    looks: u64,
    longest: Duration,
    let_go: bool,
    blind: Option<String>,
    /// The snapshot is let go after so long.
    at_most: Option<Duration>,
    /// It was, being so old.
    too_old: Option<Duration>,
}

/// A watcher at work.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    seen: Arc<Mutex<Seen>>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Watcher {
    /// Starts watching over all sessions of this application name.
    pub(crate) fn start(session: Session, stop: Stop, application_name: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let query = waiting_query(application_name);
        let asked = stop.clone();
        let end = move |reason| asked.request(StopReason::Requested(reason));
        let task = tokio::spawn(watch(session, stop, query, Arc::clone(&seen), end));
        Self { seen, task: Some(task) }
    }

    /// Starts watching over a session that is kept for later and holds no lock: it alone is let go.
    pub(super) fn over_kept(
        session: Session,
        stop: Stop,
        application_name: &str,
        at_most: Duration,
        held: Held,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Seen { at_most: Some(at_most), ..Seen::default() }));
        let query = waiting_query(application_name);
        let end = move |reason: String| let_go(&held, &reason);
        let task = tokio::spawn(watch(session, stop, query, Arc::clone(&seen), end));
        Self { seen, task: Some(task) }
    }

    /// Lets everything go once the snapshot is so old.
    pub(crate) fn let_go_after(&self, at_most: Duration) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).at_most = Some(at_most);
    }

    /// Ends the watch and says what was seen.
    pub(crate) async fn finish(mut self) -> Option<Finding> {
        if let Some(mut task) = self.task.take() {
            task.abort();
            let _ = (&mut task).await;
        }
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        judge(&seen)
    }
}

/// `pg_locks` and not `pg_stat_activity`: an ordinary role does not see there what others wait for.
fn waiting_query(application_name: &str) -> String {
    format!(
        "WITH ours AS (SELECT pid FROM pg_stat_activity WHERE application_name = {}) \
         SELECT DISTINCT waiting.pid FROM pg_locks AS waiting \
         WHERE NOT waiting.granted AND waiting.pid NOT IN (SELECT pid FROM ours) \
           AND pg_blocking_pids(waiting.pid) && ARRAY(SELECT pid FROM ours)",
        literal(application_name)
    )
}

async fn watch(
    session: Session,
    stop: Stop,
    query: String,
    seen: Arc<Mutex<Seen>>,
    end: impl FnOnce(String) + Send,
) {
    let mut since: HashMap<String, Instant> = HashMap::new();
    let start = Instant::now();
    let note = |change: &dyn Fn(&mut Seen)| change(&mut seen.lock().unwrap_or_else(PoisonError::into_inner));
    loop {
        let waiting = match session.query(&stop, &query).await {
            Ok(rows) => rows.into_iter().filter_map(|row| row.into_iter().next().flatten()),
            Err(QueryFailure::Stopped) => return,
            Err(failure) => return note(&|seen| seen.blind = Some(failure.to_string())),
        };
        let now = Instant::now();
        since =
            waiting.map(|process| (process.clone(), since.get(&process).copied().unwrap_or(now))).collect();
        let longest = since.values().map(|start| now.duration_since(*start)).max().unwrap_or_default();
        let let_go = longest >= PATIENCE;
        note(&|seen| {
            seen.looks += 1;
            seen.longest = seen.longest.max(longest);
            seen.let_go |= let_go;
        });
        if let_go {
            let reason = format!("a session of the source waited {} for us, so we let go", seconds(PATIENCE));
            return end(reason);
        }
        let age = start.elapsed();
        if is_too_old(&seen, age) {
            let reason = format!("the source's snapshot was {} old (--max-snapshot-age)", seconds(age));
            return end(reason);
        }
        if stop.guard(tokio::time::sleep(INTERVAL)).await.is_err() {
            return;
        }
    }
}

/// Whether the snapshot has lived long enough; notes it.
fn is_too_old(seen: &Mutex<Seen>, age: Duration) -> bool {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let too_old = seen.at_most.is_some_and(|at_most| age >= at_most);
    seen.too_old = too_old.then_some(age);
    too_old
}

fn judge(seen: &Seen) -> Option<Finding> {
    let expected = format!("no session waits {} for us", seconds(PATIENCE));
    if seen.let_go {
        let observed =
            format!("a session waited {} for a lock of ours; everything was let go", seconds(seen.longest));
        return Some(SOURCE_UNDISTURBED.inconclusive("source").expected(expected).observed(observed));
    }
    if let (Some(age), Some(at_most)) = (seen.too_old, seen.at_most) {
        let finding = SOURCE_UNDISTURBED
            .inconclusive("source")
            .expected(format!("a snapshot of at most {}", seconds(at_most)))
            .observed(format!("it was {} old; everything was let go", seconds(age)));
        return Some(finding.remedy(
            "raise --max-snapshot-age, use more --jobs, or rehearse from a standby or from a dump that exists \
             (--backup)",
        ));
    }
    if let Some(reason) = &seen.blind {
        let finding = SOURCE_UNDISTURBED.not_checked(
            Requirement::Required,
            "source",
            format!("the watcher went blind: {reason}"),
        );
        return Some(finding.expected(expected));
    }
    let observed = match seen.longest {
        Duration::ZERO => format!("nobody waited ({})", counted(seen.looks, "look")),
        longest => {
            format!("the longest wait was about {} ({})", seconds(longest), counted(seen.looks, "look"))
        }
    };
    let finding = match seen.looks {
        0 => SOURCE_UNDISTURBED.not_checked(
            Requirement::Optional,
            "source",
            "it was let go before the first look",
        ),
        _ => SOURCE_UNDISTURBED.passed("source").observed(observed),
    };
    Some(finding.expected(expected))
}
