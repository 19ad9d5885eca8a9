//! Makes a phase last until it is ended from outside: what hashes a table's rows, or refreshes a view, sleeps.
//! Source and copy are told apart by the server's name, which only the source has.

use crate::self_test::{
    farm::Database,
    workshop::{Bench, Trouble},
};

/// Where it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Source,
    Copy,
}

/// Whoever hashes the rows of this table there waits for a minute.
pub(super) async fn hold(database: &Database, table: &str, place: Place) -> Result<(), Trouble> {
    let sign = if place == Place::Source { "<>" } else { "=" };
    let there = format!("current_setting(''cluster_name'') {sign} ''''");
    while_hashing(database, table, &format!("IF {there} THEN PERFORM pg_sleep(60); END IF;")).await
}

/// Runs this PL/pgSQL where the rows of the table are hashed. No function of the table's owner is called then, but
/// one is where its query is planned: in the condition of an index.
pub(super) async fn while_hashing(database: &Database, table: &str, does: &str) -> Result<(), Trouble> {
    let function = |body: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION shop.meanwhile(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS \
             'BEGIN {body} RETURN true; END'"
        )
    };
    database.sql(&function("")).await?;
    database.sql(&format!("CREATE INDEX ON {table} ((1)) WHERE shop.meanwhile(1)")).await?;
    database
        .sql(&function(&format!("IF current_query() LIKE ''%hashtextextended%'' THEN {does} END IF;")))
        .await
}

/// A step of the runbook that takes a minute: whoever comes late to a recovery finds it there.
pub(super) fn hold_step(bench: &Bench<'_>) -> Result<[String; 2], Trouble> {
    Ok(["--after-restore".to_owned(), bench.write("hold.sql", "SELECT pg_sleep(60)", 0o600)?])
}

/// The copy waits for a minute when it refreshes a view, which is the restore's last work.
pub(super) async fn hold_refresh(database: &Database) -> Result<(), Trouble> {
    let statements = "CREATE FUNCTION shop.wait() RETURNS int LANGUAGE plpgsql AS 'BEGIN \
                      IF current_setting(''cluster_name'') = '''' THEN PERFORM pg_sleep(60); END IF; RETURN 1; END'; \
                      CREATE MATERIALIZED VIEW shop.waiting AS SELECT shop.wait()";
    database.sql(statements).await
}
