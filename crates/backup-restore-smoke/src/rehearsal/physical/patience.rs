//! How long a recovery may stand still. One that waits for ever (a `restore_command` on a disk that does not answer)
//! would otherwise keep the rehearsal until its own deadline, which names nothing. Pure: the time comes in.

use std::time::{Duration, Instant};

use evidence_report::record::Finding;

use crate::{checks::RECOVERY_TARGET, plan::RecoveryTarget, wal::Lsn, wording::seconds};

/// What shows that a recovery goes on: it reports (each segment that it takes), or the replayed place moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sign {
    /// How often it reported. (Not the length of its log, which grows whenever we knock.)
    pub(super) reports: usize,
    pub(super) place: Option<Lsn>,
}

/// The watch over one recovery.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    last: Sign,
    since: Instant,
}

impl Patience {
    /// Begins now.
    pub(super) fn new(limit: Duration, now: Instant) -> Self {
        Self { limit, last: Sign::default(), since: now }
    }

    /// Takes in what is to be seen now; says whether patience has run out.
    pub(super) fn is_over(&mut self, sign: Sign, now: Instant) -> bool {
        if sign != self.last {
            (self.last, self.since) = (sign, now);
        }
        now.duration_since(self.since) >= self.limit
    }

    /// What is to be said of a recovery that stands still; `last_words` are the server's.
    pub(super) fn finding(&self, target: &RecoveryTarget, last_words: Option<&String>) -> Finding {
        let place =
            self.last.place.map_or_else(|| "before it was consistent".to_owned(), |at| format!("at {at}"));
        let said = last_words.map_or_else(String::new, |words| format!("; its log ends: {words}"));
        RECOVERY_TARGET
            .inconclusive("recovery")
            .expected(format!("recovery to {target}, no longer than {} without progress", seconds(self.limit)))
            .observed(format!("it stands still {place}{said}"))
            .remedy(
                "The segments were fetched beforehand, so this machine keeps it: look whether the disk under --scratch \
                 answers. A recovery that only needs longer is given more time by --recovery-patience.",
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_recovery_without_any_progress_is_given_up() {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut patience = Patience::new(Duration::from_secs(10), start);
        let sign = |reports, place: Option<u64>| Sign { reports, place: place.map(Lsn) };
        for (second, log, place, over) in [
            (9, 0, None, false),
            (10, 0, None, true),
            (10, 5, None, false),
            (19, 5, None, false),
            (19, 5, Some(1), false),
            (28, 5, Some(2), false),
            (37, 5, Some(2), false),
            (38, 5, Some(2), true),
        ] {
            assert_eq!(patience.is_over(sign(log, place), at(second)), over, "{second}: {log} {place:?}");
        }
        let said = patience.finding(&RecoveryTarget::Consistent, None).observed;
        assert!(said.contains("0/2"), "{said}");
    }
}
