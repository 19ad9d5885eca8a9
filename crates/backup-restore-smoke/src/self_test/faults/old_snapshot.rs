//! The reading takes longer than an old snapshot may hinder the source.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_UNDISTURBED,
    self_test::{
        fault::{Fault, Scene},
        faults::hold::{Place, hold},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "snapshot that grows old",
    proves: &SOURCE_UNDISTURBED,
    outcome: Outcome::Inconclusive,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    hold(&database, "shop.prices", Place::Source).await?;
    Ok(bench.rehearse(database.conninfo()).with_words(["--max-snapshot-age", "2s"]).idle())
}
