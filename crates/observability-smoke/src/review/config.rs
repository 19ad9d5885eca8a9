//! The policy for rules in the configuration file, as it stands on disk.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Duration, Pattern, Url};

/// What is asked of alert rules, and where they are joined with what runs.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RulesPolicy {
    /// Labels that every alert must have; severity if not given.
    pub(crate) labels: Option<Vec<String>>,
    /// Annotations that every alert must have; summary if not given.
    pub(crate) annotations: Option<Vec<String>>,
    /// The severities of the incident model; any is right if neither this nor severity_page is given.
    pub(crate) severities: Vec<String>,
    /// Markdown page of the incident severity model: every `severity: NAME` in code on it is one of the model's.
    pub(crate) severity_page: Option<PathBuf>,
    /// Folder from which a runbook_url without scheme is looked up; the working folder if not given.
    pub(crate) runbook_root: Option<PathBuf>,
    /// Headings that every runbook must have, each as a regular expression.
    pub(crate) runbook_sections: Vec<Pattern>,
    /// The families of faults, each of which must have an alert.
    pub(crate) families: Vec<Family>,
    /// How burn-rate alerts are computed.
    pub(crate) slo: SloPolicy,
    /// promtool unit-test files of the rules.
    pub(crate) unit_tests: Vec<PathBuf>,
    /// Alertmanager's configuration file, for `routes` and for what no alert reaches.
    pub(crate) alertmanager_config: Option<PathBuf>,
    /// Label sets, and the receivers that they must reach.
    pub(crate) routes: Vec<ExpectedRoute>,
    /// Prometheus, for the join.
    pub(crate) prometheus: Option<Url>,
    /// Alertmanager, for the join.
    pub(crate) alertmanager: Option<Url>,
    /// File with a token for Prometheus, sent as `Authorization: Bearer …`.
    pub(crate) prometheus_token_file: Option<PathBuf>,
    /// File with a token for Alertmanager, sent as `Authorization: Bearer …`.
    pub(crate) alertmanager_token_file: Option<PathBuf>,
}

/// A family of faults, and which alerts belong to it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// What the evidence calls it, for example `queue lag`.
    pub(crate) family: String,
    /// Regular expression for the whole name of the alert; any name if not given.
    pub(crate) alert: Option<Pattern>,
    /// Labels that the rule must set, with these values.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// How burn-rate alerts are computed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SloPolicy {
    /// The period of the objective; 30d and 28d are both right if not given.
    pub(crate) period: Option<Duration>,
    /// Shares of the budget (0.02 is 2 %) that an alert may tell of; the usual ones if not given: 2, 5 and 10 %, and
    /// for 28d also a 48th, 16th, 14th and 7th.
    pub(crate) shares: Vec<f64>,
}

/// A label set, and the receivers that it must reach.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedRoute {
    /// The labels of an alert.
    pub(crate) labels: BTreeMap<String, String>,
    /// The receivers, in the order of the routes.
    pub(crate) receivers: Vec<String>,
}
