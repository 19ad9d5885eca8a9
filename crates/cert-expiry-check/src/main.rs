//! `cert-expiry-check`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    cert_expiry_check::main()
}
