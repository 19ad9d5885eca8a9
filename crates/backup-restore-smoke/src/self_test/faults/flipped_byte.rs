//! One byte flipped in a dump that is not compressed: it restores with exit code 0, the counts are equal, and the data is wrong. The fingerprint that was taken with it tells.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, find, flip, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "flipped byte in an uncompressed dump",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Failed,
    says: &["another content"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let fingerprint = bench.fingerprint(&database).await?;
    let backup = dump(bench, &database, &["--format=custom", "--compress=0"]).await?;
    let name = find(&std::fs::read(&backup)?, b"customer 250")?;
    flip(&backup, name - 1)?;
    Ok(rehearse_backup(bench, &backup).with_words(["--fingerprint", &fingerprint]))
}
