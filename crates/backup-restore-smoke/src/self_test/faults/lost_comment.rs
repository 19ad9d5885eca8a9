//! A comment did not come back.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_COMMENTS,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "lost comment",
    proves: &RESTORE_COMMENTS,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    database.sql("COMMENT ON TABLE shop.prices IS 'what things cost'").await?;
    bench.spoil(&database, "COMMENT ON TABLE shop.prices IS NULL")
}
