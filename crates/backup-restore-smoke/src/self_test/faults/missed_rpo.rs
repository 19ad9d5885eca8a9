//! The newest backup is older than was promised.

use evidence_report::record::Outcome;

use crate::{
    checks::RECOVERY_DATA_LOSS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "data loss objective missed",
    proves: &RECOVERY_DATA_LOSS,
    outcome: Outcome::Failed,
    says: &["would be lost"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.rehearse(bench.shop().await?.conninfo()).with_words(["--rpo", "1h", "--backup-age", "26h"]))
}
