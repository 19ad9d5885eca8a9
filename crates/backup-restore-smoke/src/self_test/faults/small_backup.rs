//! The newest backup is smaller than any sound one.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_SIZE,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "backup that is too small",
    proves: &POLICY_SIZE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 100)])?;
    Ok(policy(bench, &pattern, &["--minimum-size", "500B"]))
}
