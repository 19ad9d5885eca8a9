//! The scratch disk runs full while the cluster is made.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        faults::disk::{FULL, on_disk},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "scratch disk that runs full when the cluster is made",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: FULL,
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let scratch = bench.make_folder("scratch")?;
    let scene = bench.rehearse(bench.shop().await?.conninfo()).with_words(["--scratch", &scratch]);
    on_disk(bench, bench.with_own_initdb(scene), &scratch, "size=30m,mode=711").await
}
