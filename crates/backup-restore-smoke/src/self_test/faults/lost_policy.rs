//! A policy of row security did not come back: everybody sees every row.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_ROW_SECURITY,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost row security",
    proves: &RESTORE_ROW_SECURITY,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    database.sql("ALTER TABLE shop.prices ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON shop.prices USING (price < 5)").await?;
    bench.spoil(&database, "DROP POLICY few ON shop.prices")
}
