//! What a restore can lose is found and named; a healthy backup passes.

use crate::{cluster::TestCluster, tool::Tool};

#[test]
fn the_embedded_source_passes_and_is_local_whatever_is_said() {
    let tool = Tool::new();
    let ended = tool.run(&[
        "rehearse",
        "--embedded",
        "--embedded-size",
        "10MB",
        "--environment",
        "production",
        "--rto",
        "5m",
    ]);
    ended.assert_code(0);
    assert_eq!(ended.report["environment"], "local");
    assert_eq!(ended.report["verdict"], "passed");
    assert_eq!(ended.finding("restore.content").0, "passed");
    assert!(ended.finding("restore.content").2.contains("18 tables"), "{}", ended.everything());
    assert_eq!(ended.finding("restore.writable").0, "passed");
    assert_eq!(ended.finding("recovery.time").0, "passed");
    assert_eq!(ended.finding("recovery.data_loss").0, "not_checked_optional");
    let stages: Vec<_> = ended.report["timeline"]["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap().to_owned())
        .collect();
    for stage in [
        "fingerprint of the source",
        "dump",
        "incident",
        "initdb",
        "server start",
        "restore",
        "first committed write",
    ] {
        assert!(stages.iter().any(|name| name == stage), "{stage} is not in {stages:?}");
    }
    let evidence = std::fs::read_to_string(tool.path("evidence.md")).unwrap();
    assert!(evidence.contains("**PASSED") && evidence.contains("system identifier"), "{evidence}");
    tool.assert_nothing_left();
}

#[test]
fn a_source_of_ones_own_passes_and_is_not_written_to() {
    // Without a log for standbys the server writes nothing of its own while nobody writes.
    let quiet = ["wal_level=minimal", "max_wal_senders=0"];
    let (cluster, tool) = (TestCluster::start_with(&quiet, "local all all trust\n", |_| {}), Tool::new());
    let database = cluster.shop();
    let written = "SELECT pg_snapshot_xmax(pg_current_snapshot()) || ' ' || pg_current_wal_insert_lsn() || ' ' || pg_current_wal_flush_lsn()";
    // Dead rows are cleared away by whoever reads their page, us too.
    cluster.sql(database, "VACUUM");
    cluster.sql(database, "CHECKPOINT");
    let before = cluster.sql(database, written);
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database), "--environment", "staging"]);
    ended.assert_code(0);
    assert_eq!(ended.report["environment"], "staging");
    assert!(ended.finding("restore.content").2.starts_with("3 tables, 2500 rows"), "{}", ended.everything());
    let identifier = cluster.sql(database, "SELECT system_identifier FROM pg_control_system()");
    assert!(ended.report["facts"].to_string().contains(&identifier), "{}", ended.report["facts"]);
    assert_eq!(
        before,
        cluster.sql(database, written),
        "a transaction id was spent, or the log was written to"
    );
    tool.assert_nothing_left();
}

/// The runbook's SQL stands between restore and comparison: what it does to the rows must be found.
fn after_restore(sql: &str) -> (Tool, crate::tool::Ended) {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE TABLE shop.doomed (a int); CREATE TABLE shop.narrowed AS SELECT 1 AS a, 2 AS b; SELECT lo_from_bytea(0, 'large')",
    );
    let step = tool.file("step.sql", sql);
    let ended = tool.run(&[
        "rehearse",
        "--source",
        &cluster.conninfo(database),
        "--after-restore",
        step.to_str().unwrap(),
    ]);
    tool.assert_nothing_left();
    (tool, ended)
}

#[test]
fn a_changed_row_fails_and_its_table_is_named() {
    let (_, ended) = after_restore("UPDATE shop.customers SET name = 'customer  7' WHERE id = 7");
    ended.assert_code(2);
    let (outcome, subject, observed) = ended.finding("restore.content");
    assert_eq!((outcome.as_str(), subject.as_str()), ("failed", "shop.customers"));
    assert!(observed.starts_with("as many rows, but at least one has another content"), "{observed}");
    assert!(!ended.everything().contains("customer  7"), "a row's value left the database");
}

