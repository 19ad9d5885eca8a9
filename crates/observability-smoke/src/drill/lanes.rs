//! Which alerts may be drilled beside each other in one Prometheus, and which need one of their own. Pure.
//!
//! Two alerts touch each other when one's selectors accept the other's series, when both record a series of the
//! same name, or when they have the same name. In one Prometheus the fault of one would then be seen by the
//! other, and neither drill would prove anything.

use std::collections::BTreeSet;

use promql_parser::{label::Matcher, parser::parse};

use super::{alert_plan::AlertPlan, fixture::as_scraped, model::fit, series::Labels};
use crate::rules::expression;

/// What an alert asks for, and what it brings along.
#[derive(Debug, Clone)]
pub(crate) struct Footprint {
    name: String,
    /// Its series as they are scraped.
    series: Vec<Labels>,
    /// The names of the series that it records.
    recorded: BTreeSet<String>,
    /// What it selects; `None` when that is not known.
    selectors: Option<Vec<Vec<Matcher>>>,
}

impl Footprint {
    /// Of this alert.
    #[must_use]
    pub(crate) fn of(plan: &AlertPlan) -> Self {
        let rules = || std::iter::once(&plan.alert.rule).chain(plan.alert.recordings());
        let selectors = rules().map(|rule| {
            let expression = parse(&rule.expression).ok()?;
            expression::selectors(&expression).iter().map(expression::matchers).collect::<Option<Vec<_>>>()
        });
        Self {
            name: plan.alert.rule.name.clone(),
            series: plan.series().iter().map(|one| as_scraped(&one.labels)).collect(),
            recorded: plan.alert.recordings().map(|rule| rule.name.clone()).collect(),
            // What a hook changes is not known: nobody stands beside it.
            selectors: if plan.hooks.is_some() {
                None
            } else {
                selectors.collect::<Option<Vec<_>>>().map(|all| all.concat())
            },
        }
    }

    /// Whether the two must be kept apart.
    #[must_use]
    pub(crate) fn touches(&self, other: &Self) -> bool {
        self.name == other.name
            || !self.recorded.is_disjoint(&other.recorded)
            || self.series.iter().any(|series| other.series.contains(series))
            || self.sees(other)
            || other.sees(self)
    }

    fn sees(&self, other: &Self) -> bool {
        let Some(selectors) = &self.selectors else { return true };
        selectors.iter().any(|matchers| {
            other.series.iter().any(|labels| fit(matchers, labels))
                || other.recorded.iter().any(|name| {
                    let named: Vec<_> = matchers.iter().filter(|m| m.name == "__name__").collect();
                    named.is_empty() || named.iter().all(|matcher| matcher.is_match(name))
                })
        })
    }
}

/// The lanes: each a list of those that do not touch each other, by their place in `footprints`. What else would have
/// two of them disturb each other, `disturb` says.
#[must_use]
pub(crate) fn lanes(footprints: &[Footprint], disturb: &dyn Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut lanes: Vec<Vec<usize>> = Vec::new();
    for (index, footprint) in footprints.iter().enumerate() {
        let apart = |one: &usize| !footprint.touches(&footprints[*one]) && !disturb(*one, index);
        let free = lanes.iter().position(|lane| lane.iter().all(apart));
        match free {
            Some(lane) => lanes[lane].push(index),
            None => lanes.push(vec![index]),
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(name: &str, series: &[&str], expressions: &[&str], recorded: &[&str]) -> Footprint {
        let selectors = expressions.iter().map(|text| {
            let expression = parse(text).ok()?;
            expression::selectors(&expression).iter().map(expression::matchers).collect::<Option<Vec<_>>>()
        });
        Footprint {
            name: name.to_owned(),
            series: series
                .iter()
                .map(|text| as_scraped(&crate::rules::unit_test::labels(text).unwrap()))
                .collect(),
            recorded: recorded.iter().map(|name| (*name).to_owned()).collect(),
            selectors: selectors.collect::<Option<Vec<_>>>().map(|all| all.concat()),
        }
    }

    #[test]
    fn only_those_that_see_each_other_are_kept_apart() {
        let api = footprint("Api", &["http{job=\"api\"}"], &["rate(http{job=\"api\"}[5m]) > 1"], &[]);
        let hooks = footprint("Hooks", &["http{job=\"hooks\"}"], &["http{job=\"hooks\"} > 1"], &[]);
        let burn = footprint("Burn", &["http{job=\"api\"}"], &["ratio > 1", "http{job=\"api\"}"], &["ratio"]);
        let slow = footprint("Slow", &["other"], &["ratio > 2", "other"], &["ratio"]);
        let twin = footprint("Api", &["disk"], &["disk > 1"], &[]);
        let unknown = Footprint { selectors: None, ..footprint("Unknown", &[], &[], &[]) };
        for (one, other, touches) in [
            (&api, &hooks, false),
            (&api, &burn, true),
            (&burn, &slow, true),
            (&hooks, &slow, false),
            (&api, &twin, true),
            (&unknown, &hooks, true),
        ] {
            assert_eq!(one.touches(other), touches, "{} and {}", one.name, other.name);
            assert_eq!(other.touches(one), touches, "{} and {}", other.name, one.name);
        }
        let all = [api, hooks, burn, slow, twin, unknown];
        assert_eq!(lanes(&all, &|_, _| false), [vec![0, 1, 3], vec![2, 4], vec![5]]);
        assert_eq!(lanes(&all[..2], &|_, _| true), [vec![0], vec![1]]);
    }
}
