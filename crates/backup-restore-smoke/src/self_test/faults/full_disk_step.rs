//! The scratch disk runs full while a step of the runbook runs.

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
    title: "scratch disk that runs full in a step of the runbook",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: FULL,
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let scratch = bench.make_folder("scratch")?;
    let filler = "CREATE TABLE shop.filler AS SELECT repeat(md5(i::text), 30) AS t FROM generate_series(1, 90000) AS i";
    let scene = bench.spoil(&database, filler)?.with_words(["--scratch", &scratch]);
    on_disk(bench, scene, &scratch, "size=64m,mode=711").await
}
