//! The `observability-smoke` command.

use std::process::ExitCode;

use observability_smoke::{checks::TOOL, cli::Cli, execute};

fn main() -> ExitCode {
    evidence_report::run::main::<Cli, _, _, _>(&TOOL, execute)
}
