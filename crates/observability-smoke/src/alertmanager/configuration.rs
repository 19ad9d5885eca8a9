//! From the file's text to the routing tree, the receivers' names and the inhibit rules. What Alertmanager would
//! refuse about these is refused, with its place. Nothing of a secret is kept: of the whole text only a digest.

use super::{
    Labels,
    inhibition::InhibitRule,
    matcher::{Matcher, Operator},
    raw::{RawConfiguration, RawInhibition, RawInterval, RawNamedInterval, RawPart},
    route::{Reached, Route, in_words},
    time_interval::{self, Span, TimeInterval},
    tree::Known,
};
use evidence_report::run::YamlProblem;
use jiff::Timestamp;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Named intervals.
pub(crate) type Intervals = BTreeMap<String, Vec<TimeInterval>>;

/// A configuration that Alertmanager would not load, or that says something that we do not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// It is no YAML, or has keys that no Alertmanager from 0.25 to 0.34 knows.
    #[error("{0}")]
    Yaml(YamlProblem),
    /// Something in it is wrong.
    #[error("line {}, column {}: {message}", at.line, at.column)]
    Wrong {
        /// Where it stands, or the route or rule in which it stands.
        at: Place,
        /// What is wrong.
        message: String,
    },
}

/// A place in the text, counting from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    /// Of what is missing, or has no place of its own.
    const BEGINNING: Self = Self { line: 1, column: 1 };

    pub(super) fn of<T>(spanned: &Spanned<T>) -> Self {
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: number(spanned.referenced.line()), column: number(spanned.referenced.column()) }
    }
}

/// A receiver, as far as it may be known: its name and its kinds of integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receiver {
    /// Its name.
    pub(crate) name: String,
    /// How many integrations of which kind: `webhook`, `pagerduty`. None: what reaches it is told nobody.
    pub(crate) integrations: BTreeMap<String, usize>,
    /// Whether any of them is told when an alert has ended (`send_resolved`).
    pub(crate) tells_of_the_end: bool,
}

/// What an Alertmanager does with alerts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Configuration {
    /// The routing tree.
    pub(crate) root: Route,
    /// The receivers, in order.
    pub(crate) receivers: Vec<Receiver>,
    /// The inhibit rules, in order.
    pub(crate) inhibit_rules: Vec<InhibitRule>,
    /// The named intervals.
    pub(crate) intervals: Intervals,
    /// SHA-256 of the text, `sha256:` and 64 digits: the text itself holds secrets.
    pub(crate) digest: String,
}

impl Configuration {
    /// Reads the text of a configuration file, or what Alertmanager says of its own (`/api/v2/status`).
    ///
    /// # Errors
    /// When Alertmanager would not load it, or when it says what we do not know.
    pub(crate) fn read(text: &str) -> Result<Self, ConfigurationError> {
        let raw: RawConfiguration =
            serde_saphyr::from_str(text).map_err(|error| ConfigurationError::Yaml((&error).into()))?;
        let receivers = raw.receivers.into_iter().flatten().map(receiver).collect::<Result<Vec<_>, _>>()?;
        for (index, receiver) in receivers.iter().enumerate() {
            if receivers[..index].iter().any(|earlier| earlier.name == receiver.name) {
                return Err(wrong(Place::BEGINNING, format!("two receivers are named '{}'", receiver.name)));
            }
        }
        let mut intervals = Intervals::new();
        for named in raw.mute_time_intervals.into_iter().chain(raw.time_intervals).flatten() {
            let at = Place::of(&named.name);
            let name = named.name.value.clone();
            if intervals.insert(name.clone(), interval(named)?).is_some() {
                return Err(wrong(at, format!("two time intervals are named '{name}'")));
            }
        }
        let root = raw.route.ok_or_else(|| wrong(Place::BEGINNING, "it has no `route`".to_owned()))?;
        let known = Known { receivers: &receivers, intervals: &intervals };
        let root = known.root(root)?;
        let rules = raw.inhibit_rules.into_iter().flatten().map(inhibit_rule).collect::<Result<_, _>>()?;
        let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { root, receivers, inhibit_rules: rules, intervals, digest: format!("sha256:{hex}") })
    }

    /// Every receiver that an alert with these labels reaches, in the order of the routes. One that stands twice
    /// is notified twice.
    #[must_use]
    pub(crate) fn route(&self, labels: &Labels, at: Timestamp) -> Vec<Reached> {
        let reached = |way: Vec<&Route>| {
            let route = way.last().copied().unwrap_or(&self.root);
            Reached {
                options: route.options.clone(),
                muted: route.muted(&self.intervals, at),
                path: in_words(&way),
                line: route.line,
            }
        };
        self.root.reached(labels).into_iter().map(reached).collect()
    }

    /// The rule by which `source`, while it fires, mutes `target`.
    #[must_use]
    pub(crate) fn mutes(&self, source: &Labels, target: &Labels) -> Option<&InhibitRule> {
        self.inhibit_rules.iter().find(|rule| rule.mutes(source, target))
    }

    /// Whether the receiver at the end of a route has an integration, by which it tells somebody.
    #[must_use]
    pub(crate) fn tells(&self, way: &Reached) -> bool {
        self.receiver(way.receiver()).is_some_and(|receiver| !receiver.integrations.is_empty())
    }

    /// The receiver of this name.
    #[must_use]
    pub(crate) fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.name == name)
    }
}

