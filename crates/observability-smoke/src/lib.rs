//! Proves that the monitoring works: probes, metrics, Prometheus' own state, and an alert drill that is timed
//! to the notification.
//!
//! * [`exposition`]: the strict reader of the Prometheus text format and of OpenMetrics; knows nothing of checks.
//! * [`probes`] and [`backends`]: ask services, `/metrics` endpoints and Prometheus, and judge the answers.
//! * [`drill`]: from a fault to the notification received, stage by stage.
//! * [`checks`]: every check that the tool can make, in one table.
//!
//! The commands, one a module: [`run_command`], [`metrics_command`], [`drill_command`].

use std::process::ExitCode;

pub mod checks;
pub mod cli;
pub mod config;
pub mod drill;
pub mod drill_command;
pub mod error;
pub mod exposition;
pub mod metrics_command;
pub mod run_command;

use cli::{Cli, Command};
use error::Error;

/// Does what the command line asks for.
///
/// # Errors
/// When the tool cannot do its job: an unusable configuration, a file that cannot be read. What is wrong out
/// there is a finding, never an error.
pub async fn execute(cli: Cli) -> Result<ExitCode, Error> {
    match cli.command {
        Command::Run => run_command::execute(&cli.shared).await,
        Command::Metrics(arguments) => metrics_command::execute(&arguments, &cli.shared).await,
        Command::Drill(arguments) => drill_command::execute(arguments, &cli.shared).await,
        Command::Sweep => Ok(evidence_report::run::sweep_command()),
    }
}
