//! An accelerated copy of a rule: the world of its series runs N times as fast. Made only when it is asked
//! for, and always marked. Pure.
//!
//! Ranges, offsets, steps, `for`, `keep_firing_for`, the group's interval and its `query_offset` are divided by N. What is per
//! second (`rate`, `irate`, `deriv`) is divided by N too, because its series change N times as fast: so the
//! thresholds keep their meaning. The wall clock (`time()`) is not scaled.

use std::time::Duration;

use promql_parser::parser::{Expr, Offset, VectorSelector, parse};

use super::{
    selection::Selected,
    series::{Behaviour, Series},
};
use crate::rules::{
    duration, expression,
    manifest::{Group, Rule},
};

/// A range must hold so many scrapes, or `rate()` and its kin see too little of it.
const SCRAPES_IN_A_RANGE: u32 = 4;

/// The copy of the alert and of all that is loaded with it.
///
/// # Errors
/// A sentence that says which part cannot be accelerated, and what would do.
pub(crate) fn accelerate(
    written: &Selected,
    by: u32,
    scrape: Duration,
    evaluation: Duration,
) -> Result<Selected, String> {
    let group = |group: &Group| -> Result<Group, String> {
        let mut newer = group.newer.clone();
        if let Some(offset) = group.query_offset() {
            newer.insert("query_offset".to_owned(), duration::display(offset / by).into());
        }
        Ok(Group {
            newer,
            // Never more often than the embedded Prometheus evaluates anyway.
            interval: group.interval.map(|interval| (interval / by).max(evaluation)),
            rules: group.rules.iter().map(|one| rule(one, by, scrape)).collect::<Result<_, _>>()?,
            ..group.clone()
        })
    };
    Ok(Selected {
        rule: rule(&written.rule, by, scrape)?,
        path: written.path.clone(),
        interval: written.interval.map(|interval| (interval / by).max(evaluation)),
        loaded: written.loaded.iter().map(group).collect::<Result<_, _>>()?,
    })
}

fn rule(written: &Rule, by: u32, scrape: Duration) -> Result<Rule, String> {
    let parsed = parse(&written.expression).map_err(|why| {
        format!("{} cannot be accelerated, its expression is not understood: {why}", written.name)
    })?;
    let copy = expression(parsed, by)?;
    if let Some(shortest) = shortest_range(&copy)
        && shortest < scrape * SCRAPES_IN_A_RANGE
    {
        let most = expression::longest_range(&copy)
            .map_or(1, |_| (shortest * by).as_millis() / (scrape * SCRAPES_IN_A_RANGE).as_millis().max(1));
        return Err(format!(
            "--time-scale {by} leaves a range of {} of {}, fewer than {SCRAPES_IN_A_RANGE} scrapes; use at most \
             --time-scale {most}, or a shorter --scrape-interval",
            duration::display(shortest),
            written.name,
        ));
    }
    Ok(Rule {
        expression: copy.to_string(),
        hold: written.hold / by,
        keep_firing: written.keep_firing / by,
        ..written.clone()
    })
}

fn shortest_range(expression: &Expr) -> Option<Duration> {
    let mut shortest: Option<Duration> = None;
    expression::walk(expression, &mut |part| {
        if let Expr::MatrixSelector(matrix) = part {
            shortest = Some(shortest.map_or(matrix.range, |known| known.min(matrix.range)));
        }
    });
    shortest
}

