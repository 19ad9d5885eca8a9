//! A page became corrupt at the source, without page checksums, and was dumped: everything passes. Only a fingerprint from before tells.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        faults::{
            damage::{Part, damage},
            dumps::{dump, rehearse_backup},
        },
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "dump of a page that became corrupt at the source, checksums off",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Failed,
    says: &["another content"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.plain_shop().await?;
    let fingerprint = bench.fingerprint(&database).await?;
    damage(&database, "shop.customers", Part::Row).await?;
    let damaged = bench.copy_from_disk(&database, false).await?;
    let backup = dump(bench, &damaged, &["--format=custom"]).await?;
    Ok(rehearse_backup(bench, &backup).with_words(["--fingerprint", &fingerprint]))
}
