//! A request to a service, and what its answer must be: what its configuration comes to.

use std::{collections::BTreeMap, time::Duration};

use evidence_report::run::Usage;
use serde::Serialize;

use super::{
    headers, optional_seconds,
    request::{Expected, Request},
};
use crate::{
    config::{HttpConfig, PhaseLimits, Template, Url},
    error::Error,
};

/// A request to a service, and what its answer must be.
#[derive(Debug, Serialize)]
pub(crate) struct HttpProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) request: Request,
    pub(crate) expected: Expected,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) latency: Option<Duration>,
    pub(crate) phases: PhaseLimits,
    /// How many nodes the name must have at least, where each of them is asked.
    pub(crate) every_node: Option<usize>,
}

pub(super) fn http_probe(config: HttpConfig, timeout: Duration) -> Result<HttpProbe, Error> {
    let every_node = config.every_node.then(|| config.nodes.unwrap_or(1));
    if config.nodes.is_some() && every_node.is_none() {
        let message = format!("the probe {} names nodes without every_node: true", config.name);
        return Err(Usage(message).into());
    }
    let headers = headers(
        &config.headers,
        &config.header_files,
        config.bearer_token_file.as_ref(),
        config.basic_auth.as_ref(),
    )?;
    let request = Request {
        method: config.method,
        url: Template::plain(config.url.0.as_str()),
        headers,
        filled_headers: BTreeMap::new(),
        body: config.body.as_deref().map(Template::plain),
        follow_redirects: config.follow_redirects,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
    };
    let expected = Expected {
        status: config.status,
        body_contains: config.body_contains.as_deref().map(Template::plain),
        body_matches: config.body_matches,
        json: config.json,
        headers: config.response_headers,
    };
    expected.no_contradiction(&config.name)?;
    Ok(HttpProbe {
        name: config.name,
        url: config.url,
        request,
        expected,
        latency: config.latency.map(|latency| latency.0),
        phases: config.phases,
        every_node,
    })
}
