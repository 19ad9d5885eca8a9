//! What a PromQL expression selects, compares and looks back at; knows nothing of rules or servers.
//!
//! What promql-parser refuses is "unknown", never "wrong": newer servers understand more than it does.

use std::{collections::BTreeSet, time::Duration};

use promql_parser::{
    label::Matcher,
    parser::{Expr, ParenExpr, SubqueryExpr, VectorSelector},
};

/// Calls `visit` for the expression and everything in it, from the outside in.
pub(crate) fn walk(expression: &Expr, visit: &mut dyn FnMut(&Expr)) {
    visit(expression);
    children(expression).into_iter().for_each(|part| walk(part, visit));
}

/// The expressions that stand directly within it, in order.
#[must_use]
pub(crate) fn children(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Aggregate(aggregate) => [Some(&aggregate.expr), aggregate.param.as_ref()]
            .into_iter()
            .flatten()
            .map(AsRef::as_ref)
            .collect(),
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Call(call) => call.args.args.iter().map(AsRef::as_ref).collect(),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => Vec::new(),
    }
}

/// So many levels deep an expression may be for what goes through it level by level, and computes at each.
const DEEPEST: usize = 250;

/// Reads an expression that is to be computed with; `None` where it is not understood, or so deep that a machine wrote it.
#[must_use]
pub(crate) fn shallow(text: &str) -> Option<Expr> {
    promql_parser::parser::parse(text).ok().filter(|whole| fits(whole, DEEPEST))
}

fn fits(part: &Expr, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else { return false };
    match part {
        Expr::Aggregate(aggregate) => {
            fits(&aggregate.expr, left) && aggregate.param.as_ref().is_none_or(|one| fits(one, left))
        }
        Expr::Unary(unary) => fits(&unary.expr, left),
        Expr::Binary(binary) => fits(&binary.lhs, left) && fits(&binary.rhs, left),
        Expr::Paren(paren) => fits(&paren.expr, left),
        Expr::Subquery(subquery) => fits(&subquery.expr, left),
        Expr::Call(call) => call.args.args.iter().all(|argument| fits(argument, left)),
        _ => true,
    }
}

/// Every selector, in order, without its range, offset and `@`, each once.
#[must_use]
pub(crate) fn selectors(expression: &Expr) -> Vec<VectorSelector> {
    let mut found: Vec<VectorSelector> = Vec::new();
    walk(expression, &mut |part| {
        let selector = match part {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &matrix.vs,
            _ => return,
        };
        let bare = VectorSelector { offset: None, at: None, ..selector.clone() };
        if !found.contains(&bare) {
            found.push(bare);
        }
    });
    found
}

/// What an expression looks at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LookedAt {
    /// Expressions that return something where there is something to look at: each selector with its offset and `@`, over
    /// its range or its subquery.
    pub(crate) series: BTreeSet<String>,
    /// The calls over ranges, which may return nothing of few samples.
    pub(crate) calls: BTreeSet<String>,
}

/// What the expression looks at, where and when it looks.
#[must_use]
pub(crate) fn looked_at(expression: &Expr) -> LookedAt {
    let mut found = LookedAt::default();
    look(expression, &mut found);
    found
}

