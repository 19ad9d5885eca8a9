//! The source dies while pg_dump reads from it.

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
    title: "source killed in the middle of the dump",
    proves: &BACKUP_MADE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.own_shop("doomed", true).await?;
    let kill = Then::KillServer(database.data.clone());
    let (proxy, folder) = bench.proxy(&database, "COPY shop.", kill)?;
    Ok(bench.rehearse(database.conninfo_through(&folder, "postgres")).holding(proxy))
}
