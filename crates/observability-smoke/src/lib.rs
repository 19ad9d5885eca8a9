//! Proves that the monitoring works: probes, metrics, Prometheus' own state, and an alert drill that is timed
//! to the notification.
//!
//! * [`exposition`]: the strict reader of the Prometheus text format and of OpenMetrics; knows nothing of checks.
//! * `probes` and `backends`: ask services, `/metrics` endpoints and Prometheus, and judge the answers.
//! * `wire`: connections with every phase timed, for the probes that need it.
//! * `drill` and `rules`: from a fault to the notification received, stage by stage.
//! * `alertmanager`: what an Alertmanager does with an alert, computed from its configuration.
//! * `review`: alert rules judged as they are written, and joined with what runs.
//! * `checks`: every check that the tool can make, in one table.
//!
//! Each command has a module of its own: `run_command`, `metrics_command`, `drill_command`, `rules_command`.

use std::process::ExitCode;

mod alertmanager;
mod backends;
mod checks;
mod cli;
mod config;
mod drill;
mod drill_command;
mod error;
pub mod exposition;
mod http;
mod metrics_command;
mod owed;
mod plan;
mod probes;
mod review;
mod rules;
mod rules_command;
mod run_command;
mod self_test;
mod wire;

use cli::{Cli, Command};
use error::Error;

/// Runs the tool: what was typed, to the exit code.
#[must_use]
pub fn main() -> ExitCode {
    evidence_report::run::main::<Cli, _, _, _>(&checks::TOOL, execute)
}

/// Does what the command line asks for. An error means that the tool could not do its job; what is wrong out
/// there is a finding.
async fn execute(cli: Cli) -> Result<ExitCode, Error> {
    match cli.command {
        Command::Run => run_command::execute(&cli.shared).await,
        Command::Metrics(arguments) => metrics_command::execute(&arguments, &cli.shared).await,
        Command::Drill(arguments) => Ok(drill_command::execute(*arguments, &cli.shared).await?),
        Command::Rules(arguments) => rules_command::execute(arguments, &cli.shared).await,
        Command::SelfTest(arguments) => self_test::execute(&arguments, &cli.shared).await,
        Command::Sweep => drill_command::sweep(&cli.shared),
    }
}
