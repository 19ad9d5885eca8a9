//! `cert-expiry-check`: everything is in the library, but for where its memory comes from.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// glibc's would hold twice as much of a long run, an arena for each thread: docs/decisions, 11.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cert_expiry_check::main()
}
