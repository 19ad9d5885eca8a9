//! Nothing but the dump says what it should contain.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_EXPECTATION,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "dump that nothing is known of",
    proves: &BACKUP_EXPECTATION,
    outcome: Outcome::Warned,
    says: "none was given",
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=custom"]).await?;
    Ok(rehearse_backup(bench, &backup))
}
