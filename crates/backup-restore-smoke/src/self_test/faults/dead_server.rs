//! Nothing listens where the source should be.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "source that is not running",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["No such file"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let empty = bench.make_folder("empty")?;
    Ok(bench.rehearse(database.conninfo_through(empty.as_ref(), "postgres")))
}
