//! The drill's clock: seconds on the monotonic clock, and where Prometheus' wall-clock times lie on it.

use std::time::Instant;

use jiff::Timestamp;

/// A clock that began at one instant. Copies share it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    zero: Instant,
    wall: Timestamp,
}

impl Clock {
    /// A clock that begins now.
    pub(super) fn start() -> Self {
        Self { zero: Instant::now(), wall: Timestamp::now() }
    }

    /// Seconds since it began.
    pub(super) fn now(&self) -> f64 {
        self.zero.elapsed().as_secs_f64()
    }

    /// Where a wall-clock time of a server on this machine lies, in seconds since the clock began.
    pub(super) fn of(&self, time: Timestamp) -> f64 {
        time.duration_since(self.wall).as_secs_f64()
    }
}
