//! A row came back twice, where no key forbids it.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "doubled row",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Failed,
    says: &["1 row too many"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "ALTER TABLE shop.prices DROP CONSTRAINT prices_pkey; INSERT INTO shop.prices SELECT * FROM shop.prices WHERE sku = 'P1'")
}
