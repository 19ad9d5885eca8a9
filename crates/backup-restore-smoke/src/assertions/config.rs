//! What may be asserted in the configuration file, and what that means. Past `resolve` everything is valid.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::run::parse_duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judge::EXPECTED_AT_MOST;
use crate::error::Error;

/// What a query on the restored data must give.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssertionConfig {
    /// What is asserted, as it stands in the evidence.
    pub(crate) name: String,
    /// A file with one query, relative to this file.
    pub(crate) file: Option<PathBuf>,
    /// The query itself.
    pub(crate) sql: Option<String>,
    /// What it must give: `empty`, `true`, `rows: N`, `at_least: N` or `value: "…"`.
    pub(crate) expect: ExpectConfig,
    /// Whether the database counts as recovered without it.
    #[serde(default)]
    pub(crate) kind: Kind,
    /// The role of the application, as it is called at the source; otherwise one that may read everything.
    pub(crate) role: Option<String>,
    /// How long it may run; otherwise 60s.
    pub(crate) timeout: Option<String>,
}

/// Whether a database counts as recovered without it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It fails the rehearsal, and the clock of the recovery time runs until it holds.
    #[default]
    Mandatory,
    /// It warns.
    Advisory,
}

/// What is expected, as it is written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expect takes one of: empty, true, {rows: 5}, {at_least: 1000}, {value: \"EUR\"} (a number too in quotes)"
)]
pub(crate) enum ExpectConfig {
    /// `true`: one row, one column, true.
    Truth(bool),
    /// `empty`: no row.
    Word(Word),
    /// A number of rows.
    Rows(RowsConfig),
    /// At least so many rows.
    AtLeast(AtLeastConfig),
    /// One row, one column, this text.
    Value(ValueConfig),
}

/// A word.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    /// No row.
    Empty,
}

/// `rows: N`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowsConfig {
    /// Exactly so many rows.
    pub(crate) rows: u64,
}

/// `at_least: N`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AtLeastConfig {
    /// At least so many rows.
    pub(crate) at_least: u64,
}

/// `value: "…"`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueConfig {
    /// The text that psql would show.
    pub(crate) value: String,
}

/// What is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expect {
    Empty,
    True,
    Rows(u64),
    AtLeast(u64),
    /// The value stands in the user's file; it is shown as little as a row's.
    Value(#[serde(skip)] String),
}

/// One assertion, complete.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Assertion {
    pub(crate) name: String,
    /// The file, where it came from one.
    pub(crate) file: Option<PathBuf>,
    #[serde(skip)]
    pub(crate) sql: String,
    pub(crate) expect: Expect,
    pub(crate) kind: Kind,
    pub(crate) role: Option<String>,
    #[serde(skip)]
    pub(crate) timeout: Duration,
}

/// How long an assertion may run when nobody says.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads every file and checks every word.
///
/// # Errors
/// When a file cannot be read, or something makes no sense.
pub(crate) fn resolve(configs: &[AssertionConfig], folder: &Path) -> Result<Vec<Assertion>, Error> {
    let mut resolved: Vec<Assertion> = Vec::new();
    for config in configs {
        let wrong = |message: String| Error::Assertion { name: config.name.clone(), message };
        if config.name.trim().is_empty() || resolved.iter().any(|other| other.name == config.name) {
            return Err(wrong("give each a name of its own: it stands in the evidence".to_owned()));
        }
        let file = config.file.as_ref().map(|path| folder.join(path));
        let sql = match (&file, &config.sql) {
            (Some(path), None) => {
                let path = path.clone();
                std::fs::read_to_string(&path).map_err(|source| Error::File { path, source })?
            }
            (None, Some(sql)) => sql.clone(),
            _ => return Err(wrong("it takes exactly one of file and sql".to_owned())),
        };
        let timeout = config.timeout.as_deref().map(parse_duration).transpose().map_err(wrong)?;
        let expect = expect(&config.expect).map_err(wrong)?;
        resolved.push(Assertion {
            name: config.name.clone(),
            file,
            sql,
            expect,
            kind: config.kind,
            role: config.role.clone(),
            timeout: timeout.unwrap_or(TIMEOUT).max(Duration::from_millis(1)),
        });
    }
    Ok(resolved)
}

fn expect(config: &ExpectConfig) -> Result<Expect, String> {
    match config {
        ExpectConfig::Truth(true) => Ok(Expect::True),
        ExpectConfig::Truth(false) => {
            Err("expect: false is not offered; write the query the other way round".to_owned())
        }
        ExpectConfig::Word(Word::Empty) => Ok(Expect::Empty),
        ExpectConfig::Rows(config) => Ok(Expect::Rows(config.rows)),
        ExpectConfig::AtLeast(config) => Ok(Expect::AtLeast(config.at_least)),
        ExpectConfig::Value(config) if config.value.len() > EXPECTED_AT_MOST => {
            Err("expect: a value of more than 1 MB is not offered; compare its digest (md5, sha256)"
                .to_owned())
        }
        ExpectConfig::Value(config) => Ok(Expect::Value(config.value.clone())),
    }
}
