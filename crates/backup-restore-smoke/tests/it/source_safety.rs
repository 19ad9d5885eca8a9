//! The source comes first: nobody waits long for us, and what cannot be read is said clearly.

use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{
    cluster::TestCluster,
    tool::{Tool, until},
};

/// A session that runs this SQL in the background.
fn background(cluster: &TestCluster, database: &str, sql: &str) -> Child {
    let mut command = cluster.psql(database, &["-c", sql]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn waiting_for_lock(cluster: &TestCluster) -> bool {
    cluster
        .sql("postgres", "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
        != "0"
}

#[test]
fn a_migration_that_waits_five_seconds_makes_us_let_go() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.slow_shop(60);
    let rehearsal = tool.spawn(&["rehearse", "--jobs", "1", "--source", &cluster.conninfo(database)]);
    tool.wait_for("source: fingerprint");
    let start = Instant::now();
    let mut migration = background(&cluster, database, "ALTER TABLE shop.orders ADD COLUMN added int");
    until("the migration's wait", || waiting_for_lock(&cluster));
    assert!(migration.wait().unwrap().success());
    let waited = start.elapsed();
    let ended = tool.finish(rehearsal);
    ended.assert_code(3);
    assert!(
        (Duration::from_secs(5)..Duration::from_secs(40)).contains(&waited),
        "the migration waited {waited:?}"
    );
    let (outcome, _, observed) = ended.finding("source.undisturbed");
    assert_eq!(outcome, "inconclusive");
    assert!(observed.contains("everything was let go"), "{observed}");
    assert!(
        ended.report["interrupted"].to_string().contains("waited 5 s for us"),
        "{}",
        ended.report["interrupted"]
    );
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'backup-restore-smoke%'";
    until("the end of our sessions", || cluster.sql("postgres", sessions) == "0");
    tool.assert_nothing_left();
}

#[test]
fn a_short_wait_does_not_make_us_let_go() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.slow_shop(10);
    let rehearsal = tool.spawn(&["rehearse", "--jobs", "1", "--source", &cluster.conninfo(database)]);
    tool.wait_for("source: fingerprint");
    let mut migration = background(
        &cluster,
        database,
        "SET lock_timeout = '2s'; ALTER TABLE shop.orders ADD COLUMN added int",
    );
    assert!(!migration.wait().unwrap().success(), "the migration was to give up after 2 s");
    let ended = tool.finish(rehearsal);
    ended.assert_code(0);
    assert_eq!(ended.finding("source.undisturbed").0, "passed");
    assert!(ended.finding("source.undisturbed").2.contains("longest wait"), "{}", ended.everything());
}

#[test]
fn writers_do_not_disturb_a_healthy_backup() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let mut writer = background(
        &cluster,
        database,
        "DO $$ BEGIN FOR i IN 1..10000000 LOOP INSERT INTO shop.customers (name) VALUES ('w' || i); \
         UPDATE shop.orders SET note = 'w' || i WHERE id = 1 + i % 2000; COMMIT; END LOOP; END $$",
    );
    until("the writer's first row", || cluster.sql(database, "SELECT count(*) FROM shop.customers") != "500");
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    let still_writing = writer.try_wait().unwrap().is_none();
    writer.kill().unwrap();
    writer.wait().unwrap();
    ended.assert_code(0);
    assert!(still_writing, "the writer had ended before the rehearsal did");
    assert_eq!(ended.finding("restore.sequences").0, "passed");
}

#[test]
fn a_table_locked_exclusively_is_inconclusive_and_we_do_not_wait_for_ever() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let mut holder = background(&cluster, database, "BEGIN; LOCK TABLE shop.customers; SELECT pg_sleep(120)");
    let held = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock'";
    until("the lock", || cluster.sql("postgres", held) != "0");
    let start = Instant::now();
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    ended.assert_code(3);
    assert!(start.elapsed() < Duration::from_secs(90), "{:?}", start.elapsed());
    let findings = ended.findings("source.undisturbed");
    assert!(
        findings
            .iter()
            .any(|(outcome, _, observed)| outcome == "inconclusive" && observed.contains("exclusive lock")),
        "{findings:?}"
    );
}

