//! Reads Prometheus rule files (`groups:`) and PrometheusRule manifests (`spec.groups`, also several in one
//! file or in a `List`).
//!
//! Keys that Prometheus would refuse are refused here too, with line and column: a mistyped `for` must not be
//! dropped silently.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::run::YamlProblem;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{duration, refusal};

/// A file that holds no rules that Prometheus would load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ManifestError {
    /// It is no text, so that there is nothing to read.
    #[error("it is not UTF-8")]
    NoText,
    /// It is no YAML, or says something that rule files do not know.
    #[error("{0}")]
    Yaml(YamlProblem),
    /// There are no groups in it.
    #[error(
        "it holds no rule groups; a rule file has them under `groups`, a PrometheusRule manifest under `spec.groups`"
    )]
    NoGroups,
    /// A rule is wrong.
    #[error("line {line}: {message}")]
    Rule {
        /// Where the rule begins, or what is wrong in it, counting from 1.
        line: u32,
        /// What is wrong.
        message: String,
    },
}

/// What a rule makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An alert.
    Alert,
    /// A recorded series.
    Record,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What it makes.
    pub(crate) kind: Kind,
    /// Name of the alert, or of the recorded series.
    pub(crate) name: String,
    /// The PromQL expression, as it stands.
    pub(crate) expression: String,
    /// How long the condition must hold before the alert fires (`for`).
    pub(crate) hold: Duration,
    /// How long it goes on firing after the condition has ended (`keep_firing_for`).
    pub(crate) keep_firing: Duration,
    /// Labels that it adds: its own over those of its group.
    pub(crate) labels: BTreeMap<String, String>,
    /// Annotations of an alert.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Line of its name, counting from 1.
    pub(crate) line: u32,
    /// Line and column at which the expression's scalar begins, counting from 1; of a block its first line.
    pub(crate) expression_at: (u32, u32),
}

/// A group of rules that are evaluated together, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: String,
    /// Its own evaluation interval, where it has one.
    pub(crate) interval: Option<Duration>,
    /// How many alerts or series a rule of it may make; 0 is no limit.
    pub(crate) limit: u64,
    /// What Prometheus 3 knows and 2.42 does not, as it stands. The labels of a group are null here: they stand in
    /// its rules, as Prometheus loads them, and are written there, where every version reads them.
    pub(crate) newer: BTreeMap<String, serde_json::Value>,
    /// Its rules.
    pub(crate) rules: Vec<Rule>,
}

impl Group {
    /// How far back its rules look by `query_offset`, where it says so.
    #[must_use]
    pub(crate) fn query_offset(&self) -> Option<Duration> {
        self.newer.get("query_offset").and_then(|offset| duration::parse(offset.as_str()?).ok())
    }
}

#[derive(Debug, Default, Deserialize)]
struct Document {
    #[serde(default)]
    groups: Option<Vec<RawGroup>>,
    #[serde(default)]
    spec: Option<Spec>,
    #[serde(default)]
    items: Option<Vec<Self>>,
}

#[derive(Debug, Default, Deserialize)]
struct Spec {
    #[serde(default)]
    groups: Option<Vec<RawGroup>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    name: Spanned<String>,
    interval: Option<Spanned<String>>,
    limit: Option<i64>,
    query_offset: Option<String>,
    labels: Option<Texts>,
    #[serde(rename = "partial_response_strategy")]
    _partial_response_strategy: Option<String>,
    #[serde(default)]
    rules: Option<Vec<RawRule>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    record: Option<Spanned<String>>,
    alert: Option<Spanned<String>>,
    expr: Spanned<String>,
    #[serde(rename = "for")]
    hold: Option<Spanned<String>>,
    keep_firing_for: Option<Spanned<String>>,
    labels: Option<Texts>,
    annotations: Option<Texts>,
}

/// Names with their texts; null is an empty one.
type Texts = BTreeMap<String, Option<String>>;

