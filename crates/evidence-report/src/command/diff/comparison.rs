//! Two records → what changed between them. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::record::{
    Decimal, Environment, Objective, Verdict,
    v1::{FindingRecord, Label, MeasurementRecord, OutcomeRecord, Record, one_line},
};

/// What changed from one run to another.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// Always `evidence-diff/v1`.
    pub(super) schema: &'static str,
    pub(super) tool: String,
    pub(super) before: Side,
    pub(super) after: Side,
    /// How bad the worst of what became worse is; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) worse: Option<Verdict>,
    /// What needs somebody now and did not before.
    pub(super) new: Vec<Change>,
    /// What needs somebody still, and came out differently.
    pub(super) changed: Vec<Change>,
    /// What needs nobody any more.
    pub(super) resolved: Vec<Change>,
    /// How many need somebody as before.
    pub(super) unchanged: usize,
    /// Checks that were made before, and are not made any more.
    pub(super) no_longer_made: Vec<String>,
    /// Checks that are made now, and were not before.
    pub(super) newly_made: Vec<String>,
    pub(super) measurements: Vec<Moved>,
    /// Why not everything can be told: a record lists the worst findings only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) limits: Vec<String>,
}

/// One of the two runs.
#[derive(Debug, Serialize)]
pub(super) struct Side {
    pub(super) title: String,
    pub(super) verdict: Verdict,
    pub(super) environment: Environment,
    pub(super) finished: String,
    pub(super) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
}

/// A finding that changed.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    pub(super) check: String,
    pub(super) subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<OutcomeRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is: Option<OutcomeRecord>,
    pub(super) observed: String,
}

/// Where a number went, as its objective sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    Better,
    Worse,
    Same,
    /// Without an objective no direction is better.
    Higher,
    Lower,
    New,
    Gone,
}

/// A measurement in both runs.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    pub(super) metric: String,
    pub(super) labels: Vec<Label>,
    pub(super) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is: Option<Decimal>,
    pub(super) direction: Direction,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) objective: Option<Objective>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was_met: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) met: Option<bool>,
    /// The objective itself was changed: what was, where it was another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) objective_was: Option<Objective>,
}

impl Comparison {
    pub(super) fn of(before: &Record, after: &Record) -> Self {
        let (new, changed, unchanged) = arrived(before, after);
        let resolved = gone(before, after);
        let made = |record: &Record| -> BTreeSet<String> {
            let made = record.counts.iter().filter(|count| {
                count.passed + count.warned + count.failed + count.inconclusive + count.waived > 0
            });
            made.map(|count| count.check.clone()).collect()
        };
        let (made_before, made_after) = (made(before), made(after));
        let mut comparison = Self {
            schema: "evidence-diff/v1",
            tool: after.tool.name.clone(),
            before: Side::of(before),
            after: Side::of(after),
            worse: None,
            new,
            changed,
            resolved,
            unchanged,
            no_longer_made: made_before.difference(&made_after).cloned().collect(),
            newly_made: made_after.difference(&made_before).cloned().collect(),
            measurements: moved(&before.measurements, &after.measurements),
            limits: limits(before, after),
        };
        comparison.worse = comparison.worst_change();
        comparison
    }

    /// How bad the worst of what became worse is.
    fn worst_change(&self) -> Option<Verdict> {
        let severity = |outcome: Option<OutcomeRecord>| outcome.and_then(OutcomeRecord::verdict);
        let findings = self.new.iter().chain(&self.changed).filter_map(|change| {
            severity(change.is).filter(|is| severity(change.was).is_none_or(|was| *is > was))
        });
        let whole = (self.after.verdict > self.before.verdict).then_some(self.after.verdict);
        let missed =
            self.measurements.iter().any(|moved| moved.met == Some(false) && moved.was_met != Some(false));
        let lost = (!self.no_longer_made.is_empty()).then_some(Verdict::Inconclusive);
        findings.chain(whole).chain(missed.then_some(Verdict::Failed)).chain(lost).max()
    }
}

impl Side {
    fn of(record: &Record) -> Self {
        Self {
            title: record.title.clone(),
            verdict: record.verdict,
            environment: record.environment,
            finished: record.finished.clone(),
            version: record.tool.version.clone(),
            commit: record.commit.as_ref().map(|commit| commit.id.clone()),
        }
    }
}

/// Whether somebody has to look at it.
fn needs(finding: &FindingRecord) -> bool {
    finding.outcome.verdict().is_some_and(|verdict| verdict > Verdict::Passed)
}

/// The outcome of this check on this subject; the worst, where it was made more than once.
fn outcome(record: &Record, of: &FindingRecord) -> Option<OutcomeRecord> {
    let same = |other: &&FindingRecord| other.check == of.check && other.subject == of.subject;
    record.findings.iter().filter(same).map(|finding| finding.outcome).max_by_key(|outcome| outcome.verdict())
}

/// What needs somebody now: new, otherwise than before, and how many as before.
fn arrived(before: &Record, after: &Record) -> (Vec<Change>, Vec<Change>, usize) {
    let (mut new, mut changed, mut unchanged) = (Vec::new(), Vec::new(), 0);
    let mut told = BTreeSet::new();
    for finding in after.findings.iter().filter(|finding| needs(finding)) {
        if !told.insert((&finding.check, &finding.subject)) {
            continue;
        }
        let is = outcome(after, finding);
        let was = outcome(before, finding);
        let change = |was| Change {
            check: finding.check.clone(),
            subject: finding.subject.clone(),
            was,
            is,
            observed: finding.observed.clone(),
        };
        match was {
            Some(outcome) if Some(outcome) == is => unchanged += 1,
            Some(outcome) if outcome.verdict().is_some_and(|verdict| verdict > Verdict::Passed) => {
                changed.push(change(was));
            }
            other => new.push(change(other)),
        }
    }
    (new, changed, unchanged)
}

