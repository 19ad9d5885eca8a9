//! The machine has no PostgreSQL programs where they were named.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "no PostgreSQL programs",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["not all of them"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let empty = bench.make_folder("bin")?;
    Ok(bench.rehearse(bench.shop().await?.conninfo()).with_words(["--pg-bin".to_owned(), empty]))
}
