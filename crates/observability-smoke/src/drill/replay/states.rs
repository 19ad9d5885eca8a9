//! The states of an alert, as Prometheus' rule engine goes through them: pending when the expression first returns the
//! element, firing at the first evaluation at which it has been there for `for` without a gap, and ended at the first at
//! which it is not, or after `keep_firing_for`. Pure. (Prometheus: rules/alerting.go, `AlertingRule.Eval`.)

/// One activity of one element; times are evaluations, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Episode {
    /// When it became active.
    pub(super) active: i64,
    /// When it fired.
    pub(super) fired: Option<i64>,
    /// When it was no longer there.
    pub(super) ended: Option<i64>,
}

/// The evaluations of a stretch of time: its first, its last, and what is between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) interval: i64,
}

impl Grid {
    pub(super) fn evaluations(self) -> impl Iterator<Item = i64> {
        (0..)
            .map(move |index: i64| self.first.saturating_add(self.interval.saturating_mul(index)))
            .take_while(move |at| *at <= self.last)
    }
}

/// What becomes of an element that the expression returns at these evaluations, in rising order; `hold` is `for`, `keep`
/// is `keep_firing_for`.
#[must_use]
pub(super) fn episodes(returned: &[i64], grid: Grid, hold: i64, keep: i64) -> Vec<Episode> {
    let mut all: Vec<Episode> = Vec::new();
    let mut now: Option<Episode> = None;
    let mut kept_since: Option<i64> = None;
    let mut returned = returned.iter().copied().peekable();
    for at in grid.evaluations() {
        while returned.next_if(|one| *one < at).is_some() {}
        let is_there = returned.peek() == Some(&at);
        match (&mut now, is_there) {
            (None, true) => now = Some(Episode { active: at, fired: None, ended: None }),
            (None, false) => continue,
            (Some(_), true) => kept_since = None,
            (Some(episode), false) => {
                let since = *kept_since.get_or_insert(at);
                if episode.fired.is_none() || at - since >= keep {
                    all.push(Episode { ended: Some(at), ..*episode });
                    (now, kept_since) = (None, None);
                    continue;
                }
            }
        }
        if let Some(episode) = now.as_mut().filter(|episode| episode.fired.is_none())
            && at - episode.active >= hold
        {
            episode.fired = Some(at);
        }
    }
    all.extend(now);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(returned: &[i64], hold: i64, keep: i64) -> Vec<(i64, Option<i64>, Option<i64>)> {
        let grid = Grid { first: 0, last: 100, interval: 10 };
        let all = episodes(returned, grid, hold, keep);
        all.into_iter().map(|one| (one.active, one.fired, one.ended)).collect()
    }

    #[test]
    fn an_element_becomes_pending_fires_and_ends_as_in_prometheus() {
        assert_eq!(told(&[], 0, 0), []);
        // Without `for` it fires at once.
        assert_eq!(told(&[20, 30], 0, 0), [(20, Some(20), Some(40))]);
        // At the first evaluation that is not before the end of `for`.
        assert_eq!(told(&[20, 30, 40, 50], 20, 0), [(20, Some(40), Some(60))]);
        assert_eq!(told(&[20, 30, 40, 50], 21, 0), [(20, Some(50), Some(60))]);
        // One gap begins it anew.
        assert_eq!(told(&[20, 30, 50, 60, 70], 20, 0), [(20, None, Some(40)), (50, Some(70), Some(80))]);
        // It may be there to the end.
        assert_eq!(told(&[90, 100], 50, 0), [(90, None, None)]);
    }

    #[test]
    fn keep_firing_for_bridges_gaps_of_what_fired_and_of_nothing_else() {
        assert_eq!(told(&[20, 30], 0, 20), [(20, Some(20), Some(60))]);
        assert_eq!(told(&[20, 40, 50], 0, 20), [(20, Some(20), Some(80))]);
        assert_eq!(told(&[20, 40], 20, 50), [(20, None, Some(30)), (40, None, Some(50))]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_fires_before_it_was_there_for_as_long_as_it_must(
            returned in proptest::collection::btree_set(0_i64..30, 0..30), hold in 0_i64..100, keep in 0_i64..60,
        ) {
            let returned: Vec<i64> = returned.into_iter().map(|index| index * 10).collect();
            let grid = Grid { first: 0, last: 300, interval: 10 };
            for one in episodes(&returned, grid, hold, keep) {
                if let Some(fired) = one.fired {
                    proptest::prop_assert!(fired - one.active >= hold);
                    let held = grid.evaluations().filter(|at| (one.active..=fired).contains(at));
                    proptest::prop_assert!(held.into_iter().all(|at| returned.contains(&at)));
                }
            }
        }
    }
}
