//! The role may have one session at once, and a rehearsal needs several.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "no more connections",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["53300"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let role = bench.name("alone");
    database.sql(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 1 IN ROLE pg_read_all_data")).await?;
    Ok(bench.rehearse(database.conninfo_as(&role)))
}
