//! An extension did not come back.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_EXTENSIONS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost extension",
    proves: &RESTORE_EXTENSIONS,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    database.sql("CREATE EXTENSION pageinspect").await?;
    bench.spoil(&database, "DROP EXTENSION pageinspect")
}
