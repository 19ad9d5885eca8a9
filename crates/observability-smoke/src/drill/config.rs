//! The drill's part of the configuration file, as it stands on disk.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{selection::Named, series::Written};
use crate::{
    config::{Duration, HeaderName},
    rules::manifest::Rule,
};

/// The drill's part of the configuration file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DrillConfig {
    /// What is special about single alerts: their series, their real fault, their objective.
    pub(crate) alerts: Vec<DrilledAlert>,
    /// Names of the Alertmanager receivers that drill alerts may reach. A drill against a real Alertmanager is
    /// refused when an alert would reach any other.
    pub(crate) receivers: Vec<String>,
    /// Hosts, as `host` or `host:port`, of real Prometheus and Alertmanager servers that may be drilled;
    /// loopback always may.
    pub(crate) targets: Vec<String>,
    /// How to reach the real Prometheus and Alertmanager.
    pub(crate) access: AccessConfig,
}

impl DrillConfig {
    /// What is said of the alert: by its name with the most labels, or else by its name alone.
    #[must_use]
    pub(crate) fn of(&self, rule: &Rule) -> Option<&DrilledAlert> {
        let named = |own: &DrilledAlert| Named::parse(&own.alert).ok().filter(|named| named.is(rule));
        self.alerts
            .iter()
            .filter(|own| named(own).is_some())
            .max_by_key(|own| named(own).map(|it| it.labels.len()))
    }
}

/// How to reach real servers. Secrets stand in files only.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccessConfig {
    /// Headers whose value is the content of a file.
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
}

/// An alert, and what is special about it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrilledAlert {
    /// The alert's name; where several alerts have it, with labels that the rule sets: `DiskFull{severity="critical"}`.
    pub(crate) alert: String,
    /// The series that the fixture exposes for it.
    #[serde(default)]
    pub(crate) series: Vec<DrilledSeries>,
    /// Time to notify that must be kept, instead of `--objective`.
    pub(crate) objective: Option<Duration>,
    /// Run an accelerated copy of the rule, so many times as fast, instead of `--time-scale`; 1 is the rule as
    /// written.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) time_scale: Option<u32>,
    /// Why it is left out of `--all`. The evidence says so.
    pub(crate) skip: Option<String>,
    /// Commands that cause its real fault and end it. They run only with `--run-hooks`.
    pub(crate) fault: Option<FaultConfig>,
    /// What the embedded Prometheus scrapes for a real fault.
    #[serde(default)]
    pub(crate) scrape: Vec<ScrapeConfig>,
}

/// Commands as lists of words; no shell reads them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultConfig {
    /// Causes the fault.
    pub(crate) start: Vec<String>,
    /// Ends it. It runs always, also when the drill is stopped, and by `sweep` when the drill was killed.
    pub(crate) stop: Vec<String>,
    /// How long each of the two may take; 30 s if not given.
    pub(crate) timeout: Option<Duration>,
}

/// A job that the embedded Prometheus scrapes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScrapeConfig {
    /// The label `job` of its series.
    pub(crate) job: String,
    /// `host:port` of its exporters. A real Prometheus has its own.
    #[serde(default)]
    pub(crate) targets: Vec<String>,
    /// The path; `/metrics` if not given.
    pub(crate) path: Option<String>,
}

/// A series, healthy and faulty.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrilledSeries {
    /// Name and labels, for example `queue_depth{queue="mail"}`.
    pub(crate) series: String,
    /// How it behaves while all is well: a number, a growth as `5/s`, or `absent`.
    pub(crate) healthy: Written,
    /// How it behaves while the fault lasts.
    pub(crate) faulty: Written,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_alerts_of_one_name_each_has_its_own_part() {
        let text = "groups: [{name: a, rules: [{alert: A, expr: up, labels: {severity: warning}}, \
            {alert: A, expr: up, labels: {severity: critical}}, {record: A, expr: up}]}]";
        let rules = crate::rules::manifest::read(text).unwrap().remove(0).rules;
        let config: DrillConfig = serde_saphyr::from_str(
            "alerts: [{alert: 'A{severity=\"critical\"}', skip: late}, {alert: A, skip: all}]",
        )
        .unwrap();
        let of = |rule: &Rule| config.of(rule).and_then(|own| own.skip.clone());
        assert_eq!(of(&rules[0]).as_deref(), Some("all"));
        assert_eq!(of(&rules[1]).as_deref(), Some("late"));
        assert_eq!(of(&rules[2]), None);
    }
}
