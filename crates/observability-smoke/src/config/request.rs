//! What can be said about a request and its answer, wherever one is made: assertions on JSON, captured values,
//! basic authentication, objectives of single phases.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, HeaderName, JsonPath, Pattern, Template};

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

/// Where the value of a capture stands in an answer. One of the three.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaptureConfig {
    /// At this path of a JSON body; the first value that it leads to, a text, a number or a boolean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<JsonPath>,
    /// In this header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<HeaderName>,
    /// In the body, where this regular expression matches: its first group, or all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) matches: Option<Pattern>,
}

/// One request of a flow.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Where to ask; `${name}` is a captured value, `${correlation_id}` and `${traceparent}` are fresh in each run.
    pub(crate) url: Template,
    /// The method; GET if not given.
    #[serde(default)]
    pub(crate) method: super::Method,
    /// Headers that are no secret; their values may hold `${name}`.
    #[serde(default)]
    pub(crate) headers: std::collections::BTreeMap<HeaderName, Template>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: std::collections::BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// The body to send; it may hold `${name}`. A value inside a body that starts with { or [ is escaped as JSON.
    pub(crate) body: Option<Template>,
    /// The status that is expected, one or many; any from 200 to 299 if not given.
    #[serde(default)]
    pub(crate) status: super::Statuses,
    /// Text that the body must contain; it may hold `${name}`.
    pub(crate) body_contains: Option<Template>,
    /// Regular expression that must match somewhere in the body.
    pub(crate) body_matches: Option<Pattern>,
    /// What must stand in a JSON body.
    #[serde(default)]
    pub(crate) json: Vec<JsonAssertion>,
    /// Headers of the answer: a regular expression that must match the value.
    #[serde(default)]
    pub(crate) response_headers: std::collections::BTreeMap<HeaderName, Pattern>,
    /// Values of the answer for the requests that follow, by name.
    #[serde(default)]
    pub(crate) capture: std::collections::BTreeMap<String, CaptureConfig>,
    /// How long the answer may take at most, to its end.
    pub(crate) latency: Option<Duration>,
    /// Whether redirects are followed, at most five; if not, a redirect is the answer.
    #[serde(default)]
    pub(crate) follow_redirects: bool,
    /// How long the request may take before it is given up.
    pub(crate) timeout: Option<Duration>,
}

/// A backend of logs or traces in which the flow's correlation id must be found.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Where to ask, with `${correlation_id}` where the backend wants it.
    pub(crate) url: Template,
    /// The method; GET if not given.
    #[serde(default)]
    pub(crate) method: super::Method,
    /// Headers that are no secret; their values may hold `${name}`.
    #[serde(default)]
    pub(crate) headers: std::collections::BTreeMap<HeaderName, Template>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: std::collections::BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// The query to send; it may hold `${name}`.
    pub(crate) body: Option<Template>,
    /// Where the entries stand in the answer, for example `$.data.result[*].values[*][1]`.
    pub(crate) json: JsonPath,
    /// What an entry must contain to count; `${correlation_id}` if not given.
    pub(crate) contains: Option<Template>,
    /// So many entries at least; 1 if not given.
    pub(crate) at_least: Option<usize>,
    /// For how long to ask again; 30 s if not given.
    pub(crate) within: Option<Duration>,
    /// How long to wait between two questions; 1 s if not given.
    pub(crate) every: Option<Duration>,
    /// How long one question may take before it is given up.
    pub(crate) timeout: Option<Duration>,
}

/// Several requests, one after the other: each may use what an earlier one brought. The first that is not
/// answered as expected ends the flow.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlowConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// The requests.
    pub(crate) steps: Vec<StepConfig>,
    /// Where the correlation id must be found again afterwards.
    #[serde(default)]
    pub(crate) found_in: Vec<FindConfig>,
    /// How long all requests together may take at most, without the search in `found_in`.
    pub(crate) latency: Option<Duration>,
}