fn look(part: &Expr, found: &mut LookedAt) {
    match part {
        Expr::VectorSelector(selector) => {
            found.series.insert(selector.to_string());
        }
        Expr::MatrixSelector(matrix) => {
            found.series.insert(format!("last_over_time({matrix})"));
        }
        Expr::Subquery(subquery) => {
            let within = looked_at(&subquery.expr).series;
            found.series.extend(within.iter().filter_map(|inner| over(subquery, inner)));
        }
        Expr::Aggregate(aggregate) => {
            look(&aggregate.expr, found);
            aggregate.param.iter().for_each(|parameter| look(parameter, found));
        }
        Expr::Unary(unary) => look(&unary.expr, found),
        Expr::Binary(binary) => {
            look(&binary.lhs, found);
            look(&binary.rhs, found);
        }
        Expr::Paren(paren) => look(&paren.expr, found),
        Expr::Call(call) => {
            let ranged = |argument: &Expr| matches!(argument, Expr::MatrixSelector(_) | Expr::Subquery(_));
            if call.args.args.iter().any(|argument| ranged(argument)) && call.func.name != "absent_over_time"
            {
                found.calls.insert(call.to_string());
            }
            call.args.args.iter().for_each(|argument| look(argument, found));
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

/// Whether an expression returns something at any time of a subquery.
fn over(subquery: &SubqueryExpr, inner: &str) -> Option<String> {
    let inner = Expr::Paren(ParenExpr { expr: Box::new(promql_parser::parser::parse(inner).ok()?) });
    Some(format!("last_over_time({})", SubqueryExpr { expr: Box::new(inner), ..subquery.clone() }))
}

/// All matchers of a selector, the metric name's included. `None` where it joins several sets by `or`.
#[must_use]
pub(crate) fn matchers(selector: &VectorSelector) -> Option<Vec<Matcher>> {
    if !selector.matchers.or_matchers.is_empty() {
        return None;
    }
    let name =
        selector.name.iter().map(|name| Matcher::new(promql_parser::label::MatchOp::Equal, "__name__", name));
    Some(name.chain(selector.matchers.matchers.iter().cloned()).collect())
}

/// The name of the metric that a selector asks for, where it asks for exactly one.
#[must_use]
pub(crate) fn metric_name(selector: &VectorSelector) -> Option<String> {
    selector.name.clone().or_else(|| {
        let named = selector.matchers.find_matchers("__name__");
        named.iter().find(|m| m.op == promql_parser::label::MatchOp::Equal).map(|m| m.value.clone())
    })
}

/// The names of all metrics that the expression asks for by name.
#[must_use]
pub(crate) fn metric_names(expression: &Expr) -> BTreeSet<String> {
    selectors(expression).iter().filter_map(metric_name).collect()
}

/// The longest range that the expression looks back over.
#[must_use]
pub(crate) fn longest_range(expression: &Expr) -> Option<Duration> {
    let mut longest = None;
    walk(expression, &mut |part| {
        let range = match part {
            Expr::MatrixSelector(matrix) => matrix.range,
            Expr::Subquery(subquery) => subquery.range,
            _ => return,
        };
        longest = longest.max(Some(range));
    });
    longest
}

/// The number that a part of the expression comes to without looking at any series.
#[must_use]
pub(crate) fn constant(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => constant(&paren.expr),
        Expr::Unary(unary) => constant(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
            match binary.op.to_string().as_str() {
                "+" => Some(left + right),
                "-" => Some(left - right),
                "*" => Some(left * right),
                "/" => Some(left / right),
                "%" => Some(left % right),
                "^" => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The numbers that stand in the expression, those in one sum or product joined: `60 * 60` is 3600.
#[must_use]
pub(crate) fn constants(expression: &Expr) -> Vec<f64> {
    let mut found = Vec::new();
    walk(expression, &mut |part| {
        if let Some(value) = constant(part).filter(|value| value.is_finite())
            && !found.contains(&value)
        {
            found.push(value);
        }
    });
    found
}

/// Whether it says true or false by its value, 1 or 0: a comparison with `bool`. What cannot be parsed does not.
#[must_use]
pub(crate) fn is_truth_value(text: &str) -> bool {
    promql_parser::parser::parse(text).is_ok_and(|whole| without_bool(&whole).is_some())
}

/// The comparison itself, where the whole expression is one with `bool`.
#[must_use]
pub(crate) fn without_bool(whole: &Expr) -> Option<Expr> {
    match whole {
        Expr::Paren(paren) => without_bool(&paren.expr),
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            let mut bare = binary.clone();
            let modifier = bare.modifier.as_mut().filter(|modifier| modifier.return_bool)?;
            modifier.return_bool = false;
            Some(Expr::Binary(bare))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use promql_parser::parser::parse;

    use super::*;

    #[test]
    fn selectors_are_found_once_each() {
        let expression = parse(
            "sum(rate(errors{code=~\"5..\"}[5m])) / sum(rate(errors[5m])) > 0.05 and errors offset 5m > 0",
        )
        .unwrap();
        let shown: Vec<_> = selectors(&expression).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["errors{code=~\"5..\"}", "errors"]);
        assert_eq!(longest_range(&expression), Some(Duration::from_secs(300)));
        assert!(constants(&expression).contains(&0.05));
    }

    #[test]
    fn what_is_looked_at_keeps_its_range_its_offset_and_its_moment() {
        for (text, series, calls) in [
            ("depth > 1", &["depth"][..], &[][..]),
            ("depth{q=\"a\"} offset 2h > 1 or depth > 1", &["depth", "depth{q=\"a\"} offset 2h"], &[]),
            ("depth @ 1700000000 > 1", &["depth @ 1700000000.000"], &[]),
            (
                "sum(increase(gone_total[1h] offset 5m)) > 100",
                &["last_over_time(gone_total[1h] offset 5m)"],
                &["increase(gone_total[1h] offset 5m)"],
            ),
            ("absent_over_time(x[5m])", &["last_over_time(x[5m])"], &[]),
            (
                "max_over_time(rate(x[5m])[1h:1m] offset 1d) > 1",
                &["last_over_time((last_over_time(x[5m]))[1h:1m] offset 1d)"],
                &["max_over_time(rate(x[5m])[1h:1m] offset 1d)"],
            ),
            (
                "min_over_time((x offset 1m > 0)[10m:])",
                &["last_over_time((x offset 1m)[10m:])"],
                &["min_over_time((x offset 1m > 0)[10m:])"],
            ),
            ("topk(scalar(n), x) > 1", &["n", "x"], &[]),
        ] {
            let found = looked_at(&parse(text).unwrap());
            let of = |found: &BTreeSet<String>| found.iter().cloned().collect::<Vec<_>>();
            assert_eq!(
                (of(&found.series), of(&found.calls)),
                (
                    series.iter().map(|s| (*s).to_owned()).collect(),
                    calls.iter().map(|s| (*s).to_owned()).collect()
                ),
                "{text}"
            );
            found.series.iter().for_each(|text| assert!(parse(text).is_ok(), "{text}"));
        }
    }

    #[test]
    fn what_is_too_deep_is_not_computed_with() {
        let joined = |count: usize| vec!["x > 1"; count].join(" or ");
        assert!(shallow(&joined(100)).is_some() && shallow(&joined(400)).is_none());
        assert!(shallow("sum(").is_none());
    }

    #[test]
    fn numbers_of_one_product_are_joined() {
        assert!(constants(&parse("time() - x > 60 * 60").unwrap()).contains(&3600.0));
    }
}
