//! The configuration file, as it stands on disk. What it means is decided in the plan.

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration file of `observability-smoke`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How to run.
    pub run: SharedConfig,
}