#[test]
fn every_kind_of_loss_fails_and_is_named_by_table() {
    let (_, ended) = after_restore(
        "DELETE FROM shop.orders_old WHERE id = 3; INSERT INTO shop.orders VALUES (-1, '2025-05-05', 'extra'); \
         UPDATE shop.customers SET name = CASE id WHEN 1 THEN 'customer 2' ELSE 'customer 1' END WHERE id IN (1, 2); \
         SELECT nextval('shop.customers_id_seq'); DROP TABLE shop.doomed; ALTER TABLE shop.narrowed DROP COLUMN b; \
         CREATE TABLE shop.\"new one\" AS SELECT 1 AS x; SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
    );
    ended.assert_code(2);
    let findings = ended.findings("restore.content");
    let said: Vec<_> =
        findings.iter().map(|(_, subject, observed)| format!("{subject}: {observed}")).collect();
    for wanted in [
        "shop.orders_old: 1 row missing",
        "shop.orders_new: 1 row too many",
        "shop.customers: as many rows, but at least one has another content",
        "shop.doomed: the table is missing",
        "shop.narrowed: as many rows, but at least one has another content",
        "shop.\"new one\": an extra table of 1 row",
        "large objects: the table is missing",
    ] {
        assert!(said.iter().any(|line| line.starts_with(wanted)), "{wanted}: {said:?}");
    }
    assert!(findings.iter().all(|(outcome, ..)| outcome == "failed") && findings.len() == 7, "{said:?}");
    let (outcome, subject, observed) = ended.finding("restore.sequences");
    assert_eq!(
        (outcome.as_str(), subject.as_str(), observed.as_str()),
        ("failed", "shop.customers_id_seq", "501")
    );
}

#[test]
fn a_step_of_the_runbook_that_fails_is_found_without_values() {
    let (_, ended) = after_restore("INSERT INTO shop.customers VALUES (1, 'secret-row-value')");
    ended.assert_code(2);
    let (outcome, subject, observed) = ended.finding("restore.steps");
    assert_eq!((outcome.as_str(), subject.as_str()), ("failed", "step.sql"));
    assert!(observed.contains("SQLSTATE 23505") && observed.contains("customers_pkey"), "{observed}");
    assert_eq!(ended.finding("restore.content").0, "passed");
    assert!(!ended.everything().contains("secret-row-value"));
}

#[test]
fn objectives_decide_the_verdict() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let ended =
        tool.run(&["rehearse", "--source", &source, "--rto", "1ms", "--rpo", "1h", "--backup-age", "26h"]);
    ended.assert_code(2);
    assert_eq!(ended.finding("recovery.time").0, "failed");
    let (outcome, _, observed) = ended.finding("recovery.data_loss");
    assert!(outcome == "failed" && observed.contains("26 h 0 min"), "{outcome}: {observed}");
    let ended = tool.run(&["rehearse", "--source", &source, "--rpo", "1h"]);
    ended.assert_code(3);
    assert_eq!(ended.finding("recovery.data_loss").0, "not_checked");
}

#[test]
fn an_extension_that_this_machine_lacks_is_no_bad_backup() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "SET allow_system_table_mods = on; INSERT INTO pg_extension SELECT 99999, 'not_installed_here', extowner, extnamespace, extrelocatable, '1', NULL, NULL FROM pg_extension LIMIT 1",
    );
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    ended.assert_code(3);
    let (outcome, subject, observed) = ended.finding("rehearsal.environment");
    assert_eq!((outcome.as_str(), subject.as_str()), ("inconclusive", "extensions"));
    assert!(observed.contains("not_installed_here"), "{observed}");
    tool.assert_nothing_left();
}

