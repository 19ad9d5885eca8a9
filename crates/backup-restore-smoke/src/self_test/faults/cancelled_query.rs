//! Somebody's script cancels long queries, ours among them.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        faults::hold::while_hashing,
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "query cancelled from outside",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Inconclusive,
    says: &["57014"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let cancel = "PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(30);";
    while_hashing(&database, "shop.prices", cancel).await?;
    Ok(bench.rehearse(database.conninfo()))
}
