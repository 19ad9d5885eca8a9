//! A segment of the write-ahead log was never archived: PostgreSQL starts happily, without the commits behind it.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_WAL,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "segment of the log that is missing",
    proves: &BACKUP_WAL,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    let segments = kept.segments()?;
    // The last holds only the switch.
    std::fs::remove_file(&segments[segments.len() - 2])?;
    Ok(bench.recover_all(&kept))
}
