//! The parts of a SARIF log that count, read one by one: nothing of a log is held but its rules.

use std::{collections::HashMap, fmt, io::Read, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::command::import::told::{Unreadable, short};

/// A log with more rules than this is no tool's.
const RULES: usize = 50_000;

/// A log with more runs than this is no tool's.
const RUNS: usize = 1_000;

/// Who is told what stands in a log, as it is read.
pub(super) trait Listener {
    /// The log's version.
    fn version(&mut self, _version: String) {}
    /// A rule of a run.
    fn rule(&mut self, _run: usize, _rule: RuleWire) {}
    /// A result of a run.
    fn result(&mut self, _run: usize, _result: ResultWire) {}
    /// The end of a run.
    fn run(&mut self, _run: usize, _end: RunEnd) {}
}

/// What is known of a run at its end.
#[derive(Debug, Default)]
pub(super) struct RunEnd {
    pub(super) tool: Option<String>,
    pub(super) rules: usize,
    pub(super) results: u64,
    pub(super) has_results: bool,
    pub(super) results_elsewhere: bool,
    /// An invocation says that it did not succeed.
    pub(super) failed: bool,
    /// The first error that the tool tells of itself.
    pub(super) error: Option<String>,
    pub(super) ended: Option<String>,
}

/// The first reading: version and rules.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) version: Option<String>,
    pub(super) runs: Vec<RunHead>,
}

/// What the first reading keeps of a run.
#[derive(Debug, Default)]
pub(super) struct RunHead {
    pub(super) tool: Option<String>,
    pub(super) rules: HashMap<String, Rule>,
}

/// What a rule says about severity.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) level: Option<Level>,
    pub(super) score: Option<f64>,
}

impl Listener for Head {
    fn version(&mut self, version: String) {
        self.version = Some(version);
    }

    fn rule(&mut self, run: usize, rule: RuleWire) {
        while self.runs.len() <= run {
            self.runs.push(RunHead::default());
        }
        let score = rule.properties.as_ref().and_then(Properties::score);
        let level = rule.default_configuration.and_then(|configuration| configuration.level);
        self.runs[run].rules.insert(rule.id, Rule { level, score });
    }

    fn run(&mut self, run: usize, end: RunEnd) {
        while self.runs.len() <= run {
            self.runs.push(RunHead::default());
        }
        self.runs[run].tool = end.tool;
    }
}

/// Reads a log and tells the listener.
pub(super) fn read(source: impl Read, listener: &mut dyn Listener) -> Result<(), Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_reader(source);
    LogSeed(listener).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(())
}

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
    id: String,
    default_configuration: Option<Configuration>,
    properties: Option<Properties>,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    level: Option<Level>,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(rename = "security-severity")]
    severity: Option<Score>,
}

/// A number, often written as a string.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Score {
    Text(String),
    Number(f64),
    Other(IgnoredAny),
}

impl Properties {
    fn score(&self) -> Option<f64> {
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
struct Message {
    text: Option<String>,
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<Physical>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Option<Artifact>,
    region: Option<Region>,
}

#[derive(Debug, Deserialize)]
struct Artifact {
    uri: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
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
struct Invocation {
    execution_successful: Option<bool>,
    end_time_utc: Option<String>,
    tool_execution_notifications: Option<Notifications>,
    tool_configuration_notifications: Option<Notifications>,
}

#[derive(Debug, Deserialize)]
struct Notification {
    level: Option<Level>,
    message: Option<Message>,
}

#[derive(Debug, Deserialize)]
struct Suppression {
    status: Option<String>,
    justification: Option<String>,
}

/// The first of a list; the rest is passed over.
#[derive(Debug)]
struct First<T>(Option<T>);

/// What all suppressions of a result come to.
#[derive(Debug)]
struct Suppressions {
    number: u64,
    accepted: bool,
    justification: Option<String>,
}

/// The first error among notifications.
#[derive(Debug)]
struct Notifications(Option<String>);

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
struct Each<T, F>(F, PhantomData<T>);

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

/// Makes a visitor of an object, or of a list, out of a seed that holds the listener.
macro_rules! seed {
    ($seed:ident, $value:ty, $method:ident) => {
        impl<'de> DeserializeSeed<'de> for $seed<'_> {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<$value, D::Error> {
                deserializer.$method(self)
            }
        }
    };
}

struct LogSeed<'l>(&'l mut dyn Listener);
struct RunsSeed<'l>(&'l mut dyn Listener);
struct RunSeed<'l>(&'l mut dyn Listener, usize);
struct ResultsSeed<'l>(&'l mut dyn Listener, usize);

