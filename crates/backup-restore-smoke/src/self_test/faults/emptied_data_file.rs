//! A file of a directory dump was emptied: pg_restore exits 0 and the table is empty.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_COMPLETE,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{data_file, dump, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "directory dump with an emptied file",
    proves: &BACKUP_COMPLETE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=directory"]).await?;
    std::fs::write(data_file(&backup)?, "")?;
    Ok(rehearse_backup(bench, &backup))
}
