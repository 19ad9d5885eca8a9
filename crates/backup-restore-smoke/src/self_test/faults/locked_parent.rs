//! Maintenance holds a partitioned table, not its partitions: only pg_dump meets the lock.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_UNDISTURBED,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "partitioned table locked while it is dumped",
    proves: &SOURCE_UNDISTURBED,
    outcome: Outcome::Inconclusive,
    says: &["kept it for 10 s"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let holder = database.holding("BEGIN; LOCK TABLE ONLY shop.orders IN ACCESS EXCLUSIVE MODE").await?;
    Ok(bench.rehearse(database.conninfo()).holding(holder).idle())
}
