//! By which labels an expression keeps elements apart: whether what comes of a drill's series could ever be
//! summed, matched or counted together with what comes of others. Pure; knows nothing of rules and servers.
//!
//! A label is *kept* when everything that meets in one element of the result agreed on it. An expression that
//! keeps `drill` gives results that are either a drill's alone, or nobody's drill at all.

use std::collections::BTreeSet;

use promql_parser::parser::{
    AggregateExpr, BinModifier, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
    VectorSelector, value::ValueType,
};

use crate::drill::series::Labels;

/// A set of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LabelSet {
    /// These.
    Only(BTreeSet<String>),
    /// All others.
    AllBut(BTreeSet<String>),
}

impl LabelSet {
    fn all() -> Self {
        Self::AllBut(BTreeSet::from(["__name__".to_owned()]))
    }

    fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Whether the label is in it.
    #[must_use]
    pub(crate) fn contains(&self, label: &str) -> bool {
        match self {
            Self::Only(labels) => labels.contains(label),
            Self::AllBut(labels) => !labels.contains(label),
        }
    }

    fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(some), set) | (set, Self::Only(some)) => {
                Self::Only(some.iter().filter(|label| set.contains(label)).cloned().collect())
            }
            (Self::AllBut(some), Self::AllBut(more)) => Self::AllBut(some.union(more).cloned().collect()),
        }
    }

    fn without<'a>(&self, labels: impl IntoIterator<Item = &'a String>) -> Self {
        self.and(&Self::AllBut(labels.into_iter().cloned().collect()))
    }

    /// The labels of a series that are in it.
    #[must_use]
    pub(crate) fn of(&self, series: &Labels) -> Labels {
        series.iter().filter(|(name, _)| self.contains(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
    }
}

/// How an expression treats the series that it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Apart {
    /// The labels on which everything that meets in one element agreed.
    pub(crate) keeps: LabelSet,
    /// Whether an element's labels are exactly those of its series that are kept.
    pub(crate) exact: bool,
}

/// How the expression treats the selectors that `touched` accepts; `None` when there are none in it.
pub(crate) fn apart(expression: &Expr, touched: &dyn Fn(&VectorSelector) -> bool) -> Option<Apart> {
    let below = |expression: &Expr| apart(expression, touched);
    match expression {
        Expr::VectorSelector(selector) => of_selector(selector, touched),
        Expr::MatrixSelector(matrix) => of_selector(&matrix.vs, touched),
        Expr::Paren(paren) => below(&paren.expr),
        Expr::Unary(unary) => below(&unary.expr),
        Expr::Subquery(subquery) => below(&subquery.expr),
        Expr::Aggregate(aggregate) => of_aggregate(aggregate, touched),
        Expr::Call(call) => of_call(call, touched),
        Expr::Binary(binary) => of_binary(binary, below(&binary.lhs), below(&binary.rhs)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => None,
    }
}

fn of_selector(selector: &VectorSelector, touched: &dyn Fn(&VectorSelector) -> bool) -> Option<Apart> {
    touched(selector).then(|| Apart { keeps: LabelSet::all(), exact: true })
}

/// Both, where both are there.
fn both(one: Option<Apart>, other: Option<Apart>) -> Option<Apart> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some(Apart { keeps: one.keeps.and(&other.keeps), exact: one.exact && other.exact })
        }
        (one, other) => one.or(other),
    }
}

fn of_aggregate(aggregate: &AggregateExpr, touched: &dyn Fn(&VectorSelector) -> bool) -> Option<Apart> {
    let operand = apart(&aggregate.expr, touched);
    let parameter = aggregate.param.as_ref().and_then(|parameter| apart(parameter, touched));
    if parameter.is_some() {
        return Some(Apart { keeps: LabelSet::none(), exact: false });
    }
    let operand = operand?;
    let keeps = match &aggregate.modifier {
        None => LabelSet::none(),
        Some(LabelModifier::Include(by)) => {
            operand.keeps.and(&LabelSet::Only(by.labels.iter().cloned().collect()))
        }
        Some(LabelModifier::Exclude(without)) => operand.keeps.without(&without.labels),
    };
    let operator = aggregate.op.to_string();
    match operator.as_str() {
        "count_values" => {
            let label = aggregate.param.as_ref().and_then(|parameter| literal(parameter));
            Some(Apart {
                keeps: label.iter().fold(keeps, |keeps, label| keeps.without([label])),
                exact: false,
            })
        }
        // They choose among the elements of a group, and keep the labels of those that they choose.
        "topk" | "bottomk" | "limitk" | "limit_ratio" => Some(Apart { keeps, exact: false }),
        _ => Some(Apart { keeps, exact: operand.exact }),
    }
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::StringLiteral(text) => Some(text.val.clone()),
        Expr::Paren(paren) => literal(&paren.expr),
        _ => None,
    }
}

fn of_call(call: &Call, touched: &dyn Fn(&VectorSelector) -> bool) -> Option<Apart> {
    let arguments = &call.args.args;
    let found = arguments.iter().map(|argument| apart(argument, touched)).fold(None, both)?;
    Some(match call.func.name {
        // One element, or none, of all that there is.
        "absent" | "absent_over_time" | "scalar" | "info" => Apart { keeps: LabelSet::none(), exact: false },
        "label_replace" | "label_join" => match arguments.get(1).and_then(|argument| literal(argument)) {
            Some(label) => Apart { keeps: found.keeps.without([&label]), exact: false },
            None => Apart { keeps: LabelSet::none(), exact: false },
        },
        "histogram_quantile" => Apart { keeps: found.keeps.without([&"le".to_owned()]), exact: found.exact },
        _ => found,
    })
}

