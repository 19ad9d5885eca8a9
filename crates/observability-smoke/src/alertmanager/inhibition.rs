//! Inhibition: a firing source alert mutes its target alerts.

use super::{
    Labels,
    matcher::{self, Matcher},
};

/// A rule by which one alert mutes another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InhibitRule {
    /// What the muting alert must be.
    pub(crate) source: Vec<Matcher>,
    /// What the muted alert must be.
    pub(crate) target: Vec<Matcher>,
    /// Labels that must be the same in both; missing in both is the same.
    pub(crate) equal: Vec<String>,
    /// Where it begins in the file, counting from 1.
    pub(crate) line: u32,
}

impl InhibitRule {
    /// Whether the rule could have this alert mute others.
    #[must_use]
    pub(crate) fn takes_source(&self, labels: &Labels) -> bool {
        matcher::all_hold(&self.source, labels)
    }

    /// Whether the rule could have this alert muted.
    #[must_use]
    pub(crate) fn takes_target(&self, labels: &Labels) -> bool {
        matcher::all_hold(&self.target, labels)
    }

    /// Whether `source`, while it fires, mutes `target`. Two alerts that are both source and target of the rule
    /// do not mute each other; so no alert mutes itself.
    #[must_use]
    pub(crate) fn mutes(&self, source: &Labels, target: &Labels) -> bool {
        let value = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
        self.takes_source(source)
            && self.takes_target(target)
            && self.equal.iter().all(|name| value(source, name) == value(target, name))
            && !(self.takes_source(target) && self.takes_target(source))
    }
}

/// The rule in a few words: `{severity="critical"} mutes {severity="warning"} of equal cluster`.
impl std::fmt::Display for InhibitRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (source, target) = (matcher::in_braces(&self.source), matcher::in_braces(&self.target));
        write!(f, "{source} mutes {target}")?;
        if self.equal.is_empty() { Ok(()) } else { write!(f, " of equal {}", self.equal.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(source: &str, target: &str, equal: &[&str]) -> InhibitRule {
        InhibitRule {
            source: Matcher::parse(source).unwrap(),
            target: Matcher::parse(target).unwrap(),
            equal: equal.iter().map(|name| (*name).to_owned()).collect(),
            line: 1,
        }
    }

    fn labels(text: &str) -> Labels {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.split(',').filter_map(pair).collect()
    }

    #[test]
    fn who_mutes_whom() {
        let usual = rule("severity=critical", "severity=warning", &["cluster"]);
        let pair = |rule: &InhibitRule, source, target| rule.mutes(&labels(source), &labels(target));
        assert!(pair(&usual, "severity=critical,cluster=a", "severity=warning,cluster=a"));
        assert!(!pair(&usual, "severity=critical,cluster=a", "severity=warning,cluster=b"));
        assert!(pair(&usual, "severity=critical", "severity=warning"), "missing in both is equal");
        assert!(!pair(&usual, "severity=critical,cluster=a", "severity=warning"));
        assert!(!pair(&usual, "severity=warning", "severity=critical"));
        // Whoever stands on both sides mutes nobody who does so too.
        let all = rule("alertname=~\".+\"", "severity=warning", &[]);
        assert!(pair(&all, "alertname=A,severity=critical", "alertname=B,severity=warning"));
        assert!(!pair(&all, "alertname=A,severity=warning", "alertname=B,severity=warning"));
        assert!(!pair(&all, "alertname=A,severity=warning", "alertname=A,severity=warning"));
    }
}
