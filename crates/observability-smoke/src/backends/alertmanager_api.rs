//! The part of Alertmanager's API that is asked: its answers, as far as they are read. Its status shows the
//! configuration with webhook tokens in clear; nothing here prints it.

use serde::Deserialize;

use super::health::digest;
use crate::alertmanager::{
    Labels,
    matcher::{Matcher, Operator, all_hold},
};

/// `/api/v2/status`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    #[serde(default)]
    pub(crate) cluster: Option<Cluster>,
    #[serde(default)]
    pub(crate) config: Option<Configuration>,
    #[serde(default)]
    pub(crate) version_info: Option<VersionInfo>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Cluster {
    /// `ready`, `settling` or `disabled`
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) peers: Vec<serde_json::Value>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) original: String,
}

/// Without the text: it holds secrets.
impl std::fmt::Debug for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&digest(&self.original))
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct VersionInfo {
    pub(crate) version: String,
}

/// `/api/v2/receivers`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Receiver {
    pub(crate) name: String,
}

/// `/api/v2/silences`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Silence {
    pub(crate) id: String,
    status: State,
    #[serde(default)]
    matchers: Vec<Written>,
    #[serde(default)]
    pub(crate) ends_at: String,
}

#[derive(Debug, Clone, Deserialize)]
struct State {
    /// `active`, `pending` or `expired`
    state: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    /// Missing before Alertmanager 0.22, which knew no negative matchers.
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

/// `/api/v2/alerts`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alert {
    pub(crate) labels: Labels,
    #[serde(default)]
    pub(crate) status: Muted,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Muted {
    pub(crate) silenced_by: Vec<String>,
    pub(crate) inhibited_by: Vec<String>,
    /// By a time interval; since 0.28.
    pub(crate) muted_by: Vec<String>,
}

impl Silence {
    /// Whether it is in this state: `active`, `pending` or `expired`.
    pub(crate) fn is(&self, state: &str) -> bool {
        self.status.state == state
    }

    /// Its state.
    pub(crate) fn state(&self) -> &str {
        &self.status.state
    }

    /// Its conditions; `None` when one of its patterns cannot be read here.
    pub(crate) fn conditions(&self) -> Option<Vec<Matcher>> {
        self.matchers.iter().map(Written::condition).collect()
    }

    /// Whether it mutes an alert with these labels; `None` when one of its patterns cannot be read here.
    pub(crate) fn mutes(&self, labels: &Labels) -> Option<bool> {
        let conditions = self.conditions()?;
        Some(!conditions.is_empty() && all_hold(&conditions, labels))
    }
}

/// Which alerts with certain labels a silence mutes; they bear other labels, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// None, as far as these labels say.
    None,
    /// Those among them whose labels of these names have the right values.
    Some(Vec<String>),
    /// All of them.
    Every,
}

/// Values that have nothing in common: what fits them all fits whatever is there.
const ANY: [&str; 3] = ["A", "KubePodCrashLooping", "node:down 1/x"];

impl Silence {
    /// Which alerts with these labels it mutes; `None` when one of its patterns cannot be read here. One that asks for
    /// any name at all (`alertname=~".+"`) mutes every alert, whatever labels are looked at.
    pub(crate) fn reach(&self, labels: &Labels) -> Option<Reach> {
        let conditions = self.conditions()?;
        let (given, other): (Vec<_>, Vec<_>) =
            conditions.into_iter().partition(|condition| labels.contains_key(&condition.name));
        if !all_hold(&given, labels) {
            return Some(Reach::None);
        }
        let fits = |condition: &Matcher, value: &str| {
            condition.holds(&Labels::from([(condition.name.clone(), value.to_owned())]))
        };
        let is_open =
            |condition: &&Matcher| !fits(condition, "") && !ANY.iter().all(|value| fits(condition, value));
        let asked: Vec<_> = other.iter().filter(is_open).map(|condition| condition.name.clone()).collect();
        Some(match (asked.is_empty(), given.is_empty()) {
            (true, true) if other.is_empty() => Reach::None,
            (true, _) => Reach::Every,
            (false, true) => Reach::None,
            (false, false) => Reach::Some(asked),
        })
    }
}

