//! Which labels the answer of an expression can have: what an aggregation drops is not there for templates, nor for
//! routes. Pure.

use std::collections::BTreeSet;

use promql_parser::parser::{
    BinModifier, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, parse,
};

use super::RuleFile;
use crate::rules::{
    expression::{constant, metric_name},
    manifest::Kind,
};

/// The labels that an answer can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// These and no others.
    Only(BTreeSet<String>),
    /// Any but these.
    AllBut(BTreeSet<String>),
}

impl Kept {
    fn any() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// Whether the label can be there.
    #[must_use]
    pub(crate) fn can_have(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(name),
            Self::AllBut(names) => !names.contains(name),
        }
    }

    fn by(&self, names: &[String]) -> Self {
        Self::Only(names.iter().filter(|name| self.can_have(name)).cloned().collect())
    }

    fn without(mut self, names: &[String]) -> Self {
        for name in names {
            match &mut self {
                Self::Only(only) => only.remove(name),
                Self::AllBut(dropped) => dropped.insert(name.clone()),
            };
        }
        self
    }

    fn with<'a>(mut self, names: impl IntoIterator<Item = &'a String>) -> Self {
        for name in names {
            match &mut self {
                Self::Only(only) => only.insert(name.clone()),
                Self::AllBut(dropped) => dropped.remove(name),
            };
        }
        self
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a.union(&b).cloned().collect()),
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a.intersection(&b).cloned().collect()),
            (Self::Only(only), Self::AllBut(dropped)) | (Self::AllBut(dropped), Self::Only(only)) => {
                Self::AllBut(dropped.difference(&only).cloned().collect())
            }
        }
    }
}

/// So many recording rules are followed into each other.
const DEPTH: usize = 8;

/// What the expression keeps. Recorded series keep what their rules in these files keep.
#[must_use]
pub(crate) fn kept(expression: &Expr, files: &[RuleFile]) -> Kept {
    Files { files, depth: DEPTH }.kept(expression)
}

#[derive(Clone, Copy)]
struct Files<'a> {
    files: &'a [RuleFile],
    depth: usize,
}

impl Files<'_> {
    fn kept(self, expression: &Expr) -> Kept {
        match expression {
            Expr::Aggregate(aggregate) => {
                let inner = self.kept(&aggregate.expr);
                match (aggregate.op.to_string().as_str(), &aggregate.modifier) {
                    ("topk" | "bottomk" | "limitk" | "limit_ratio", _) => inner,
                    ("count_values", _) => Kept::any(),
                    (_, Some(LabelModifier::Include(by))) => inner.by(&by.labels),
                    (_, Some(LabelModifier::Exclude(without))) => inner.without(&without.labels),
                    (_, None) => Kept::Only(BTreeSet::new()),
                }
            }
            Expr::Unary(unary) => self.kept(&unary.expr),
            Expr::Paren(paren) => self.kept(&paren.expr),
            Expr::Subquery(subquery) => self.kept(&subquery.expr),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Call(call) => self.call(call),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Kept::Only(BTreeSet::new()),
            Expr::VectorSelector(selector) => self.selected(metric_name(selector).as_deref()),
            Expr::MatrixSelector(matrix) => self.selected(metric_name(&matrix.vs).as_deref()),
            Expr::Extension(_) => Kept::any(),
        }
    }

    fn selected(self, name: Option<&str>) -> Kept {
        let Some(name) = name.filter(|_| self.depth > 0) else { return Kept::any() };
        let deeper = Self { depth: self.depth - 1, ..self };
        let recorded =
            super::all(self.files).filter(|rule| rule.rule.kind == Kind::Record && rule.rule.name == name);
        recorded
            .map(|rule| {
                let inner = parse(&rule.rule.expression).map_or_else(|_| Kept::any(), |e| deeper.kept(&e));
                inner.with(rule.rule.labels.keys())
            })
            .reduce(Kept::or)
            .unwrap_or_else(Kept::any)
    }

    fn binary(self, binary: &BinaryExpr) -> Kept {
        let (left, right) = (self.kept(&binary.lhs), self.kept(&binary.rhs));
        match binary.op.to_string().as_str() {
            "and" | "unless" => return left,
            "or" => return left.or(right),
            _ => {}
        }
        if is_scalar(&binary.lhs) {
            return right;
        }
        if is_scalar(&binary.rhs) {
            return left;
        }
        match &binary.modifier {
            Some(BinModifier { card: VectorMatchCardinality::ManyToOne(include), .. }) => {
                left.with(&include.labels)
            }
            Some(BinModifier { card: VectorMatchCardinality::OneToMany(include), .. }) => {
                right.with(&include.labels)
            }
            Some(BinModifier { matching: Some(LabelModifier::Include(on)), .. }) => left.by(&on.labels),
            Some(BinModifier { matching: Some(LabelModifier::Exclude(ignoring)), .. }) => {
                left.without(&ignoring.labels)
            }
            _ => left,
        }
    }

    fn call(self, call: &Call) -> Kept {
        match call.func.name {
            "vector" | "scalar" | "time" | "pi" => Kept::Only(BTreeSet::new()),
            "label_replace" | "label_join" | "absent" | "absent_over_time" | "info" => Kept::any(),
            name => {
                let vectors = call.args.args.iter().filter(|argument| !is_scalar(argument));
                let inner = vectors.map(|argument| self.kept(argument)).reduce(Kept::or);
                let inner = inner.unwrap_or_else(|| Kept::Only(BTreeSet::new()));
                if name == "histogram_quantile" { inner.without(&["le".to_owned()]) } else { inner }
            }
        }
    }
}

