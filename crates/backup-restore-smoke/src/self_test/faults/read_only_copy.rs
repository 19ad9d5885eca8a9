//! The copy refuses every write.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_WRITABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "copy that takes no write",
    proves: &RESTORE_WRITABLE,
    outcome: Outcome::Failed,
    says: &["25006"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.spoil(&bench.shop().await?, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
}
