//! With which labels an alert would arrive at Alertmanager, as far as that can be told before it fires. Pure.

use std::collections::BTreeSet;

use promql_parser::{
    label::MatchOp,
    parser::{BinModifier, BinaryExpr, Call, Expr, VectorMatchCardinality, VectorSelector, parse},
};

use super::{Prometheus, Selected, World};
use crate::{
    alertmanager::Labels,
    review::{
        Placed, RuleFile,
        labels::{self, is_scalar},
        routes,
    },
    rules::expression::matchers,
};

/// What is known of the labels with which an alert arrives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Arriving {
    /// One set for each of its series, without the labels that are open.
    pub(crate) sets: Vec<Labels>,
    /// The labels whose values are known when it fires only.
    pub(crate) open: BTreeSet<String>,
    /// So many sets are dropped on the way.
    pub(crate) dropped: usize,
    /// Why it is not known what becomes of the labels on the way.
    pub(crate) unknown: Option<String>,
}

/// What arrives of an alert.
pub(crate) fn arriving(alert: &Placed<'_>, files: &[RuleFile], world: &World<'_>) -> Arriving {
    let (sets, open) = raised(alert, files, world.prometheus);
    let Some(prometheus) = world.prometheus else { return Arriving { sets, open, ..Arriving::default() } };
    let Some(config) = &prometheus.config else {
        let why = "Prometheus does not tell its configuration: its external labels and alert_relabel_configs are not known";
        return Arriving { sets, open, unknown: Some(why.to_owned()), dropped: 0 };
    };
    let mut arriving = Arriving { open, ..Arriving::default() };
    for set in sets {
        match config.as_sent(&set) {
            Ok(sent) if sent.is_empty() => arriving.dropped += 1,
            Ok(sent) => add(&mut arriving.sets, sent),
            Err(why) => {
                arriving.unknown = Some(why);
                add(&mut arriving.sets, [set]);
            }
        }
    }
    arriving
}

