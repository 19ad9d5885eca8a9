//! The drill's part of the configuration file, as it stands on disk.

use schemars::JsonSchema;
use serde::Deserialize;

use super::series::Written;

/// The drill's part of the configuration file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DrillConfig {
    /// The series of the alerts that are drilled.
    pub(crate) alerts: Vec<DrilledAlert>,
}

/// An alert, and the series that its fault is made of.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrilledAlert {
    /// The alert's name.
    pub(crate) alert: String,
    /// The series that the fixture exposes for it.
    pub(crate) series: Vec<DrilledSeries>,
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
