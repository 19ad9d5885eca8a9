//! Backups are thrown away after two days instead of a month.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_RETENTION,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "retention too short",
    proves: &POLICY_RETENTION,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 1000), (26, 1000), (50, 1000)])?;
    Ok(policy(bench, &pattern, &["--retention", "30d"]))
}
