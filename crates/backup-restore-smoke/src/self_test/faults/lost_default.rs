//! A column lost its default; every row is there.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_SCHEMA,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "changed definition",
    proves: &RESTORE_SCHEMA,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "ALTER TABLE shop.customers ALTER COLUMN id DROP DEFAULT")
}
