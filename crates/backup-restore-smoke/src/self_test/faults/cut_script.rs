//! A script cut within the rows of COPY: psql takes the end of the file for the end of the rows, and exits 0.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_COMPLETE,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, find, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "plain dump cut within rows",
    proves: &BACKUP_COMPLETE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=plain"]).await?;
    let script = std::fs::read(&backup)?;
    let within = find(&script, b"customer 250\n")?;
    std::fs::write(&backup, &script[..within])?;
    Ok(rehearse_backup(bench, &backup))
}
