//! The `observability-smoke` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    observability_smoke::main()
}
