//! The findings of a run under way: whatever needs somebody is kept, and of what passed as many as anybody
//! reads. A run of thirty thousand targets thereby needs no more room than one of a thousand.

use super::{
    check::Check,
    finding::{Finding, Outcome},
    report::{Unlisted, order},
};

/// Of what passed so many are kept, those that hurt soonest; the rest is counted.
const KEPT: usize = 5_000;

/// So many more are let in before the rest of them is counted.
const ROOM: usize = 1_000;

/// Findings as they arrive.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    needing: Vec<Finding>,
    /// As soon as something was counted, the one at `KEPT - 1` is the last of those before it.
    passed: Vec<Finding>,
    counted: Vec<(&'static Check, u64)>,
}

impl Gathering {
    /// Takes in a finding.
    pub(crate) fn push(&mut self, finding: Finding) {
        if finding.outcome != Outcome::Passed {
            return self.needing.push(finding);
        }
        if self.last_kept().is_some_and(|last| order(last) <= order(&finding)) {
            return self.count(&finding);
        }
        self.passed.push(finding);
        if self.passed.len() >= KEPT + ROOM {
            self.cut();
        }
    }

    fn last_kept(&self) -> Option<&Finding> {
        self.passed.get(KEPT - 1).filter(|_| !self.counted.is_empty())
    }

    fn count(&mut self, finding: &Finding) {
        match self.counted.iter_mut().find(|(check, _)| check.id == finding.check.id) {
            Some((_, number)) => *number += 1,
            None => self.counted.push((finding.check, 1)),
        }
    }

    /// Counts what lies behind the first [`KEPT`]. Which those are does not depend on the order of arrival.
    fn cut(&mut self) {
        if self.passed.len() <= KEPT {
            return;
        }
        self.passed.select_nth_unstable_by(KEPT - 1, |a, b| order(a).cmp(&order(b)));
        self.passed.split_off(KEPT).iter().for_each(|finding| self.count(finding));
    }

    /// What is kept, in no order, and what is only counted.
    pub(crate) fn end(mut self) -> (Vec<Finding>, Vec<Unlisted>) {
        self.cut();
        let counted = (self.counted.into_iter())
            .map(|(check, number)| Unlisted { check, outcome: Outcome::Passed, number })
            .collect();
        self.needing.extend(self.passed);
        (self.needing, counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    static NAME: Check = Check { id: "tls.name", title: "", explanation: "", remedy: "" };
    static LIFETIME: Check = Check { id: "tls.lifetime", title: "", explanation: "", remedy: "" };

    fn gather(findings: impl IntoIterator<Item = Finding>) -> (Vec<Finding>, Vec<Unlisted>) {
        let mut gathering = Gathering::default();
        findings.into_iter().for_each(|finding| gathering.push(finding));
        let (mut kept, counted) = gathering.end();
        kept.sort_by(|a, b| order(a).cmp(&order(b)));
        (kept, counted)
    }

    #[test]
    fn what_needs_somebody_is_always_kept_and_what_passed_up_to_a_limit() {
        let total = 7 * KEPT + 13;
        let (kept, counted) = gather((0..total).flat_map(|n| {
            let end = Timestamp::from_second(i64::try_from((n * 7919) % total).unwrap()).unwrap();
            [
                NAME.passed(format!("host-{n}")),
                LIFETIME.passed(format!("host-{n}")).hurts_at(end),
                NAME.failed(format!("bad-{n}")),
            ]
        }));
        assert_eq!(kept.iter().filter(|finding| finding.outcome == Outcome::Failed).count(), total);
        let passed: Vec<_> = kept.iter().filter(|finding| finding.outcome == Outcome::Passed).collect();
        assert_eq!(passed.len(), KEPT);
        assert!(passed.iter().all(|finding| finding.check.id == "tls.lifetime"), "those with a date first");
        let last = passed.iter().filter_map(|finding| finding.hurts_at).max().unwrap();
        assert_eq!(last.as_second(), i64::try_from(KEPT).unwrap() - 1, "the soonest of all");
        assert_eq!(counted.iter().map(|counted| counted.number).sum::<u64>(), (2 * total - KEPT) as u64);
    }

    #[test]
    fn the_order_of_arrival_decides_nothing() {
        let findings: Vec<_> = (0..3 * KEPT).map(|n| NAME.passed(format!("host-{n:06}"))).collect();
        assert_eq!(gather(findings.clone()), gather(findings.into_iter().rev()));
    }

    #[test]
    fn up_to_the_limit_everything_is_kept() {
        let (kept, counted) = gather((0..KEPT).map(|n| NAME.passed(format!("host-{n}"))));
        assert_eq!((kept.len(), counted.len()), (KEPT, 0));
    }
}
