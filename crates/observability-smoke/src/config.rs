//! The configuration file, as it stands on disk. What it means is decided in the plan.

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration file of `observability-smoke`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// How to run.
    pub(crate) run: SharedConfig,
    /// The drill.
    pub(crate) drill: crate::drill::config::DrillConfig,
}