#[test]
fn a_role_without_enough_rights_is_told_which_to_give() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(database, "CREATE ROLE small LOGIN; GRANT USAGE ON SCHEMA shop TO small; GRANT SELECT ON shop.customers TO small");
    let source = cluster.conninfo(database).replace("user=postgres", "user=small");
    let ended = tool.run(&["rehearse", "--source", &source]);
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("source.readable");
    assert!(outcome == "inconclusive" && observed.contains("42501"), "{outcome}: {observed}");
    assert!(ended.report.to_string().contains("pg_read_all_data"));
    cluster.sql(database, "GRANT pg_read_all_data TO small");
    tool.run(&["rehearse", "--source", &source]).assert_code(0);
    cluster.sql(database, "SELECT lo_from_bytea(0, 'large')");
    let ended = tool.run(&["rehearse", "--source", &source]);
    assert_eq!(ended.assert_code(3).finding("source.readable").1, "large objects");
    assert!(ended.report.to_string().contains("grant SELECT ON LARGE OBJECT"));
}

#[test]
fn rows_that_row_security_hides_are_not_taken_for_the_whole_table() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE ROLE small LOGIN IN ROLE pg_read_all_data; ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY few ON shop.customers USING (id < 10)",
    );
    let source = cluster.conninfo(database).replace("user=postgres", "user=small");
    let ended = tool.run(&["rehearse", "--source", &source]);
    ended.assert_code(3);
    assert_eq!(ended.finding("source.readable").1, "shop.customers");
    assert!(ended.report.to_string().contains("BYPASSRLS"));
}

#[test]
fn a_view_over_a_foreign_server_cannot_connect_out_and_is_no_bad_backup() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        &format!(
            "CREATE ROLE far LOGIN PASSWORD 'far' IN ROLE pg_read_all_data; CREATE EXTENSION postgres_fdw; \
             CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{}', dbname '{database}'); \
             CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'far', password 'far'); \
             CREATE FOREIGN TABLE shop.far (id int, name text) SERVER far OPTIONS (schema_name 'shop', table_name 'customers')",
            cluster.port
        ),
    );
    cluster.sql(database, "CREATE MATERIALIZED VIEW shop.seen AS SELECT count(*) FROM shop.far");
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    if ended.finding("restore.isolated").0 == "passed" {
        ended.assert_code(3);
        let (outcome, _, observed) = ended.finding("restore.completed");
        assert!(outcome == "inconclusive" && observed.starts_with("08001"), "{outcome}: {observed}");
    } else {
        ended.assert_code(0);
    }
    assert_eq!(ended.finding("restore.content").0, "passed");
    let derived = ended.findings("restore.derived");
    assert!(derived.iter().any(|(_, subject, _)| subject == "shop.far"), "{derived:?}");
}

#[test]
fn a_limit_that_is_set_for_the_database_does_not_end_us() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql("postgres", "ALTER DATABASE shop SET statement_timeout = '1ms'");
    let kept = tool.path("shop.json").display().to_string();
    tool.run(&["fingerprint", "--source", &cluster.conninfo(database), "-o", &kept]).assert_code(0);
}

#[test]
fn a_standby_is_rehearsed_from_without_its_unlogged_tables() {
    let (primary, tool) = (TestCluster::start(), Tool::new());
    let database = primary.shop();
    primary.sql(database, "CREATE UNLOGGED TABLE shop.sessions AS SELECT 1 AS a");
    let standby = primary.standby();
    until("the standby's data", || standby.sql(database, "SELECT count(*) FROM shop.customers") == "500");
    let ended = tool.run(&["rehearse", "--source", &standby.conninfo(database)]);
    ended.assert_code(0);
    assert!(ended.report["facts"].to_string().contains("standby"), "{}", ended.report["facts"]);
    let derived = ended.findings("restore.derived");
    assert!(derived.iter().any(|(_, subject, _)| subject == "shop.sessions"), "{derived:?}");
    assert!(!standby.log().contains("unexpected EOF"), "we left without a word: {}", standby.log());
}
