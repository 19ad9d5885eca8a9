//! The configuration as it stands in the file. Keys are strict where routing is decided. What receivers and the
//! global part hold is passed over while it is read: it is full of secrets, and each release knows other keys.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_saphyr::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfiguration {
    pub(super) route: Option<Spanned<RawRoute>>,
    #[serde(default)]
    pub(super) receivers: Option<Vec<BTreeMap<String, RawPart>>>,
    #[serde(default)]
    pub(super) inhibit_rules: Option<Vec<Spanned<RawInhibition>>>,
    #[serde(default)]
    pub(super) time_intervals: Option<Vec<RawNamedInterval>>,
    #[serde(default)]
    pub(super) mute_time_intervals: Option<Vec<RawNamedInterval>>,
    #[serde(rename = "global", default)]
    _global: IgnoredAny,
    #[serde(rename = "templates", default)]
    _templates: IgnoredAny,
    #[serde(rename = "tracing", default)]
    _tracing: IgnoredAny,
    #[serde(rename = "event_recorder", default)]
    _event_recorder: IgnoredAny,
}

/// A part of a receiver: its name, or a list of integrations, of which next to nothing is kept.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawPart {
    Name(String),
    Integrations(Vec<RawIntegration>),
    Other(IgnoredAny),
}

/// An integration, of which only is known whether it tells of an alert's end, where it says so.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawIntegration {
    Set {
        #[serde(default)]
        send_resolved: Option<bool>,
    },
    Other(IgnoredAny),
}

impl RawIntegration {
    /// Whether it is told when an alert has ended. Mail and chats of the older kind are not, unless they say so.
    pub(super) fn tells_of_the_end(&self, kind: &str) -> bool {
        let said = match self {
            Self::Set { send_resolved } => *send_resolved,
            Self::Other(_) => None,
        };
        said.unwrap_or(!matches!(kind, "email" | "slack" | "wechat" | "rocketchat"))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRoute {
    pub(super) receiver: Option<Spanned<String>>,
    pub(super) group_by: Option<Vec<String>>,
    #[serde(rename = "match")]
    pub(super) equal: BTreeMap<String, String>,
    #[serde(rename = "match_re")]
    pub(super) pattern: BTreeMap<String, String>,
    pub(super) matchers: Vec<Spanned<String>>,
    pub(super) mute_time_intervals: Vec<Spanned<String>>,
    pub(super) active_time_intervals: Vec<Spanned<String>>,
    #[serde(rename = "continue")]
    pub(super) goes_on: bool,
    pub(super) routes: Vec<Spanned<Self>>,
    pub(super) group_wait: Option<Spanned<String>>,
    pub(super) group_interval: Option<Spanned<String>>,
    pub(super) repeat_interval: Option<Spanned<String>>,
    #[serde(rename = "labels")]
    pub(super) _labels: IgnoredAny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawInhibition {
    #[serde(rename = "name")]
    pub(super) _name: Option<String>,
    pub(super) source_match: BTreeMap<String, String>,
    pub(super) source_match_re: BTreeMap<String, String>,
    pub(super) source_matchers: Vec<Spanned<String>>,
    pub(super) target_match: BTreeMap<String, String>,
    pub(super) target_match_re: BTreeMap<String, String>,
    pub(super) target_matchers: Vec<Spanned<String>>,
    pub(super) equal: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNamedInterval {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) time_intervals: Vec<RawInterval>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInterval {
    pub(super) times: Option<Vec<RawTimes>>,
    pub(super) weekdays: Option<Vec<Spanned<String>>>,
    pub(super) days_of_month: Option<Vec<Spanned<String>>>,
    pub(super) months: Option<Vec<Spanned<String>>>,
    pub(super) years: Option<Vec<Spanned<String>>>,
    pub(super) location: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimes {
    pub(super) start_time: Spanned<String>,
    pub(super) end_time: Spanned<String>,
}
