//! The files are of another major version than any program here.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "base backup of another major version",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["only"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    std::fs::write(kept.base.join("PG_VERSION"), "12\n")?;
    Ok(bench.recover_all(&kept))
}
