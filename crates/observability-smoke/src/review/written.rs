//! Rules as they are written, against the policy. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use evidence_report::record::{Check, Finding, Outcome};
use promql_parser::parser::{Expr, parse};

use super::{
    Placed, RuleFile, alerts, all, checks, labels, placed, position,
    promtool::{Refusals, texts},
    template,
};
use crate::rules::{
    duration,
    expression::{is_truth_value, walk},
    manifest::{Kind, Rule},
    version,
};

/// What every alert must have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    /// Labels.
    pub(crate) labels: Vec<String>,
    /// Annotations.
    pub(crate) annotations: Vec<String>,
    /// The severities of the model; any is right where none is named.
    pub(crate) severities: BTreeSet<String>,
}

/// Judges everything that can be seen in the text alone, with what promtool said of the templates; expressions apart.
pub(crate) fn assess(files: &[RuleFile], policy: &Policy, promtool: Option<&Refusals>) -> Vec<Finding> {
    let count = alerts(files).count();
    let whole = |check: &'static Check, findings: Vec<Finding>, said: String| {
        if findings.is_empty() { vec![check.passed("all alerts").observed(said)] } else { findings }
    };
    let required =
        |check: &'static Check, names: &[String], of: fn(&Placed<'_>) -> BTreeMap<String, String>| {
            let lacks = |alert: Placed<'_>| {
                let there = of(&alert);
                let missing: Vec<_> = names
                    .iter()
                    .filter(|name| there.get(*name).is_none_or(|text| text.trim().is_empty()))
                    .cloned()
                    .collect();
                (!missing.is_empty()).then(|| {
                    let finding = check.failed(alert.subject()).expected(names.join(", "));
                    placed(finding.observed(format!("without {}", missing.join(", "))), &alert)
                })
            };
            whole(
                check,
                alerts(files).filter_map(lacks).collect(),
                format!("{count} alerts have {}", names.join(", ")),
            )
        };
    let mut findings = whole(
        &checks::DUPLICATE,
        duplicates(files),
        format!("{} rules, none of them twice", all(files).count()),
    );
    if !policy.labels.is_empty() {
        findings.extend(required(&checks::LABELS, &policy.labels, |alert| alert.rule.labels.clone()));
    }
    if !policy.annotations.is_empty() {
        let of = |alert: &Placed<'_>| alert.rule.annotations.clone();
        findings.extend(required(&checks::ANNOTATIONS, &policy.annotations, of));
    }
    if !policy.severities.is_empty() {
        let known: Vec<_> = policy.severities.iter().cloned().collect();
        let wrong = alerts(files).filter_map(|alert| severity(&alert, policy)).collect();
        findings.extend(whole(&checks::SEVERITY, wrong, format!("each is one of {}", known.join(", "))));
    }
    let timing = alerts(files).flat_map(|alert| timing(&alert)).collect();
    findings.extend(whole(&checks::TIMING, timing, format!("{count} alerts")));
    let numbered = all(files).enumerate().filter(|(_, rule)| rule.is_alert());
    let templates = numbered.flat_map(|(number, alert)| templates(&alert, number, files, promtool)).collect();
    let by = match promtool {
        Some(_) => "parsed by promtool",
        None => {
            "not parsed, as no promtool is at hand: blocks, functions, variables and labels were looked at"
        }
    };
    findings.extend(whole(&checks::TEMPLATE, templates, format!("{count} alerts, {by}")));
    findings
}

/// Whether it is an alert, its name, its labels.
type Identity<'a> = (bool, &'a str, &'a BTreeMap<String, String>);

/// The same rule twice fails. Two alerts of one name and labels with other expressions are told; two recording rules
/// are often meant so: their expressions have other labels.
fn duplicates(files: &[RuleFile]) -> Vec<Finding> {
    let mut first: BTreeMap<Identity<'_>, Vec<(&str, String)>> = BTreeMap::new();
    let mut findings = Vec::new();
    for rule in all(files) {
        let earlier = first.entry((rule.is_alert(), rule.rule.name.as_str(), &rule.rule.labels)).or_default();
        let expression = rule.rule.expression.trim();
        let check = &checks::DUPLICATE;
        if let Some((_, place)) = earlier.iter().find(|(other, _)| *other == expression) {
            let finding = check
                .failed(rule.subject())
                .expected("one rule of this name, these labels and this expression");
            findings.push(placed(finding.observed(format!("it stands at {place} already")), &rule));
        } else if let Some((_, place)) = earlier.first().filter(|_| rule.is_alert()) {
            let finding = check.warned(rule.subject()).expected("one alert of this name and these labels");
            let observed = format!("it stands at {place} already, with another expression");
            findings.push(placed(finding.observed(observed), &rule));
        }
        earlier.push((expression, format!("{}:{}", rule.file.path, rule.rule.line)));
    }
    findings
}

