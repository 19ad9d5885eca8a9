//! A constraint did not come back; every row is there.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONSTRAINTS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost constraint",
    proves: &RESTORE_CONSTRAINTS,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "ALTER TABLE shop.prices DROP CONSTRAINT prices_price_check")
}
