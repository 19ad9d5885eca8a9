//! A materialised view over another server: the copy must not reach it, and cannot be blamed for that.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_COMPLETED,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "view over a foreign server",
    proves: &RESTORE_COMPLETED,
    outcome: Outcome::Inconclusive,
    says: &["08001"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    if !bench.isolation().is_apart() {
        return Err(Trouble::NotHere(
            "no network namespace is allowed here, so the copy would reach it".to_owned(),
        ));
    }
    let database = bench.shop().await?;
    let socket = database.socket_folder();
    let wanted = "CREATE FOREIGN TABLE shop.far (sku text) SERVER far OPTIONS (schema_name 'shop', table_name 'prices')";
    let server = format!(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', \
         port '9', dbname '{}'); CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'postgres'); {wanted}; \
         ALTER SERVER far OPTIONS (SET host '{}', SET port '5432')",
        database.name(),
        socket.display()
    );
    database.sql(&server).await?;
    database.sql("CREATE MATERIALIZED VIEW shop.seen AS SELECT count(*) FROM shop.far").await?;
    database.sql("ALTER SERVER far OPTIONS (SET host '127.0.0.1', SET port '9')").await?;
    Ok(bench.rehearse(database.conninfo()))
}
