//! A migration waits for a table that we hold, and everybody behind it waits too: we let go.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_UNDISTURBED,
    self_test::{
        fault::{Fault, Scene},
        faults::hold::{Place, hold},
        meanwhile::{Blow, Meanwhile},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "migration that waits for us",
    proves: &SOURCE_UNDISTURBED,
    outcome: Outcome::Inconclusive,
    says: &["everything was let go"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    hold(&database, "shop.prices", Place::Source).await?;
    let migration = "ALTER TABLE shop.customers ADD COLUMN added int".to_owned();
    let say = Meanwhile::In("source: fingerprint", Blow::Say(database.clone(), migration));
    Ok(bench.rehearse(database.conninfo()).meanwhile(say).idle())
}
