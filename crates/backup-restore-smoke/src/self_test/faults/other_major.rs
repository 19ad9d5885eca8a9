//! The machine's programs are of another major version than the source.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "PostgreSQL of another major version",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["only 9.6.24"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let old = old_programs(bench)?;
    Ok(bench.rehearse(bench.shop().await?.conninfo()).with_words(["--pg-bin".to_owned(), old]))
}

/// A folder of programs that say they are of an old version.
pub(super) fn old_programs(bench: &Bench<'_>) -> Result<String, Trouble> {
    let folder = bench.make_folder("bin")?;
    for program in ["postgres", "initdb", "pg_dump", "pg_restore"] {
        let answer = format!("#!/bin/sh\necho '{program} (PostgreSQL) 9.6.24'\n");
        bench.write(&format!("bin/{program}"), &answer, 0o755)?;
    }
    Ok(folder)
}
