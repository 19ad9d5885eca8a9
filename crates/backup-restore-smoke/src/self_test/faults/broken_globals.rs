//! The roles were saved and edited by hand: one statement is of a role that is no more.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_GLOBALS,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, globals, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "globals that do not restore",
    proves: &RESTORE_GLOBALS,
    outcome: Outcome::Failed,
    says: &["refused"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let (backup, globals) =
        (dump(bench, &database, &["--format=custom"]).await?, globals(bench, &database).await?);
    let text = std::fs::read_to_string(&globals)?;
    let broken = text.replacen("\nCREATE ROLE ", "\nALTER ROLE gone WITH NOINHERIT;\nCREATE ROLE ", 1);
    std::fs::write(&globals, broken)?;
    Ok(rehearse_backup(bench, &backup).with_words(["--globals".to_owned(), globals.display().to_string()]))
}
