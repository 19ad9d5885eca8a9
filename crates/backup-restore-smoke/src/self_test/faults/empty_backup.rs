//! The newest backup is an empty file.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_SOUND,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "empty backup",
    proves: &POLICY_SOUND,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 0), (26, 1000)])?;
    Ok(policy(bench, &pattern, &["--newest-age", "26h"]))
}
