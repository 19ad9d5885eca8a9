//! How long a replay is, and how it is divided: healthy series for as long as the rule looks back, then the fault, then
//! healthy again until the alert has ended. Nothing of the rule is shortened. Pure.

use std::{collections::BTreeMap, time::Duration};

use promql_parser::parser::{Expr, Offset, VectorSelector, parse};

use super::super::{alert_plan::AlertPlan, plan::Until, selection::Selected};
use crate::rules::expression;

/// So many evaluations before the fault must find the alert inactive.
pub(super) const QUIET: u32 = 10;

/// A series without a sample for this long is stale in Prometheus, whatever its interval.
const LOOKBACK: Duration = Duration::from_secs(5 * 60);

/// The fault falls on a sample and on an evaluation, where that does not make the replay this much longer.
const ALIGNED_WITHIN: Duration = Duration::from_secs(3600);

/// The times of a replay, counted from its first sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Between two samples of a series.
    pub(crate) step: Duration,
    /// Between two evaluations of the alert.
    pub(crate) evaluation: Duration,
    /// The last healthy moment.
    pub(crate) fault: Duration,
    /// The last faulty moment.
    pub(crate) cleared: Duration,
    /// The last sample.
    pub(crate) end: Duration,
    /// How far back the rule and what it stands on look.
    pub(crate) reach: Duration,
    /// For how long a sample counts. As after a scrape, a series that has gone is stale at its next sample.
    pub(crate) lookback: Duration,
}

impl Span {
    /// Of the alert as its plan has it.
    ///
    /// # Errors
    /// When its length cannot be known.
    pub(crate) fn of(plan: &AlertPlan) -> Result<Self, String> {
        let reach = reach_of(&plan.alert)?;
        let records = plan.alert.recordings().next().is_some();
        let prediction = &plan.prediction;
        let (step, evaluation) = (prediction.intervals.scrape, prediction.intervals.evaluation);
        let recording = plan.alert.loaded.iter().map(|group| group.interval.unwrap_or(evaluation)).max();
        let recording = if records { recording.unwrap_or_default() } else { Duration::ZERO };
        let some = (step + evaluation) * 2;
        let unit = common(step, evaluation);
        let fault = rounded_up(reach + evaluation * QUIET + step * 3 + recording * 2, unit);
        let unknown = if prediction.condition.is_none() { reach } else { Duration::ZERO };
        let cleared = fault + rounded_up(prediction.until_firing() + unknown + some, evaluation);
        let end = match plan.until {
            Until::Received => cleared,
            Until::Resolved => {
                let until_ended = prediction.until_resolved() - prediction.grouping.interval;
                cleared + rounded_up(until_ended + some, evaluation)
            }
        };
        let lookback = step.max(recording).min(LOOKBACK) - Duration::from_millis(1);
        Ok(Self { step, evaluation, fault, cleared, end, reach, lookback })
    }

    /// The same with a fault that lasts longer by all that the rule looks back at; `None` where it looks at nothing.
    #[must_use]
    pub(crate) fn longer(mut self) -> Option<Self> {
        let more = rounded_up(self.reach, self.evaluation);
        self.cleared += more;
        self.end += more;
        (!more.is_zero()).then_some(self)
    }

    /// How many samples each series has at most.
    #[must_use]
    pub(crate) fn samples(&self) -> u64 {
        count(self.end, self.step) + 1
    }

    /// How many times the alert is evaluated.
    #[must_use]
    pub(crate) fn evaluations(&self) -> u64 {
        count(self.end - self.fault, self.evaluation) + u64::from(QUIET) + 1
    }

    /// How many samples Prometheus goes through, about, where so many series are looked back at.
    #[must_use]
    pub(crate) fn work(&self, series: usize) -> u64 {
        let each = count(self.reach, self.step) + 1;
        let series = u64::try_from(series.max(1)).unwrap_or(u64::MAX);
        self.evaluations().saturating_mul(each).saturating_mul(series)
    }
}

fn count(time: Duration, interval: Duration) -> u64 {
    u64::try_from(time.as_millis() / interval.as_millis().max(1)).unwrap_or(u64::MAX)
}

fn rounded_up(time: Duration, to: Duration) -> Duration {
    super::super::prediction::rounded_up(time, to)
}

