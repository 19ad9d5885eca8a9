//! A row whose parent is gone, as superuser's repairs leave it: the dump is made without a word, and does not restore.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_COMPLETED,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "row without its parent",
    proves: &RESTORE_COMPLETED,
    outcome: Outcome::Failed,
    says: &["23503"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let orphan = "SET session_replication_role = replica; DELETE FROM shop.customers WHERE id = 9";
    database.sql(orphan).await?;
    Ok(bench.rehearse(database.conninfo()))
}