pub(super) fn wrong(at: Place, message: String) -> ConfigurationError {
    ConfigurationError::Wrong { at, message }
}

fn receiver(raw: BTreeMap<String, RawPart>) -> Result<Receiver, ConfigurationError> {
    let (mut name, mut integrations, mut tells_of_the_end) = (None, BTreeMap::new(), false);
    for (key, part) in raw {
        match (key.as_str(), part) {
            ("name", RawPart::Name(text)) if !text.is_empty() => name = Some(text),
            (_, RawPart::Integrations(list)) => {
                if let Some(kind) = key.strip_suffix("_configs").filter(|_| !list.is_empty()) {
                    tells_of_the_end |= list.iter().any(|one| one.tells_of_the_end(kind));
                    integrations.insert(kind.to_owned(), list.len());
                }
            }
            _ => {}
        }
    }
    let name = name.ok_or_else(|| wrong(Place::BEGINNING, "a receiver has no `name`".to_owned()))?;
    Ok(Receiver { name, integrations, tells_of_the_end })
}

fn interval(raw: RawNamedInterval) -> Result<Vec<TimeInterval>, ConfigurationError> {
    if raw.name.value.is_empty() {
        return Err(wrong(Place::of(&raw.name), "a time interval has no name".to_owned()));
    }
    raw.time_intervals.into_iter().map(time_interval).collect()
}

type ReadSpan = fn(&str) -> Result<Span, String>;

fn time_interval(raw: RawInterval) -> Result<TimeInterval, ConfigurationError> {
    let spans = |list: Option<Vec<Spanned<String>>>, read: ReadSpan| {
        let one = |text: Spanned<String>| read(&text.value).map_err(|why| wrong(Place::of(&text), why));
        list.map(|list| list.into_iter().map(one).collect::<Result<Vec<_>, _>>()).transpose()
    };
    let mut times = None;
    for raw in raw.times.into_iter().flatten() {
        let at = Place::of(&raw.start_time);
        let minute = |text: &str| time_interval::minute(text).map_err(|why| wrong(at, why));
        let span = Span { first: minute(&raw.start_time.value)?, last: minute(&raw.end_time.value)? };
        if span.first >= span.last {
            let message = "the time ends before it begins; across midnight needs two entries";
            return Err(wrong(at, message.to_owned()));
        }
        times.get_or_insert_with(Vec::new).push(span);
    }
    Ok(TimeInterval {
        times,
        weekdays: spans(raw.weekdays, time_interval::weekdays)?,
        days_of_month: spans(raw.days_of_month, time_interval::days_of_month)?,
        months: spans(raw.months, time_interval::months)?,
        years: spans(raw.years, time_interval::years)?,
        place: time_interval::place(raw.location.as_deref()),
    })
}

/// What a side of a route or rule says, in all three forms.
pub(super) fn matchers(
    at: Place,
    equal: &BTreeMap<String, String>,
    pattern: &BTreeMap<String, String>,
    written: &[Spanned<String>],
) -> Result<Vec<Matcher>, ConfigurationError> {
    let mut all = Vec::new();
    for (operator, pairs) in [(Operator::Equal, equal), (Operator::Matches, pattern)] {
        for (name, value) in pairs {
            all.push(Matcher::new(name, operator, value).map_err(|why| wrong(at, why))?);
        }
    }
    for text in written {
        all.extend(Matcher::parse(&text.value).map_err(|why| wrong(Place::of(text), why))?);
    }
    Ok(all)
}

fn inhibit_rule(raw: Spanned<RawInhibition>) -> Result<InhibitRule, ConfigurationError> {
    let at = Place::of(&raw);
    let raw = raw.value;
    Ok(InhibitRule {
        source: matchers(at, &raw.source_match, &raw.source_match_re, &raw.source_matchers)?,
        target: matchers(at, &raw.target_match, &raw.target_match_re, &raw.target_matchers)?,
        equal: raw.equal,
        line: at.line,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::route::{GroupBy, Muted},
        *,
    };

    const WHOLE: &str = "
global: {smtp_auth_password: hunter2}
templates: [a.tmpl]
route:
  receiver: default
  group_by: [alertname]
  routes:
  - matchers: [severity=critical, 'team=~\"db|api\"']
    receiver: pager
    group_wait: 0s
    group_by: ['...']
    continue: true
    routes:
    - {match: {team: db}, receiver: database, active_time_intervals: [office], group_by: []}
  - match_re: {severity: crit.*}
    repeat_interval: 1h
    mute_time_intervals: [weekend]
receivers:
- name: default
- name: pager
  pagerduty_configs: [{routing_key: hunter2}]
  webhook_configs: [{url: 'http://a/hunter2'}, {url: 'http://b'}]
- {name: database, email_configs: [{to: a@example}]}
inhibit_rules:
- {source_matchers: [severity=critical], target_match: {severity: warning}, equal: [cluster]}
time_intervals:
- name: office
  time_intervals: [{weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}]}]
