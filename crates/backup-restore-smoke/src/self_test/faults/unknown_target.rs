//! Recovery is to end at a restore point that nobody wrote.

use evidence_report::record::Outcome;

use crate::{
    checks::RECOVERY_TARGET,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "restore point that is not in the log",
    proves: &RECOVERY_TARGET,
    outcome: Outcome::Failed,
    says: &["before configured recovery target"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    Ok(bench.recover(&kept, &["--target-name", "nobody wrote this"]))
}