fn severity(alert: &Placed<'_>, policy: &Policy) -> Option<Finding> {
    let severity = alert.rule.labels.get("severity").filter(|severity| !severity.contains("{{"))?;
    let known: Vec<_> = policy.severities.iter().cloned().collect();
    (!policy.severities.contains(severity)).then(|| {
        let finding =
            checks::SEVERITY.failed(alert.subject()).expected(format!("one of {}", known.join(", ")));
        placed(finding.observed(format!("severity {severity}")), alert)
    })
}

/// Longer than this, a condition is a ticket.
const LONGEST_HOLD: Duration = Duration::from_secs(3600);
/// Shorter than this, a range holds fewer than four scrapes of the usual 15 s.
const SHORTEST_RANGE: Duration = Duration::from_secs(60);

fn timing(alert: &Placed<'_>) -> Vec<Finding> {
    let (rule, mut said) = (alert.rule, Vec::new());
    let pages =
        rule.labels.get("severity").is_some_and(|severity| severity == "critical" || severity == "page");
    if rule.hold > LONGEST_HOLD && pages {
        said.push(format!("for {}: a page comes after more than an hour", duration::display(rule.hold)));
    }
    if let Some(interval) = alert.group.interval
        && !rule.hold.is_zero()
        && rule.hold < interval
    {
        let (hold, interval) = (duration::display(rule.hold), duration::display(interval));
        said.push(format!(
            "for {hold} is below the group's interval {interval}: it lasts {interval} in truth"
        ));
    }
    let mut short = None;
    if let Ok(expression) = parse(&rule.expression) {
        walk(&expression, &mut |part| {
            if let Expr::Call(call) = part
                && matches!(call.func.name, "rate" | "increase" | "irate" | "delta" | "deriv")
            {
                for argument in &call.args.args {
                    if let Expr::MatrixSelector(matrix) = argument.as_ref()
                        && matrix.range < SHORTEST_RANGE
                    {
                        short = Some((call.func.name, matrix.range));
                    }
                }
            }
        });
    }
    if let Some((function, range)) = short {
        said.push(format!(
            "{function} over {}: at a scrape interval of 15 s it has gaps",
            duration::display(range)
        ));
    }
    let expected = "`for` and ranges that fit the intervals";
    said.into_iter()
        .map(|why| placed(checks::TIMING.warned(alert.subject()).expected(expected).observed(why), alert))
        .collect()
}

/// Why Prometheus would not read the template, or fill in nothing of use, and whether it is certain.
fn refused_template(
    text: &str,
    promtool: Option<Option<&String>>,
) -> Result<template::Template, (Outcome, String)> {
    let read = template::read(text);
    match (read, promtool) {
        (Err(template::Wrong::Unparsed(_)), Some(None)) => Ok(template::Template { labels: Vec::new() }),
        (Err(wrong), _) => Err((Outcome::Failed, wrong.said().to_owned())),
        (Ok(_), Some(Some(said))) => {
            let function = said.strip_prefix("function \"").and_then(|said| said.split('"').next());
            match function.filter(|name| template::knows(name)) {
                Some(_) => {
                    Err((Outcome::Warned, format!("{said} (says promtool; a newer Prometheus knows it)")))
                }
                None => Err((Outcome::Failed, format!("{said} (says promtool)"))),
            }
        }
        (Ok(read), _) => Ok(read),
    }
}

