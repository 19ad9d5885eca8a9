//! A segment was archived by half.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_WAL,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "segment of the log that was cut",
    proves: &BACKUP_WAL,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    let segments = kept.segments()?;
    let last = std::fs::OpenOptions::new().write(true).open(&segments[segments.len() - 1])?;
    last.set_len(300_000)?;
    Ok(bench.recover_all(&kept))
}
