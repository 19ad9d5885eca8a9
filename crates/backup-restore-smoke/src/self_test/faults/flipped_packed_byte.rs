//! One byte flipped in a compressed dump.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_COMPLETE,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{data_file, dump, flip, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "flipped byte in a compressed dump",
    proves: &BACKUP_COMPLETE,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=directory"]).await?;
    let file = data_file(&backup)?;
    let middle = std::fs::metadata(&file)?.len() / 2;
    flip(&file, usize::try_from(middle).unwrap_or_default())?;
    Ok(rehearse_backup(bench, &backup))
}
