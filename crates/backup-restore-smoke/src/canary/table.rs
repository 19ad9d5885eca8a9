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

/// What a transaction of ours sets, for itself alone: behind a transaction pooler a setting of the session would stay with
/// a server process that serves an application next.
const PINS: &str = "SET LOCAL standard_conforming_strings = on;
SET LOCAL lock_timeout = '5s';
SET LOCAL search_path = pg_catalog;
";

/// One statement in a transaction with [`PINS`], which ends after 10 s at the latest.
pub(crate) fn in_a_transaction(statement: &str) -> String {
    format!("BEGIN;\n{PINS}SET LOCAL statement_timeout = '10s';\n{statement};\nCOMMIT")
}

/// Makes schema, table and role where they are missing, and gives the role its rights: to read and write this
/// one table. In one transaction; run again it changes nothing. The role cannot log in, and has no password:
/// that is the administrator's to decide.
pub(crate) fn install(database: &str, role: &str) -> String {
    let (quoted, name) = (identifier(role), literal(role));
    format!(
        "BEGIN;
{PINS}DO $ops_smoke$
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

/// What a role that is there already could do besides: a row for each thing. `pg_shdepend` knows what a role owns in
/// every database, and where an access list names it in this one.
pub(crate) fn does_besides(role: &str) -> String {
    format!(
        "WITH the AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = {role}),
ours AS (
  SELECT 'pg_catalog.pg_namespace'::regclass AS class, oid FROM pg_catalog.pg_namespace WHERE nspname = '{SCHEMA}'
  UNION ALL SELECT 'pg_catalog.pg_class'::regclass, c.oid FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '{SCHEMA}' AND c.relname IN ('{TABLE}', '{TABLE}_sequence')
  UNION ALL SELECT 'pg_catalog.pg_database'::regclass, oid FROM pg_catalog.pg_database)
SELECT 'it is a superuser' FROM the WHERE rolsuper
UNION ALL SELECT 'it may make roles' FROM the WHERE rolcreaterole
UNION ALL SELECT 'it may make databases' FROM the WHERE rolcreatedb
UNION ALL SELECT 'it may replicate' FROM the WHERE rolreplication
UNION ALL SELECT 'it bypasses row security' FROM the WHERE rolbypassrls
UNION ALL SELECT 'it is a member of ' || quote_ident(of.rolname)
  FROM the JOIN pg_catalog.pg_auth_members AS m ON m.member = the.oid JOIN pg_catalog.pg_roles AS of ON of.oid = m.roleid
UNION ALL SELECT 'it owns ' || count(*) || ' objects'
  FROM the JOIN pg_catalog.pg_shdepend AS d ON d.refobjid = the.oid AND d.refclassid = 'pg_catalog.pg_authid'::regclass
  WHERE d.deptype = 'o' HAVING count(*) > 0
UNION ALL SELECT 'it was granted rights to ' || count(*) || ' other objects of this database'
  FROM the JOIN pg_catalog.pg_shdepend AS d ON d.refobjid = the.oid AND d.refclassid = 'pg_catalog.pg_authid'::regclass
  WHERE d.deptype = 'a'
    AND d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    AND NOT EXISTS (SELECT FROM ours WHERE ours.class = d.classid AND ours.oid = d.objid)
  HAVING count(*) > 0",
        role = literal(role)
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
