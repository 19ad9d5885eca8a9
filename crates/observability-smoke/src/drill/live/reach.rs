//! How far a drill's series reach in a Prometheus that has others: which rules see them, and whether any of these
//! could mix them with series that are no drill's. Pure.
//!
//! What a recording rule makes of the drill's series is a drill's series too, so the rules are gone through until
//! nothing new comes. A rule is safe when it keeps apart, by a label, what comes of the drill, or when there is
//! nothing else that it could be mixed with.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::{
    label::Matcher,
    parser::{Expr, VectorSelector, parse},
};

use super::{
    super::{
        model::fit,
        real::LABEL,
        series::{Labels, display},
    },
    apart::{Apart, apart},
};
use crate::rules::expression;

/// A rule as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveRule {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) records: bool,
    pub(crate) expression: String,
    pub(crate) labels: Labels,
}

impl LiveRule {
    /// As findings and `--allow-rule` name it.
    #[must_use]
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

/// A rule that sees the drill's series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Touched {
    /// Its place among the rules.
    pub(crate) rule: usize,
    /// The selectors that accept series of the drill, and which.
    pub(crate) selectors: Vec<(String, Vec<Labels>)>,
    /// How it treats them; `None` when its expression is not understood.
    pub(crate) apart: Option<Apart>,
}

/// Every rule that sees these series, or what other rules record of them.
#[must_use]
pub(crate) fn touched(rules: &[LiveRule], series: &[Labels]) -> Vec<Touched> {
    let parsed: Vec<Option<Expr>> = rules.iter().map(|rule| parse(&rule.expression).ok()).collect();
    let mut all: Vec<Labels> = series.to_vec();
    loop {
        let found: Vec<Touched> = rules
            .iter()
            .enumerate()
            .filter_map(|(index, rule)| match &parsed[index] {
                Some(expression) => seen_by(index, expression, &all),
                None => {
                    unknown(rule, &all).then(|| Touched { rule: index, selectors: Vec::new(), apart: None })
                }
            })
            .collect();
        let recorded = found.iter().flat_map(|one| made(&rules[one.rule], one));
        let new: BTreeSet<Labels> = recorded.filter(|labels| !all.contains(labels)).collect();
        if new.is_empty() {
            return found;
        }
        all.extend(new);
    }
}

/// The series that a rule makes of those of the drill. Of an alert Prometheus makes some too: `ALERTS`.
fn made(rule: &LiveRule, touched: &Touched) -> Vec<Labels> {
    let named: &[(&str, Option<&str>)] = if rule.records {
        &[(&rule.name, None)]
    } else {
        &[("ALERTS", Some("pending")), ("ALERTS", Some("firing")), ("ALERTS_FOR_STATE", None)]
    };
    let labelled = touched.results().into_iter().map(|mut labels| {
        labels.extend(rule.labels.clone());
        if !rule.records {
            labels.insert("alertname".to_owned(), rule.name.clone());
        }
        labels
    });
    labelled
        .flat_map(|labels| {
            named.iter().map(move |(name, state)| {
                let mut labels = labels.clone();
                labels.insert("__name__".to_owned(), (*name).to_owned());
                labels.extend(state.map(|state| ("alertstate".to_owned(), state.to_owned())));
                labels.retain(|_, value| !value.is_empty());
                labels
            })
        })
        .collect()
}

fn seen_by(rule: usize, expression: &Expr, series: &[Labels]) -> Option<Touched> {
    let accepted = |selector: &VectorSelector| -> Vec<Labels> {
        match every_matcher(selector) {
            Some(sets) => {
                series.iter().filter(|labels| sets.iter().any(|set| fit(set, labels))).cloned().collect()
            }
            None => series.to_vec(),
        }
    };
    let selectors: Vec<_> = expression::selectors(expression)
        .into_iter()
        .map(|selector| (selector.to_string(), accepted(&selector)))
        .filter(|(_, accepted)| !accepted.is_empty())
        .collect();
    if selectors.is_empty() {
        return None;
    }
    let apart = apart(expression, &|selector| !accepted(selector).is_empty());
    Some(Touched { rule, selectors, apart })
}

/// The sets of matchers of a selector, of which one must fit.
fn every_matcher(selector: &VectorSelector) -> Option<Vec<Vec<Matcher>>> {
    if selector.matchers.or_matchers.is_empty() {
        return expression::matchers(selector).map(|set| vec![set]);
    }
    None
}

/// Whether an expression that is not understood could select one of these series: it has one of their names in
/// it, or a selector without a name.
fn unknown(rule: &LiveRule, series: &[Labels]) -> bool {
    let word = |char: char| char.is_alphanumeric() || matches!(char, '_' | ':');
    let text = &rule.expression;
    let words: BTreeSet<&str> = text.split(|char| !word(char)).collect();
    let named =
        series.iter().filter_map(|labels| labels.get("__name__")).any(|name| words.contains(name.as_str()));
    let nameless = text.match_indices('{').any(|(at, _)| {
        let before = text[..at].trim_end();
        !before.ends_with(word)
    });
    named || nameless
}