fn texts(raw: Option<Texts>) -> BTreeMap<String, String> {
    raw.into_iter().flatten().map(|(name, text)| (name, text.unwrap_or_default())).collect()
}

/// Reads the groups of a file's text.
///
/// # Errors
/// When Prometheus (or its operator) would not load the file.
pub(crate) fn read(text: &str) -> Result<Vec<Group>, ManifestError> {
    let documents: Vec<Document> = serde_saphyr::from_multiple(text)
        .map_err(|error| ManifestError::Yaml(with_hint((&error).into(), text)))?;
    let files: Vec<Vec<_>> = documents.into_iter().map(groups_of).collect();
    for groups in &files {
        let named: Vec<_> = groups.iter().map(|raw| (line_of(&raw.name), raw.name.value.as_str())).collect();
        refusal::of_groups(&named)?;
    }
    let raw: Vec<_> = files.into_iter().flatten().collect();
    if raw.is_empty() {
        return Err(ManifestError::NoGroups);
    }
    refusal::of_top_level(text)?;
    let groups = raw.into_iter().map(group).collect::<Result<Vec<_>, _>>()?;
    Ok(groups)
}

/// With what to do, where that can be told.
fn with_hint(problem: YamlProblem, text: &str) -> YamlProblem {
    let hint = hint(&problem, text);
    YamlProblem { message: format!("{}{hint}", problem.message), ..problem }
}

fn hint(problem: &YamlProblem, text: &str) -> &'static str {
    let helm = ["{{-", "-}}", "{{ .Values", "{{.Values", "{{ .Release", "{{ include ", "{{ template "];
    let line = usize::try_from(problem.line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    if helm.iter().any(|sign| text.contains(sign)) {
        "; this looks like a template of Helm: render it (`helm template`), and check what comes of it"
    } else if line.is_some_and(|line| line.contains(": {{")) {
        "; a text that begins with `{{` stands in quotes"
    } else {
        ""
    }
}

fn groups_of(document: Document) -> Vec<RawGroup> {
    let own = document.groups.into_iter().chain(document.spec.and_then(|spec| spec.groups)).flatten();
    let nested = document.items.into_iter().flatten().flat_map(groups_of);
    own.chain(nested).collect()
}

fn line_of<T>(spanned: &Spanned<T>) -> u32 {
    u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX)
}

fn column_of<T>(spanned: &Spanned<T>) -> u32 {
    u32::try_from(spanned.referenced.column()).unwrap_or(u32::MAX)
}

fn group(raw: RawGroup) -> Result<Group, ManifestError> {
    let interval = raw.interval.as_ref().map(|text| span("interval", text)).transpose()?;
    let mut newer = BTreeMap::new();
    if let Some(offset) = raw.query_offset {
        newer.insert("query_offset".to_owned(), offset.into());
    }
    if raw.labels.is_some() {
        // Written into the rules, so that it is told and not written again.
        newer.insert("labels".to_owned(), serde_json::Value::Null);
    }
    let of_group = texts(raw.labels);
    let rules = raw.rules.into_iter().flatten().map(|raw| rule(raw, &of_group));
    Ok(Group {
        name: raw.name.value,
        interval: interval.filter(|interval| !interval.is_zero()),
        limit: raw.limit.and_then(|limit| u64::try_from(limit).ok()).unwrap_or(0),
        newer,
        rules: rules.collect::<Result<_, _>>()?,
    })
}

