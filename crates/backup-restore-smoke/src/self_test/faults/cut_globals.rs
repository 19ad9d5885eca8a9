//! The roles were saved, and half of the file arrived.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_COMPLETE,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, globals, keep, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "globals that were cut",
    proves: &BACKUP_COMPLETE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let (backup, globals) =
        (dump(bench, &database, &["--format=custom"]).await?, globals(bench, &database).await?);
    keep(&globals, 50)?;
    Ok(rehearse_backup(bench, &backup).with_words(["--globals".to_owned(), globals.display().to_string()]))
}