impl Touched {
    /// What the expression can make of the drill's series, without the rule's own labels: those of each series
    /// that are kept.
    #[must_use]
    pub(crate) fn results(&self) -> Vec<Labels> {
        let Some(apart) = &self.apart else { return Vec::new() };
        let mut results: Vec<Labels> = Vec::new();
        for series in self.selectors.iter().flat_map(|(_, accepted)| accepted) {
            let kept = apart.keeps.of(series);
            if !results.contains(&kept) {
                results.push(kept);
            }
        }
        results
    }

    /// Whether the drill's label alone keeps it apart: then nobody needs to look at other series.
    #[must_use]
    pub(crate) fn by_the_drills_label(&self) -> bool {
        let carried = || self.selectors.iter().flat_map(|(_, accepted)| accepted);
        self.apart.as_ref().is_some_and(|apart| apart.keeps.contains(LABEL))
            && carried().all(|labels| labels.contains_key(LABEL))
    }
}

/// Whether a rule could mix a drill with what is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This label keeps it apart; and how what comes of the drill is known by it.
    Apart(String),
    /// It selects nothing but the drill's series.
    Alone,
    /// It could, and why.
    Mixes(String),
}

/// What the server has of each selector, besides the drill's own series.
pub(crate) type Others = BTreeMap<String, Vec<Labels>>;

/// Judges every rule that sees the drill's series. What a rule that mixes makes is a real series with something of the
/// drill in it, so that whatever uses it mixes too.
#[must_use]
pub(crate) fn judge_all(rules: &[LiveRule], touched: &[Touched], others: &Others) -> Vec<Verdict> {
    let mut verdicts: Vec<_> = touched.iter().map(|one| judge(one, others)).collect();
    loop {
        let tainted: Vec<(usize, BTreeSet<Labels>)> = touched
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| matches!(verdict, Verdict::Mixes(_)))
            .map(|(one, _)| (one.rule, made(&rules[one.rule], one).into_iter().collect()))
            .collect();
        let uses = |one: &Touched| {
            let mut accepted = one.selectors.iter().flat_map(|(_, accepted)| accepted);
            accepted.find_map(|labels| {
                tainted.iter().find(|(_, made)| made.contains(labels)).map(|(rule, _)| *rule)
            })
        };
        let mut changed = false;
        for (one, verdict) in touched.iter().zip(&mut verdicts) {
            if !matches!(verdict, Verdict::Mixes(_))
                && let Some(source) = uses(one)
            {
                *verdict =
                    Verdict::Mixes(format!("it uses what {} makes, which mixes", rules[source].title()));
                changed = true;
            }
        }
        if !changed {
            return verdicts;
        }
    }
}

