//! A Prometheus server, and what must be true of it: what its configuration comes to, with the manifests read.

use std::{path::PathBuf, time::Duration};

use evidence_report::run::Usage;
use serde::Serialize;

use super::{Headers, headers, optional_seconds, seconds};
use crate::{
    config::{JobConfig, PrometheusConfig, QueryConfig, RulesConfig, Url, Version},
    error::Error,
    rules::manifest::{self, Group},
};

/// A Prometheus server, and what must be true of it.
#[derive(Debug, Serialize)]
pub(crate) struct PrometheusProbe {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
    pub(crate) jobs: Vec<JobConfig>,
    pub(crate) rules: RulesConfig,
    #[serde(skip)]
    pub(crate) manifest: Option<Vec<Group>>,
    pub(crate) queries: Vec<QueryConfig>,
    pub(crate) min_version: Option<Version>,
    pub(crate) alertmanagers: Option<u64>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) watch: Option<Duration>,
}

pub(super) fn prometheus_probe(
    config: PrometheusConfig,
    timeout: Duration,
) -> Result<PrometheusProbe, Error> {
    let manifest = match config.rules.manifests.as_slice() {
        [] => None,
        paths => Some(read_manifests(paths)?),
    };
    Ok(PrometheusProbe {
        headers: headers(
            &config.headers,
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        manifest,
        name: config.name,
        url: config.url,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
        jobs: config.jobs,
        rules: config.rules,
        queries: config.queries,
        min_version: config.min_version,
        alertmanagers: config.alertmanagers,
        watch: config.watch.map(|watch| watch.0),
    })
}

/// The groups of rule files. A path is taken as it is, relative to where one stands.
fn read_manifests(paths: &[PathBuf]) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::new();
    for path in paths {
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let read = manifest::read(&text);
        groups.extend(read.map_err(|error| Usage(format!("{}: {error}", path.display())))?);
    }
    Ok(groups)
}
