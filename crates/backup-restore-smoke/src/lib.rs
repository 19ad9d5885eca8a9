//! Rehearses backup and restore of PostgreSQL for real: dumps, restores into a throw-away cluster, proves
//! that the content is the same, and times how long recovery takes.
//!
//! The way of the data: `cli` (what was typed) → `plan` (validated) → `rehearsal/` (the story, in order)
//! → findings, measurements and a timeline in the run → the evidence file.
//!
//! * `connection/`: what libpq would resolve, resolved once, for our client and for the `pg_*` children.
//! * `source/`: the database that is rehearsed from: only read, and let go when somebody waits for us.
//! * `engines/`: one way of taking and restoring a backup a file.
//! * `scratch/`: throw-away clusters, their isolation and their cleanup.
//! * `target/`: a server of the user's that is kept for rehearsals, instead of a throw-away cluster.
//! * `fingerprint/`: what a database contains.
//! * `integrity/`: manifests, checksums, amcheck and the write-ahead log of a backup.
//! * `comparison`, `clock`: pure judgements.
//! * `self_test/`: the faults of the field, made on throw-away clusters, and each shown caught.
//! * `embedded/`: the sample source of `--embedded`.

pub mod checks;
mod cli;
mod clock;
mod comparison;
mod config;
mod connection;
mod control_data;
mod embedded;
mod engines;
mod error;
mod execute;
mod fingerprint;
mod halt;
mod integrity;
mod plan;
mod programs;
mod rehearsal;
mod scratch;
pub mod self_test;
mod source;
mod sql;
mod target;
mod wal;
mod wording;

use std::process::ExitCode;

/// The whole tool: reads the command line, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    evidence_report::run::main::<cli::Cli, _, _, _>(&checks::TOOL, execute::execute)
}
