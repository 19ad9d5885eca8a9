//! The heartbeat's table and role, as SQL. Pure.

use crate::{
    comparison::TableName,
    sql::{identifier, literal},
};

/// The schema that holds the canary and nothing else.
pub(crate) const SCHEMA: &str = "ops_smoke_canary";

/// The table.
pub(crate) const TABLE: &str = "beat";

/// Both.
pub(crate) fn name() -> TableName {
    TableName { schema: SCHEMA.to_owned(), name: TABLE.to_owned() }
}

/// So many of the newest beats are kept: each beat takes the place of the one so many before it.
pub(crate) const KEPT: u32 = 1000;

/// Makes schema, table and role where they are missing, and gives the role its rights: to read and write this
/// one table. In one transaction; run again it changes nothing. The role cannot log in, and has no password:
/// that is the administrator's to decide.
pub(crate) fn install(database: &str, role: &str) -> String {
    let (quoted, name) = (identifier(role), literal(role));
    format!(
        "BEGIN;
DO $ops_smoke$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {name}) THEN
    CREATE ROLE {quoted} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
END
$ops_smoke$;
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC;
CREATE SEQUENCE IF NOT EXISTS {SCHEMA}.{TABLE}_sequence;
CREATE TABLE IF NOT EXISTS {SCHEMA}.{TABLE} (
  place integer PRIMARY KEY CHECK (place >= 0 AND place < {KEPT}),
  sequence bigint NOT NULL,
  at timestamp with time zone NOT NULL,
  lsn pg_lsn
) WITH (fillfactor = 50);
COMMENT ON TABLE {SCHEMA}.{TABLE} IS 'Heartbeats of backup-restore-smoke: a restored copy shows by the newest one how much was lost.';
GRANT CONNECT ON DATABASE {} TO {quoted};
GRANT USAGE ON SCHEMA {SCHEMA} TO {quoted};
GRANT USAGE ON SEQUENCE {SCHEMA}.{TABLE}_sequence TO {quoted};
GRANT SELECT, INSERT, UPDATE ON {SCHEMA}.{TABLE} TO {quoted};
COMMIT;
",
        identifier(database)
    )
}

/// What is read of a role before it is given anything: whether it could do more than it should.
pub(crate) fn too_mighty(role: &str) -> String {
    format!(
        "SELECT coalesce(bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls), false) \
         FROM pg_catalog.pg_roles WHERE rolname = {}",
        literal(role)
    )
}

/// Whether the role may read the place in the write-ahead log.
pub(crate) const MAY_READ_LSN: &str =
    "SELECT has_function_privilege('pg_catalog.pg_current_wal_insert_lsn()', 'EXECUTE')";

/// Writes one beat, and says its number.
pub(crate) fn beat(with_lsn: bool) -> String {
    let lsn = if with_lsn { "pg_catalog.pg_current_wal_insert_lsn()" } else { "NULL::pg_catalog.pg_lsn" };
    format!(
        "INSERT INTO {SCHEMA}.{TABLE} AS beat (place, sequence, at, lsn) \
         SELECT next.number % {KEPT}, next.number, pg_catalog.clock_timestamp(), {lsn} \
         FROM (SELECT pg_catalog.nextval('{SCHEMA}.{TABLE}_sequence') AS number) AS next \
         ON CONFLICT (place) DO UPDATE SET sequence = excluded.sequence, at = excluded.at, lsn = excluded.lsn \
         RETURNING sequence"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_gets_no_password_no_login_and_one_table() {
        let sql = install("sh\"op", "heart'beat");
        assert!(sql.contains("CREATE ROLE \"heart'beat\" NOLOGIN NOSUPERUSER"), "{sql}");
        assert!(sql.contains("rolname = 'heart''beat'") && sql.contains("DATABASE \"sh\"\"op\""), "{sql}");
        assert!(!sql.to_uppercase().contains("PASSWORD ") && !sql.contains(" LOGIN"), "{sql}");
        let tables = sql
            .lines()
            .filter(|line| line.starts_with("GRANT") && line.contains(" ON ops_smoke_canary.beat "));
        assert_eq!(tables.count(), 1);
    }
}
