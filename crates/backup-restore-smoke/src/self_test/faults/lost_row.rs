//! One row of two thousand did not come back.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost row",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Failed,
    says: &["1 row missing"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "DELETE FROM shop.orders_old WHERE id = 3")
}
