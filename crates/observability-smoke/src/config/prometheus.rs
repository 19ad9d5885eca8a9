//! A Prometheus server, and what must be true of it.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BasicAuth, Duration, HeaderName, Url, Version};

/// A Prometheus server, and what must be true of it. It is always asked whether it is ready.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrometheusConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Its address, with the path of its external URL if it has one.
    pub(crate) url: Url,
    /// Headers that are no secret.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, String>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// How long one request may take before it is given up.
    pub(crate) timeout: Option<Duration>,
    /// The scrape jobs whose targets must be up; if none is named, every active target must be.
    #[serde(default)]
    pub(crate) jobs: Vec<JobConfig>,
    /// The rules that must be loaded. Every loaded rule must be healthy.
    #[serde(default)]
    pub(crate) rules: RulesConfig,
    /// Expressions to ask for.
    #[serde(default)]
    pub(crate) queries: Vec<QueryConfig>,
    /// The oldest version that will do, for example `2.42`.
    pub(crate) min_version: Option<Version>,
    /// So many Alertmanagers it must have discovered at least.
    pub(crate) alertmanagers: Option<u64>,
    /// Watch its own counters for this time: no notification may fail or be dropped in it, no rule evaluation fail.
    pub(crate) watch: Option<Duration>,
}

/// A scrape job.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobConfig {
    /// Its name: the label `job` of its targets.
    pub(crate) job: String,
    /// So many targets must be up at least; all of them must be if it is not given, and one at least.
    pub(crate) at_least: Option<u64>,
}

/// What must be true of the rules.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RulesConfig {
    /// Names of alerts and recording rules that must be loaded.
    pub(crate) loaded: Vec<String>,
    /// Whether a server without any rule is as it should be.
    pub(crate) none_is_right: bool,
    /// Rule files or PrometheusRule manifests: what is loaded must be what stands in them, no more and no less.
    pub(crate) manifests: Vec<PathBuf>,
    /// Groups that are loaded and stand in none of the manifests, and may.
    pub(crate) other_groups: Vec<String>,
}

/// An expression, and what its answer must be.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryConfig {
    /// What the evidence calls it; the expression if not given.
    pub(crate) name: Option<String>,
    /// The expression, in PromQL.
    pub(crate) expr: String,
    /// Whether the expression must hold for something (its answer has series) or for nothing.
    pub(crate) expect: Expectation,
    /// No value of the answer may be less.
    pub(crate) min: Option<f64>,
    /// No value of the answer may be more.
    pub(crate) max: Option<f64>,
}

/// What the answer to an expression must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expectation {
    /// The answer has at least one series.
    Holds,
    /// The answer is empty because the condition is false, while every series that is asked for exists.
    DoesNotHold,
}
