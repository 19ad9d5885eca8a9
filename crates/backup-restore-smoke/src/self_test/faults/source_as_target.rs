//! Somebody names the source as the server to restore on.

use evidence_report::record::Outcome;

use crate::{
    checks::TARGET_HARMLESS,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "source as the target",
    proves: &TARGET_HARMLESS,
    outcome: Outcome::Inconclusive,
    says: &["source"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let backup = dump(bench, &database, &["--format=custom"]).await?;
    let (source, target) = (database.conninfo(), database.conninfo().replace(database.name(), "postgres"));
    Ok(rehearse_backup(bench, &backup).with_words(["--source", &source, "--target", &target]))
}
