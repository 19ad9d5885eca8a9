//! A record of the write-ahead log is not what was written: PostgreSQL takes it for the end of the log.

use evidence_report::record::Outcome;

use crate::{
    checks::RECOVERY_TARGET,
    self_test::{
        fault::{Fault, Scene},
        faults::damage::damage_middle,
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "corrupt record in the log",
    proves: &RECOVERY_TARGET,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    let segments = kept.segments()?;
    damage_middle(&segments[segments.len() - 1])?;
    Ok(bench.recover_all(&kept))
}
