//! The objects of a SARIF log whose every part counts: results, rules, invocations. Lists in them are folded as they
//! are read; none is kept longer than what is asked of it.

use std::{fmt, marker::PhantomData};

use serde::de::IgnoredAny;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, SeqAccess, Visitor},
};

use crate::command::import::told::short;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Level {
    None,
    Note,
    Warning,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    NotApplicable,
    Pass,
    Fail,
    Review,
    Open,
    Informational,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleWire {
    pub(super) id: String,
    pub(super) default_configuration: Option<Configuration>,
    pub(super) properties: Option<Properties>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Configuration {
    pub(super) level: Option<Level>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Properties {
    #[serde(rename = "security-severity")]
    severity: Option<Score>,
}

/// A number, often written as a string.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Score {
    Text(String),
    Number(f64),
    Other(IgnoredAny),
}

impl Properties {
    pub(super) fn score(&self) -> Option<f64> {
        match self.severity.as_ref()? {
            Score::Text(text) => text.trim().parse().ok().filter(|score: &f64| score.is_finite()),
            Score::Number(number) => Some(*number),
            Score::Other(_) => None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultWire {
    pub(super) rule_id: Option<String>,
    pub(super) rule: Option<Reference>,
    pub(super) level: Option<Level>,
    pub(super) kind: Option<Kind>,
    message: Option<Message>,
    locations: Option<First<Location>>,
    suppressions: Option<Suppressions>,
    baseline_state: Option<String>,
    properties: Option<Properties>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    text: Option<String>,
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    physical_location: Option<Physical>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Physical {
    artifact_location: Option<Artifact>,
    region: Option<Region>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Artifact {
    uri: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    start_line: Option<u32>,
}

impl ResultWire {
    pub(super) fn id(&self) -> String {
        let id = self.rule_id.as_deref().or(self.rule.as_ref().and_then(|rule| rule.id.as_deref()));
        short(id.unwrap_or("a result without a rule"), 200)
    }

    pub(super) fn message(&self) -> String {
        let message = self.message.as_ref();
        let text = message.and_then(|message| message.text.as_deref().or(message.id.as_deref()));
        short(text.unwrap_or("no message"), 300)
    }

    pub(super) fn score(&self) -> Option<f64> {
        self.properties.as_ref().and_then(Properties::score)
    }

    pub(super) fn place(&self) -> (Option<String>, Option<u32>) {
        let physical =
            (self.locations.as_ref()).and_then(|first| first.0.as_ref()?.physical_location.as_ref());
        let uri = physical.and_then(|place| place.artifact_location.as_ref()?.uri.as_deref());
        let line = physical.and_then(|place| place.region.as_ref()?.start_line);
        (uri.map(|uri| short(uri, 200)), line)
    }

    pub(super) fn is_absent(&self) -> bool {
        self.baseline_state.as_deref() == Some("absent")
    }

    /// Suppressed is what has a suppression, and none that is under review or rejected (3.27.23).
    pub(super) fn is_suppressed(&self) -> bool {
        self.suppressions.as_ref().is_some_and(|all| all.number > 0 && all.accepted)
    }

    pub(super) fn justification(&self) -> Option<String> {
        self.suppressions.as_ref().and_then(|all| all.justification.clone())
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) execution_successful: Option<bool>,
    pub(super) end_time_utc: Option<String>,
    pub(super) tool_execution_notifications: Option<Notifications>,
    pub(super) tool_configuration_notifications: Option<Notifications>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Notification {
    level: Option<Level>,
    message: Option<Message>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Suppression {
    status: Option<String>,
    justification: Option<String>,
}

/// The first of a list; the rest is passed over.
#[derive(Debug)]
pub(super) struct First<T>(pub(super) Option<T>);

/// What all suppressions of a result come to.
#[derive(Debug)]
pub(super) struct Suppressions {
    number: u64,
    accepted: bool,
    justification: Option<String>,
}

/// The first error among notifications.
#[derive(Debug)]
pub(super) struct Notifications(pub(super) Option<String>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut first = None;
        Each(|item: T| first = first.take().or(Some(item)), PhantomData).deserialize(deserializer)?;
        Ok(Self(first))
    }
}

impl<'de> Deserialize<'de> for Suppressions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Self { number: 0, accepted: true, justification: None };
        let take = |one: Suppression| {
            all.number += 1;
            all.accepted &= one.status.as_deref().is_none_or(|status| status == "accepted");
            let words =
                one.justification.filter(|text| !text.trim().is_empty()).map(|text| short(&text, 200));
            all.justification = all.justification.take().or(words);
        };
        Each(take, PhantomData).deserialize(deserializer)?;
        Ok(all)
    }
}

impl<'de> Deserialize<'de> for Notifications {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut first = None;
        let take = |one: Notification| {
            if one.level == Some(Level::Error) && first.is_none() {
                let text = one.message.and_then(|message| message.text.or(message.id));
                first = Some(short(text.as_deref().unwrap_or("no message"), 200));
            }
        };
        Each(take, PhantomData).deserialize(deserializer)?;
        Ok(Self(first))
    }
}

/// Hands over the items of a list one by one; `null` is an empty list.
pub(super) struct Each<T, F>(pub(super) F, pub(super) PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }
}
