//! The backup is one of a server that was left: the new primary's timeline had begun before the backup's end.

use evidence_report::record::Outcome;

use crate::{
    checks::RECOVERY_TIMELINE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "backup of a branch that was left at a failover",
    proves: &RECOVERY_TIMELINE,
    outcome: Outcome::Failed,
    says: &["leaves that at 0/1000000"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    std::fs::write(kept.wal.join("00000002.history"), "1\t0/1000000\tno recovery target specified\n")?;
    Ok(bench.recover_all(&kept))
}
