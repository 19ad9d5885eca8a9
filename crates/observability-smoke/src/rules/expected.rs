//! What a case of a unit test says of one of several rules that share an alert's name: a warning and a critical one
//! are told apart by the labels that they set. Pure.

use std::collections::BTreeMap;

use super::{manifest::Rule, unit_test::Expectation};

/// What a case says of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It fires.
    Fires,
    /// It is quiet.
    Quiet,
    /// Nothing: the case is about another alert, or about rules that are not here.
    Nothing,
}

/// What the case says of `rule`, which is one of `namesakes`: all alerts of its name.
///
/// An alert that is expected belongs to the rule that sets most of its labels. promtool takes an expectation to be whole:
/// a rule that is not in it is quiet.
#[must_use]
pub(crate) fn said(case: &Expectation, rule: &Rule, namesakes: &[&Rule]) -> Said {
    if case.alert != rule.name {
        return Said::Nothing;
    }
    let makers: Vec<_> = case.firing.iter().map(|labels| makers(labels, namesakes)).collect();
    if makers.iter().flatten().any(|maker| *maker == rule) {
        Said::Fires
    } else if makers.iter().all(|makers| !makers.is_empty()) {
        Said::Quiet
    } else {
        Said::Nothing
    }
}

/// The rules that an alert with these labels comes from.
fn makers<'a>(labels: &BTreeMap<String, String>, rules: &[&'a Rule]) -> Vec<&'a Rule> {
    let sets = |rule: &Rule| {
        let mut own = rule.labels.iter().filter(|(_, value)| !value.contains("{{"));
        own.all(|(name, value)| labels.get(name) == Some(value)).then_some(rule.labels.len())
    };
    let most = rules.iter().filter_map(|rule| sets(rule)).max();
    rules.iter().copied().filter(|rule| most.is_some() && sets(rule) == most).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::manifest, *};

    #[test]
    fn rules_of_one_name_are_told_apart_by_their_labels() {
        let text = "groups: [{name: a, rules: [{alert: A, expr: up, labels: {severity: warning}}, \
            {alert: A, expr: up, labels: {severity: critical, team: '{{ $labels.team }}'}}, {alert: A, expr: up}]}]";
        let groups = manifest::read(text).unwrap();
        let rules: Vec<&Rule> = groups[0].rules.iter().collect();
        let of = |firing: &[&[(&str, &str)]], rules: &[&Rule]| -> Vec<Said> {
            let set = |labels: &&[(&str, &str)]| {
                labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
            };
            let firing = firing.iter().map(set).collect();
            let case = Expectation { alert: "A".to_owned(), at: Duration::ZERO, firing };
            rules.iter().map(|rule| said(&case, rule, rules)).collect()
        };
        use Said::{Fires, Nothing, Quiet};
        let (warning, critical): (&[_], &[_]) =
            (&[("severity", "warning"), ("job", "x")], &[("severity", "critical"), ("team", "db")]);
        assert_eq!(of(&[], &rules), [Quiet, Quiet, Quiet]);
        assert_eq!(of(&[warning], &rules), [Fires, Quiet, Quiet]);
        assert_eq!(of(&[critical, warning], &rules), [Fires, Fires, Quiet]);
        assert_eq!(of(&[&[("job", "x")]], &rules), [Quiet, Quiet, Fires]);
        let two = &rules[..2];
        assert_eq!(of(&[&[("severity", "page")]], two), [Nothing, Nothing], "no rule of these makes it");
        assert_eq!(of(&[&[("severity", "page")], warning], two), [Fires, Nothing]);
    }
}
