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
//! * `comparison/`, `clock`: pure judgements.
//! * `compared/`: two databases or fingerprints, and which of their rows differ.
//! * `policy/`: whether backups are there as they should be, without restoring.
//! * `assertions/`: what the user asserts about the restored data.
//! * `canary/`: the heartbeat from which data loss is measured; the only thing that writes to a source, by name.
//! * `forecast/`: the recovery time of another size, labelled as what it is.
//! * `exposure`, `risk_note`, `size`: the worst that a schedule can lose, what a missed objective means, sizes.
//! * `hardware`: the machine on which the copy lived.
//! * `growth`: how the bytes of a folder grow, shown on a terminal.
//! * `integrity/`: manifests, checksums, amcheck and the write-ahead log of a backup.
//! * `self_test/`: the faults of the field, made on throw-away clusters, and each shown caught.
//! * `timeline`: the way that a recovery takes over timelines, and which backups lie on it.
//! * `embedded/`: the sample source of `--embedded`.

mod assertions;
mod canary;
pub mod checks;
mod cli;
mod clock;
mod compared;
mod comparison;
mod config;
mod connection;
mod control_data;
mod embedded;
mod engines;
mod error;
mod execute;
mod exposure;
mod fingerprint;
mod forecast;
mod growth;
mod halt;
mod hardware;
mod integrity;
mod plan;
mod policy;
mod programs;
mod reads;
mod rehearsal;
mod risk_note;
mod scratch;
pub mod self_test;
mod size;
mod source;
mod sql;
mod target;
mod timeline;
mod wal;
mod wording;

use std::process::ExitCode;

/// The whole tool: reads the command line, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    evidence_report::run::main::<cli::Cli, _, _, _>(&checks::TOOL, execute::execute)
}
