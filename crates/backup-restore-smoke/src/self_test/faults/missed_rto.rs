//! The restore takes longer than was promised.

use evidence_report::record::Outcome;

use crate::{
    checks::RECOVERY_TIME,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "recovery time objective missed",
    proves: &RECOVERY_TIME,
    outcome: Outcome::Failed,
    says: &["not in it"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.rehearse(bench.shop().await?.conninfo()).with_words(["--rto", "1ms"]))
}