fn rule(raw: RawRule, of_group: &BTreeMap<String, String>) -> Result<Rule, ManifestError> {
    let (kind, name) = match (raw.alert, raw.record) {
        (Some(alert), None) => (Kind::Alert, alert),
        (None, Some(record)) => (Kind::Record, record),
        (Some(both), Some(_)) => {
            return Err(wrong(line_of(&both), "a rule has `alert` or `record`, not both"));
        }
        (None, None) => return Err(wrong(line_of(&raw.expr), "the rule has neither `alert` nor `record`")),
    };
    let line = line_of(&name);
    if name.value.is_empty() {
        return Err(wrong(line, "the rule's name is empty"));
    }
    if raw.expr.value.trim().is_empty() {
        return Err(wrong(line, &format!("the rule {} has an empty `expr`", name.value)));
    }
    let optional =
        |key, text: Option<Spanned<String>>| text.map_or(Ok(Duration::ZERO), |text| span(key, &text));
    let rule = Rule {
        kind,
        name: name.value,
        expression_at: (line_of(&raw.expr), column_of(&raw.expr)),
        expression: raw.expr.value,
        hold: optional("for", raw.hold)?,
        keep_firing: optional("keep_firing_for", raw.keep_firing_for)?,
        labels: labels(of_group, texts(raw.labels)),
        annotations: texts(raw.annotations),
        line,
    };
    refusal::of_rule(&rule)?;
    Ok(rule)
}

/// A label with an empty value is none, and takes away that of the group.
fn labels(of_group: &BTreeMap<String, String>, own: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = of_group.clone();
    all.extend(own);
    all.retain(|_, value| !value.is_empty());
    all
}

fn span(key: &str, text: &Spanned<String>) -> Result<Duration, ManifestError> {
    let place = || format!("column {}: `{key}`", column_of(text));
    duration::parse(&text.value).map_err(|why| wrong(line_of(text), &format!("{}: {why}", place())))
}

pub(super) fn wrong(line: u32, message: &str) -> ManifestError {
    ManifestError::Rule { line, message: message.to_owned() }
}

/// Writes groups as a rule file. JSON is YAML: Prometheus reads it, and nothing needs to be quoted by hand.
#[must_use]
pub(crate) fn write(groups: &[Group]) -> String {
    let groups: Vec<_> = groups.iter().map(group_json).collect();
    serde_json::to_string_pretty(&serde_json::json!({ "groups": groups })).unwrap_or_default()
}

fn group_json(group: &Group) -> serde_json::Value {
    let rules: Vec<_> = group.rules.iter().map(rule_json).collect();
    let mut json = serde_json::json!({ "name": group.name, "rules": rules });
    if let Some(interval) = group.interval {
        json["interval"] = duration::display(interval).into();
    }
    if group.limit > 0 {
        json["limit"] = group.limit.into();
    }
    for (key, value) in group.newer.iter().filter(|(_, value)| !value.is_null()) {
        json[key] = value.clone();
    }
    json
}

