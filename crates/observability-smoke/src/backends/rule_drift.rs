//! Whether the rules that are loaded are those of the manifests: groups, rules, expressions, `for`, labels,
//! annotations. Pure. An expression is compared by what it means, not by how it is written.

use std::collections::{BTreeMap, BTreeSet};

use evidence_report::record::{Finding, Requirement};
use promql_parser::parser::{Expr, LabelModifier, VectorMatchCardinality};

use super::prometheus_api;
use crate::{
    http::excerpt,
    probes::{checks::PROMETHEUS_RULE_DRIFT, reading::counted},
    rules::manifest::{Group, Kind, Rule},
};

/// So many findings at most say what differs; the rest is counted.
const TOLD: usize = 50;

/// Judges what is loaded.
pub(crate) fn assess(
    name: &str,
    manifest: &[Group],
    others: &[String],
    loaded: &[prometheus_api::Group],
) -> Vec<Finding> {
    let mut written: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
    for group in manifest {
        written.entry(&group.name).or_default().push(group);
    }
    // Groups of one name, in several files, are compared together: the API does not say which file was meant.
    let mut live: BTreeMap<&str, Vec<&prometheus_api::Group>> = BTreeMap::new();
    for group in loaded {
        live.entry(&group.name).or_default().push(group);
    }
    let mut differences = Vec::new();
    for (group, of_name) in &written {
        match live.get(group) {
            None => {
                differences.push(Difference::of(format!("group {group}"), "in the manifest", "not loaded"))
            }
            Some(loaded) => compare_groups(group, of_name, loaded, &mut differences),
        }
    }
    let expected: BTreeSet<&str> = others.iter().map(String::as_str).collect();
    for group in live.keys().filter(|group| !written.contains_key(**group) && !expected.contains(**group)) {
        differences.push(Difference::of(
            format!("group {group}"),
            "not loaded: it stands in no manifest and not among other_groups",
            "loaded",
        ));
    }
    findings(name, manifest, &differences)
}

/// One thing that is loaded otherwise than it is written.
#[derive(Debug)]
pub(crate) struct Difference {
    of: String,
    written: String,
    loaded: String,
    /// Whether it could not be told if there is one.
    pub(crate) unknown: bool,
    /// Whether only a text differs, and not when the rule fires.
    pub(crate) only_text: bool,
}

impl Difference {
    fn of(of: String, written: impl Into<String>, loaded: impl Into<String>) -> Self {
        Self { of, written: written.into(), loaded: loaded.into(), unknown: false, only_text: false }
    }

    /// In a sentence.
    pub(crate) fn in_words(&self) -> String {
        let maybe = if self.unknown { " (not understood here, so perhaps the same)" } else { "" };
        format!("{}: written {}, loaded {}{maybe}", self.of, self.written, self.loaded)
    }
}

fn findings(name: &str, manifest: &[Group], differences: &[Difference]) -> Vec<Finding> {
    if differences.is_empty() {
        let rules = manifest.iter().map(|group| group.rules.len()).sum::<usize>() as u64;
        let groups = counted(manifest.len() as u64, "group", "groups");
        let observed = format!("{} in {groups}, loaded as they are written", counted(rules, "rule", "rules"));
        let finding = PROMETHEUS_RULE_DRIFT.passed(name);
        return vec![finding.expected("the rules of the manifests, and no others").observed(observed)];
    }
    let mut findings: Vec<_> = differences
        .iter()
        .take(TOLD)
        .map(|difference| {
            let subject = format!("{name}: {}", difference.of);
            if difference.unknown {
                let reason = "the two expressions are written differently, and one of them is none that can be read here";
                return PROMETHEUS_RULE_DRIFT.not_checked(Requirement::Required, subject, reason);
            }
            let finding = PROMETHEUS_RULE_DRIFT.failed(subject);
            finding.expected(&difference.written).observed(&difference.loaded)
        })
        .collect();
    if differences.len() > TOLD {
        let more = format!("{} more differences", differences.len() - TOLD);
        findings.push(PROMETHEUS_RULE_DRIFT.failed(format!("{name}: all groups")).observed(more));
    }
    findings
}

