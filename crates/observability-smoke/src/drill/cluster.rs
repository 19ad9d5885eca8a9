//! When the members of a cluster of Alertmanagers are done with an alert that has ended.
//!
//! The first member notifies at once, each further one only after it has waited for those before it, and if none of them
//! has told of what it saw. Where a group is told of more often than that, a member wakes up with what it saw before the
//! alert ended, finds that this was not the last thing told, tells of the alert once more, and notes so for all: the same
//! alert of a next trial would then be taken for told already.

use std::time::Duration;

use evidence_report::run::Run;

use super::{prediction::Prediction, receiver::Receiver};

/// So long after an alert's end none of so many members has anything to tell of it any more; nothing, where groups are
/// told of so seldom that each is done before the next time. Each waits for `peer_timeout` for each one before it.
#[must_use]
pub(super) fn settled_after(members: usize, group_interval: Duration, peer_timeout: Duration) -> Duration {
    let before = u32::try_from(members.saturating_sub(1)).unwrap_or(u32::MAX);
    let last = peer_timeout.saturating_mul(before);
    if group_interval > last {
        return Duration::ZERO;
    }
    // Once for what it saw of the alert, and once for its end.
    last.saturating_mul(2).saturating_add(group_interval)
}

/// Keeps our webhook open until they are, after the last trial, too: a member that found nobody there would try again
/// without an end, count failures, and disturb the next drill.
pub(super) async fn let_tell(
    run: &Run,
    receiver: Option<&Receiver>,
    predictions: impl Iterator<Item = &Prediction>,
) {
    let settling = predictions.map(|one| one.settling).max().unwrap_or_default();
    if receiver.is_none() || settling.is_zero() {
        return;
    }
    let words = "listening on, for a member of the cluster may still tell of what has ended";
    run.progress().phase(format!("{words}: {} s", settling.as_secs()));
    let _ = run.stop().guard(tokio::time::sleep(settling)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_waited_for_where_groups_are_told_of_more_often_than_they_wait() {
        let seconds = Duration::from_secs;
        let after = |members, interval| settled_after(members, seconds(interval), seconds(15)).as_secs();
        assert_eq!((after(0, 1), after(1, 1), after(1, 300)), (0, 0, 0));
        assert_eq!((after(2, 2), after(2, 15), after(2, 16), after(2, 300)), (32, 45, 0, 0));
        assert_eq!((after(3, 5), after(3, 30), after(3, 31)), (65, 90, 0));
    }
}
