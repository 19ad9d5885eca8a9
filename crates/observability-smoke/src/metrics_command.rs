//! `metrics FILE|URL|-`: one exposition, read strictly.

use std::process::ExitCode;

use clap::Args;
use evidence_report::run::{SharedFlags, Usage};

use crate::error::Error;

/// What was typed after `metrics`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MetricsArguments {
    /// A file, an http(s) URL, or `-` for standard input
    #[arg(value_name = "FILE|URL|-")]
    pub(crate) source: String,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read.
pub(crate) async fn execute(arguments: &MetricsArguments, _shared: &SharedFlags) -> Result<ExitCode, Error> {
    Err(Usage(format!("{} cannot be read", arguments.source)).into())
}
