//! There is one backup where there should be three.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_REDUNDANCY,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "too few backups",
    proves: &POLICY_REDUNDANCY,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 1000)])?;
    Ok(policy(bench, &pattern, &["--redundancy", "3"]))
}