/// Whether a part is a number and no vector.
pub(crate) fn is_scalar(expression: &Expr) -> bool {
    match expression {
        Expr::Paren(paren) => is_scalar(&paren.expr),
        Expr::Unary(unary) => is_scalar(&unary.expr),
        Expr::Binary(binary) => is_scalar(&binary.lhs) && is_scalar(&binary.rhs),
        Expr::Call(call) => matches!(call.func.name, "time" | "scalar" | "pi"),
        Expr::StringLiteral(_) => true,
        other => constant(other).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_aggregation_drops_is_gone() {
        let text = "groups: [{name: g, rules: [{record: 'job:e:rate5m', expr: 'sum by (job) (rate(e[5m]))', labels: {tier: a}}]}]";
        let files = [RuleFile { path: String::new(), groups: crate::rules::manifest::read(text).unwrap() }];
        for (expression, there, gone) in [
            ("up == 0", "instance", ""),
            ("sum(rate(x[5m])) > 1", "", "job"),
            ("sum by (job) (x) > 1", "job", "instance"),
            ("sum without (instance) (x)", "job", "instance"),
            ("sum by (a, b) (x) / on (a) sum by (a) (y) > 1", "a", "b"),
            ("sum by (a, b) (x) / ignoring (b) sum by (a) (y)", "a", "b"),
            ("x * on (a) group_left (c) y", "z", ""),
            ("sum by (a) (x) * on (a) group_left (c) y", "c", "b"),
            ("histogram_quantile(0.9, sum by (le, job) (rate(b[5m])))", "job", "le"),
            ("time() - max by (job) (x) > 5", "job", "instance"),
            ("sum by (a) (x) or sum by (b) (y)", "b", "c"),
            ("sum by (a) (x) and on () y", "a", "b"),
            ("topk(3, sum by (a) (x))", "a", "b"),
            ("job:e:rate5m > 1", "job", "instance"),
            ("job:e:rate5m > 1", "tier", "instance"),
            ("label_replace(sum(x), \"a\", \"b\", \"c\", \"\")", "a", ""),
            ("vector(1)", "", "a"),
        ] {
            let kept = kept(&parse(expression).unwrap(), &files);
            assert!(there.is_empty() || kept.can_have(there), "{expression} {kept:?}");
            assert!(gone.is_empty() || !kept.can_have(gone), "{expression} {kept:?}");
        }
    }
}
