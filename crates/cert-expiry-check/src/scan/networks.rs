//! The networks of a scan: which of their addresses answer. One that does not is no failure, and only
//! counted; so a network of 65,000 addresses is one finding and not as many.

use std::sync::{Arc, Mutex, PoisonError};

use evidence_report::{
    record::{Finding, Requirement},
    run::Run,
};

use super::{Task, What, others, second_key};
use crate::{
    assess::{Basis, Judged, endpoint},
    checks::NETWORK_FOUND,
    plan::Plan,
    targets::{Endpoint, Network, Target},
    wire::{self, Approach, Observation, ReachTrouble},
    wording::printable,
};

/// What became of a network's addresses.
#[derive(Debug, Default)]
pub(super) struct Inhabited(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    answered: usize,
    silent: usize,
    /// Those that this machine could not try, and why it could not try the first of them.
    untried: usize,
    why: String,
    /// Those that were not looked at, or not to the end.
    cut_off: usize,
}

/// The networks of a plan, each with the number of its group.
pub(super) fn of(plan: &Plan) -> Vec<(usize, &Network, Arc<Inhabited>)> {
    others(plan)
        .filter_map(|(group, target)| match target {
            Target::Network(network) => Some((group, &**network, Arc::default())),
            _ => None,
        })
        .collect()
}

/// Every address of a network.
pub(super) fn tasks<'n>(
    (group, network, inhabited): &'n (usize, &Network, Arc<Inhabited>),
) -> impl Iterator<Item = Task> + use<'n> {
    let task = |endpoint| Task { group: *group, what: What::Node(endpoint, Arc::clone(inhabited)) };
    network.endpoints().map(task)
}

/// Captures and judges one address; where nobody answers, it is counted and nothing is said of it.
pub(super) async fn look_at(
    endpoint: Endpoint,
    inhabited: &Inhabited,
    approach: &Approach,
    basis: &Basis,
) -> Judged {
    let observation = wire::capture(&endpoint, approach).await;
    match &observation {
        Observation::Unreached(ReachTrouble::Ours(why)) => {
            inhabited.count(|counts| {
                counts.untried += 1;
                if counts.why.is_empty() {
                    counts.why = printable(why, 120);
                }
            });
            Judged::default()
        }
        Observation::Unreached(_) => {
            inhabited.count(|counts| counts.silent += 1);
            Judged::default()
        }
        Observation::Reached(_) => {
            inhabited.count(|counts| counts.answered += 1);
            let mut judged = endpoint::judge(&endpoint, &observation, basis);
            if let Some(second) = second_key::look_for(&endpoint, &observation, approach, basis).await {
                judged.join(second);
            }
            judged
        }
    }
}

impl Inhabited {
    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Counts an address that was not looked at to the end.
    pub(super) fn cut_off(&self) {
        self.count(|counts| counts.cut_off += 1);
    }

    /// Whether anybody lives there.
    pub(super) fn finding(&self, network: &Network, run: &Run) -> Option<Finding> {
        let Counts { answered, silent, untried, why, cut_off } =
            &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = answered + silent + untried + cut_off;
        if all == 0 && network.is_cut() {
            return None;
        }
        let expected = "at least one that answers";
        let seen = format!("{answered} answered of {all}");
        let inconclusive = |observed: String| {
            NETWORK_FOUND.inconclusive(network.to_string()).expected(expected).observed(observed)
        };
        let finding = match (*cut_off, *untried, *answered) {
            (1.., ..) => {
                let reason = run.stop().reason().map_or_else(String::new, ToString::to_string);
                let observed =
                    format!("{cut_off} of {all} were cut off by {reason}; {answered} of the others answered");
                NETWORK_FOUND.not_checked(Requirement::Required, network.to_string(), observed).remedy(
                    "Run again with more at a time (--concurrency), less patience (--connect-timeout 1s), or more time (--timeout).",
                )
            }
            (0, 1.., _) => inconclusive(format!("{seen}; this machine could not try {untried}: {why}"))
                .remedy(
                    "Check this machine's routes and its limit of open files; --concurrency lowers the need.",
                ),
            (0, 0, 0) if network.is_cut() => NETWORK_FOUND.not_checked(
                Requirement::Optional,
                network.to_string(),
                format!("{seen} in this shard; only all shards together tell whether anybody does"),
            ),
            (0, 0, 0) => inconclusive(seen),
            (0, 0, _) => NETWORK_FOUND.passed(network.to_string()).expected(expected).observed(seen),
        };
        Some(finding)
    }
}
