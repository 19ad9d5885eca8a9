//! A large object did not come back; no table shows it.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost large object",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Failed,
    says: &["missing"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
}
