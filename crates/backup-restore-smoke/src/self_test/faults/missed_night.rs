//! One night there was no backup.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_INTERVAL,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "night without a backup",
    proves: &POLICY_INTERVAL,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 1000), (26, 1000), (74, 1000), (98, 1000)])?;
    Ok(policy(bench, &pattern, &["--interval", "24h", "--interval-over", "4d"]))
}
