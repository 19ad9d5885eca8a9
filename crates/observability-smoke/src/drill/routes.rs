//! The user's own Alertmanager configuration for the embedded stack: its routes, inhibit rules and time intervals stay
//! as they are, and every receiver that would tell somebody posts to our webhook instead. Nothing else of the file is
//! used: no integration, no template, no secret.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    alert_plan::AlertPlan,
    prediction::Grouping,
    real::arrival,
    receiver::{self, Arrived},
    series::{Labels, display},
};
use crate::alertmanager::{
    Configuration,
    route::{GroupBy, Reached},
};

/// What of a configuration decides where alerts go.
const KEPT: [&str; 4] = ["route", "inhibit_rules", "time_intervals", "mute_time_intervals"];

/// A configuration, its receivers left out.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// As it is understood.
    pub(crate) configuration: Configuration,
    /// What is kept of it, as it stands.
    kept: Map<String, Value>,
}

/// Where an alert goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Routing {
    /// The receivers, in order.
    pub(crate) receivers: Vec<String>,
    /// Why nobody is told.
    pub(crate) silent: Option<String>,
    /// The groups that the alert is put into: the route's line, and the labels.
    groups: BTreeSet<(u32, Vec<(String, String)>)>,
    /// By which labels each of the routes groups, with its receiver.
    group_by: Vec<(String, GroupBy)>,
    /// Its labels.
    labels: Vec<Labels>,
    /// The receivers that are not told when an alert has ended.
    not_told_of_the_end: BTreeSet<String>,
}

impl Routes {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When Alertmanager would not load it; with the line, without the text, which holds secrets.
    pub(crate) fn read(path: PathBuf, text: &str) -> Result<Self, String> {
        let wrong =
            |why: String| format!("the Alertmanager configuration {} cannot be used: {why}", path.display());
        let configuration = Configuration::read(text).map_err(|error| wrong(error.to_string()))?;
        let whole: Map<String, Value> =
            serde_saphyr::from_str(text).map_err(|_| wrong("it is no mapping".to_owned()))?;
        let kept = whole.into_iter().filter(|(key, value)| KEPT.contains(&key.as_str()) && !value.is_null());
        let kept = kept.collect();
        Ok(Self { path, configuration, kept })
    }

    /// The configuration for the embedded Alertmanager. A receiver that tells nobody goes on to tell nobody: that is
    /// what a drill is to find.
    #[must_use]
    pub(crate) fn embedded(&self, webhook: SocketAddr) -> String {
        let url = format!("http://{webhook}{}", receiver::PATH);
        let receivers = self.configuration.receivers.iter().map(|receiver| {
            if receiver.integrations.is_empty() {
                json!({ "name": receiver.name })
            } else {
                let ours = json!([{ "url": url, "send_resolved": receiver.tells_of_the_end }]);
                json!({ "name": receiver.name, "webhook_configs": ours })
            }
        });
        let mut whole = self.kept.clone();
        whole.insert("receivers".to_owned(), receivers.collect());
        Value::Object(whole).to_string()
    }

    /// Where alerts with these labels go now.
    #[must_use]
    pub(crate) fn routing(&self, labels: Vec<Labels>, now: Timestamp) -> (Routing, Grouping) {
        let reached: Vec<(Reached, &Labels)> = labels
            .iter()
            .flat_map(|labels| {
                self.configuration.route(labels, now).into_iter().map(move |one| (one, labels))
            })
            .collect();
        let grouping = Grouping {
            wait: reached.iter().map(|(one, _)| one.options.group_wait).max().unwrap_or_default(),
            interval: reached.iter().map(|(one, _)| one.options.group_interval).max().unwrap_or_default(),
        };
        let routes: Vec<Reached> = reached.iter().map(|(one, _)| one.clone()).collect();
        let silent = arrival::silent(Some(&self.configuration), &routes);
        (Routing { silent, ..Routing::of(&reached).by(Some(&self.configuration)) }, grouping)
    }

    /// Whether two alerts on one Alertmanager would disturb each other: one mutes the other, or they wait for each
    /// other in one group.
    #[must_use]
    pub(crate) fn disturb(&self, one: &AlertPlan, other: &AlertPlan) -> bool {
        let (Some(one), Some(other)) = (&one.routing, &other.routing) else { return true };
        let mutes = |source: &Routing, target: &Routing| {
            source.labels.iter().any(|source| {
                target.labels.iter().any(|target| self.configuration.mutes(source, target).is_some())
            })
        };
        one.labels.is_empty()
            || other.labels.is_empty()
            || !one.groups.is_disjoint(&other.groups)
            || mutes(one, other)
            || mutes(other, one)
    }
}

