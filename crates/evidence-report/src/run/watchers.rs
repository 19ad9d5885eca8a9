//! What ends a run before its work is done: its deadline, and the signals of whoever started it. It knows nothing of
//! what the run does; it asks it to stop.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{
    child::Groups,
    progress::Progress,
    stop::{Stop, StopReason},
};

/// Asks the run to stop when its time is over.
pub(super) fn watch_deadline(watchers: &mut tokio::task::JoinSet<()>, stop: &Stop, after: Duration) {
    let stop = stop.clone();
    watchers.spawn(async move {
        tokio::time::sleep(after).await;
        stop.request(StopReason::Deadline(after));
    });
}

/// The first signal asks the run to stop; the second kills its children.
pub(super) fn watch_signals(
    watchers: &mut tokio::task::JoinSet<()>,
    stop: &Stop,
    groups: &Groups,
    progress: &Progress,
) -> std::io::Result<()> {
    let kinds = [
        (SignalKind::interrupt(), "SIGINT"),
        (SignalKind::terminate(), "SIGTERM"),
        (SignalKind::hangup(), "SIGHUP"),
    ];
    for (kind, name) in kinds {
        let mut signals = signal(kind)?;
        let (stop, groups, progress) = (stop.clone(), groups.clone(), progress.clone());
        watchers.spawn(async move {
            while signals.recv().await.is_some() {
                if stop.is_requested() {
                    groups.kill_all();
                } else {
                    progress.note(format!("{name}: stopping and cleaning up; once more kills the children"));
                    stop.request(StopReason::Signal(name));
                }
            }
        });
    }
    Ok(())
}
