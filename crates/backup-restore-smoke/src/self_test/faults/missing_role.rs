//! A view asks for a role that no statement of the dump names, and the globals were not given: this is no bad backup.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_COMPLETED,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "role that is missing here",
    proves: &RESTORE_COMPLETED,
    outcome: Outcome::Inconclusive,
    says: &["42704"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let role = bench.name("ghost");
    let view = format!(
        "CREATE ROLE {role}; CREATE MATERIALIZED VIEW shop.mine AS SELECT pg_has_role('{role}', 'usage') AS so"
    );
    database.sql(&view).await?;
    let backup = dump(bench, &database, &["--format=custom"]).await?;
    Ok(rehearse_backup(bench, &backup))
}
