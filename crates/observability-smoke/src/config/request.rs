//! What can be said about a request and its answer, wherever one is made: assertions on JSON, basic authentication,
//! objectives of single phases.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, JsonPath, Pattern};

/// A user name, and the file with its password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BasicAuth {
    /// The user name.
    pub(crate) username: String,
    /// File with the password.
    pub(crate) password_file: PathBuf,
}

/// How long single phases may take at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PhaseLimits {
    /// Resolving the name.
    pub(crate) resolve: Option<Duration>,
    /// Opening the connection.
    pub(crate) connect: Option<Duration>,
    /// Negotiating TLS.
    pub(crate) tls: Option<Duration>,
    /// From the request to the first byte of the answer.
    pub(crate) first_byte: Option<Duration>,
}

/// What must stand at a path of a JSON body. Every value that the path leads to must fit, and at least one must
/// be there.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonAssertion {
    /// The path: `$.status`, `$.items[0].id`, `$.items[*].name`, `$..error`.
    pub(crate) path: JsonPath,
    /// The value: text, a number, true, false, null, or a whole object.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) equals: Option<serde_json::Value>,
    /// Regular expression that must match somewhere in a text, or in a number as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) matches: Option<Pattern>,
    /// The number may not be less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    /// The number may not be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<f64>,
    /// Whether the path must lead nowhere.
    #[serde(default)]
    pub(crate) absent: bool,
    /// So many values must be there at least; 1 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at_least: Option<usize>,
    /// So many values may be there at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at_most: Option<usize>,
}

/// `equals: null` asks for null; a missing `equals` for nothing.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}
