//! The database was renamed, and the job not.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "database that is not there",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["3D000"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let other = database.conninfo().replace(database.name(), "renamed");
    Ok(bench.rehearse(other))
}
