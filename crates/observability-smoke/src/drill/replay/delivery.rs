//! What fired in a replay, delivered: a carrier of each alert on the embedded stack, through Prometheus and Alertmanager
//! to our webhook.

use evidence_report::run::Run;
use futures_util::future::join_all;

use super::{
    super::{
        alert_plan::AlertPlan,
        lane::{self, Outcome},
        observation::{Cause, Halt, Observation, Stage},
        plan::{LANES_AT_ONCE, Plan, shared},
        stack::Programs,
    },
    carrier::{INTERVAL, carrier},
    course::Replayed,
    plan::ReplayPlan,
};

/// What came of the deliveries.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// The stacks, and the alerts on each, by their place in the plan.
    pub(super) stacks: Vec<(Vec<usize>, Outcome)>,
}

/// Delivers the alerts that fired, by their place.
pub(super) async fn deliver(
    plan: &ReplayPlan,
    run: &Run,
    programs: &Programs,
    fired: &[(usize, &Replayed)],
) -> Delivered {
    let carriers: Vec<AlertPlan> = fired
        .iter()
        .map(|(place, replayed)| carrier(&plan.alerts[*place].plan, &replayed.elements))
        .collect();
    let lanes = shared(&carriers, plan.routes.as_ref());
    let stacks = Plan {
        settings: plan.settings.clone(),
        alerts: carriers,
        skipped: Vec::new(),
        lanes: lanes.clone(),
        repeat: 1,
        scrape_interval: INTERVAL,
        evaluation_interval: INTERVAL,
        prometheus: plan.prometheus.clone(),
        alertmanager: plan.alertmanager.clone(),
        routes: plan.routes.clone(),
    };
    let numbers: Vec<usize> = (0..lanes.len()).collect();
    let mut delivered = Delivered::default();
    for wave in numbers.chunks(LANES_AT_ONCE) {
        let outcomes = join_all(wave.iter().map(|number| lane::drill(&stacks, run, programs, *number))).await;
        for (number, mut outcome) in wave.iter().zip(outcomes) {
            for (place, _) in &mut outcome.seen {
                *place = fired[*place].0;
            }
            for (place, _) in &mut outcome.not_begun {
                *place = fired[*place].0;
            }
            let places = lanes[*number].iter().map(|place| fired[*place].0).collect();
            delivered.stacks.push((places, outcome));
        }
    }
    delivered
}

/// The replay of an alert, with what its delivery adds. The delivery's times follow on those of the replay.
#[must_use]
pub(super) fn joined(replayed: &Observation, delivered: &Observation) -> Observation {
    let mut seen = replayed.clone();
    let (Some(firing), Some(fired)) = (seen.firing, delivered.firing) else {
        if seen.halted.is_none() {
            seen.halted = delivered.halted.as_ref().map(not_carried);
        }
        return seen;
    };
    let after = |time: Option<f64>| time.map(|time| firing + (time - fired).max(0.0));
    seen.accepted = after(delivered.accepted);
    seen.received = after(delivered.received);
    seen.labels = delivered.labels.clone();
    seen.notified = delivered.notified.clone();
    seen.copies = delivered.copies;
    let ended = replayed.resolved;
    seen.resolved = match (ended, delivered.resolved, delivered.cleared) {
        (Some(ended), Some(resolved), Some(cleared)) => Some(ended + (resolved - cleared).max(0.0)),
        _ => None,
    };
    seen.ended = ended.filter(|_| delivered.ended.is_some());
    match (&delivered.halted, &replayed.halted) {
        (Some(halt), before) if before.as_ref().is_none_or(|before| before.stage >= halt.stage) => {
            seen.halted = Some(not_carried(halt));
        }
        _ => {}
    }
    seen
}

/// What keeps a carrier from firing is not the alert's.
fn not_carried(halt: &Halt) -> Halt {
    if halt.stage >= Stage::Accepted {
        return halt.clone();
    }
    Halt {
        stage: Stage::Accepted,
        cause: if halt.cause == Cause::Stop { Cause::Stop } else { Cause::Environment },
        reason: format!("what fired in the replay could not be brought to Alertmanager: {}", halt.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> (Observation, Observation) {
        let replayed = Observation {
            fault: Some(0.0),
            firing: Some(7200.0),
            cleared: Some(7300.0),
            resolved: Some(9000.0),
            replayed: true,
            ..Observation::default()
        };
        let delivered = Observation {
            firing: Some(10.0),
            accepted: Some(10.5),
            received: Some(11.0),
            cleared: Some(12.0),
            resolved: Some(14.0),
            ..Observation::default()
        };
        (replayed, delivered)
    }

    #[test]
    fn the_delivery_follows_on_the_replay() {
        let (replayed, delivered) = seen();
        let joined = joined(&replayed, &delivered);
        assert_eq!(
            (joined.accepted, joined.received, joined.resolved),
            (Some(7200.5), Some(7201.0), Some(9002.0))
        );
        assert_eq!(joined.halted, None);
    }

    #[test]
    fn an_alert_that_does_not_end_in_the_replay_is_resolved_by_no_delivery() {
        let (mut replayed, delivered) = seen();
        let still = Halt { stage: Stage::Resolved, cause: Cause::Alert, reason: "still firing".into() };
        (replayed.resolved, replayed.halted) = (None, Some(still.clone()));
        let joined = joined(&replayed, &delivered);
        assert_eq!((joined.resolved, joined.halted), (None, Some(still)));
    }

    #[test]
    fn a_carrier_that_does_not_fire_blames_no_alert() {
        let (replayed, mut delivered) = seen();
        delivered.firing = None;
        delivered.halted = Some(Halt { stage: Stage::Pending, cause: Cause::Alert, reason: "x".into() });
        let halt = joined(&replayed, &delivered).halted.unwrap();
        assert_eq!((halt.stage, halt.cause), (Stage::Accepted, Cause::Environment));
    }
}
