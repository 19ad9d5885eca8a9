//! A file of a base backup is gone, and so is the manifest: the catalogue asks for it.

use evidence_report::record::Outcome;

use crate::{
    checks::INTEGRITY_FILES,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "base backup without a manifest and one of its files",
    proves: &INTEGRITY_FILES,
    outcome: Outcome::Failed,
    says: &["no file"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    for lost in ["backup_manifest", &kept.customers] {
        std::fs::remove_file(kept.base.join(lost))?;
    }
    Ok(bench.recover_all(&kept))
}