fn templates(
    alert: &Placed<'_>,
    number: usize,
    files: &[RuleFile],
    promtool: Option<&Refusals>,
) -> Vec<Finding> {
    let kept = parse(&alert.rule.expression).ok().map(|expression| labels::kept(&expression, files));
    let mut findings = Vec::new();
    for (place, (name, text)) in texts(alert).enumerate() {
        let subject = format!("{}: {name}", alert.subject());
        let said = promtool.map(|refusals| refusals.templates.get(&(number, place)));
        let read = match refused_template(text, said) {
            Ok(read) => read,
            Err((outcome, why)) => {
                let finding = match outcome {
                    Outcome::Warned => checks::TEMPLATE.warned(subject),
                    _ => checks::TEMPLATE.failed(subject),
                };
                let finding = finding.expected("a template that Prometheus reads");
                let remedy =
                    "Correct the template; `promtool check rules FILE` says what of it cannot be parsed.";
                findings.push(placed(finding.observed(why).remedy(remedy), alert));
                continue;
            }
        };
        let Some(kept) = &kept else { continue };
        let gone: BTreeSet<_> = read
            .labels
            .iter()
            .filter(|label| *label == "alertname" || !kept.can_have(label))
            .map(|label| {
                if label == "alertname" || alert.rule.labels.contains_key(label) {
                    format!("{label} (only the rule adds it, after the template was filled in)")
                } else {
                    label.clone()
                }
            })
            .collect();
        if !gone.is_empty() {
            let gone: Vec<_> = gone.into_iter().collect();
            let observed = format!("$labels is empty for {}", gone.join(", "));
            let finding = checks::TEMPLATE.warned(subject).expected("labels that the expression keeps");
            findings.push(placed(finding.observed(observed), alert));
        }
    }
    findings
}

/// What became of an expression that is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is taken.
    Right {
        /// Who takes it.
        by: String,
    },
    /// It is wrong.
    Wrong {
        /// Why, as it was said.
        said: String,
        /// Who refuses it.
        by: String,
    },
    /// The promtool at hand refuses it, as one that is older than Prometheus 3 does.
    Older {
        /// Why, as it was said.
        said: String,
    },
    /// Nobody could be asked.
    Nobody,
}

/// A rule whose expression is in doubt, why, and what became of it.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
    /// The rule.
    pub(crate) rule: Placed<'a>,
    /// Why it is in doubt.
    pub(crate) why: Doubt,
    /// What others say.
    pub(crate) asked: Asked,
    /// The text of its file, for the place in it.
    pub(crate) text: Option<String>,
}

/// Why an expression is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Our parser refuses it, and says this.
    Unread(String),
    /// Our parser reads it, and not every Prometheus does.
    Versions(version::Doubt),
    /// Our parser reads it, and promtool does not.
    Refused,
}

/// Every rule whose expression is in doubt, with what promtool says of it.
pub(crate) fn refused<'a>(
    files: &'a [RuleFile],
    promtool: Option<&Refusals>,
) -> Vec<(Placed<'a>, Doubt, Asked)> {
    let doubt = |(number, rule): (usize, Placed<'a>)| {
        let said = promtool.map(|refusals| refusals.expressions.get(&number));
        let doubt = match parse(&rule.rule.expression) {
            Ok(expression) => version::doubt(&expression, &rule.rule.expression).map(Doubt::Versions),
            Err(why) => Some(Doubt::Unread(why)),
        };
        let doubt = doubt.or_else(|| said.flatten().map(|_| Doubt::Refused))?;
        let asked = by_promtool(&doubt, said);
        Some((rule, doubt, asked))
    };
    all(files).enumerate().filter_map(doubt).collect()
}

fn by_promtool(doubt: &Doubt, said: Option<Option<&String>>) -> Asked {
    match (said, doubt) {
        // A promtool does not know what the server has turned on.
        (None, _) | (_, Doubt::Versions(version::Doubt::Experimental(_))) => Asked::Nobody,
        (Some(None), _) => Asked::Right { by: "promtool".to_owned() },
        (Some(Some(said)), Doubt::Versions(version::Doubt::Newer(_))) => Asked::Older { said: said.clone() },
        (Some(Some(said)), _) => Asked::Wrong { said: said.clone(), by: "promtool".to_owned() },
    }
}

/// A rule that every Prometheus loads and none can evaluate.
fn never_evaluated(rule: &Placed<'_>) -> Option<Finding> {
    let why = version::no_rule(&parse(&rule.rule.expression).ok()?)?;
    let finding = checks::EXPRESSION.failed(rule.subject()).expected("an instant vector or a number");
    Some(placed(finding.observed(why), rule))
}

/// An expression that is read as it stands, and was meant to be filled in before.
fn unrendered(rule: &Placed<'_>) -> Option<Finding> {
    let expression = &rule.rule.expression;
    if !expression.contains("{{") || parse(expression).is_err() {
        return None;
    }
    let finding = checks::EXPRESSION.warned(rule.subject()).expected("an expression without templates");
    let observed =
        "it holds '{{', which Prometheus fills in nowhere in an expression: it selects what is called so";
    let remedy = "Render the template first (helm template), and check what comes of it.";
    Some(placed(finding.observed(observed).remedy(remedy), rule))
}

