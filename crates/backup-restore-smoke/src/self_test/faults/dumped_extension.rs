//! The dump needs an extension that is not installed here.

use evidence_report::record::Outcome;

use crate::{
    checks::ENVIRONMENT,
    self_test::{
        fault::{Fault, Scene},
        faults::dumps::{dump, rehearse_backup},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "dump with an extension that is not installed here",
    proves: &ENVIRONMENT,
    outcome: Outcome::Inconclusive,
    says: &["not installed here: far_away"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let row = "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) \
               VALUES (9999998, 'far_away', 10, 'public'::regnamespace, false, '1.0')";
    database.sql(row).await?;
    let backup = dump(bench, &database, &["--format=custom"]).await?;
    Ok(rehearse_backup(bench, &backup))
}
