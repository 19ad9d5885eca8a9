//! The source stops answering in the middle, without a word: the deadline of the run ends it.

use evidence_report::record::{Outcome, Requirement};

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        farm::Then,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "source that falls silent",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::NotChecked(Requirement::Required),
    says: &["ended before"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let (proxy, folder) = bench.proxy(&database, "hashtextextended", Then::FallSilent)?;
    let source = database.conninfo_through(&folder, "postgres");
    Ok(bench.rehearse(source).with_words(["--timeout", "4s"]).holding(proxy).idle())
}
