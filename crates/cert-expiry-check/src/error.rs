//! What keeps the tool from doing its job (exit code 3). What is wrong out there is a finding, never one of
//! these.

use std::{io, path::PathBuf};

use evidence_report::{
    run::{ConfigError, PublishError, RunError, SettingsError, Usage},
    self_test,
};

use crate::{
    stores::{passwords::PasswordsError, roots::RootsError},
    targets::NoTarget,
    wire::IdentityError,
};

/// The tool could not do its job.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that cannot be done.
    #[error(transparent)]
    Usage(#[from] Usage),
    /// The configuration file cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The settings contradict each other.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A word is no target.
    #[error(transparent)]
    Target(#[from] NoTarget),
    /// A part of the configuration cannot be followed.
    #[error("{place}: {error}")]
    Within {
        /// The part.
        place: String,
        /// Why.
        error: Box<Self>,
    },
    /// A line of a target list is none.
    #[error("{list}:{line}:{column}: {error}")]
    ListedTarget {
        /// The list.
        list: String,
        /// The line, counted from 1.
        line: u32,
        /// The character on it, counted from 1.
        column: usize,
        /// Why.
        error: NoTarget,
    },
    /// A target list cannot be read.
    #[error("reading the target list {list}: {source}")]
    List {
        /// The list.
        list: String,
        /// Why.
        source: io::Error,
    },
    /// The roots cannot be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// A file of passwords cannot be used.
    #[error(transparent)]
    Passwords(#[from] PasswordsError),
    /// The client certificate cannot be presented.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Revocation lists cannot be used.
    #[error("reading the revocation lists from {path}: {reason}", path = path.display())]
    RevocationList {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What a scan had seen, and put into a file of its own meanwhile, is lost.
    #[error(
        "reading what was seen from the unnamed file in {folder}: {source}; TMPDIR names another folder for it",
        folder = folder.display()
    )]
    PutAside {
        /// Where the file lies.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The run could not start.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What was seen could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The self-test could not be made.
    #[error(transparent)]
    SelfTest(#[from] self_test::Error),
}

impl Error {
    /// What was put into the folder for temporary files cannot be read again.
    pub(crate) fn put_aside(source: io::Error) -> Self {
        Self::PutAside { folder: std::env::temp_dir(), source }
    }

    /// The same, of this part of the configuration.
    pub(crate) fn within(place: impl Into<String>, error: Self) -> Self {
        Self::Within { place: place.into(), error: Box::new(error) }
    }
}
