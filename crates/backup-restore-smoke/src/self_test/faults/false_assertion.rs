//! What the user asserts of the restored data does not hold.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_ASSERTIONS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "assertion that does not hold",
    proves: &RESTORE_ASSERTIONS,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let assertion = "assertions:\n- { name: sold, sql: 'SELECT * FROM shop.orders WHERE id < 0', expect: { at_least: 1 } }\n";
    let config = bench.write("rehearsal.yaml", assertion, 0o600)?;
    Ok(bench.rehearse(bench.shop().await?.conninfo()).with_words(["--config", &config]))
}
