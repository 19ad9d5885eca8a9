//! One bit of a row flipped on the source's disk; its checksum tells.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        faults::damage::{Part, damage},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "flipped bit in a page, checksums on",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["XX001"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    damage(&database, "shop.prices", Part::Row).await?;
    Ok(bench.rehearse(bench.copy_from_disk(&database, true).await?.conninfo()))
}
