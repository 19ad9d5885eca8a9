//! Whom an alert may reach of which only some labels are known: a real fault carries no label of a drill, and may make
//! other alerts fire than the one that is drilled. What is not known counts against it. Pure.

use std::collections::BTreeSet;

use crate::alertmanager::{Configuration, Labels, matcher::Matcher, route::Route};

/// What is known of a matcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Never,
    Maybe,
    Always,
}

fn all_hold(matchers: &[Matcher], known: &Labels) -> Holds {
    let mut all = Holds::Always;
    for matcher in matchers {
        match known.contains_key(&matcher.name) {
            true if matcher.holds(known) => {}
            true => return Holds::Never,
            false => all = Holds::Maybe,
        }
    }
    all
}

/// The receivers that an alert with these labels, and others that are not known, may reach.
#[must_use]
pub(super) fn receivers(configuration: &Configuration, known: &Labels) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    below(&configuration.root, known, &mut found);
    found
}

fn below(route: &Route, known: &Labels, found: &mut BTreeSet<String>) {
    let mut certainly_taken = false;
    for child in &route.routes {
        let holds = all_hold(&child.matchers, known);
        if holds == Holds::Never {
            continue;
        }
        below(child, known, found);
        if holds == Holds::Always {
            certainly_taken = true;
            if !child.goes_on {
                break;
            }
        }
    }
    if !certainly_taken {
        found.insert(route.options.receiver.clone());
    }
}

/// The inhibit rules by which such an alert may mute others, in words.
#[must_use]
pub(super) fn mutes(configuration: &Configuration, known: &Labels) -> Vec<String> {
    let may = configuration.inhibit_rules.iter().filter(|rule| all_hold(&rule.source, known) != Holds::Never);
    may.map(|rule| format!("the inhibit rule of line {}: {rule}", rule.line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "route:
  receiver: default
  routes:
  - {matchers: ['severity=\"critical\"'], receiver: pager, routes: [{matchers: ['team=\"db\"'], receiver: dba}]}
  - {matchers: ['severity=\"info\"'], receiver: log, continue: true}
  - {matchers: ['cluster=\"a\"'], receiver: a}
receivers: [{name: default}, {name: pager}, {name: dba}, {name: log}, {name: a}]
inhibit_rules: [{source_matchers: ['severity=\"critical\"', 'team=\"db\"'], target_matchers: ['severity=\"warning\"']}]
";

    #[test]
    fn what_is_not_known_counts_against_it() {
        let configuration = Configuration::read(TREE).unwrap();
        let of = |pairs: &[(&str, &str)]| -> (Vec<String>, usize) {
            let known: Labels = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            (receivers(&configuration, &known).into_iter().collect(), mutes(&configuration, &known).len())
        };
        // Critical: the first route takes it for sure, and whose team it is nobody knows.
        assert_eq!(of(&[("severity", "critical")]), (vec!["dba".into(), "pager".into()], 1));
        assert_eq!(of(&[("severity", "critical"), ("team", "api")]), (vec!["pager".into()], 0));
        assert_eq!(of(&[("severity", "info")]), (vec!["a".into(), "log".into()], 0));
        assert_eq!(of(&[("severity", "warning")]), (vec!["a".into(), "default".into()], 0));
        // Nothing known: everybody.
        assert_eq!(of(&[]).0.len(), 5);
    }

    #[test]
    fn whatever_the_unknown_labels_are_the_real_route_is_among_them() {
        let configuration = Configuration::read(TREE).unwrap();
        for severity in ["critical", "info", "warning"] {
            let known = Labels::from([("severity".to_owned(), severity.to_owned())]);
            let possible = receivers(&configuration, &known);
            for team in ["db", "api"] {
                for cluster in ["a", "b"] {
                    let mut labels = known.clone();
                    labels.extend([
                        ("team".to_owned(), team.to_owned()),
                        ("cluster".to_owned(), cluster.to_owned()),
                    ]);
                    for reached in configuration.route(&labels, jiff::Timestamp::UNIX_EPOCH) {
                        assert!(possible.contains(reached.receiver()), "{labels:?} {possible:?}");
                    }
                }
            }
        }
    }
}
