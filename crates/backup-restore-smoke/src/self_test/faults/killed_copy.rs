//! The server of the copy is killed in the middle of the restore, as the kernel does when memory is short.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        faults::hold::hold_refresh,
        meanwhile::{Blow, Meanwhile},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "server killed in the middle of the restore",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["middle of the restore"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    hold_refresh(&database).await?;
    let kill = Meanwhile::In("restore: pg_restore", Blow::KillCopy);
    Ok(bench.rehearse(database.conninfo()).meanwhile(kill))
}
