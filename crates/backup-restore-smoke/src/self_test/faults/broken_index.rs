//! The order of an index is no longer that of its operators, as after an update of the collation: no checksum tells.

use evidence_report::record::Outcome;

use crate::{
    checks::INTEGRITY_AMCHECK,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "index whose order is broken",
    proves: &INTEGRITY_AMCHECK,
    outcome: Outcome::Failed,
    says: &[],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.own_shop("disordered", true).await?;
    let order = |sign: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION shop.order_of(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT {sign}pg_catalog.btint4cmp($1, $2)'"
        )
    };
    let index = "CREATE OPERATOR CLASS shop.odd FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, \
                 OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 shop.order_of(int, int); \
                 CREATE INDEX odd ON shop.customers (id shop.odd)";
    database.sql(&format!("{}; {index}", order(""))).await?;
    database.sql(&order("-")).await?;
    Ok(bench.rehearse(database.conninfo()).with_words(["--method", "base-backup"]))
}
