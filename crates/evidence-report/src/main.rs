//! The `evidence-report` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    evidence_report::command::main()
}