/// The shortest time that holds whole numbers of both, or the second where that is long.
fn common(one: Duration, other: Duration) -> Duration {
    let (mut a, mut b) = (one.as_millis(), other.as_millis());
    while b > 0 {
        (a, b) = (b, a % b);
    }
    let common = (one.as_millis() / a.max(1)).saturating_mul(other.as_millis());
    let common = Duration::from_millis(u64::try_from(common).unwrap_or(u64::MAX));
    if common <= ALIGNED_WITHIN { common } else { other }
}

/// How far back the alert looks, through the recording rules that it stands on to raw series.
///
/// # Errors
/// When that is not known.
pub(crate) fn reach_of(alert: &Selected) -> Result<Duration, String> {
    let parsed = |text: &str| {
        parse(text).map_err(|why| {
            format!("how far the rule looks back is not known: promql-parser does not read it: {why}")
        })
    };
    let mut recorded: BTreeMap<String, Vec<Expr>> = BTreeMap::new();
    for rule in alert.recordings() {
        recorded.entry(rule.name.clone()).or_default().push(parsed(&rule.expression)?);
    }
    Ok(reach(&parsed(&alert.rule.expression)?, &recorded, recorded.len()))
}

/// How far back an expression looks: ranges, offsets, subqueries, and through recorded series to what they look back at.
fn reach(expression: &Expr, recorded: &BTreeMap<String, Vec<Expr>>, depth: usize) -> Duration {
    let within = |inner: &Expr| reach(inner, recorded, depth);
    let selected = |selector: &VectorSelector| {
        let of = expression::metric_name(selector).and_then(|name| recorded.get(&name));
        let under = of.into_iter().flatten().filter(|_| depth > 0);
        let under = under.map(|inner| reach(inner, recorded, depth - 1)).max().unwrap_or_default();
        back(selector.offset.as_ref()) + under
    };
    match expression {
        Expr::VectorSelector(selector) => selected(selector),
        Expr::MatrixSelector(matrix) => matrix.range + selected(&matrix.vs),
        Expr::Subquery(subquery) => subquery.range + back(subquery.offset.as_ref()) + within(&subquery.expr),
        Expr::Aggregate(aggregate) => {
            within(&aggregate.expr).max(aggregate.param.as_deref().map(within).unwrap_or_default())
        }
        Expr::Unary(unary) => within(&unary.expr),
        Expr::Binary(binary) => within(&binary.lhs).max(within(&binary.rhs)),
        Expr::Paren(paren) => within(&paren.expr),
        Expr::Call(call) => call.args.args.iter().map(|argument| within(argument)).max().unwrap_or_default(),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Duration::ZERO,
    }
}

fn back(offset: Option<&Offset>) -> Duration {
    match offset {
        Some(Offset::Pos(offset)) => *offset,
        Some(Offset::Neg(_)) | None => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_looked_through_to_its_raw_series() {
        let recorded = BTreeMap::from([
            ("day".to_owned(), vec![parse("avg_over_time(hour[1d])").unwrap()]),
            ("hour".to_owned(), vec![parse("rate(x[1h] offset 1h)").unwrap()]),
            ("itself".to_owned(), vec![parse("itself + rate(x[1h])").unwrap()]),
        ]);
        for (text, hours) in [
            ("x > 1", 0),
            ("rate(x[3d]) > 1 and rate(x[6h]) > 1", 72),
            ("max_over_time(rate(x[1h])[1d:5m] offset 2h)", 27),
            ("day > 1", 26),
            ("day offset 1h > hour", 27),
            ("x offset -1h > 1", 0),
            ("itself > 1", 1),
        ] {
            let expression = parse(text).unwrap();
            let found = reach(&expression, &recorded, recorded.len());
            assert_eq!(found, Duration::from_secs(hours * 3600), "{text}");
        }
    }

    #[test]
    fn intervals_meet_where_that_costs_little() {
        let seconds = Duration::from_secs;
        for (one, other, meet) in [(15, 15, 15), (15, 60, 60), (20, 30, 60), (3599, 3600, 3600)] {
            assert_eq!(common(seconds(one), seconds(other)), seconds(meet), "{one} {other}");
        }
    }
}
