//! Somebody changed the password, and not the one of the backup job.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "wrong password",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["28P01"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let role = bench.name("wrong");
    database
        .sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'right' IN ROLE with_password, pg_read_all_data"))
        .await?;
    let passwords = bench.write("pgpass", "*:*:*:*:wrong\n", 0o600)?;
    Ok(bench.rehearse(database.conninfo_as(&role)).with_variable("PGPASSFILE", passwords))
}
