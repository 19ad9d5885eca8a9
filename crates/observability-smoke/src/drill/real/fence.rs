//! The fence in front of a real Alertmanager: whether these alerts may be posted to it, computed from its own
//! configuration before anything is posted. Pure.
//!
//! A label protects nobody: a critical alert marked as a drill reaches the default receiver, wakes people, and
//! mutes real warnings. So every receiver that is reached must have been allowed by name, and no inhibit rule
//! may let a drill alert mute one that is no drill.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;

use crate::alertmanager::{Configuration, Labels, inhibition::InhibitRule};

/// The label that every drill alert carries; its value is the run's id.
pub(crate) const LABEL: &str = "drill";

/// Why an alert may not be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Objection {
    /// It would reach a receiver that nobody allowed.
    Receiver {
        /// The receiver.
        receiver: String,
        /// The route to it.
        path: String,
    },
    /// It could mute alerts that are no drill.
    Mutes {
        /// The inhibit rule.
        rule: String,
        /// Where it stands in the configuration.
        line: u32,
    },
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receiver { receiver, path } => {
                write!(f, "it would reach the receiver {receiver}, which is not on the allow-list, by {path}")
            }
            Self::Mutes { rule, line } => {
                write!(
                    f,
                    "it could mute alerts that are no drill, by the inhibit rule of line {line}: {rule}"
                )
            }
        }
    }
}

/// What speaks against posting an alert with these labels; nothing, where it may be posted.
#[must_use]
pub(crate) fn objections(
    configuration: &Configuration,
    labels: &Labels,
    allowed: &BTreeSet<String>,
    now: Timestamp,
) -> Vec<Objection> {
    let reached = configuration.route(labels, now);
    let receivers = reached.iter().filter(|reached| !allowed.contains(reached.receiver())).map(|reached| {
        Objection::Receiver { receiver: reached.receiver().to_owned(), path: reached.path.clone() }
    });
    let mutes = configuration
        .inhibit_rules
        .iter()
        .filter(|rule| rule.takes_source(labels) && !mutes_only_drills(rule, labels))
        .map(|rule| Objection::Mutes { rule: rule.to_string(), line: rule.line });
    receivers.chain(mutes).collect()
}

/// Whether all that the rule mutes carries the label too: it asks for the same value in both, or its target side
/// refuses whatever does not carry it. An alert without the label is equal to every other that has none.
fn mutes_only_drills(rule: &InhibitRule, labels: &Labels) -> bool {
    let none = Labels::new();
    (labels.contains_key(LABEL) && rule.equal.iter().any(|label| label == LABEL))
        || rule.target.iter().any(|matcher| matcher.name == LABEL && !matcher.holds(&none))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(tail: &str, labels: &[(&str, &str)]) -> String {
        let text = format!(
            "route:\n  receiver: pager\n  routes:\n  - matchers: ['drill=~\".+\"']\n    receiver: drills\n{tail}\nreceivers:\n- name: pager\n- name: drills\n- name: log\n"
        );
        let configuration = Configuration::read(&text).unwrap();
        let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let allowed = BTreeSet::from(["drills".to_owned()]);
        let objections = objections(&configuration, &labels, &allowed, Timestamp::UNIX_EPOCH);
        objections.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    const DRILL: [(&str, &str); 3] = [("alertname", "A"), ("severity", "critical"), ("drill", "1")];

    #[test]
    fn only_allowed_receivers_are_reached() {
        assert_eq!(judged("", &DRILL), "");
        assert!(judged("", &DRILL[..2]).contains("the receiver pager, which is not on the allow-list"));
        let goes_on = "    continue: true\n  - matchers: ['severity=\"critical\"']\n    receiver: log";
        assert!(judged(goes_on, &DRILL).contains("the receiver log"), "{}", judged(goes_on, &DRILL));
    }

    #[test]
    fn no_alert_that_is_no_drill_may_be_muted() {
        let rule = |target: &str, equal: &str| {
            format!(
                "inhibit_rules:\n- source_matchers: ['severity=\"critical\"']\n  target_matchers: [{target}]\n  equal: [{equal}]"
            )
        };
        assert!(judged(&rule("'severity=\"warning\"'", "service"), &DRILL).contains("could mute"));
        assert_eq!(judged(&rule("'severity=\"warning\"'", "service, drill"), &DRILL), "");
        let unmarked = judged(&rule("'severity=\"warning\"'", "service, drill"), &DRILL[..2]);
        assert!(unmarked.contains("could mute"), "without the label, all that lack it are equal: {unmarked}");
        assert_eq!(judged(&rule("'severity=\"warning\"', 'drill!=\"\"'", "service"), &DRILL), "");
        assert!(
            judged(&rule("'severity=\"warning\"', 'drill!=\"7\"'", "service"), &DRILL).contains("could mute")
        );
        assert_eq!(judged(&rule("'severity=\"warning\"'", ""), &[("severity", "info"), ("drill", "1")]), "");
    }
}