#[test]
fn an_object_that_does_not_restore_fails_the_restore() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    // A constraint that its own rows break: the dump is made, and the restore refuses the rows.
    cluster.sql(
        database,
        "CREATE TABLE shop.limits (v int); INSERT INTO shop.limits VALUES (987654321); \
         CREATE FUNCTION shop.allowed(v int) RETURNS bool LANGUAGE sql AS 'SELECT v < 5'; \
         ALTER TABLE shop.limits ADD CONSTRAINT small CHECK (shop.allowed(v)) NOT VALID",
    );
    cluster.sql(
        database,
        "SET allow_system_table_mods = on; UPDATE pg_constraint SET convalidated = true WHERE conname = 'small'",
    );
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    ended.assert_code(2);
    assert!(ended.finding("restore.completed").2.starts_with("23514:"), "{}", ended.everything());
    assert_eq!(ended.finding("restore.content").1, "shop.limits");
    assert!(
        !ended.everything().contains("987654321"),
        "a row's value left the database: {}",
        ended.everything()
    );
}

#[test]
fn owners_and_grants_need_no_roles_of_this_machine() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE ROLE \"own\"\"er 😀\" LOGIN PASSWORD 'hunter2'; CREATE ROLE reader; CREATE ROLE chief SUPERUSER; \
         ALTER TABLE shop.customers OWNER TO \"own\"\"er 😀\"; GRANT SELECT ON shop.customers TO reader; \
         CREATE FUNCTION shop.noop() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION shop.noop(); ALTER EVENT TRIGGER watch OWNER TO chief",
    );
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    ended.assert_code(0);
    assert_eq!(ended.finding("restore.completed").0, "passed");
}

#[test]
fn an_event_trigger_that_writes_an_audit_trail_is_no_difference() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE TABLE shop.trail (what text); \
         CREATE FUNCTION shop.note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO shop.trail VALUES (tg_tag); END'; \
         CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION shop.note(); \
         CREATE EVENT TRIGGER note_drops ON sql_drop EXECUTE FUNCTION shop.note(); CREATE TABLE shop.one (a int)",
    );
    assert_ne!(cluster.sql(database, "SELECT count(*) FROM shop.trail"), "0");
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    ended.assert_code(0);
    assert_eq!(ended.finding("restore.content").0, "passed");
    assert_eq!(ended.finding("restore.writable").0, "passed");
}

#[test]
fn databases_of_other_encodings_of_the_name_postgres_and_without_schema_public_pass() {
    let cluster = TestCluster::start();
    cluster.sql(
        "postgres",
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    cluster.sql("postgres", "CREATE DATABASE bare");
    cluster.sql("bare", "DROP SCHEMA public");
    cluster.sql("bare", "CREATE SCHEMA app; ALTER ROLE postgres IN DATABASE bare SET search_path = app");
    cluster.sql(
        "postgres",
        "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    for database in ["latin", "postgres", "bare", "ascii"] {
        cluster.sql(database, "CREATE TABLE \"caf\u{e9}\" AS SELECT 'na\u{ef}ve'::text AS word, 1 AS n");
        if database == "ascii" {
            // Whatever bytes, in rows and in definitions.
            let sql = "UPDATE \"caf\u{e9}\" SET word = E'na\\xefve'; COMMENT ON TABLE \"caf\u{e9}\" IS E'\\xfc'; \
                       ALTER TABLE \"caf\u{e9}\" ALTER word SET DEFAULT E'\\xe4', ADD CHECK (word <> E'\\xdf')";
            cluster.sql(database, sql);
        }
        let tool = Tool::new();
        let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
        ended.assert_code(0);
        assert!(ended.finding("restore.content").2.starts_with("1 table, 1 row"), "{}", ended.everything());
    }
}

#[test]
fn a_source_without_tables_proves_nothing() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo("postgres")]);
    assert_eq!(ended.assert_code(3).finding("restore.content").0, "inconclusive");
}