fn compare_groups(
    name: &str,
    written: &[&Group],
    loaded: &[&prometheus_api::Group],
    differences: &mut Vec<Difference>,
) {
    if let ([written], [loaded]) = (written, loaded)
        && let (Some(interval), Some(live)) = (written.interval, loaded.interval)
        && (interval.as_secs_f64() - live).abs() > 0.0005
    {
        differences.push(Difference::of(
            format!("group {name}"),
            format!("interval {} s", interval.as_secs_f64()),
            format!("interval {live} s"),
        ));
    }
    let mut live: BTreeMap<(bool, &str), Vec<&prometheus_api::Rule>> = BTreeMap::new();
    for rule in loaded.iter().flat_map(|group| &group.rules) {
        live.entry((rule.kind == "recording", rule.name.as_str())).or_default().push(rule);
    }
    for group in written {
        for rule in &group.rules {
            let candidates = live.get_mut(&(rule.kind == Kind::Record, rule.name.as_str()));
            let label = format!("{name}/{}", rule.name);
            let Some(candidates) = candidates.filter(|candidates| !candidates.is_empty()) else {
                differences.push(Difference::of(label, "in the manifest", "not loaded"));
                continue;
            };
            // Alerts of one name, told apart by severity: the one that differs least is its counterpart.
            let differing = |candidate: &&prometheus_api::Rule| compare(&label, rule, candidate);
            let best = candidates.iter().enumerate().map(|(at, candidate)| (at, differing(candidate)));
            let best = best.min_by_key(|(_, found)| found.len());
            if let Some((at, found)) = best {
                candidates.remove(at);
                differences.extend(found);
            }
        }
    }
    let left = live.values().flatten();
    differences.extend(left.map(|rule| {
        Difference::of(format!("{name}/{}", rule.name), "not loaded: it stands in no manifest", "loaded")
    }));
}

/// How a rule is loaded otherwise than it is written, in words; nothing where it is loaded as written.
pub(crate) fn of_rule(written: &Group, rule: &Rule, loaded: &[prometheus_api::Group]) -> Vec<String> {
    let of_name = || loaded.iter().filter(|group| group.name == written.name);
    if of_name().next().is_none() {
        return vec![format!("the group {} is not loaded", written.name)];
    }
    let same = |other: &&prometheus_api::Rule| {
        other.name == rule.name && (other.kind == "recording") == (rule.kind == Kind::Record)
    };
    let candidates = of_name().flat_map(|group| &group.rules).filter(same);
    let best = candidates.map(|loaded| compare(&rule.name, rule, loaded)).min_by_key(Vec::len);
    let Some(mut differences) = best else {
        return vec![format!("the group {} is loaded without {}", written.name, rule.name)];
    };
    if let ([loaded], Some(interval)) = (of_name().collect::<Vec<_>>().as_slice(), written.interval)
        && loaded.interval.is_some_and(|live| (interval.as_secs_f64() - live).abs() > 0.0005)
    {
        let live = format!("interval {} s", loaded.interval.unwrap_or_default());
        let of = format!("group {}", written.name);
        differences.push(Difference::of(of, format!("interval {} s", interval.as_secs_f64()), live));
    }
    differences.iter().map(Difference::in_words).collect()
}

/// What differs between a rule that is written and one that is loaded, each named after `label`.
pub(crate) fn compare(label: &str, rule: &Rule, loaded: &prometheus_api::Rule) -> Vec<Difference> {
    let mut found = Vec::new();
    match same_expression(&rule.expression, &loaded.query) {
        Some(true) => {}
        verdict => found.push(Difference {
            of: format!("{label}, expr"),
            written: excerpt(&rule.expression, 200),
            loaded: excerpt(&loaded.query, 200),
            unknown: verdict.is_none(),
            only_text: false,
        }),
    }
    for (key, written, live) in [
        ("for", rule.hold.as_secs_f64(), loaded.duration),
        ("keep_firing_for", rule.keep_firing.as_secs_f64(), loaded.keep_firing_for),
    ] {
        if (written - live).abs() > 0.0005 {
            let of = format!("{label}, {key}");
            found.push(Difference::of(of, format!("{written} s"), format!("{live} s")));
        }
    }
    found.extend(compare_maps(label, "label", &rule.labels, &loaded.labels));
    let annotations = compare_maps(label, "annotation", &rule.annotations, &loaded.annotations);
    found.extend(annotations.into_iter().map(|one| Difference { only_text: true, ..one }));
    found
}

