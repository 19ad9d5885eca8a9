//! `drill`: cause a fault and time the alert to its notification.

use std::process::ExitCode;

use clap::Args;
use evidence_report::run::{SharedFlags, Usage};

use crate::error::Error;

/// What was typed after `drill`.
#[derive(Debug, Clone, Args)]
pub struct DrillArguments {}

/// Runs the command.
///
/// # Errors
/// When the drill cannot be prepared.
pub async fn execute(_arguments: DrillArguments, _shared: &SharedFlags) -> Result<ExitCode, Error> {
    Err(Usage("name the alert to drill".to_owned()).into())
}