fn judge(touched: &Touched, others: &Others) -> Verdict {
    let Some(apart) = &touched.apart else {
        return Verdict::Mixes("its expression is not understood here".to_owned());
    };
    if touched.by_the_drills_label() {
        return Verdict::Apart(LABEL.to_owned());
    }
    let of = |selector: &String| others.get(selector).map_or(&[][..], Vec::as_slice);
    if touched.selectors.iter().all(|(selector, _)| others.contains_key(selector) && of(selector).is_empty())
    {
        return Verdict::Alone;
    }
    let candidates: BTreeSet<&String> = touched
        .selectors
        .iter()
        .flat_map(|(_, accepted)| accepted.iter().flat_map(Labels::keys))
        .filter(|label| apart.keeps.contains(label))
        .collect();
    let value = |labels: &Labels, label: &str| labels.get(label).cloned().unwrap_or_default();
    let tells = |label: &str| {
        touched.selectors.iter().all(|(selector, accepted)| {
            let theirs: BTreeSet<String> = of(selector).iter().map(|labels| value(labels, label)).collect();
            others.contains_key(selector) && accepted.iter().all(|ours| !theirs.contains(&value(ours, label)))
        })
    };
    if let Some(label) = candidates.iter().find(|label| tells(label)) {
        return Verdict::Apart((**label).clone());
    }
    let met = touched.selectors.iter().find_map(|(selector, accepted)| {
        let other = of(selector).first()?;
        Some((selector, accepted.first()?, other))
    });
    Verdict::Mixes(match met {
        Some((selector, ours, other)) => format!(
            "its selector `{selector}` takes the drill's {} and the real {}, and the expression does not keep them apart",
            display(ours),
            display(other)
        ),
        None => "what other series it selects is not known".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, records: bool, expression: &str) -> LiveRule {
        LiveRule {
            group: "g".to_owned(),
            name: name.to_owned(),
            records,
            expression: expression.to_owned(),
            labels: Labels::new(),
        }
    }

    fn series(text: &str) -> Labels {
        crate::rules::unit_test::labels(text).unwrap()
    }

    /// The rules that see the drill, and what is said of each, when the server has these other series.
    fn judged(rules: &[LiveRule], ours: &[&str], theirs: &[&str]) -> Vec<(String, Verdict)> {
        let ours: Vec<_> = ours.iter().map(|text| series(text)).collect();
        let theirs: Vec<_> = theirs.iter().map(|text| series(text)).collect();
        let found = touched(rules, &ours);
        let selectors = found.iter().flat_map(|one| &one.selectors);
        let others = selectors
            .map(|(selector, _)| {
                let Ok(Expr::VectorSelector(parsed)) = parse(selector) else { panic!("{selector}") };
                let set = expression::matchers(&parsed).unwrap();
                (selector.clone(), theirs.iter().filter(|labels| fit(&set, labels)).cloned().collect())
            })
            .collect();
        let verdicts = judge_all(rules, &found, &others);
        found.iter().map(|one| rules[one.rule].name.clone()).zip(verdicts).collect()
    }

    const OURS: [&str; 1] = ["depth{queue=\"mail\",drill=\"7\"}"];
    const THEIRS: [&str; 2] = ["depth{queue=\"mail\"}", "other{queue=\"mail\"}"];

    #[test]
    fn rules_that_see_the_drill_are_judged_and_others_left_alone() {
        let mixes = |verdict: &Verdict| matches!(verdict, Verdict::Mixes(_));
        let label = |label: &str| Verdict::Apart(label.to_owned());
        let one = |expression: &str, theirs: &[&str]| {
            judged(&[rule("R", false, expression)], &OURS, theirs).pop().map(|(_, verdict)| verdict)
        };
        assert_eq!(one("other > 1", &THEIRS), None);
        assert_eq!(one("depth{drill=\"\"} > 1", &THEIRS), None, "a rule can keep drills out");
        assert_eq!(one("depth > 1", &THEIRS), Some(label("drill")));
        assert_eq!(one("sum by (queue, drill) (depth) > 1", &THEIRS), Some(label("drill")));
        assert!(mixes(&one("sum by (queue) (depth) > 1", &THEIRS).unwrap()));
        assert!(mixes(&one("absent(depth)", &THEIRS).unwrap()));
        assert!(mixes(&one("count({__name__=~\".+\"})", &THEIRS).unwrap()));
        // Nothing else is there, or nothing else has the drill's queue.
        assert_eq!(one("sum by (queue) (depth) > 1", &THEIRS[1..]), Some(Verdict::Alone));
        assert_eq!(one("sum by (queue) (depth) > 1", &["depth{queue=\"post\"}"]), Some(label("queue")));
        assert!(mixes(
            &one("sum by (queue) (depth) / on() group_left sum(depth)", &["depth{queue=\"post\"}"]).unwrap()
        ));
        // What is not understood is not safe, unless it has nothing of the drill's in it.
        assert!(mixes(&one("depth[5m+1m] > 1", &THEIRS).unwrap()));
        assert_eq!(one("other[5m+1m] > 1", &THEIRS), None);
        assert!(mixes(&one("{x=\"y\"}[5m+1m] > 1", &THEIRS).unwrap()));
    }

    #[test]
    fn what_is_recorded_of_the_drill_is_followed_to_the_rules_that_use_it() {
        let rules = [
            rule("Uses", false, "job:depth:sum > 1"),
            rule("Ratio", false, "job:depth:ratio > 1"),
            rule("job:depth:ratio", true, "job:depth:sum / 2"),
            rule("job:depth:sum", true, "sum by (queue) (depth)"),
            rule("Else", false, "job:other:sum > 1"),
        ];
        let theirs =
            ["depth{queue=\"mail\"}", "job:depth:sum{queue=\"mail\"}", "job:depth:ratio{queue=\"mail\"}"];
        let found = judged(&rules, &OURS, &theirs);
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Uses", "Ratio", "job:depth:ratio", "job:depth:sum"]);
        assert!(found.iter().all(|(_, verdict)| matches!(verdict, Verdict::Mixes(_))), "{found:?}");
        // Also where nothing of it was recorded yet.
        let found = judged(&rules, &OURS, &theirs[..1]);
        assert!(found.iter().all(|(_, verdict)| matches!(verdict, Verdict::Mixes(_))), "{found:?}");
        let mut apart = rules.clone();
        apart[3].expression = "sum by (queue, drill) (depth)".to_owned();
        let found = judged(&apart, &OURS, &theirs);
        assert!(found.iter().all(|(_, verdict)| *verdict == Verdict::Apart("drill".into())), "{found:?}");
    }
}
