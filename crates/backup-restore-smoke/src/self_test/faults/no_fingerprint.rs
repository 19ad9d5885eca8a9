//! One byte flipped in a dump that is not compressed: it restores without an error, and the rows are as many. Nothing
//! but a fingerprint could tell; so without one it is never passed off as proven.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_EXPECTATION,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, find, flip, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "flipped byte in an uncompressed dump that nothing is known of",
    proves: &BACKUP_EXPECTATION,
    outcome: Outcome::Warned,
    says: &["none was given"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=custom", "--compress=0"]).await?;
    let name = find(&std::fs::read(&backup)?, b"customer 250")?;
    flip(&backup, name - 1)?;
    Ok(rehearse_backup(bench, &backup))
}
