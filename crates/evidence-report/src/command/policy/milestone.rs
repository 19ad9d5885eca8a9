//! Targets are milestones, and milestones have dates. Pure.

use jiff::Timestamp;

use super::{Policy, last_moment};
use crate::{
    command::{
        checks::TARGET_DATE,
        tracker::{Item, Status, Tracker},
    },
    record::Finding,
};

/// The last moment of an item's target; `None` where it names no milestone of the policy.
pub(in crate::command) fn target_date(item: &Item, policy: &Policy) -> Option<Timestamp> {
    policy.file.milestones.get(&item.target.as_ref()?.value).map(|day| last_moment(day.0))
}

/// Whether a target has a date, and whether the date has gone by.
pub(in crate::command) fn milestone(
    tracker: &Tracker,
    item: &Item,
    policy: &Policy,
    now: Timestamp,
) -> Option<Finding> {
    let target = item.target.as_ref().filter(|_| !policy.file.milestones.is_empty())?;
    let subject = item.name();
    let finding = match target_date(item, policy) {
        None => TARGET_DATE
            .failed(subject)
            .expected("a milestone of the policy")
            .observed(format!("'{}' is none", target.value))
            .remedy(format!("Give it a date under `milestones` in {}, or correct the target.", policy.path)),
        Some(end) => {
            let day = end.strftime("%Y-%m-%d");
            let is_done = item.known_status() == Some(Status::Done);
            match (is_done, now > end) {
                (true, _) => TARGET_DATE.passed(subject).observed(format!("done; it was due by {day}")),
                (false, true) => TARGET_DATE
                    .failed(subject)
                    .observed(format!("overdue: '{}' was {day}", target.value))
                    .hurts_at(end),
                (false, false) => TARGET_DATE.passed(subject).observed(format!("due by {day}")).hurts_at(end),
            }
            .expected("done by its target")
        }
    };
    Some(finding.at(&tracker.path, Some(target.line)))
}
