//! What must be true of an Alertmanager.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BasicAuth, HeaderName, Url};

/// An Alertmanager, and what must be true of it. It is always asked whether it is ready.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertmanagerConfig {
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
    pub(crate) timeout: Option<super::Duration>,
    /// The oldest version that will do, for example `0.25`.
    pub(crate) min_version: Option<super::Version>,
    /// So many members the cluster must have, this one among them. Without it a cluster of any size must be ready.
    pub(crate) members: Option<u64>,
    /// Receivers that the configuration must name.
    #[serde(default)]
    pub(crate) receivers: Vec<String>,
    /// Silences that must, or must not, be there.
    #[serde(default)]
    pub(crate) silences: SilencesConfig,
    /// Alerts that nothing may mute: no silence, no inhibition.
    #[serde(default)]
    pub(crate) never_muted: Vec<Matchers>,
}

/// Labels with their values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Matchers(pub(crate) BTreeMap<String, String>);

impl std::fmt::Display for Matchers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        write!(f, "{{{}}}", labels.join(","))
    }
}

/// Silences that must, or must not, be there.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SilencesConfig {
    /// An active silence must mute alerts with these labels.
    pub(crate) must_exist: Vec<Matchers>,
    /// No active or pending silence may mute alerts with these labels: one over any name at all mutes them, too. One
    /// that asks for further labels beside these is a warning.
    pub(crate) must_not_exist: Vec<Matchers>,
    /// No silence may last longer from now on.
    pub(crate) longest: Option<super::Duration>,
}
