//! The log ends before the place that it is known to have reached.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_WAL,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "log that ends too early",
    proves: &BACKUP_WAL,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    Ok(bench.recover(&kept, &["--until", "latest", "--expect-lsn", "F/0"]))
}
