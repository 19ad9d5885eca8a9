//! The dump is of a newer PostgreSQL than this machine has.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, rehearse_backup},
        faults::other_major::old_programs,
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "dump of a newer PostgreSQL",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["only 9.6.24"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let backup = dump(bench, &bench.shop().await?, &["--format=custom"]).await?;
    let old = old_programs(bench)?;
    Ok(rehearse_backup(bench, &backup).with_words(["--pg-bin".to_owned(), old]))
}
