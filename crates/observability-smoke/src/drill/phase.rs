//! Faults do not wait for scrapes and timers: without a random pause every trial would begin at the same phase.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Some part of an interval.
#[must_use]
pub(super) fn some_of(interval: Duration) -> Duration {
    // A hasher of the standard library is keyed at random.
    let random = RandomState::new().build_hasher().finish() % 1000;
    #[expect(clippy::cast_precision_loss, reason = "below a thousand")]
    let fraction = random as f64 / 1000.0;
    interval.mul_f64(fraction)
}
