//! The deadline of the run comes first.

use evidence_report::record::{Outcome, Requirement};

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        faults::hold::{Place, hold},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "deadline of the run",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::NotChecked(Requirement::Required),
    says: &["ended before"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    hold(&database, "shop.prices", Place::Copy).await?;
    Ok(bench.rehearse(database.conninfo()).with_words(["--timeout", "6s"]).idle())
}
