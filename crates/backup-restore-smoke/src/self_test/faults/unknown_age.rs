//! An objective for the data loss, and nobody says how old the backup is: that is no pass.

use evidence_report::record::{Outcome, Requirement};

use crate::{
    checks::RECOVERY_DATA_LOSS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "data loss that nobody can judge",
    proves: &RECOVERY_DATA_LOSS,
    outcome: Outcome::NotChecked(Requirement::Required),
    says: &["--backup-age"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.rehearse(bench.shop().await?.conninfo()).with_words(["--rpo", "1h"]))
}
