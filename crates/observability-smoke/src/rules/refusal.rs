//! What Prometheus refuses of a rule file whose YAML it understands: it then loads none of its rules. Pure.
//!
//! Names are judged as Prometheus 3 does; what an older one refuses and 3 takes is said by [`only_newer`].

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use super::manifest::{Group, Kind, ManifestError, Rule, wrong};

/// The keys of a document, each with its value's line.
type Keys = BTreeMap<String, Spanned<IgnoredAny>>;

/// The documents of a file, and the keys of a rule file beside its groups; a manifest of Kubernetes has others.
pub(super) fn of_top_level(text: &str) -> Result<(), ManifestError> {
    let documents: Vec<Option<Keys>> = serde_saphyr::from_multiple(text).unwrap_or_default();
    let documents: Vec<Keys> = documents.into_iter().flatten().filter(|keys| !keys.is_empty()).collect();
    for document in documents.iter().filter(|document| is_rule_file(document)) {
        if let Some((key, value)) = document.iter().find(|(key, _)| *key != "groups") {
            return Err(wrong(
                line(value),
                &format!("a rule file has only `groups` at its top, and no `{key}`"),
            ));
        }
    }
    // Manifests may follow each other: each is applied by itself.
    match documents.get(1).and_then(|second| second.values().next()) {
        Some(second) if documents.iter().any(is_rule_file) => {
            let said =
                "here a second YAML document begins, and of a rule file Prometheus reads the first only";
            Err(wrong(line(second), said))
        }
        _ => Ok(()),
    }
}

fn is_rule_file(document: &Keys) -> bool {
    let is_manifest = ["apiVersion", "kind", "spec", "items"].iter().any(|key| document.contains_key(*key));
    document.contains_key("groups") && !is_manifest
}

fn line(value: &Spanned<IgnoredAny>) -> u32 {
    u32::try_from(value.referenced.line()).unwrap_or(u32::MAX)
}

/// The groups of one file, each with its line.
pub(super) fn of_groups(groups: &[(u32, &str)]) -> Result<(), ManifestError> {
    let mut seen = BTreeSet::new();
    for (line, name) in groups {
        if name.is_empty() {
            return Err(wrong(*line, "the group's name is empty"));
        }
        if !seen.insert(*name) {
            return Err(wrong(*line, &format!("the group {name} stands twice in the file")));
        }
    }
    Ok(())
}

/// One rule.
pub(super) fn of_rule(rule: &Rule) -> Result<(), ManifestError> {
    if rule.kind == Kind::Record {
        for (key, stands) in [
            ("for", !rule.hold.is_zero()),
            ("keep_firing_for", !rule.keep_firing.is_zero()),
            ("annotations", !rule.annotations.is_empty()),
        ] {
            if stands {
                let message = format!("`{key}` stands on an alert only, and {} is recorded", rule.name);
                return Err(wrong(rule.line, &message));
            }
        }
    }
    let names = rule.labels.keys().map(|name| ("label", name));
    for (what, name) in names.chain(rule.annotations.keys().map(|name| ("annotation", name))) {
        if name.is_empty() || (what == "label" && name == "__name__") {
            return Err(wrong(rule.line, &format!("{} has a {what} of the name '{name}'", rule.name)));
        }
    }
    Ok(())
}

/// What of the groups Prometheus 3 reads and an older one (2.42) refuses, with its line.
pub(crate) fn only_newer(groups: &[Group]) -> Vec<String> {
    let mut found = Vec::new();
    for group in groups {
        found.extend(group.newer.keys().map(|key| format!("`{key}` of the group {}", group.name)));
        for rule in &group.rules {
            let recorded = (rule.kind == Kind::Record && !is_classic(&rule.name, true)).then_some(&rule.name);
            let names =
                rule.labels.keys().chain(rule.annotations.keys()).filter(|name| !is_classic(name, false));
            found
                .extend(names.chain(recorded).map(|name| format!("the name '{name}' in line {}", rule.line)));
        }
    }
    found
}

/// Whether a name is one that every Prometheus takes: letters, digits, underscores; of a metric colons too.
pub(crate) fn is_classic(name: &str, colons: bool) -> bool {
    let fits = |(at, sign): (usize, char)| {
        sign.is_ascii_alphabetic()
            || sign == '_'
            || (sign == ':' && colons)
            || (at > 0 && sign.is_ascii_digit())
    };
    !name.is_empty() && name.char_indices().all(fits)
}

#[cfg(test)]
mod tests {
    use super::{super::manifest::read, *};

    #[test]
    fn what_prometheus_refuses_is_refused_with_its_line() {
        for (text, says) in [
            ("x: 1\ngroups:\n- name: a\n", "line 1: a rule file has only `groups`"),
            ("groups:\n- name: a\n---\ngroups:\n- name: b\n", "line 5: here a second YAML document begins"),
            (
                "groups: [{name: a}]\n---\nkind: PrometheusRule\nspec: {groups: [{name: b}]}\n",
                "line 3: here a second YAML document",
            ),
            ("a: 1\n---\ngroups: [{name: b}]\n", "line 3: here a second YAML document"),
            ("groups:\n- name: a\n- name: a\n", "line 3: the group a stands twice"),
            ("groups:\n- name: ''\n", "line 2: the group's name is empty"),
            ("groups:\n- name: a\n  rules:\n  - {record: r, expr: up, for: 1m}\n", "line 4: `for` stands on"),
            (
                "groups:\n- name: a\n  rules:\n  - {record: r, expr: up, annotations: {a: b}}\n",
                "line 4: `annotations` stands on",
            ),
            (
                "groups:\n- name: a\n  rules:\n  - {alert: A, expr: up, labels: {__name__: b}}\n",
                "line 4: A has a label of the name '__name__'",
            ),
            ("groups:\n- name: a\n  labels: {__name__: b}\n  rules: [{alert: A, expr: up}]\n", "of the name"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(says) || error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_prometheus_reads_is_read() {
        for text in [
            "---\ngroups:\n- name: a\n---\n",
            "kind: PrometheusRule\nspec: {groups: [{name: a}]}\n---\nkind: PrometheusRule\nspec: {groups: [{name: a}]}\n",
            "kind: Service\n---\nkind: PrometheusRule\nspec: {groups: [{name: a}]}\n",
            "apiVersion: v1\nspec: {groups: [{name: a, rules: []}]}\n",
            "groups:\n- name: a\n  limit: -1\n  rules: [{alert: A, expr: up, labels: {tier: 1, gone: null}}]\n",
            "groups:\n- {name: a, rules: [{alert: A, expr: up, labels: {a-b: c}}]}\n",
        ] {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn what_only_prometheus_3_reads_is_named() {
        let of = |text: &str| only_newer(&read(text).unwrap());
        assert_eq!(
            of("groups: [{name: a, rules: [{record: 'a:b', expr: up}, {alert: any name, expr: up}]}]\n"),
            [""; 0]
        );
        let found = of(
            "groups:\n- name: a\n  labels: {t: s}\n  rules:\n  - {record: a.b, expr: up}\n  - {alert: A, expr: up, labels: {a-b: c}}\n",
        );
        let expected = ["`labels` of the group a", "the name 'a.b' in line 5", "the name 'a-b' in line 6"]
            .map(str::to_owned);
        assert_eq!(found, expected);
    }
}