seed!(LogSeed, (), deserialize_map);
seed!(RunsSeed, (), deserialize_any);
seed!(RunSeed, (), deserialize_map);
seed!(ResultsSeed, Option<u64>, deserialize_any);

impl<'de> Visitor<'de> for LogSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SARIF log, an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => self.0.version(map.next_value()?),
                "runs" => map.next_value_seed(RunsSeed(&mut *self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for RunsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of runs")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while list.next_element_seed(RunSeed(&mut *self.0, index))?.is_some() {
            index += 1;
            if index > RUNS {
                return Err(A::Error::custom(format!("more than {RUNS} runs")));
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for RunSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run, an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut end = RunEnd::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "tool" => self.tool(map.next_value()?, &mut end),
                "results" => {
                    let results = map.next_value_seed(ResultsSeed(&mut *self.0, self.1))?;
                    end.has_results = results.is_some();
                    end.results = results.unwrap_or_default();
                }
                "invocations" => {
                    map.next_value_seed(Each(|one: Invocation| end.invocation(one), PhantomData))?
                }
                "externalPropertyFileReferences" => {
                    let elsewhere: Elsewhere = map.next_value()?;
                    end.results_elsewhere = elsewhere.results.is_some_and(|first| first.0.is_some());
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.0.run(self.1, end);
        Ok(())
    }
}

impl RunSeed<'_> {
    fn tool(&mut self, tool: ToolWire, end: &mut RunEnd) {
        let version = tool.driver.semantic_version.or(tool.driver.version);
        let name = [tool.driver.name, version].into_iter().flatten().collect::<Vec<_>>().join(" ");
        end.tool = (!name.is_empty()).then(|| short(&name, 100));
        for rule in [tool.driver.rules, tool.extensions].into_iter().flatten().flat_map(|rules| rules.0) {
            end.rules += 1;
            self.0.rule(self.1, rule);
        }
    }
}

impl RunEnd {
    fn invocation(&mut self, one: Invocation) {
        self.failed |= one.execution_successful == Some(false);
        let told = [one.tool_execution_notifications, one.tool_configuration_notifications];
        let error = told.into_iter().flatten().find_map(|notifications| notifications.0);
        self.error = self.error.take().or(error);
        self.ended = one.end_time_utc.or(self.ended.take());
    }
}

impl<'de> Visitor<'de> for ResultsSeed<'_> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_unit<E>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<u64>, A::Error> {
        let mut number = 0;
        while let Some(result) = list.next_element()? {
            number += 1;
            self.0.result(self.1, result);
        }
        Ok(Some(number))
    }
}

#[derive(Debug, Deserialize)]
struct ToolWire {
    driver: Component,
    extensions: Option<Rules>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    name: Option<String>,
    version: Option<String>,
    semantic_version: Option<String>,
    #[serde(default, deserialize_with = "rules_of_one")]
    rules: Option<Rules>,
}

#[derive(Debug, Deserialize)]
struct Elsewhere {
    results: Option<First<IgnoredAny>>,
}

/// Rules, not more than there can be: of a list of extensions, all of theirs.
#[derive(Debug)]
struct Rules(Vec<RuleWire>);

fn rules_of_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rules>, D::Error> {
    let mut rules = Vec::new();
    let mut total = 0;
    let take = |rule| {
        total += 1;
        if total <= RULES {
            rules.push(rule);
        }
    };
    Each(take, PhantomData).deserialize(deserializer)?;
    if total > RULES {
        return Err(D::Error::custom(format!("more than {RULES} rules")));
    }
    Ok(Some(Rules(rules)))
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rules = Vec::new();
        let take = |component: Component| {
            let room = RULES.saturating_sub(rules.len());
            rules.extend(component.rules.into_iter().flat_map(|rules| rules.0).take(room));
        };
        Each(take, PhantomData).deserialize(deserializer)?;
        Ok(Self(rules))
    }
}
