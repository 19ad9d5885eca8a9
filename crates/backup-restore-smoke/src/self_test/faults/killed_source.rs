//! The source dies while pg_dump reads from it.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_MADE,
    self_test::{
        fault::{Fault, Scene},
        meanwhile::{Blow, Meanwhile},
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
    // So that the dump is still under way: gzip has something to do.
    database
        .sql("CREATE TABLE shop.big AS SELECT md5(i::text) || md5((-i)::text) AS text FROM generate_series(1, 300000) AS i")
        .await?;
    let kill = Meanwhile::In("dump: pg_dump", Blow::KillServer(database.data.clone()));
    Ok(bench.rehearse(database.conninfo()).meanwhile(kill))
}