/// An alert that compares with `bool`: it has a value also where the condition is false, and fires there too.
fn always_fires(rule: &Placed<'_>) -> Option<Finding> {
    if !rule.is_alert() || !is_truth_value(&rule.rule.expression) {
        return None;
    }
    let finding = checks::EXPRESSION
        .warned(rule.subject())
        .expected("a condition that selects nothing while it is false");
    let observed = "it compares with `bool`, so that it is 0 where the condition is false, and the alert fires for every series";
    Some(placed(finding.observed(observed).remedy("Leave out `bool`."), rule))
}

/// Judges the expressions, with what Prometheus or promtool said of those that are in doubt.
pub(crate) fn expressions(files: &[RuleFile], refused: &[Refused<'_>]) -> Vec<Finding> {
    let judged = |rule: Placed<'_>| {
        never_evaluated(&rule).or_else(|| unrendered(&rule)).or_else(|| always_fires(&rule))
    };
    let mut findings: Vec<_> = all(files).filter_map(judged).collect();
    let (mut newer, mut older) = (Vec::new(), Vec::new());
    for refused in refused {
        let subject = refused.rule.subject();
        match (&refused.asked, &refused.why) {
            (Asked::Right { by }, Doubt::Unread(_)) => newer.push(format!("{subject} (taken by {by})")),
            (Asked::Nobody | Asked::Right { .. }, Doubt::Versions(version::Doubt::Newer(what))) => {
                older.push(format!("{what} of {subject}"));
            }
            (Asked::Right { .. }, _) | (Asked::Nobody, Doubt::Refused) => {}
            (Asked::Wrong { said, by }, _) => findings.push(wrong(refused, said, by)),
            (Asked::Older { said }, _) => findings.push(of_versions(
                refused,
                &format!("promtool refuses it, and Prometheus 3 does not: {said}"),
            )),
            (Asked::Nobody, Doubt::Versions(doubt)) => findings.push(of_versions(refused, doubt.why())),
            (Asked::Nobody, Doubt::Unread(why)) => findings.push(unread(refused, why)),
        }
    }
    if findings.is_empty() {
        let count = all(files).count();
        let kinds = all(files).filter(|rule| rule.rule.kind == Kind::Record).count();
        let mut said = format!("{count} expressions, {kinds} of recording rules");
        if !newer.is_empty() {
            said.push_str(&format!("; newer than our parser: {}", newer.join(", ")));
        }
        if !older.is_empty() {
            said.push_str(&format!("; an older Prometheus (2.42) refuses {}", older.join(", ")));
        }
        findings.push(checks::EXPRESSION.passed("all rules").observed(said));
    }
    findings
}

/// An expression that some Prometheus takes, and nobody said whether this one does.
fn of_versions(refused: &Refused<'_>, why: &str) -> Finding {
    let finding =
        checks::EXPRESSION.warned(refused.rule.subject()).expected("PromQL that every Prometheus takes");
    let remedy = "Name the server by --prometheus URL: it is asked whether it takes it.";
    placed(finding.observed(why).remedy(remedy), &refused.rule)
}

fn unread(refused: &Refused<'_>, why: &str) -> Finding {
    let observed = format!(
        "our parser does not read it ({why}), and there is neither a promtool nor a Prometheus to ask"
    );
    let finding =
        checks::EXPRESSION.inconclusive(refused.rule.subject()).expected("PromQL").observed(observed);
    let remedy = "Name a server by --prometheus URL; or apt-get install -y --no-install-recommends prometheus, which brings promtool";
    placed(finding.remedy(remedy), &refused.rule)
}

/// An expression that is no PromQL, at its place in the file where that can be told.
fn wrong(refused: &Refused<'_>, said: &str, by: &str) -> Finding {
    let rule = &refused.rule;
    let finding = checks::EXPRESSION.failed(rule.subject()).expected("PromQL");
    let Some(((line, column), what)) = position::named(said) else {
        return placed(finding.observed(format!("{said} (says {by})")), rule);
    };
    let Rule { expression, expression_at, .. } = rule.rule;
    let place = refused
        .text
        .as_ref()
        .and_then(|text| position::in_file(text, *expression_at, expression, (line, column)));
    match place {
        Some((in_file, column)) => finding
            .observed(format!("column {column}: {what} (says {by})"))
            .at(rule.file.path.clone(), Some(in_file)),
        None => {
            let observed = format!("line {line}, column {column} of the expression: {what} (says {by})");
            placed(finding.observed(observed), rule)
        }
    }
}

