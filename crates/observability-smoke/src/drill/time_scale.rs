//! How many times as fast an alert's copy runs, where one was asked for: as told, or as its `for` and ranges need it. Pure.

use std::time::Duration;

use super::{acceleration, alert_plan::Wishes, config::DrilledAlert, plan::TimeScale, selection::Selected};
use crate::rules::expression;

/// Round factors of acceleration.
pub(super) const FACTORS: [u32; 12] = [2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600];

/// `--time-scale auto` takes the least factor that brings hold and ranges together to this.
const BRISK: Duration = Duration::from_secs(16);

/// The factor of this alert's copy; `None` where it runs as written.
pub(super) fn scale(written: &Selected, own: Option<&DrilledAlert>, wishes: &Wishes<'_>) -> Option<u32> {
    if wishes.notification_only {
        return None;
    }
    match (own.and_then(|own| own.time_scale), wishes.time_scale) {
        (Some(1), _) | (None, None) => None,
        (Some(by), _) | (None, Some(TimeScale::By(by))) => Some(by),
        (None, Some(TimeScale::Automatic)) => automatic(written, wishes),
    }
}

/// The least factor that makes the rule brisk, or the greatest that its ranges allow; `None` where it is brisk
/// as written, or cannot be accelerated at all.
fn automatic(written: &Selected, wishes: &Wishes<'_>) -> Option<u32> {
    let rules = std::iter::once(&written.rule).chain(written.recordings());
    let range = rules
        .filter_map(|rule| expression::shallow(&rule.expression))
        .filter_map(|expression| expression::longest_range(&expression))
        .max()
        .unwrap_or_default();
    let takes = written.rule.hold
        + written.rule.keep_firing
        + range
        + written.interval.map_or(Duration::ZERO, |interval| interval * 2);
    if takes <= BRISK {
        return None;
    }
    let possible = FACTORS.into_iter().take_while(|by| accelerated(written, *by, wishes).is_ok());
    let possible: Vec<u32> = possible.collect();
    possible.iter().copied().find(|by| takes / *by <= BRISK).or(possible.last().copied())
}

/// The copy that runs so many times as fast.
///
/// # Errors
/// A sentence that says which part cannot be accelerated, and what would do.
pub(super) fn accelerated(written: &Selected, by: u32, wishes: &Wishes<'_>) -> Result<Selected, String> {
    acceleration::accelerate(written, by, wishes.scrape_interval, wishes.evaluation_interval)
}
