//! The control file of a base backup is gone.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_CHOSEN,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "base backup without its control file",
    proves: &BACKUP_CHOSEN,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    std::fs::remove_file(kept.base.join("global/pg_control"))?;
    Ok(bench.recover_all(&kept))
}