fn compare_maps(
    label: &str,
    what: &str,
    written: &BTreeMap<String, String>,
    loaded: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let names: BTreeSet<&String> = written.keys().chain(loaded.keys()).collect();
    let show = |value: Option<&String>| {
        value.map_or("none".to_owned(), |value| format!("`{}`", excerpt(value, 120)))
    };
    names
        .into_iter()
        .filter(|name| written.get(*name) != loaded.get(*name))
        .map(|name| {
            let of = format!("{label}, {what} {name}");
            Difference::of(of, show(written.get(name)), show(loaded.get(name)))
        })
        .collect()
}

/// Whether two expressions mean the same; `None` when they are written differently and one cannot be read here.
fn same_expression(one: &str, other: &str) -> Option<bool> {
    let parse = |text: &str| {
        let mut parsed = promql_parser::parser::parse(text).ok()?;
        sort_names(&mut parsed);
        Some(parsed.to_string())
    };
    match (parse(one), parse(other)) {
        (Some(one), Some(other)) => Some(one == other),
        _ => (squeezed(one) == squeezed(other)).then_some(true),
    }
}

/// Without the blanks that stand outside of quotes.
fn squeezed(text: &str) -> String {
    let (mut quote, mut escaped) = (None, false);
    let keep = |sign: &char| {
        let within = quote.is_some();
        match quote {
            None if matches!(sign, '"' | '\'' | '`') => quote = Some(*sign),
            Some(open) if *sign == open && !escaped => quote = None,
            _ => {}
        }
        escaped = within && *sign == '\\' && !escaped && quote != Some('`');
        within || !sign.is_whitespace()
    };
    text.chars().filter(keep).collect()
}

