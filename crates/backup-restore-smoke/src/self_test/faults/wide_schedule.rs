//! The schedule itself cannot keep the objective: a day between backups, an hour promised.

use evidence_report::record::Outcome;

use crate::{
    checks::RECOVERY_EXPOSURE,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "schedule that cannot keep the objective",
    proves: &RECOVERY_EXPOSURE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 1000), (26, 1000), (50, 1000)])?;
    Ok(policy(bench, &pattern, &["--interval", "24h", "--interval-over", "2d", "--rpo", "1h"]))
}
