//! The routing tree: from an alert's labels to the receivers that they reach, with what is inherited on the way.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{
    Labels,
    configuration::Intervals,
    matcher::{self, Matcher},
    time_interval,
};

/// By which labels alerts are put into one notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// `...`: by all of them, so each alert is notified alone.
    All,
    /// By these; by none, all alerts of the route come in one notification.
    Labels(BTreeSet<String>),
}

/// How a route notifies; inherited where it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// The receiver.
    pub(crate) receiver: String,
    /// Grouping.
    pub(crate) group_by: GroupBy,
    /// How long the first notification of a group waits for more alerts.
    pub(crate) group_wait: Duration,
    /// How long until a group tells of new alerts.
    pub(crate) group_interval: Duration,
    /// How long until an alert that goes on is told again.
    pub(crate) repeat_interval: Duration,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    /// All must hold; the root has none.
    pub(crate) matchers: Vec<Matcher>,
    /// How it notifies.
    pub(crate) options: Options,
    /// Whether its siblings are asked although it takes the alert.
    pub(crate) goes_on: bool,
    /// Named intervals in which it is silent. Not inherited.
    pub(crate) mute: Vec<String>,
    /// Named intervals outside of which it is silent. Not inherited.
    pub(crate) active: Vec<String>,
    /// Its children, in order.
    pub(crate) routes: Vec<Self>,
    /// Where it begins in the file, counting from 1.
    pub(crate) line: u32,
}

/// Whether a route is silent at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Muted {
    /// It notifies.
    No,
    /// A mute interval holds the instant.
    During(String),
    /// No active interval holds it.
    Outside(Vec<String>),
    /// It hangs on a time zone that is not known here.
    Unknown(String),
}

/// A receiver that an alert reaches, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reached {
    /// How the route notifies, the receiver among it.
    pub(crate) options: Options,
    /// Whether the route is silent at that instant.
    pub(crate) muted: Muted,
    /// The matchers from below the root to the route: `{severity="critical"} / {team="db"}`.
    pub(crate) path: String,
    /// Where the route begins in the file.
    pub(crate) line: u32,
}

impl Reached {
    /// The receiver.
    #[must_use]
    pub(crate) fn receiver(&self) -> &str {
        &self.options.receiver
    }
}

impl Route {
    /// Every route that the labels reach, in order, with the way to it.
    pub(super) fn reached<'a>(&'a self, labels: &Labels) -> Vec<Vec<&'a Self>> {
        if !matcher::all_hold(&self.matchers, labels) {
            return Vec::new();
        }
        let mut all = Vec::new();
        for child in &self.routes {
            let below = child.reached(labels);
            let taken = !below.is_empty();
            all.extend(below.into_iter().map(|mut way| {
                way.insert(0, self);
                way
            }));
            if taken && !child.goes_on {
                break;
            }
        }
        if all.is_empty() {
            all.push(vec![self]);
        }
        all
    }

    /// Whether the route is silent at an instant.
    #[must_use]
    pub(crate) fn muted(&self, intervals: &Intervals, at: Timestamp) -> Muted {
        let mut unknown = None;
        for name in &self.mute {
            match intervals.get(name).and_then(|interval| time_interval::any_holds(interval, at)) {
                Some(true) => return Muted::During(name.clone()),
                Some(false) => {}
                None => unknown = Some(name.clone()),
            }
        }
        let active: Vec<_> = (self.active.iter())
            .map(|name| intervals.get(name).and_then(|interval| time_interval::any_holds(interval, at)))
            .collect();
        if !active.is_empty() && !active.contains(&Some(true)) {
            match active.iter().position(Option::is_none) {
                None => return Muted::Outside(self.active.clone()),
                Some(index) => unknown = unknown.or_else(|| self.active.get(index).cloned()),
            }
        }
        unknown.map_or(Muted::No, Muted::Unknown)
    }
}

/// A way through the tree in words; the root is `default route`.
pub(super) fn in_words(way: &[&Route]) -> String {
    let steps: Vec<_> = way.iter().skip(1).map(|route| matcher::in_braces(&route.matchers)).collect();
    if steps.is_empty() { "default route".to_owned() } else { steps.join(" / ") }
}
