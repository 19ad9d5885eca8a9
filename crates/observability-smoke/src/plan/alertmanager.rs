//! An Alertmanager, and what must be true of it: what its configuration comes to.

use std::time::Duration;

use serde::Serialize;

use super::{Headers, headers, seconds};
use crate::{
    config::{AlertmanagerConfig, Matchers, SilencesConfig, Url, Version},
    error::Error,
};

/// An Alertmanager, and what must be true of it.
#[derive(Debug, Serialize)]
pub(crate) struct AlertmanagerProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
    pub(crate) min_version: Option<Version>,
    pub(crate) members: Option<u64>,
    pub(crate) receivers: Vec<String>,
    pub(crate) silences: SilencesConfig,
    pub(crate) never_muted: Vec<Matchers>,
}

pub(super) fn alertmanager_probe(
    config: AlertmanagerConfig,
    timeout: Duration,
) -> Result<AlertmanagerProbe, Error> {
    Ok(AlertmanagerProbe {
        headers: headers(
            &config.headers,
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        name: config.name,
        url: config.url,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
        min_version: config.min_version,
        members: config.members,
        receivers: config.receivers,
        silences: config.silences,
        never_muted: config.never_muted,
    })
}
