//! Makes a phase last until it is ended from outside: what reads a table's rows as text, or refreshes a view,
//! sleeps. Source and copy are told apart by the server's name, which only the source has.

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

/// Whoever reads a row of this table as text there waits for a minute.
pub(super) async fn hold(database: &Database, table: &str, place: Place) -> Result<(), Trouble> {
    let sign = if place == Place::Source { "<>" } else { "=" };
    let statements = format!(
        "CREATE FUNCTION shop.slowly({table}) RETURNS text LANGUAGE plpgsql AS 'BEGIN \
         IF current_setting(''cluster_name'') {sign} '''' THEN PERFORM pg_sleep(60); END IF; RETURN 1; END'; \
         CREATE CAST ({table} AS text) WITH FUNCTION shop.slowly({table})"
    );
    database.sql(&statements).await
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
