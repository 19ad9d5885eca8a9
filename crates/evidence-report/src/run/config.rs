//! Configuration files: YAML, unknown keys refused with line and column.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

use super::{flags::FailOn, named_file::why_unread, redact, waiver::WaiverConfig, yaml_words};
use crate::record::Environment;

/// The part of every tool's configuration file that says how to run, under the key `run`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SharedConfig {
    /// Where the run takes place.
    pub environment: Option<Environment>,
    /// Who answers for the result.
    pub owner: Option<String>,
    /// Evidence file to write, relative to the working folder; `none` writes none.
    pub evidence: Option<PathBuf>,
    /// What makes the exit code other than 0.
    pub fail_on: Option<FailOn>,
    /// Deadline for the whole run, for example `10m`.
    pub timeout: Option<String>,
    /// How long the evidence may be relied upon, for example `7d`.
    pub valid_for: Option<String>,
    /// What somebody has decided to live with for a while.
    pub waivers: Vec<WaiverConfig>,
}

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("reading the configuration {path}: {why}", path = path.display(), why = why_unread(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says something that is not understood. The message holds line and column.
    #[error("the configuration {path} is wrong: {message}. `--print-schema` prints what may stand in it", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What, where.
        message: String,
    },
}

/// Reads a YAML file into a type that denies unknown fields.
///
/// # Errors
/// When the file cannot be read, or says something that `T` does not know; with line and column.
pub fn read_config<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    serde_saphyr::from_str(&text).map_err(|error| ConfigError::Wrong {
        path: path.to_owned(),
        message: redact::text(&yaml_words::plain(&error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        #[expect(dead_code, reason = "only read")]
        url: String,
    }

    #[test]
    fn a_wrong_key_is_told_with_its_place_and_without_the_secrets_around_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool.yaml");
        std::fs::write(&path, "url: https://app:hunter2@example.org/\npasswort: hunter2\n").unwrap();
        let error = read_config::<Config>(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("passwort"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
