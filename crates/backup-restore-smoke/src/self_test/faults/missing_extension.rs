//! The source has an extension that is not installed here.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "extension that is not installed here",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["not installed here: far_away"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    // Nothing can be made of an extension that is not here, except its row in the catalogue.
    let row = "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) \
               VALUES (9999999, 'far_away', 10, 'public'::regnamespace, false, '1.0')";
    database.sql(row).await?;
    Ok(bench.rehearse(database.conninfo()))
}
