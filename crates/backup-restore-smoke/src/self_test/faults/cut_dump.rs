//! The network breaks while pg_dump reads.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_MADE,
    self_test::{
        farm::Then,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "connection cut while pg_dump reads",
    proves: &BACKUP_MADE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let (proxy, folder) = bench.proxy(&database, "COPY shop.", Then::Cut)?;
    Ok(bench.rehearse(database.conninfo_through(&folder, "postgres")).holding(proxy))
}
