//! Labels that a selector accepts: every matcher of it fits them. Pure.

use promql_parser::{
    label::{MatchOp, Matcher},
    parser::VectorSelector,
};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::{drill::series::Labels, rules::expression};

/// What stands for a label value that only must be there.
const FILLER: &str = "drill";

/// Labels for which every matcher of the selector holds; `None` when none were found.
pub(super) fn accepted(selector: &VectorSelector) -> Option<Labels> {
    let matchers = expression::matchers(selector)?;
    let mut labels = Labels::new();
    for name in matchers.iter().map(|matcher| &matcher.name) {
        let about: Vec<_> = matchers.iter().filter(|matcher| matcher.name == *name).collect();
        let value = candidates(&about).into_iter().find(|value| about.iter().all(|m| m.is_match(value)))?;
        if !value.is_empty() {
            labels.insert(name.clone(), value);
        }
    }
    labels.contains_key("__name__").then_some(labels)
}

/// Values worth trying, the most telling first; the empty one stands for a label that is not there.
fn candidates(matchers: &[&Matcher]) -> Vec<String> {
    let mut values = Vec::new();
    for matcher in matchers {
        match &matcher.op {
            MatchOp::Equal => values.push(matcher.value.clone()),
            MatchOp::Re(_) => values.extend(examples(&matcher.value)),
            MatchOp::NotEqual | MatchOp::NotRe(_) => {}
        }
    }
    values.extend(["", FILLER, "1", "a"].map(str::to_owned));
    values
}

/// Texts that a regular expression matches; at most a handful.
fn examples(pattern: &str) -> Vec<String> {
    let Ok(parsed) = regex_syntax::parse(pattern) else { return Vec::new() };
    let mut texts = of(&parsed);
    // `.*` matches nothing at all too: a text says more.
    texts.sort_by_key(String::is_empty);
    texts
}

/// So many alternatives are followed.
const ALTERNATIVES: usize = 6;

fn of(expression: &Hir) -> Vec<String> {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(class) => vec![one_of(class).to_string()],
        HirKind::Repetition(repetition) => {
            let times = usize::try_from(repetition.min).unwrap_or(0).min(64);
            let one = of(&repetition.sub).into_iter().next().unwrap_or_default();
            let mut texts = vec![one.repeat(times)];
            if times == 0 {
                texts.push(one);
            }
            texts
        }
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Concat(parts) => parts.iter().fold(vec![String::new()], |heads, part| {
            let tails = of(part);
            let joined = heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}")));
            joined.take(ALTERNATIVES).collect()
        }),
        HirKind::Alternation(branches) => branches.iter().flat_map(of).take(ALTERNATIVES).collect(),
    }
}

/// A character of a class, a letter or digit where there is one.
fn one_of(class: &Class) -> char {
    let holds = |wanted: char| match class {
        Class::Unicode(class) => class.iter().any(|range| range.start() <= wanted && wanted <= range.end()),
        Class::Bytes(class) => {
            class.iter().any(|range| char::from(range.start()) <= wanted && wanted <= char::from(range.end()))
        }
    };
    let first = || match class {
        Class::Unicode(class) => class.iter().next().map(|range| range.start()),
        Class::Bytes(class) => class.iter().next().map(|range| char::from(range.start())),
    };
    ['x', 'a', 'A', '0', '1', '5', '_', '-', '/']
        .into_iter()
        .find(|c| holds(*c))
        .or_else(first)
        .unwrap_or('x')
}

#[cfg(test)]
mod tests {
    use promql_parser::parser::{Expr, parse};

    use super::*;

    #[test]
    fn every_matcher_holds_for_the_labels() {
        for text in [
            "up",
            "x{code=~\"5..\"}",
            "x{code=~\"4..|5..\",code!=\"499\"}",
            "x{path!=\"\"}",
            "x{path=~\".+\",path!~\"/health|/ready\"}",
            "x{fstype=~\"ext[234]|xfs\",mountpoint!~\"/boot.*\"}",
            "{__name__=~\"x_(a|b)_total\"}",
            "x{pod=~\"(a|b)-[0-9]{3}\"}",
            "x{a=~\".*\"}",
        ] {
            let Expr::VectorSelector(selector) = parse(text).unwrap() else { panic!("{text}") };
            let labels = accepted(&selector).unwrap_or_else(|| panic!("{text}"));
            let matchers = expression::matchers(&selector).unwrap();
            assert!(crate::drill::model::fit(&matchers, &labels), "{text}: {labels:?}");
        }
    }

    #[test]
    fn contradictions_have_no_labels() {
        let Expr::VectorSelector(selector) = parse("x{a=\"b\",a=\"c\"}").unwrap() else { panic!() };
        assert_eq!(accepted(&selector), None);
    }
}
