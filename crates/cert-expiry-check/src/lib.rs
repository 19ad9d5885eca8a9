//! Finds certificates wherever they live and says which will hurt, when, and why.
//!
//! The way of the data: [`cli`] and [`config`] → [`plan`] → [`scan`] (the only part that observes: [`wire`]
//! for endpoints, [`stores`] for files) → [`assess`] (pure) → the record of `evidence-report`.

pub mod assess;
pub mod certificate;
pub mod checks;
pub mod cli;
pub mod config;
pub mod error;
pub mod group;
pub mod outputs;
pub mod plan;
pub mod renew_due;
pub mod scan;
pub mod self_test;
pub mod share;
pub mod stores;
pub mod targets;
pub mod wire;
pub mod wording;

use std::{panic::resume_unwind, process::ExitCode};

use evidence_report::run;

use crate::{
    checks::TOOL,
    cli::{Cli, Command},
    error::Error,
};

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    run::main::<Cli, _, _, _>(&TOOL, execute)
}

/// As a task beside those that it waits for: the thread that began it would have to be woken for each of
/// thousands of targets.
async fn execute(cli: Cli) -> Result<ExitCode, Error> {
    tokio::spawn(follow(cli)).await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

async fn follow(cli: Cli) -> Result<ExitCode, Error> {
    match cli.command {
        Command::Scan(arguments) => scan::execute(&arguments, &cli.shared).await,
        Command::RenewDue(arguments) => renew_due::execute(&arguments, &cli.shared).await,
        Command::SelfTest => self_test::execute(&cli.shared).await,
        Command::Sweep => Ok(run::sweep_command()),
    }
}
