//! What a drill owes, by the way in which it is made: the checks without which it is no pass, whatever became of their
//! observation.

use evidence_report::{record::Check, run::Run};

use super::checks::{
    AS_WRITTEN, CONTENT, FIRING, LEVEL, LOADED, NOTIFIED, ONCE, PEER, PENDING, PREDICTED_DELAY, QUIET,
    REAL_ROUTE, RESOLVED, SERIES, STACK, TIME_TO_NOTIFY,
};

/// What servers of ours are asked, and what is drilled on them.
const OF_OUR_STACK: [&Check; 4] = [&STACK, &LEVEL, &AS_WRITTEN, &SERIES];

/// The way from the rule to Alertmanager.
const OF_A_RULE: [&Check; 4] = [&LOADED, &QUIET, &PENDING, &FIRING];

/// The way from Alertmanager to somebody, and how long it took.
const OF_A_NOTIFICATION: [&Check; 5] = [&NOTIFIED, &CONTENT, &RESOLVED, &TIME_TO_NOTIFY, &PREDICTED_DELAY];

/// Whether our webhook takes the notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Webhook {
    Ours,
    Theirs,
}

impl Webhook {
    /// Ours, where there is one.
    pub(super) fn is_ours(receiver: Option<&super::receiver::Receiver>) -> Self {
        if receiver.is_some() { Self::Ours } else { Self::Theirs }
    }
}

/// On a stack of ours.
pub(super) fn on_our_stack(run: &Run) {
    run.owes(OF_OUR_STACK);
    run.owes(OF_A_RULE);
    notified(run, Webhook::Ours);
}

/// In a Prometheus of the user's, once it was found that the drill may begin.
pub(super) fn in_a_real_prometheus(run: &Run, webhook: Webhook) {
    run.owes([&PEER]);
    run.owes(OF_A_RULE);
    notified(run, webhook);
}

/// Posted to an Alertmanager of the user's, once it was found that they may be.
pub(super) fn posted(run: &Run, webhook: Webhook) {
    run.owes([&PEER, &REAL_ROUTE]);
    notified(run, webhook);
}

fn notified(run: &Run, webhook: Webhook) {
    run.owes(OF_A_NOTIFICATION);
    if webhook == Webhook::Ours {
        run.owes_beside(&NOTIFIED, [&ONCE]);
    }
}
