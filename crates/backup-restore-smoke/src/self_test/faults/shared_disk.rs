//! The scratch folder lies on the source's disk, and nobody allowed it.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_APART,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, SHARING_ALLOWED, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "scratch on the disk of the source",
    proves: &SOURCE_APART,
    outcome: Outcome::Inconclusive,
    says: &["the same file system"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let mut scene = bench.rehearse(bench.shop().await?.conninfo());
    scene.words.retain(|word| word != SHARING_ALLOWED);
    Ok(scene)
}
