//! A grant did not come back: an application is locked out.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_GRANTS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost grant",
    proves: &RESTORE_GRANTS,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    database.sql("GRANT SELECT ON shop.prices TO PUBLIC").await?;
    bench.spoil(&database, "REVOKE SELECT ON shop.prices FROM PUBLIC")
}