mute_time_intervals:
- name: weekend
  time_intervals: [{weekdays: [saturday, sunday]}]
";

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_tree_is_walked_with_what_is_inherited() {
        let read = Configuration::read(WHOLE).unwrap();
        assert!(!format!("{read:?}").contains("hunter2"), "secrets are not kept");
        assert_eq!(read.receivers[1].integrations["webhook"], 2);
        let friday = "2026-11-27T10:00:00Z".parse().unwrap();
        let of = |pairs, at| read.route(&labels(pairs), at);
        let both = of(&[("severity", "critical"), ("team", "db")], friday);
        let names: Vec<_> = both.iter().map(Reached::receiver).collect();
        assert_eq!(names, ["database", "default"], "continue asks the next sibling");
        assert_eq!(both[0].options.group_by, GroupBy::Labels(std::collections::BTreeSet::new()));
        assert_eq!(both[0].options.group_wait, Duration::ZERO);
        assert_eq!(both[0].path, "{severity=\"critical\",team=~\"db|api\"} / {team=\"db\"}");
        assert_eq!(both[1].options.repeat_interval, Duration::from_secs(3600));
        assert_eq!((both[0].muted.clone(), both[1].muted.clone()), (Muted::No, Muted::No));
        let api = of(&[("severity", "critical"), ("team", "api")], friday);
        assert_eq!((api[0].receiver(), &api[0].options.group_by), ("pager", &GroupBy::All));
        let saturday = "2026-11-28T10:00:00Z".parse().unwrap();
        let both = of(&[("severity", "critical"), ("team", "db")], saturday);
        assert_eq!(both[0].muted, Muted::Outside(vec!["office".to_owned()]));
        assert_eq!(both[1].muted, Muted::During("weekend".to_owned()));
        let none = of(&[("severity", "info")], friday);
        assert_eq!((none[0].receiver(), none[0].path.as_str()), ("default", "default route"));
        let (critical, warning) = (labels(&[("severity", "critical")]), labels(&[("severity", "warning")]));
        assert!(read.mutes(&critical, &warning).is_some() && read.mutes(&warning, &critical).is_none());
    }

    #[test]
    fn what_alertmanager_refuses_is_refused_with_its_place_and_without_the_text() {
        let base = "receivers: [{name: a, webhook_configs: [{url: 'http://hunter2'}]}]\n";
        for (rest, expected) in [
            ("", "no `route`"),
            ("route: {}\n", "line 2, column 8: the root route names no receiver"),
            ("route: {receiver: b}\n", "line 2, column 19: the route names the receiver 'b'"),
            ("route:\n  receiver: a\n  match: {x: y}\n", "must not have matchers"),
            ("route:\n  receiver: a\n  mute_time_intervals: [x]\n", "must not have time intervals"),
            ("route:\n  receiver: a\n  recever: a\n", "recever"),
            ("route:\n  receiver: a\n  routes:\n  - matchers:\n    - 'x'\n", "line 6, column 7: after x"),
            (
                "route:\n  receiver: a\n  routes:\n  - matchers: ['x=~\"(\"']\n",
                "line 5, column 16: the value of x",
            ),
            (
                "route:\n  receiver: a\n  routes:\n  - active_time_intervals: [x]\n",
                "line 5, column 29: the route names the time",
            ),
            ("route:\n  receiver: a\n  group_wait: soon\n", "line 4, column 15: `group_wait`"),
            (
                "route:\n  receiver: a\n  repeat_interval: 0s\n",
                "line 4, column 20: `repeat_interval` must be more",
            ),
            ("route:\n  receiver: a\n  group_by: ['...', x]\n", "other labels at once"),
            ("route:\n  receiver: a\n  group_by: [x, x]\n", "twice"),
            ("route: {receiver: a}\ninhibit_rules: [{source: x}]\n", "source"),
            ("route: {receiver: a}\nroutes: []\n", "routes"),
            ("route: {receiver: a}\nreceivers: []\n", "line 3, column 1: the key 'receivers' stands twice"),
            ("route: [receiver: a\n", "line"),
            (
                "route: {receiver: a}\ntime_intervals: [{name: x, time_intervals: [{weekdays: [mon]}]}]\n",
                "line 3, column 57: 'mon'",
            ),
        ] {
            let error = Configuration::read(&format!("{base}{rest}")).unwrap_err().to_string();
            assert!(error.contains(expected), "{rest}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
