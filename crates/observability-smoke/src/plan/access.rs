//! The headers of a request: those that stand in the configuration, and those whose values stand in files and are
//! shown nowhere.

use std::{collections::BTreeMap, path::PathBuf};

use evidence_report::run::Usage;
use reqwest::header::HeaderMap;
use serde::{Serialize, Serializer};

use crate::{
    config::{BasicAuth, HeaderName},
    error::Error,
    http::{basic_from_file, header, header_from_file},
};

/// Headers of a request. Only their names are ever shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(pub(crate) HeaderMap);

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.keys().map(reqwest::header::HeaderName::as_str))
    }
}

/// The value of a header that is always a secret must stand in a file, or come out of an answer.
pub(super) fn no_secret_in_the_configuration(name: &HeaderName, is_captured: bool) -> Result<(), Usage> {
    let is_secret = matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie");
    if is_secret && !is_captured {
        let message = format!(
            "the header {} is a secret: keep its value in a file and name it under header_files",
            name.as_str()
        );
        return Err(Usage(message));
    }
    Ok(())
}

pub(crate) fn headers(
    plain: &BTreeMap<HeaderName, String>,
    files: &BTreeMap<HeaderName, PathBuf>,
    bearer: Option<&PathBuf>,
    basic: Option<&BasicAuth>,
) -> Result<Headers, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in plain {
        no_secret_in_the_configuration(name, false)?;
        let (name, value) = header(name.as_str(), value)
            .map_err(|reason| Usage(format!("the value of the header {}: {reason}", name.as_str())))?;
        headers.insert(name, value);
    }
    for (name, path) in files {
        let (name, value) = header_from_file(name.as_str(), "", path)?;
        headers.insert(name, value);
    }
    if let Some(path) = bearer {
        let (name, value) = header_from_file("authorization", "Bearer ", path)?;
        headers.insert(name, value);
    }
    if let Some(basic) = basic {
        if headers.contains_key(reqwest::header::AUTHORIZATION) {
            let message = "basic_auth and another Authorization stand side by side; only one can be sent";
            return Err(Usage(message.to_owned()).into());
        }
        let (name, value) = basic_from_file(&basic.username, &basic.password_file)?;
        headers.insert(name, value);
    }
    Ok(Headers(headers))
}