/// Puts the names of labels in the order of the alphabet: `by (b, a)` groups as `by (a, b)` does.
fn sort_names(expression: &mut Expr) {
    let sort = |modifier: &mut Option<LabelModifier>| match modifier {
        Some(LabelModifier::Include(names) | LabelModifier::Exclude(names)) => names.labels.sort(),
        None => {}
    };
    match expression {
        Expr::Aggregate(aggregate) => {
            sort(&mut aggregate.modifier);
            sort_names(&mut aggregate.expr);
            aggregate.param.iter_mut().for_each(|part| sort_names(part));
        }
        Expr::Binary(binary) => {
            if let Some(modifier) = &mut binary.modifier {
                sort(&mut modifier.matching);
                if let VectorMatchCardinality::ManyToOne(names) | VectorMatchCardinality::OneToMany(names) =
                    &mut modifier.card
                {
                    names.labels.sort();
                }
            }
            sort_names(&mut binary.lhs);
            sort_names(&mut binary.rhs);
        }
        Expr::Unary(unary) => sort_names(&mut unary.expr),
        Expr::Paren(paren) => sort_names(&mut paren.expr),
        Expr::Subquery(subquery) => sort_names(&mut subquery.expr),
        Expr::Call(call) => call.args.args.iter_mut().for_each(|part| sort_names(part)),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;
    use crate::rules::manifest;

    const RULES: &str = "groups:\n- name: api\n  interval: 30s\n  rules:\n  - alert: High\n    expr: sum by(job)(rate(errors_total[5m])) > 0.50\n    for: 5m\n    labels: {severity: critical}\n    annotations: {summary: high}\n  - record: job:up:sum\n    expr: sum by (job) (up)\n";

    fn loaded(expr: &str, duration: f64, severity: &str) -> Vec<prometheus_api::Group> {
        let text = format!(
            r#"[{{"name":"api","file":"a.yml","interval":30,"rules":[
            {{"type":"alerting","name":"High","query":{expr:?},"duration":{duration},"labels":{{"severity":{severity:?}}},"annotations":{{"summary":"high"}},"health":"ok"}},
            {{"type":"recording","name":"job:up:sum","query":"sum by (job) (up)","health":"ok"}}]}}]"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_is_loaded_otherwise_than_written_is_named() {
        let written = manifest::read(RULES).unwrap();
        let live = "sum by (job) (rate(errors_total[5m])) > 0.5";
        let good = assess("main", &written, &[], &loaded(live, 300.0, "critical"));
        assert_eq!(good.len(), 1);
        assert_eq!(good[0].outcome, Outcome::Passed, "{good:?}");
        for (groups, subject) in [
            (loaded("sum by (job) (rate(errors_total[5m])) > 0.6", 300.0, "critical"), "api/High, expr"),
            (loaded(live, 60.0, "critical"), "api/High, for"),
            (loaded(live, 300.0, "warning"), "api/High, label severity"),
        ] {
            let found = assess("main", &written, &[], &groups);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(
                (found[0].outcome, found[0].subject.as_str()),
                (Outcome::Failed, &*format!("main: {subject}"))
            );
        }
        let mut more = loaded(live, 300.0, "critical");
        more[0].interval = Some(60.0);
        assert!(assess("main", &written, &[], &more)[0].observed.contains("interval 60 s"));
        let missing = assess("main", &written, &[], &[]);
        assert!(missing[0].observed.contains("not loaded"), "{missing:?}");
        let mut other = loaded(live, 300.0, "critical");
        other.push(prometheus_api::Group { name: "old".to_owned(), ..Default::default() });
        assert_eq!(assess("main", &written, &[], &other)[0].subject, "main: group old");
        assert_eq!(assess("main", &written, &["old".to_owned()], &other)[0].outcome, Outcome::Passed);
        let mut extra = loaded(live, 300.0, "critical");
        let again = extra[0].rules[1].clone();
        extra[0].rules.push(again);
        assert_eq!(assess("main", &written, &[], &extra)[0].subject, "main: api/job:up:sum");
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_not_called_different() {
        assert_eq!(same_expression("up==1", "up == 1"), Some(true));
        assert_eq!(same_expression("up == 1", "up == 2"), Some(false));
        assert_eq!(same_expression("a[5m+1m]", "a[6m]"), None);
        assert_eq!(same_expression("a[5m+1m]", "a[5m + 1m]"), Some(true));
        assert_eq!(same_expression("a{b='c d'}[5m+1m]", "a{b='cd'}[5m + 1m]"), None);
        assert_eq!(same_expression(r#"a{b="c\" d"}[5m+1m]"#, r#"a{b="c\"d"}[5m + 1m]"#), None);
    }

    #[test]
    fn blanks_within_a_text_count_and_the_order_of_grouping_does_not() {
        for (one, other, same) in [
            ("x{q=\"dead letter\"} > 1", "x{q=\"deadletter\"} > 1", false),
            ("x{q=\"dead letter\"} >1", "x{q='dead letter'} > 1", true),
            ("sum by (a,b) (x)", "sum by (b, a) (x)", true),
            ("sum without (a,b) (x)", "sum by (b, a) (x)", false),
            (
                "avg(sum by (b, a) (x)) or -(y * on (d, c) group_left (f, e) z)",
                "avg(sum by (a, b) (x)) or -(y * on (c, d) group_left (e, f) z)",
                true,
            ),
            ("topk(2, sum by (b, a) (x))", "topk(2, sum by (a, c) (x))", false),
        ] {
            assert_eq!(same_expression(one, other), Some(same), "{one} {other}");
        }
        assert_eq!(same_expression("rate(a[60s])", "rate(a[1m])"), Some(true));
    }
}