fn expression(given: Expr, by: u32) -> Result<Expr, String> {
    let boxed = |inner: Box<Expr>| expression(*inner, by).map(Box::new);
    Ok(match given {
        Expr::Aggregate(mut aggregate) => {
            aggregate.expr = boxed(aggregate.expr)?;
            Expr::Aggregate(aggregate)
        }
        Expr::Unary(mut unary) => {
            unary.expr = boxed(unary.expr)?;
            Expr::Unary(unary)
        }
        Expr::Binary(mut binary) => {
            binary.lhs = boxed(binary.lhs)?;
            binary.rhs = boxed(binary.rhs)?;
            Expr::Binary(binary)
        }
        Expr::Paren(mut paren) => {
            paren.expr = boxed(paren.expr)?;
            Expr::Paren(paren)
        }
        Expr::Subquery(mut subquery) => {
            refuse_at(subquery.at.is_some())?;
            subquery.expr = boxed(subquery.expr)?;
            subquery.range /= by;
            subquery.step = subquery.step.map(|step| step / by);
            subquery.offset = subquery.offset.map(|offset| shifted(offset, by));
            Expr::Subquery(subquery)
        }
        Expr::VectorSelector(selector) => Expr::VectorSelector(selector_of(selector, by)?),
        Expr::MatrixSelector(mut matrix) => {
            matrix.vs = selector_of(matrix.vs, by)?;
            matrix.range /= by;
            Expr::MatrixSelector(matrix)
        }
        Expr::Call(mut call) => {
            call.args.args = call.args.args.into_iter().map(boxed).collect::<Result<_, _>>()?;
            match call.func.name {
                "rate" | "irate" | "deriv" => parse(&format!("({call} / {by})"))?,
                "predict_linear" if call.args.args.len() == 2 => {
                    let ahead = parse(&format!("({} / {by})", call.args.args[1]))?;
                    *call.args.args[1] = ahead;
                    Expr::Call(call)
                }
                _ => Expr::Call(call),
            }
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => given,
    })
}

fn selector_of(mut selector: VectorSelector, by: u32) -> Result<VectorSelector, String> {
    refuse_at(selector.at.is_some())?;
    selector.offset = selector.offset.map(|offset| shifted(offset, by));
    Ok(selector)
}

fn refuse_at(is_there: bool) -> Result<(), String> {
    if is_there { Err("`@` cannot be accelerated".to_owned()) } else { Ok(()) }
}

fn shifted(offset: Offset, by: u32) -> Offset {
    match offset {
        Offset::Pos(offset) => Offset::Pos(offset / by),
        Offset::Neg(offset) => Offset::Neg(offset / by),
    }
}

/// The series in a world that runs `by` times as fast (below 1: as slow).
pub(crate) fn series(given: &[Series], by: f64) -> Vec<Series> {
    let faster = |behaviour: &Behaviour| match behaviour {
        Behaviour::Absent | Behaviour::Constant(_) => behaviour.clone(),
        Behaviour::Growing(growth) => Behaviour::Growing(growth * by),
        Behaviour::Sloping(slope) => Behaviour::Sloping(slope * by),
        Behaviour::Steps { interval, values } => {
            Behaviour::Steps { interval: interval / by, values: values.clone() }
        }
    };
    given
        .iter()
        .map(|one| Series {
            labels: one.labels.clone(),
            healthy: faster(&one.healthy),
            faulty: faster(&one.faulty),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drill::selection::{RuleFile, select},
        rules::manifest,
    };

    fn accelerated(text: &str) -> String {
        expression(parse(text).unwrap(), 60).unwrap().to_string()
    }

    #[test]
    fn what_is_a_time_is_divided_and_what_is_per_second_too() {
        for (written, copy) in [
            ("x > 5", "x > 5"),
            ("rate(x[5m]) > 0.5", "(rate(x[5s]) / 60) > 0.5"),
            ("increase(x[1h] offset 1h) > 3", "increase(x[1m] offset 1m) > 3"),
            ("sum by (job) (irate(x[2m]))", "sum by (job) ((irate(x[2s]) / 60))"),
            ("max_over_time(rate(x[5m])[1h:1m])", "max_over_time((rate(x[5s]) / 60)[1m:1s])"),
            ("predict_linear(x[6h], 4 * 3600) < 0", "predict_linear(x[6m], (4 * 3600 / 60)) < 0"),
            ("time() - x > 3600", "time() - x > 3600"),
        ] {
            assert_eq!(accelerated(written), copy);
        }
        assert!(expression(parse("x @ 5 > 1").unwrap(), 60).is_err());
    }

    #[test]
    fn how_far_a_group_looks_behind_is_divided_too() {
        let text = "groups: [{name: a, query_offset: 1m, rules: [{alert: A, expr: 'x > 1'}]}]";
        let files = [RuleFile { path: "r".into(), groups: manifest::read(text).unwrap() }];
        let second = Duration::from_secs(1);
        let copy = accelerate(&select(&files, "A").unwrap(), 30, second, second).unwrap();
        assert_eq!(copy.loaded[0].query_offset(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_range_must_hold_some_scrapes() {
        let text =
            "groups: [{name: a, interval: 30s, rules: [{alert: A, expr: 'rate(x[1m]) > 1', for: 5m}]}]";
        let files = [RuleFile { path: "r".into(), groups: manifest::read(text).unwrap() }];
        let written = select(&files, "A").unwrap();
        let second = Duration::from_secs(1);
        let refused = accelerate(&written, 60, second, second).unwrap_err();
        assert!(refused.contains("use at most --time-scale 15"), "{refused}");
        let copy = accelerate(&written, 10, second, second).unwrap();
        assert_eq!((copy.rule.hold, copy.interval), (Duration::from_secs(30), Some(Duration::from_secs(3))));
    }
}
