//! The job stopped three days ago, and nobody noticed.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_NEWEST,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "newest backup too old",
    proves: &POLICY_NEWEST,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(72, 1000), (96, 1000)])?;
    Ok(policy(bench, &pattern, &["--newest-age", "26h"]))
}
