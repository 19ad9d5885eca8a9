//! The scratch folder lies on a file system that is mounted read-only.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        faults::disk::on_disk,
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "read-only scratch folder",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["Read-only"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let scratch = bench.make_folder("scratch")?;
    let scene = bench.rehearse(bench.shop().await?.conninfo()).with_words(["--scratch", &scratch]);
    on_disk(bench, scene, &scratch, "ro,size=1m").await
}
