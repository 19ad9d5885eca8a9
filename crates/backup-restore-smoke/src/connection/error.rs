//! Connection settings that cannot be followed. No message carries a password.

use std::path::PathBuf;

/// What is wrong with the connection settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The string is no connection string.
    #[error("{0}")]
    Syntax(String),
    /// A keyword that libpq does not know either.
    #[error("there is no connection keyword '{0}'")]
    UnknownKeyword(String),
    /// Something that we cannot honour, and so do not pretend to.
    #[error("{keyword}={value} cannot be honoured here: {advice}")]
    Refused {
        /// The keyword.
        keyword: &'static str,
        /// Its value.
        value: String,
        /// What to do instead.
        advice: &'static str,
    },
    /// A value that its keyword does not take.
    #[error("{keyword}={value}: {expected}")]
    Value {
        /// The keyword.
        keyword: &'static str,
        /// Its value.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// A file cannot be read.
    #[error("{what} {path}: {reason}", path = path.display())]
    File {
        /// What it is.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// No file defines the service.
    #[error("the service '{name}' is defined in none of {}", list(searched))]
    NoService {
        /// The service.
        name: String,
        /// Where it was looked for.
        searched: Vec<PathBuf>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "the service files (there are none: see PGSERVICEFILE)".to_owned();
    }
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
