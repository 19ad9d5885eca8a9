//! A materialised view over a function that relies on the search path: a restore has none.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_COMPLETED,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "view that cannot be refreshed",
    proves: &RESTORE_COMPLETED,
    outcome: Outcome::Failed,
    says: &["42P01"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let view = "SET search_path = shop; CREATE FUNCTION shop.dearest() RETURNS numeric LANGUAGE sql AS \
                'SELECT max(price) FROM prices'; CREATE MATERIALIZED VIEW shop.top AS SELECT shop.dearest() AS price";
    database.sql(view).await?;
    Ok(bench.rehearse(database.conninfo()))
}
