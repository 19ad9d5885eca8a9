//! The scratch folder lies on the disk that the backup is kept on, and nobody allowed it.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_APART,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, rehearse_backup},
        workshop::{Bench, SHARING_ALLOWED, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "scratch on the disk of the backup",
    proves: &SOURCE_APART,
    outcome: Outcome::Inconclusive,
    says: &["the same file system"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=custom"]).await?;
    let mut scene = rehearse_backup(bench, &backup);
    scene.words.retain(|word| word != SHARING_ALLOWED);
    Ok(scene)
}