fn rule_json(rule: &Rule) -> serde_json::Value {
    let name = match rule.kind {
        Kind::Alert => "alert",
        Kind::Record => "record",
    };
    let mut json = serde_json::json!({ name: rule.name, "expr": rule.expression });
    if !rule.hold.is_zero() {
        json["for"] = duration::display(rule.hold).into();
    }
    if !rule.keep_firing.is_zero() {
        json["keep_firing_for"] = duration::display(rule.keep_firing).into();
    }
    if !rule.labels.is_empty() {
        json["labels"] = serde_json::json!(rule.labels);
    }
    if !rule.annotations.is_empty() {
        json["annotations"] = serde_json::json!(rule.annotations);
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "groups:
- name: api
  interval: 30s
  rules:
  - record: job:errors:rate5m
    expr: sum by (job) (rate(errors_total[5m]))
  - alert: HighErrors
    expr: job:errors:rate5m > 0.5
    for: 5m
    keep_firing_for: 1m
    labels: {severity: critical, tier: 1}
    annotations:
      summary: 'Errors of {{ $labels.job }}'
";

    #[test]
    fn a_plain_rule_file_is_read_with_lines() {
        let groups = read(PLAIN).unwrap();
        assert_eq!(groups[0].interval, Some(Duration::from_secs(30)));
        let alert = &groups[0].rules[1];
        assert_eq!((alert.kind, alert.name.as_str(), alert.line), (Kind::Alert, "HighErrors", 7));
        assert_eq!((alert.hold.as_secs(), alert.keep_firing.as_secs()), (300, 60));
        assert_eq!(alert.labels["tier"], "1");
    }

    #[test]
    fn the_labels_of_a_group_are_those_of_its_rules() {
        let text = "groups:\n- name: a\n  labels: {team: shop, tier: 1}\n  rules:\n  - {alert: A, expr: up, labels: {tier: 2, severity: page}}\n  - {alert: B, expr: up, labels: {team: ''}}\n";
        let group = &read(text).unwrap()[0];
        let of = |index: usize| -> Vec<_> {
            group.rules[index].labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        assert_eq!(of(0), ["severity=page", "team=shop", "tier=2"]);
        assert_eq!(of(1), ["tier=1"]);
        assert!(!write(std::slice::from_ref(group)).contains("null"));
    }

    #[test]
    fn an_expression_knows_where_its_scalar_begins() {
        for (text, place) in [
            ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n", (5, 11)),
            ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: 'up'\n", (5, 11)),
            ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: |\n      up\n", (6, 7)),
            ("groups: [{name: a, rules: [{alert: A, expr: up}]}]\n", (1, 45)),
        ] {
            assert_eq!(read(text).unwrap()[0].rules[0].expression_at, place, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_unchanged() {
        let groups = read(PLAIN).unwrap();
        let mut again = read(&write(&groups)).unwrap();
        for (rule, before) in again[0].rules.iter_mut().zip(&groups[0].rules) {
            (rule.line, rule.expression_at) = (before.line, before.expression_at);
        }
        assert_eq!(again, groups);
    }

    #[test]
    fn manifests_and_lists_and_several_documents_are_read() {
        let indented = PLAIN.replace('\n', "\n  ");
        let manifest = format!(
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {{name: x}}\nspec:\n  {indented}"
        );
        assert_eq!(read(&manifest).unwrap().len(), 1);
        let other = manifest.replace("name: api", "name: web");
        assert_eq!(read(&format!("{}\n---\n{other}", manifest.trim_end())).unwrap().len(), 2);
        let list = "kind: List\nitems:\n- kind: PrometheusRule\n  spec: {groups: [{name: a, rules: [{alert: A, expr: 1}]}]}\n";
        assert_eq!(read(list).unwrap()[0].rules[0].expression, "1");
    }

    #[test]
    fn what_prometheus_refuses_is_refused_with_its_line() {
        for (given, expected) in [
            ("", "no rule groups"),
            ("a: 1\n", "no rule groups"),
            ("groups: []\n", "no rule groups"),
            ("groups: [\n", "line"),
            ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    fro: 5m\n", "fro"),
            ("groups:\n- name: a\n  rules:\n  - expr: up\n", "line 4: the rule has neither"),
            ("groups:\n- name: a\n  rules:\n  - alert: A\n    record: b\n    expr: up\n", "not both"),
            ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: ''\n", "empty `expr`"),
            (
                "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    for: five minutes\n",
                "line 6: column 10: `for`",
            ),
            ("groups:\n- name: a\n  interval: soon\n", "line 3: column 13: `interval`"),
            (
                "groups:\n- name: a\n  rules:\n  - alert: A\n    alert: B\n    expr: up\n",
                "line 5, column 5: the key 'alert' stands twice",
            ),
            ("groups: {a: b}\n", "line 1, column 9: a list is expected here"),
            (
                "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: [up]\n",
                "line 5, column 11: one value is expected here, no list",
            ),
            ("groups:\n- name: a\n  limit: many\n", "line 3, column 10: a whole number is expected here"),
            (
                "groups:\n- name: a\n  rules:\n  - alert: A\n    expr:\n",
                "line 5, column 9: nothing stands here",
            ),
            (
                "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    labels:\n      a: {{ $value }}\n",
                "stands in quotes",
            ),
        ] {
            let error = read(given).unwrap_err().to_string();
            assert!(error.contains(expected), "{given:?}: {error}");
        }
    }
}
