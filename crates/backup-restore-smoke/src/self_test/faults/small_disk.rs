//! The scratch disk is too small, and says so before anything is begun.

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
    title: "scratch disk that is too small",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["bytes free"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let scratch = bench.make_folder("scratch")?;
    let scene = bench.rehearse(bench.shop().await?.conninfo()).with_words(["--scratch", &scratch]);
    on_disk(bench, scene, &scratch, "size=16m,mode=711").await
}
