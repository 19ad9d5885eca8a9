//! A sequence that hands out keys which exist already.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_SEQUENCES,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "sequence that is behind",
    proves: &RESTORE_SEQUENCES,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "SELECT setval('shop.customers_id_seq', 10)")
}
