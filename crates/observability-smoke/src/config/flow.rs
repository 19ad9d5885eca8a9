//! Several requests in a row, with values that one hands to the next, and where the last of them must be found.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BasicAuth, Duration, HeaderName, JsonAssertion, JsonPath, Method, Pattern, Statuses, Template};

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
    pub(crate) method: Method,
    /// Headers that are no secret; their values may hold `${name}`.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, Template>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// The body to send; it may hold `${name}`. A value inside a body that starts with { or [ is escaped as JSON.
    pub(crate) body: Option<Template>,
    /// The status that is expected, one or many; any from 200 to 299 if not given.
    #[serde(default)]
    pub(crate) status: Statuses,
    /// Text that the body must contain; it may hold `${name}`.
    pub(crate) body_contains: Option<Template>,
    /// Regular expression that must match somewhere in the body.
    pub(crate) body_matches: Option<Pattern>,
    /// What must stand in a JSON body.
    #[serde(default)]
    pub(crate) json: Vec<JsonAssertion>,
    /// Headers of the answer: a regular expression that must match the value.
    #[serde(default)]
    pub(crate) response_headers: BTreeMap<HeaderName, Pattern>,
    /// Values of the answer for the requests that follow, by name.
    #[serde(default)]
    pub(crate) capture: BTreeMap<String, CaptureConfig>,
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
    pub(crate) method: Method,
    /// Headers that are no secret; their values may hold `${name}`.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, Template>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
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
