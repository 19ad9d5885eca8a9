//! The dump is whole, and a row of it is not in the copy.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_ROWS,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "row of the dump that did not come back",
    proves: &RESTORE_ROWS,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=custom"]).await?;
    let step = bench.write("swallow.sql", "DELETE FROM shop.prices WHERE sku = 'P1'", 0o600)?;
    Ok(rehearse_backup(bench, &backup).with_words(["--after-restore".to_owned(), step]))
}
