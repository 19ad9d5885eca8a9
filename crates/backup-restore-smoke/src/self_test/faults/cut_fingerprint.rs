//! The network breaks while the tables are read.

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
    title: "connection cut while tables are read",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["connection was lost"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let (proxy, folder) = bench.proxy(&database, "hashtextextended", Then::Cut)?;
    Ok(bench.rehearse(database.conninfo_through(&folder, "postgres")).holding(proxy))
}
