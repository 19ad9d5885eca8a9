//! The scratch disk runs full while the backup is restored.

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
    title: "scratch disk that runs full in the middle of the restore",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: FULL,
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let filler =
        "CREATE TABLE shop.filler AS SELECT repeat(md5(i::text), 30) AS t FROM generate_series(1, 6000) AS i";
    database.sql(filler).await?;
    let scratch = bench.make_folder("scratch")?;
    let scene = bench.rehearse(database.conninfo()).with_words(["--scratch", &scratch]);
    // A new cluster and one more database fit, and the rows do not.
    on_disk(bench, scene, &scratch, "size=48m,mode=711").await
}