fn add(sets: &mut Vec<Labels>, more: impl IntoIterator<Item = Labels>) {
    for set in more {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
}

/// The label sets that the rule raises, and the labels that are open in them: one set for each live series, as far as
/// the expression keeps its labels; the rule's own over those. Where it fires now, what it carries is certain.
fn raised(
    alert: &Placed<'_>,
    files: &[RuleFile],
    prometheus: Option<&Prometheus>,
) -> (Vec<Labels>, BTreeSet<String>) {
    let fixed = routes::fixed_labels(alert);
    let (mut sets, mut open) = (Vec::new(), BTreeSet::new());
    if let Ok(expression) = parse(&alert.rule.expression) {
        let origins = Origins::of(&expression, prometheus);
        let kept = labels::kept(&expression, files);
        let can_have = |name: &String| name != "__name__" && kept.can_have(name);
        open.extend(origins.written.into_iter().filter(|name| can_have(name) && !fixed.contains_key(name)));
        let of_series = if origins.sets.is_empty() { origins.expected } else { origins.sets };
        sets.extend(of_series.into_iter().map(|mut set| {
            set.retain(|name, _| can_have(name));
            set
        }));
    }
    let templates = alert.rule.labels.iter().filter(|(_, value)| value.contains("{{"));
    open.extend(templates.map(|(name, _)| name.clone()));
    let firing = prometheus.iter().flat_map(|prometheus| &prometheus.firing);
    let is_ours = |labels: &&Labels| fixed.iter().all(|(name, value)| labels.get(name) == Some(value));
    let firing: Vec<_> = firing.filter(is_ours).cloned().collect();
    if !firing.is_empty() && !open.is_empty() {
        return (firing, BTreeSet::new());
    }
    if sets.is_empty() && firing.is_empty() {
        sets.push(Labels::new());
    }
    let mut raised = Vec::new();
    add(
        &mut raised,
        sets.into_iter().map(|mut set| {
            set.retain(|name, _| !open.contains(name));
            set.extend(fixed.clone());
            set
        }),
    );
    add(&mut raised, firing);
    (raised, open)
}

/// Where the labels of an expression's answer come from.
#[derive(Debug, Default)]
struct Origins {
    /// Label sets that are certain: of live series, and of `absent`.
    sets: Vec<Labels>,
    /// What a selector without series demands of those to come.
    expected: Vec<Labels>,
    /// Labels that the expression itself writes, or takes from elsewhere.
    written: BTreeSet<String>,
}

impl Origins {
    fn of(expression: &Expr, prometheus: Option<&Prometheus>) -> Self {
        let mut origins = Self::default();
        origins.follow(expression, prometheus);
        origins
    }

    fn follow(&mut self, part: &Expr, prometheus: Option<&Prometheus>) {
        match part {
            Expr::Paren(paren) => self.follow(&paren.expr, prometheus),
            Expr::Unary(unary) => self.follow(&unary.expr, prometheus),
            Expr::Subquery(subquery) => self.follow(&subquery.expr, prometheus),
            Expr::Aggregate(aggregate) => {
                if let (Some(Expr::StringLiteral(name)), "count_values") =
                    (aggregate.param.as_deref(), aggregate.op.to_string().as_str())
                {
                    self.written.insert(name.val.clone());
                }
                self.follow(&aggregate.expr, prometheus);
            }
            Expr::Binary(binary) => self.binary(binary, prometheus),
            Expr::Call(call) => self.call(call, prometheus),
            Expr::VectorSelector(selector) => self.selector(selector, prometheus),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs, prometheus),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn binary(&mut self, binary: &BinaryExpr, prometheus: Option<&Prometheus>) {
        let card = match &binary.modifier {
            Some(BinModifier { card, .. }) => card,
            None => &VectorMatchCardinality::OneToOne,
        };
        match (binary.op.to_string().as_str(), card) {
            ("or", _) => {
                self.follow(&binary.lhs, prometheus);
                self.follow(&binary.rhs, prometheus);
            }
            ("and" | "unless", _) => self.follow(&binary.lhs, prometheus),
            (_, VectorMatchCardinality::OneToMany(taken)) => {
                self.written.extend(taken.labels.iter().cloned());
                self.follow(&binary.rhs, prometheus);
            }
            (_, VectorMatchCardinality::ManyToOne(taken)) => {
                self.written.extend(taken.labels.iter().cloned());
                self.follow(&binary.lhs, prometheus);
            }
            _ if is_scalar(&binary.lhs) => self.follow(&binary.rhs, prometheus),
            _ => self.follow(&binary.lhs, prometheus),
        }
    }

    fn call(&mut self, call: &Call, prometheus: Option<&Prometheus>) {
        let arguments = &call.args.args;
        match call.func.name {
            "absent" | "absent_over_time" => {
                self.sets.push(arguments.first().map(|part| of_absent(part)).unwrap_or_default());
            }
            "label_replace" | "label_join" => {
                if let Some(Expr::StringLiteral(name)) = arguments.get(1).map(AsRef::as_ref) {
                    self.written.insert(name.val.clone());
                }
                arguments.iter().take(1).for_each(|part| self.follow(part, prometheus));
            }
            _ => {
                let vectors = arguments.iter().filter(|part| !is_scalar(part));
                vectors.for_each(|part| self.follow(part, prometheus));
            }
        }
    }

    fn selector(&mut self, selector: &VectorSelector, prometheus: Option<&Prometheus>) {
        let bare = VectorSelector { offset: None, at: None, ..selector.clone() };
        match prometheus.and_then(|prometheus| prometheus.selected.get(&bare.to_string())) {
            Some(Selected::Series(series)) if !series.is_empty() => self.sets.extend(series.iter().cloned()),
            _ => self.expected.push(demanded(selector)),
        }
    }
}

/// What `absent` gives: the labels that its selector compares with one value.
fn of_absent(argument: &Expr) -> Labels {
    match argument {
        Expr::Paren(paren) => of_absent(&paren.expr),
        Expr::VectorSelector(selector) => demanded(selector),
        Expr::MatrixSelector(matrix) => demanded(&matrix.vs),
        _ => Labels::new(),
    }
}

/// The labels that a selector demands; a label of which it says more than that is none.
fn demanded(selector: &VectorSelector) -> Labels {
    let matchers = matchers(selector).unwrap_or_default();
    let alone = |name: &str| matchers.iter().filter(|other| other.name == name).count() == 1;
    let equal = matchers.iter().filter(|matcher| {
        matcher.op == MatchOp::Equal
            && matcher.name != "__name__"
            && !matcher.value.is_empty()
            && alone(&matcher.name)
    });
    equal.map(|matcher| (matcher.name.clone(), matcher.value.clone())).collect()
}
