//! The role of the backup job was made for a year, and the year is over: the password is right and is refused.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "expired role",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["28P01"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let role = bench.name("expired");
    let until = "VALID UNTIL '2020-01-01' IN ROLE with_password, pg_read_all_data";
    database.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'right' {until}")).await?;
    let passwords = bench.write("pgpass", "*:*:*:*:right\n", 0o600)?;
    Ok(bench.rehearse(database.conninfo_as(&role)).with_variable("PGPASSFILE", passwords))
}
