//! As many rows as before, and one of them says something else.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "changed row",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Failed,
    says: &["another content"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "UPDATE shop.customers SET name = 'somebody else' WHERE id = 7")
}
