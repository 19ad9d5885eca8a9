//! The newest backup is half as large as those before it.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_DROP,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "backup that shrank",
    proves: &POLICY_DROP,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 300), (26, 1000), (50, 1000), (74, 1000)])?;
    Ok(policy(bench, &pattern, &["--maximum-drop", "50%"]))
}
