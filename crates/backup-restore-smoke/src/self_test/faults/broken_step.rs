//! The runbook's SQL is of a schema that is no more.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_STEPS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "broken step of the runbook",
    proves: &RESTORE_STEPS,
    outcome: Outcome::Failed,
    says: &["42P01"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "ANALYZE shop.renamed")
}
