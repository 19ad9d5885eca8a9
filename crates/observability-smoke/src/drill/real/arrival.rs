//! Whom an alert reaches by a configuration, and what tells that it arrived. Pure.

use std::collections::BTreeSet;

use super::peer::Counters;
use crate::alertmanager::{
    Configuration,
    route::{Muted, Reached},
};

/// Why nobody is told of an alert that takes these routes; `None` when somebody is.
#[must_use]
pub(crate) fn silent(configuration: Option<&Configuration>, reached: &[Reached]) -> Option<String> {
    let mut reasons = Vec::new();
    for one in reached {
        let receiver = one.receiver();
        let known = configuration.and_then(|configuration| configuration.receiver(receiver));
        let tells = known.is_none_or(|known| !known.integrations.is_empty());
        match (&one.muted, tells) {
            (_, false) => reasons.push(format!("the receiver {receiver} has no integration: a dead route")),
            (Muted::During(interval), _) => {
                reasons.push(format!("the route to {receiver} is muted by the time interval {interval}"));
            }
            (Muted::Outside(intervals), _) => {
                let intervals = intervals.join(", ");
                reasons
                    .push(format!("the route to {receiver} is active only in the time interval {intervals}"));
            }
            (Muted::No | Muted::Unknown(_), true) => return None,
        }
    }
    Some(reasons.join("; "))
}

/// The kinds of integration through which the routes notify.
#[must_use]
pub(crate) fn integrations<'a>(
    configurations: impl Iterator<Item = &'a Configuration>,
    reached: &[Reached],
) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for configuration in configurations {
        let receivers = reached.iter().filter_map(|one| configuration.receiver(one.receiver()));
        kinds.extend(receivers.flat_map(|receiver| receiver.integrations.keys().cloned()));
    }
    kinds
}

/// Whether Alertmanager has sent more through these integrations than before, none of which failed.
#[must_use]
pub(crate) fn sent_more(before: &Counters, now: &Counters, kinds: &BTreeSet<String>) -> bool {
    kinds.iter().any(|kind| {
        let of = |counters: &Counters| counters.get(kind).copied().unwrap_or_default();
        let ((sent, failed), (sent_before, failed_before)) = (of(now), of(before));
        // A restart begins at zero: then nothing is concluded.
        failed >= failed_before && sent - failed > sent_before - failed_before
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_and_did_not_fail_is_an_arrival() {
        let counters = |sent, failed| Counters::from([("webhook".to_owned(), (sent, failed))]);
        let kinds = BTreeSet::from(["webhook".to_owned()]);
        for (before, now, arrived) in [
            (counters(3.0, 1.0), counters(3.0, 1.0), false),
            (counters(3.0, 1.0), counters(4.0, 1.0), true),
            (counters(3.0, 1.0), counters(4.0, 2.0), false),
            (counters(3.0, 1.0), counters(0.0, 0.0), false),
            (Counters::new(), counters(1.0, 0.0), true),
        ] {
            assert_eq!(sent_more(&before, &now, &kinds), arrived, "{before:?} {now:?}");
        }
    }
}
