//! Somebody's script cancels long queries, ours among them.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "query cancelled from outside",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Inconclusive,
    says: &["57014"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let cancel = "CREATE FUNCTION shop.cancel(shop.prices) RETURNS text LANGUAGE plpgsql AS \
                  'BEGIN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(30); RETURN 1; END'; \
                  CREATE CAST (shop.prices AS text) WITH FUNCTION shop.cancel(shop.prices)";
    database.sql(cancel).await?;
    Ok(bench.rehearse(database.conninfo()))
}