/// What needed somebody before, and does not any more.
fn gone(before: &Record, after: &Record) -> Vec<Change> {
    let mut told = BTreeSet::new();
    let was = before.findings.iter().filter(|finding| needs(finding));
    was.filter(|finding| told.insert((&finding.check, &finding.subject)))
        .filter_map(|finding| {
            let is = outcome(after, finding);
            let still = is.is_some_and(|is| is.verdict().is_some_and(|verdict| verdict > Verdict::Passed));
            (!still).then(|| Change {
                check: finding.check.clone(),
                subject: finding.subject.clone(),
                was: outcome(before, finding),
                is,
                observed: finding.observed.clone(),
            })
        })
        .collect()
}

fn moved(before: &[MeasurementRecord], after: &[MeasurementRecord]) -> Vec<Moved> {
    let same = |a: &MeasurementRecord, b: &MeasurementRecord| {
        a.metric == b.metric && a.labels == b.labels && a.unit == b.unit
    };
    let now = after.iter().map(|is| one(before.iter().find(|was| same(was, is)), Some(is)));
    let gone =
        before.iter().filter(|was| !after.iter().any(|is| same(was, is))).map(|was| one(Some(was), None));
    now.chain(gone).flatten().collect()
}

fn one(was: Option<&MeasurementRecord>, is: Option<&MeasurementRecord>) -> Option<Moved> {
    let known = is.or(was)?;
    let objective = known.objective.clone();
    Some(Moved {
        metric: known.metric.clone(),
        labels: known.labels.clone(),
        unit: known.unit.clone(),
        direction: direction(was, is, objective.as_ref()),
        was: was.map(|was| was.value.clone()),
        is: is.map(|is| is.value.clone()),
        was_met: was.and_then(|was| was.met),
        met: is.and_then(|is| is.met),
        objective_was: was
            .filter(|_| is.is_some())
            .and_then(|was| was.objective.clone())
            .filter(|was| Some(was) != objective.as_ref()),
        objective,
    })
}

fn direction(
    was: Option<&MeasurementRecord>,
    is: Option<&MeasurementRecord>,
    objective: Option<&Objective>,
) -> Direction {
    let (was, is) = match (was, is) {
        (None, _) => return Direction::New,
        (_, None) => return Direction::Gone,
        (Some(was), Some(is)) => (was.value.to_f64(), is.value.to_f64()),
    };
    let higher = match was.total_cmp(&is) {
        std::cmp::Ordering::Equal => return Direction::Same,
        order => order.is_lt(),
    };
    match (objective, higher) {
        (Some(Objective::AtMost(_)), true) | (Some(Objective::AtLeast(_)), false) => Direction::Worse,
        (Some(_), _) => Direction::Better,
        (None, true) => Direction::Higher,
        (None, false) => Direction::Lower,
    }
}

/// A record lists the worst findings; where even of those that need somebody some are left out, what came and
/// went cannot be told in full.
fn limits(before: &Record, after: &Record) -> Vec<String> {
    let cut = |record: &Record| record.findings_omitted > 0 && record.findings.last().is_some_and(needs);
    let mut limits = Vec::new();
    if cut(before) {
        limits
            .push("the run before lists its worst findings only: some of the new ones may be old".to_owned());
    }
    if cut(after) {
        limits.push(
            "the run after lists its worst findings only: some of the resolved ones may still be there"
                .to_owned(),
        );
    }
    if before.title != after.title {
        limits.push(format!(
            "the runs have two titles, '{}' and '{}': they may be of two things",
            one_line(&before.title),
            one_line(&after.title)
        ));
    }
    if before.environment != after.environment {
        limits.push(format!(
            "the runs are of two environments: {} and {}",
            before.environment, after.environment
        ));
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(value: u64, objective: Option<Objective>) -> MeasurementRecord {
        let met = objective.as_ref().map(|objective| match objective {
            Objective::AtMost(limit) => value as f64 <= limit.to_f64(),
            Objective::AtLeast(limit) => value as f64 >= limit.to_f64(),
        });
        let value = Decimal::from(value);
        MeasurementRecord { metric: "m".into(), labels: Vec::new(), value, unit: "s".into(), objective, met }
    }

    #[test]
    fn the_objective_says_which_way_is_better() {
        let at_most = || Some(Objective::AtMost(Decimal::from(10)));
        let at_least = || Some(Objective::AtLeast(Decimal::from(10)));
        for (was, is, objective, direction) in [
            (5, 6, at_most(), Direction::Worse),
            (6, 5, at_most(), Direction::Better),
            (5, 6, at_least(), Direction::Better),
            (6, 5, at_least(), Direction::Worse),
            (5, 5, at_most(), Direction::Same),
            (5, 6, None, Direction::Higher),
            (6, 5, None, Direction::Lower),
        ] {
            let moved = moved(&[measurement(was, objective.clone())], &[measurement(is, objective)]);
            assert_eq!(moved[0].direction, direction, "{was} to {is}");
        }
        assert_eq!(moved(&[], &[measurement(1, None)])[0].direction, Direction::New);
        assert_eq!(moved(&[measurement(1, None)], &[])[0].direction, Direction::Gone);
    }

    #[test]
    fn an_objective_that_was_loosened_is_told() {
        let limit = |limit| Some(Objective::AtMost(Decimal::from(limit)));
        let moved = moved(&[measurement(12, limit(10))], &[measurement(12, limit(20))]);
        assert_eq!((moved[0].was_met, moved[0].met), (Some(false), Some(true)));
        assert_eq!(moved[0].objective_was, limit(10));
    }
}
