//! A table is dropped after it was listed and before it is locked: the list is of yesterday.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        farm::Then,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "table dropped between listing and hashing",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Inconclusive,
    says: &["42P01"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let drop_it = Then::Say(database.clone(), "DROP TABLE shop.prices");
    let (proxy, folder) = bench.proxy(&database, "LOCK TABLE", drop_it)?;
    Ok(bench.rehearse(database.conninfo_through(&folder, "postgres")).holding(proxy))
}
