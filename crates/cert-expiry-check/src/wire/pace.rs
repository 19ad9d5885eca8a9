//! How fast connections are opened, over a whole run: evenly spaced, so that a scan neither floods the logs of
//! servers nor looks like an attack.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// At most so many connections in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    number: u32,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

/// Beyond so many a second nothing is gained by a limit, and the clock is too coarse for one.
const FASTEST: u32 = 10_000;

impl Rate {
    /// The time from one connection to the next.
    #[must_use]
    pub fn interval(self) -> Duration {
        let span = match self.per {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        };
        Duration::from_secs(span) / self.number
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse =
            || format!("'{text}' is no rate; write how many connections in which time: 50/s, 30/min, 600/h");
        let (number, per) = text.split_once('/').ok_or_else(refuse)?;
        let per = match per.trim() {
            "s" => Per::Second,
            "m" | "min" => Per::Minute,
            "h" => Per::Hour,
            _ => return Err(refuse()),
        };
        match number.trim().parse() {
            Ok(0) => Err("a rate of 0 opens no connection; write 1/min, or leave it out".to_owned()),
            Ok(number @ ..=FASTEST) => Ok(Self { number, per }),
            Ok(_) => Err(format!("a rate above {FASTEST} limits nothing; leave it out")),
            Err(_) => Err(refuse()),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        };
        write!(f, "{}/{per}", self.number)
    }
}

/// Gives out turns for opening connections; as fast as they are asked for, unless it was made from a rate.
/// Clones share their turns.
#[derive(Debug, Clone, Default)]
pub struct Pace(Option<Arc<Turns>>);

#[derive(Debug)]
struct Turns {
    interval: Duration,
    /// When the next turn is, once there was a first one.
    next: Mutex<Option<Instant>>,
}

impl From<Rate> for Pace {
    fn from(rate: Rate) -> Self {
        Self(Some(Arc::new(Turns { interval: rate.interval(), next: Mutex::default() })))
    }
}

impl Pace {
    /// Whether turns have to be waited for.
    pub(super) fn is_limited(&self) -> bool {
        self.0.is_some()
    }

    /// Ends when it is our turn, in the order of asking. A turn that nobody waits for any more is lost.
    pub async fn turn(&self) {
        let Some(turns) = &self.0 else { return };
        sleep_until(turns.take()).await;
    }
}

impl Turns {
    fn take(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // Time in which nobody asked is not made up for: that would be a burst.
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.interval);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, shown, millis) in [
            ("50/s", "50/s", 20),
            ("30/min", "30/min", 2000),
            ("30 / m", "30/min", 2000),
            ("3600/h", "3600/h", 1000),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.to_string().as_str(), rate.interval()), (shown, Duration::from_millis(millis)));
        }
        for (text, words) in [
            ("50", "50/s"),
            ("/s", "no rate"),
            ("50/", "no rate"),
            ("50/day", "no rate"),
            ("-1/s", "no rate"),
            ("0/s", "1/min"),
            ("10001/s", "leave it out"),
            ("99999999999/s", "no rate"),
        ] {
            assert!(text.parse::<Rate>().unwrap_err().contains(words), "{text}");
        }
    }

    fn run(work: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work);
    }

    /// The moments of turns lie in the future and are only looked at, not waited for: no clock can make this
    /// fail.
    #[test]
    fn turns_are_evenly_spaced_and_a_pause_is_not_made_up_for() {
        run(async {
            let turns = Turns { interval: Duration::from_secs(100), next: Mutex::default() };
            let began = Instant::now();
            let taken: Vec<_> = (0..5).map(|_| turns.take()).collect();
            assert!(taken[0] >= began);
            for pair in taken.windows(2) {
                assert_eq!(pair[1] - pair[0], turns.interval);
            }
            *turns.next.lock().unwrap() = Some(began.checked_sub(Duration::from_secs(1)).unwrap_or(began));
            let (first, second) = (turns.take(), turns.take());
            assert!(first >= began);
            assert_eq!(second - first, turns.interval);
        });
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        run(async {
            let pace = Pace::default();
            assert!(!pace.is_limited());
            for _ in 0..100_000 {
                pace.turn().await;
            }
        });
    }
}
