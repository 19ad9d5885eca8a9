//! A request to a service, and what its answer must be.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{BasicAuth, Duration, HeaderName, JsonAssertion, Method, Pattern, PhaseLimits, Statuses, Url};

/// How to reach a server. Secrets stand in files only.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Where to ask: http or https, without user name and password.
    pub(crate) url: Url,
    /// The method; GET if not given.
    #[serde(default)]
    pub(crate) method: Method,
    /// Headers that are no secret.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, String>,
    /// Headers whose value is the content of a file, for example `Authorization: /run/secrets/basic`.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// The body to send.
    pub(crate) body: Option<String>,
    /// The status that is expected, one or many; any from 200 to 299 if not given.
    #[serde(default)]
    pub(crate) status: Statuses,
    /// Text that the body must contain.
    pub(crate) body_contains: Option<String>,
    /// Regular expression that must match somewhere in the body.
    pub(crate) body_matches: Option<Pattern>,
    /// What must stand in a JSON body.
    #[serde(default)]
    pub(crate) json: Vec<JsonAssertion>,
    /// Headers of the answer: a regular expression that must match the value.
    #[serde(default)]
    pub(crate) response_headers: BTreeMap<HeaderName, Pattern>,
    /// How long the answer may take at most, to its end.
    pub(crate) latency: Option<Duration>,
    /// How long single phases may take at most.
    #[serde(default)]
    pub(crate) phases: PhaseLimits,
    /// Whether redirects are followed, at most five; if not, a redirect is the answer.
    #[serde(default)]
    pub(crate) follow_redirects: bool,
    /// Whether every address behind the name is asked, and not the first that answers.
    #[serde(default)]
    pub(crate) every_node: bool,
    /// With `every_node`: so many addresses the name must have at least; 1 if not given.
    pub(crate) nodes: Option<usize>,
    /// How long the request may take before it is given up.
    pub(crate) timeout: Option<Duration>,
}
