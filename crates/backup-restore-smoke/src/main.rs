//! The command `backup-restore-smoke`: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    backup_restore_smoke::main()
}
