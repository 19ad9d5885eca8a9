//! What keeps the tool from doing its job. Grouped by who can mend it; what is wrong out there is a finding.

use std::path::PathBuf;

use evidence_report::{
    run::{ConfigError, PublishError, RunError, SettingsError, Usage, why_unread},
    self_test,
};

/// The tool could not do its job; the exit code is 3.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line asks for something that cannot be done.
    #[error(transparent)]
    Usage(#[from] Usage),
    /// The configuration file cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The settings contradict each other.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The run could not start.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What was seen could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The self-test could not be made.
    #[error(transparent)]
    SelfTest(#[from] self_test::Error),
    /// HTTP cannot be prepared: trusted certificates, files with headers.
    #[error(transparent)]
    Http(#[from] crate::http::HttpError),
    /// A file that was named cannot be read.
    #[error("reading {path}: {why}", path = path.display(), why = why_unread(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something that the configuration names cannot be done.
    #[error("{source} ({path}, line {line}, column {column})", path = path.display())]
    Configured {
        /// The configuration.
        path: PathBuf,
        /// Where what is named begins, counting from 1.
        line: u64,
        /// Where in that line, counting from 1.
        column: u64,
        /// Why.
        source: Box<Self>,
    },
    /// The drill could not be prepared.
    #[error(transparent)]
    Drill(#[from] crate::drill_command::DrillError),
}
