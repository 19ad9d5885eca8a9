//! A file of a base backup was emptied, and the manifest is gone: to PostgreSQL the table has no rows. Nothing tells, so
//! it is never passed off as proven.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_EXPECTATION,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "emptied file in a base backup that nothing is known of",
    proves: &BACKUP_EXPECTATION,
    outcome: Outcome::Warned,
    says: &["none of these"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    std::fs::remove_file(kept.base.join("backup_manifest"))?;
    std::fs::write(kept.base.join(&kept.customers), "")?;
    Ok(bench.recover_all(&kept))
}