impl Routing {
    /// Of these routes, each with the labels that took it.
    #[must_use]
    pub(crate) fn of(reached: &[(Reached, &Labels)]) -> Self {
        let mut routing = Self {
            receivers: Vec::new(),
            silent: None,
            groups: BTreeSet::new(),
            group_by: Vec::new(),
            labels: Vec::new(),
            not_told_of_the_end: BTreeSet::new(),
        };
        for (one, labels) in reached {
            let receiver = one.receiver().to_owned();
            if !routing.receivers.contains(&receiver) {
                routing.receivers.push(receiver.clone());
            }
            routing.groups.insert((one.line, group(&one.options.group_by, labels).into_iter().collect()));
            routing.group_by.push((receiver, one.options.group_by.clone()));
            if !routing.labels.contains(labels) {
                routing.labels.push((*labels).clone());
            }
        }
        routing
    }

    /// With what the configuration says of the receivers.
    #[must_use]
    pub(crate) fn by(mut self, configuration: Option<&Configuration>) -> Self {
        let quiet = |name: &&String| {
            let known = configuration.and_then(|configuration| configuration.receiver(name));
            known.is_some_and(|known| !known.integrations.is_empty() && !known.tells_of_the_end)
        };
        self.not_told_of_the_end = self.receivers.iter().filter(quiet).cloned().collect();
        self
    }

    /// Why no resolved notification is expected, where none is: of the receiver that was notified, or of all.
    #[must_use]
    pub(crate) fn no_end_expected(&self, arrived: Option<&Arrived>) -> Option<String> {
        let all: Vec<&String> = match arrived {
            Some(arrived) if !arrived.receiver.is_empty() => vec![&arrived.receiver],
            _ => self.receivers.iter().collect(),
        };
        let quiet = !all.is_empty() && all.iter().all(|name| self.not_told_of_the_end.contains(*name));
        let names: Vec<&str> = all.iter().map(|name| name.as_str()).collect();
        quiet.then(|| {
            format!("no resolved notification is expected: {} has send_resolved: false", names.join(", "))
        })
    }

    /// Why a notification does not come from where the routes would send it: receiver, and labels of the group.
    #[must_use]
    pub(crate) fn objection(&self, arrived: &Arrived) -> Option<String> {
        let mut of_receiver =
            self.group_by.iter().filter(|(receiver, _)| *receiver == arrived.receiver).peekable();
        if self.group_by.is_empty() {
            return None;
        }
        if of_receiver.peek().is_none() {
            let expected = self.receivers.join(", ");
            return Some(format!("it came for the receiver {}, not for {expected}", arrived.receiver));
        }
        let groups: Vec<Labels> = of_receiver.map(|(_, by)| group(by, &arrived.alert.labels)).collect();
        if groups.contains(&arrived.group) {
            return None;
        }
        let expected = groups.first().map(display).unwrap_or_default();
        Some(format!("its group is {}, and its route groups by {expected}", display(&arrived.group)))
    }
}

/// The labels of the group that an alert is put into.
#[must_use]
pub(crate) fn group(by: &GroupBy, labels: &Labels) -> Labels {
    match by {
        GroupBy::All => labels.clone(),
        GroupBy::Labels(names) => labels
            .iter()
            .filter(|(name, _)| names.contains(*name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "global: {smtp_auth_password: hunter2, slack_api_url: 'http://hunter2'}
templates: [a.tmpl]
route:
  receiver: default
  group_by: [severity]
  routes:
  - {matchers: ['severity=\"critical\"'], receiver: pager, group_wait: 0s}
receivers:
- name: default
- name: pager
  pagerduty_configs: [{routing_key: hunter2}]
  slack_configs: [{channel: a}]
inhibit_rules:
- {source_matchers: ['alertname=\"Down\"'], target_matchers: ['alertname=\"Slow\"']}
";

    fn labels(name: &str, severity: &str) -> Labels {
        [("alertname", name), ("severity", severity)].map(|(n, v)| (n.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn routes_stay_and_nothing_but_our_webhook_is_told() {
        let routes = Routes::read("am.yml".into(), WHOLE).unwrap();
        let text = routes.embedded("127.0.0.1:9".parse().unwrap());
        assert!(
            !text.contains("hunter2") && !text.contains("pagerduty") && !text.contains("templates"),
            "{text}"
        );
        let read = Configuration::read(&text).unwrap();
        assert_eq!((read.root, read.inhibit_rules), {
            let mut root = routes.configuration.root.clone();
            // Another text has other lines.
            root.line = 1;
            root.routes[0].line = 1;
            let mut rules = routes.configuration.inhibit_rules.clone();
            rules[0].line = 1;
            (root, rules)
        });
        assert_eq!(read.receivers.iter().map(|one| one.integrations.len()).collect::<Vec<_>>(), [0, 1]);
        let error = Routes::read("am.yml".into(), "route: {receiver: hunter2}").unwrap_err();
        assert!(error.contains("am.yml") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn where_an_alert_goes_is_known_before() {
        let routes = Routes::read("am.yml".into(), WHOLE).unwrap();
        let of = |severity| routes.routing(vec![labels("A", severity)], Timestamp::UNIX_EPOCH);
        let (critical, grouping) = of("critical");
        assert_eq!((critical.receivers, critical.silent), (vec!["pager".to_owned()], None));
        assert_eq!(grouping.wait, std::time::Duration::ZERO);
        assert!(of("warning").0.silent.unwrap().contains("a dead route"));
    }
}
