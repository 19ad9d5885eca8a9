//! The role may not read every table: the dump of that role would not be a backup.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "role that may not read everything",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Inconclusive,
    says: &["42501"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let role = bench.name("small");
    let may = format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA shop TO {role}; GRANT SELECT ON shop.prices TO {role}"
    );
    database.sql(&may).await?;
    Ok(bench.rehearse(database.conninfo_as(&role)))
}