/// The same finding, ahead of others where it keeps Prometheus from loading the file: nothing else of it matters
/// until then.
pub(crate) fn weighed(finding: Finding, now: jiff::Timestamp) -> Finding {
    let unloadable = [&checks::READABLE, &checks::EXPRESSION].contains(&finding.check)
        || (finding.check == &checks::TEMPLATE && finding.outcome == Outcome::Failed);
    let complains = !matches!(finding.outcome, Outcome::Passed);
    if unloadable && complains { finding.hurts_at(now) } else { finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(rules: &str) -> Vec<(&'static str, Outcome, String)> {
        let text = format!("groups:\n- name: g\n  interval: 1m\n  rules:\n{rules}");
        let files =
            [RuleFile { path: "r.yml".to_owned(), groups: crate::rules::manifest::read(&text).unwrap() }];
        let policy = Policy {
            labels: vec!["severity".to_owned(), "service".to_owned()],
            annotations: vec!["summary".to_owned()],
            severities: ["critical", "warning"].map(str::to_owned).into(),
        };
        let findings = assess(&files, &policy, None);
        findings
            .into_iter()
            .filter(|finding| finding.outcome != Outcome::Passed)
            .map(|finding| {
                assert_eq!(finding.location.unwrap().line, Some(5));
                (finding.check.id, finding.outcome, finding.observed)
            })
            .collect()
    }

    #[test]
    fn each_fault_is_named_and_a_good_rule_is_not() {
        use Outcome::{Failed, Warned};
        let rule = |rest: &str| {
            format!(
                "  - {{alert: A, expr: 'sum by (job) (rate(x[5m])) > 1', labels: {{severity: critical, service: a}}, annotations: {{summary: s}}{rest}}}\n"
            )
        };
        assert_eq!(judged(&rule("")), []);
        for (rules, id, outcome, says) in [
            (rule("").replace(", service: a", ""), "rules.labels", Failed, "without service"),
            (rule("").replace("summary: s", "summary: ''"), "rules.annotations", Failed, "without summary"),
            (rule("").replace("summary: s", "summary: ' '"), "rules.annotations", Failed, "without summary"),
            (rule("").replace("critical", "crit"), "rules.severity", Failed, "severity crit"),
            (rule(", for: 2h"), "rules.timing", Warned, "for 2h"),
            (rule(", for: 30s"), "rules.timing", Warned, "below the group's interval 1m"),
            (rule("").replace("[5m]", "[30s]"), "rules.timing", Warned, "rate over 30s"),
            (
                rule("").replace("summary: s", "summary: '{{ $labels.pod }}'"),
                "rules.template",
                Warned,
                "empty for pod",
            ),
            (
                rule("").replace("summary: s", "summary: '{{ $labels.severity }}'"),
                "rules.template",
                Warned,
                "only the rule adds it",
            ),
            (rule("").replace("summary: s", "summary: '{{ $value'"), "rules.template", Failed, "not closed"),
        ] {
            let found = judged(&rules);
            assert_eq!(found.len(), 1, "{rules}: {found:?}");
            assert_eq!((found[0].0, found[0].1), (id, outcome), "{rules}");
            assert!(found[0].2.contains(says), "{found:?}");
        }
    }

    #[test]
    fn an_alert_that_compares_with_bool_fires_for_ever() {
        for (expr, warns) in [
            ("up == bool 0", true),
            ("(up > bool 1)", true),
            ("up == bool 0 > 0", false),
            ("sum(up == bool 0) > 1", false),
        ] {
            let text = format!(
                "groups: [{{name: g, rules: [{{alert: A, expr: '{expr}'}}, {{record: r, expr: '{expr}'}}]}}]"
            );
            let files =
                [RuleFile { path: "r.yml".to_owned(), groups: crate::rules::manifest::read(&text).unwrap() }];
            let found = expressions(&files, &[]);
            assert_eq!(
                found.iter().filter(|one| one.outcome == Outcome::Warned).count(),
                usize::from(warns),
                "{expr}"
            );
        }
    }

    #[test]
    fn a_rule_that_stands_twice_is_named_with_the_first_place() {
        let text = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: x}\n  - {alert: A, expr: x}\n  - {alert: A, expr: y}\n  - {alert: A, expr: y, labels: {a: b}}\n  - {record: r, expr: x}\n  - {record: r, expr: y}\n";
        let files =
            [RuleFile { path: "r.yml".to_owned(), groups: crate::rules::manifest::read(text).unwrap() }];
        let found = duplicates(&files);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].outcome, found[0].observed.as_str()),
            (Outcome::Failed, "it stands at r.yml:4 already")
        );
        assert_eq!(found[1].outcome, Outcome::Warned);
    }
}
