//! A page whose header is rubbish, on a server without page checksums.

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
    title: "page with a broken header, checksums off",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["XX001"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.plain_shop().await?;
    damage(&database, "shop.prices", Part::Header).await?;
    Ok(bench.rehearse(bench.copy_from_disk(&database, false).await?.conninfo()))
}
