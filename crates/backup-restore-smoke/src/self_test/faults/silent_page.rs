//! A page is corrupt on the disk of a source without page checksums; what the source still has in its memory is right. Only its content tells.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        faults::damage::{Part, damage},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "page corrupt at the source, checksums off",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Failed,
    says: &["another content"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.own_shop("unchecked", false).await?;
    database.sql("VACUUM (FREEZE) shop.customers").await?;
    database.sql("SELECT count(*) FROM shop.customers").await?;
    damage(&database, "shop.customers", Part::Row).await?;
    Ok(bench.rehearse(database.conninfo()).with_words(["--method", "base-backup"]))
}