impl Written {
    fn condition(&self) -> Option<Matcher> {
        let operator = match (self.is_regex, self.is_equal) {
            (false, true) => Operator::Equal,
            (false, false) => Operator::NotEqual,
            (true, true) => Operator::Matches,
            (true, false) => Operator::MatchesNot,
        };
        Matcher::new(&self.name, operator, &self.value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(matchers: &str) -> Silence {
        let text = format!(
            r#"{{"id":"1","status":{{"state":"active"}},"matchers":[{matchers}],"endsAt":"2026-01-01T00:00:00Z","createdBy":"me","comment":"x"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_silence_mutes_what_all_its_matchers_fit() {
        let labels = Labels::from([("severity".to_owned(), "critical".to_owned())]);
        for (matchers, mutes) in [
            (r#"{"name":"severity","value":"critical","isRegex":false,"isEqual":true}"#, Some(true)),
            (r#"{"name":"severity","value":"crit","isRegex":false,"isEqual":true}"#, Some(false)),
            (r#"{"name":"severity","value":"crit.*","isRegex":true,"isEqual":true}"#, Some(true)),
            (r#"{"name":"severity","value":"crit","isRegex":true,"isEqual":true}"#, Some(false)),
            (r#"{"name":"severity","value":"warning","isRegex":false,"isEqual":false}"#, Some(true)),
            (r#"{"name":"severity","value":".*","isRegex":true}"#, Some(true)),
            (r#"{"name":"team","value":"","isRegex":false,"isEqual":true}"#, Some(true)),
            (r#"{"name":"team","value":"db","isRegex":false,"isEqual":true}"#, Some(false)),
            (r#"{"name":"severity","value":"(","isRegex":true,"isEqual":true}"#, None),
            ("", Some(false)),
        ] {
            assert_eq!(silence(matchers).mutes(&labels), mutes, "{matchers}");
        }
    }

    #[test]
    fn a_silence_over_other_labels_reaches_every_alert_some_or_none() {
        let labels = Labels::from([("severity".to_owned(), "critical".to_owned())]);
        let critical = r#"{"name":"severity","value":"critical","isRegex":false}"#;
        let some = |name: &str| Some(Reach::Some(vec![name.to_owned()]));
        for (matchers, reach) in [
            (critical.to_owned(), Some(Reach::Every)),
            (r#"{"name":"severity","value":"page","isRegex":false}"#.to_owned(), Some(Reach::None)),
            // Everything, or everything but one.
            (r#"{"name":"alertname","value":".+","isRegex":true}"#.to_owned(), Some(Reach::Every)),
            (
                r#"{"name":"alertname","value":"","isRegex":false,"isEqual":false}"#.to_owned(),
                Some(Reach::Every),
            ),
            (
                r#"{"name":"alertname","value":"Watchdog","isRegex":false,"isEqual":false}"#.to_owned(),
                Some(Reach::Every),
            ),
            (format!(r#"{critical},{{"name":"namespace","value":".+","isRegex":true}}"#), Some(Reach::Every)),
            // Some of them.
            (format!(r#"{critical},{{"name":"instance","value":"web1","isRegex":false}}"#), some("instance")),
            (
                format!(r#"{critical},{{"name":"alertname","value":"Api.*","isRegex":true}}"#),
                some("alertname"),
            ),
            // Nothing says that such an alert is critical.
            (r#"{"name":"alertname","value":"DiskWarn","isRegex":false}"#.to_owned(), Some(Reach::None)),
            (r#"{"name":"alertname","value":"(","isRegex":true}"#.to_owned(), None),
            (String::new(), Some(Reach::None)),
        ] {
            assert_eq!(silence(&matchers).reach(&labels), reach, "{matchers}");
        }
    }
}
