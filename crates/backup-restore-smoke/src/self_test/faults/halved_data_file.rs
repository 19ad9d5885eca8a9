//! Half of an uncompressed file of a directory dump is gone: pg_restore exits 0 with half of the rows.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_COMPLETE,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{data_file, dump, keep, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "directory dump with a halved file",
    proves: &BACKUP_COMPLETE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=directory", "--compress=0"]).await?;
    keep(&data_file(&backup)?, 50)?;
    Ok(rehearse_backup(bench, &backup))
}
