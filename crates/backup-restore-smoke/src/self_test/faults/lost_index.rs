//! An index did not come back; every row is there.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_INDEXES,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost index",
    proves: &RESTORE_INDEXES,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    database.sql("CREATE INDEX by_note ON shop.orders_old (note)").await?;
    bench.spoil(&database, "DROP INDEX shop.by_note")
}