fn of_binary(binary: &BinaryExpr, left: Option<Apart>, right: Option<Apart>) -> Option<Apart> {
    let scalar = |side: &Expr| side.value_type() == ValueType::Scalar;
    if scalar(&binary.lhs) || scalar(&binary.rhs) {
        return both(left, right);
    }
    let compared = signature(binary.modifier.as_ref());
    let operator = binary.op.to_string();
    match (operator.as_str(), left, right) {
        (_, None, None) => None,
        // The left side's elements come and go by what is on the right, and touch nothing.
        ("and" | "unless", Some(left), None) => Some(left),
        ("or", None, Some(right)) => Some(right),
        ("and" | "unless" | "or", left, right) => {
            both(left, right).map(|both| Apart { keeps: both.keeps.and(&compared), exact: false })
        }
        (_, left, right) => arithmetic(binary.modifier.as_ref(), &compared, left, right),
    }
}

/// One element of each side meet; an element more on one side can also make the whole expression an error.
fn arithmetic(
    modifier: Option<&BinModifier>,
    compared: &LabelSet,
    left: Option<Apart>,
    right: Option<Apart>,
) -> Option<Apart> {
    let (many, one, carried) = match modifier.map(|modifier| &modifier.card) {
        Some(VectorMatchCardinality::ManyToOne(labels)) => (left, right, &labels.labels),
        Some(VectorMatchCardinality::OneToMany(labels)) => (right, left, &labels.labels),
        _ => {
            let exact =
                left.as_ref().is_none_or(|left| left.exact) && right.as_ref().is_none_or(|right| right.exact);
            return both(left, right).map(|both| Apart { keeps: both.keeps.and(compared), exact });
        }
    };
    match (many, one) {
        // Several elements may meet the same one of the other side without meeting each other.
        (Some(many), None) => {
            Some(Apart { keeps: many.keeps.without(carried), exact: many.exact && carried.is_empty() })
        }
        (many, one) => both(many, one)
            .map(|both| Apart { keeps: both.keeps.and(compared).without(carried), exact: false }),
    }
}

/// The labels that two elements which meet have the same.
fn signature(modifier: Option<&BinModifier>) -> LabelSet {
    match modifier.and_then(|modifier| modifier.matching.as_ref()) {
        None => LabelSet::all(),
        Some(LabelModifier::Include(on)) => LabelSet::Only(on.labels.iter().cloned().collect()),
        Some(LabelModifier::Exclude(ignoring)) => LabelSet::all().without(&ignoring.labels),
    }
}

#[cfg(test)]
mod tests {
    use promql_parser::parser::parse;

    use super::*;

    fn keeps(text: &str) -> Option<(bool, bool, bool)> {
        let touched = |selector: &VectorSelector| selector.name.as_deref() == Some("x");
        let found = apart(&parse(text).unwrap(), &touched)?;
        Some((found.keeps.contains("drill"), found.keeps.contains("queue"), found.exact))
    }

    #[test]
    fn what_is_summed_away_keeps_nothing_apart() {
        for (text, expected) in [
            ("y > 1", None),
            ("1 + 1", None),
            ("x > 1", Some((true, true, true))),
            ("-rate(x[5m]) * 2", Some((true, true, true))),
            ("max_over_time(rate(x[1m])[5m:])", Some((true, true, true))),
            ("sum(x)", Some((false, false, true))),
            ("sum by (queue) (x) > 5", Some((false, true, true))),
            ("sum by (queue, drill) (x) > 5", Some((true, true, true))),
            ("sum without (queue) (x)", Some((true, false, true))),
            ("sum without (drill) (x)", Some((false, true, true))),
            ("topk by (drill) (3, x)", Some((true, false, false))),
            ("topk(3, x)", Some((false, false, false))),
            ("count_values by (drill) (\"queue\", x)", Some((true, false, false))),
            ("count_values by (queue) (\"drill\", x)", Some((false, true, false))),
            ("absent(x)", Some((false, false, false))),
            ("absent_over_time(x[5m])", Some((false, false, false))),
            ("y > scalar(x)", Some((false, false, false))),
            ("label_replace(x, \"drill\", \"$1\", \"queue\", \"(.*)\")", Some((false, true, false))),
            ("histogram_quantile(0.9, rate(x[5m]))", Some((true, true, true))),
            ("histogram_quantile(0.9, sum by (le) (rate(x[5m])))", Some((false, false, true))),
            // Matching.
            ("x / x", Some((true, true, true))),
            ("x / on(queue) y", Some((false, true, true))),
            ("x / ignoring(queue) y", Some((true, false, true))),
            ("x / on(queue) group_left y", Some((true, true, true))),
            ("x / on(queue) group_left(drill) y", Some((false, true, false))),
            ("y / on(queue) group_left x", Some((false, true, false))),
            ("y / on(queue) group_right x", Some((true, true, true))),
            ("x / on(queue) group_left x", Some((false, true, false))),
            // Sets.
            ("x and on(queue) y", Some((true, true, true))),
            ("y and on(queue) x", Some((false, true, false))),
            ("y unless on() x", Some((false, false, false))),
            ("y unless x", Some((true, true, false))),
            ("x or y", Some((true, true, false))),
            ("y or on() x", Some((true, true, true))),
            ("x or on() y", Some((false, false, false))),
            // What other parts do does not matter.
            ("x > on() group_left sum(y)", Some((true, true, true))),
        ] {
            assert_eq!(keeps(text), expected, "{text}");
        }
    }
}
