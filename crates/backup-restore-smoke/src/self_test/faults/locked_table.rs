//! Maintenance holds a table with ACCESS EXCLUSIVE.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_UNDISTURBED,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "table locked ACCESS EXCLUSIVE",
    proves: &SOURCE_UNDISTURBED,
    outcome: Outcome::Inconclusive,
    says: &["exclusive lock"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let holder = database.holding("BEGIN; LOCK TABLE shop.prices IN ACCESS EXCLUSIVE MODE").await?;
    Ok(bench.rehearse(database.conninfo()).holding(holder).idle())
}
