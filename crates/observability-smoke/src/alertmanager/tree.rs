//! From the routes as they are written to the routing tree: what is inherited, what a route may name, and what
//! Alertmanager refuses.

use std::{collections::BTreeSet, time::Duration};

use serde_saphyr::Spanned;

use super::{
    configuration::{ConfigurationError, Intervals, Place, Receiver, matchers, wrong},
    raw::RawRoute,
    route::{GroupBy, Options, Route},
};
use crate::rules::duration;

/// What routes may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) receivers: &'a [Receiver],
    pub(super) intervals: &'a Intervals,
}

impl Known<'_> {
    pub(super) fn root(&self, raw: Spanned<RawRoute>) -> Result<Route, ConfigurationError> {
        let at = Place::of(&raw);
        let refuse = |what: &str| Err(wrong(at, format!("the root route must not have {what}")));
        let route = &raw.value;
        if route.receiver.is_none() {
            return Err(wrong(at, "the root route names no receiver".to_owned()));
        }
        if !(route.equal.is_empty() && route.pattern.is_empty() && route.matchers.is_empty()) {
            return refuse("matchers: every alert that no other route takes comes to it");
        }
        if !(route.mute_time_intervals.is_empty() && route.active_time_intervals.is_empty()) {
            return refuse("time intervals");
        }
        let defaults = Options {
            receiver: String::new(),
            group_by: GroupBy::Labels(BTreeSet::new()),
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(5 * 60),
            repeat_interval: Duration::from_secs(4 * 3600),
        };
        self.route(raw, &defaults)
    }

    fn route(&self, raw: Spanned<RawRoute>, parent: &Options) -> Result<Route, ConfigurationError> {
        let at = Place::of(&raw);
        let raw = raw.value;
        let options = self.options(at, &raw, parent)?;
        let names = |list: Vec<Spanned<String>>| {
            let one = |name: Spanned<String>| {
                let at = Place::of(&name);
                let known = self.intervals.contains_key(&name.value);
                known.then_some(()).ok_or_else(|| {
                    wrong(
                        at,
                        format!("the route names the time interval '{}', which is not defined", name.value),
                    )
                })?;
                Ok(name.value)
            };
            list.into_iter().map(one).collect::<Result<Vec<_>, _>>()
        };
        Ok(Route {
            matchers: matchers(at, &raw.equal, &raw.pattern, &raw.matchers)?,
            goes_on: raw.goes_on,
            mute: names(raw.mute_time_intervals)?,
            active: names(raw.active_time_intervals)?,
            routes: (raw.routes.into_iter())
                .map(|child| self.route(child, &options))
                .collect::<Result<_, _>>()?,
            options,
            line: at.line,
        })
    }

    fn options(&self, at: Place, raw: &RawRoute, parent: &Options) -> Result<Options, ConfigurationError> {
        let mut options = parent.clone();
        if let Some(name) = raw.receiver.as_ref().filter(|name| !name.value.is_empty()) {
            if !self.receivers.iter().any(|receiver| receiver.name == name.value) {
                let message = format!("the route names the receiver '{}', which is not defined", name.value);
                return Err(wrong(Place::of(name), message));
            }
            options.receiver.clone_from(&name.value);
        }
        if let Some(labels) = &raw.group_by {
            options.group_by = group_by(at, labels)?;
        }
        let time = |key: &str, text: &Option<Spanned<String>>, inherited: Duration| {
            let Some(text) = text else { return Ok(inherited) };
            match duration::parse(&text.value) {
                Ok(Duration::ZERO) if key != "group_wait" => {
                    Err(wrong(Place::of(text), format!("`{key}` must be more than zero")))
                }
                Ok(time) => Ok(time),
                Err(why) => Err(wrong(Place::of(text), format!("`{key}`: {why}"))),
            }
        };
        options.group_wait = time("group_wait", &raw.group_wait, parent.group_wait)?;
        options.group_interval = time("group_interval", &raw.group_interval, parent.group_interval)?;
        options.repeat_interval = time("repeat_interval", &raw.repeat_interval, parent.repeat_interval)?;
        Ok(options)
    }
}

fn group_by(at: Place, labels: &[String]) -> Result<GroupBy, ConfigurationError> {
    let set: BTreeSet<_> = labels.iter().cloned().collect();
    match (set.contains("..."), set.len()) {
        (true, 1) => Ok(GroupBy::All),
        (true, _) => Err(wrong(at, "`group_by` has `...` and other labels at once".to_owned())),
        (false, count) if count < labels.len() => Err(wrong(at, "`group_by` names a label twice".to_owned())),
        (false, _) => Ok(GroupBy::Labels(set)),
    }
}
