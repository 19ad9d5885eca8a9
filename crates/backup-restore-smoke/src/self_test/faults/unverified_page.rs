//! A page of a base backup is not what was written, and the manifest is gone: its checksum tells.

use evidence_report::record::Outcome;

use crate::{
    checks::INTEGRITY_CHECKSUMS,
    self_test::{
        fault::{Fault, Scene},
        faults::damage::{Part, damage_file},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "flipped byte in a base backup without a manifest",
    proves: &INTEGRITY_CHECKSUMS,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    std::fs::remove_file(kept.base.join("backup_manifest"))?;
    damage_file(&kept.base.join(&kept.customers), Part::Row)?;
    Ok(bench.recover_all(&kept))
}
