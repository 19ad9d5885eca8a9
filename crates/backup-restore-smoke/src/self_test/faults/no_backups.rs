//! The pattern of the backups fits nothing any more: that is no pass.

use evidence_report::record::Outcome;

use crate::{
    checks::POLICY_FOUND,
    self_test::{
        fault::{Fault, Scene},
        faults::kept::{kept, policy},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "no backup at all",
    proves: &POLICY_FOUND,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[])?;
    Ok(policy(bench, &pattern, &["--newest-age", "26h"]))
}
