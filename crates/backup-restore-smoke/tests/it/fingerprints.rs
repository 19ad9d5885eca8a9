//! The fingerprint by itself.

use crate::{cluster::TestCluster, tool::Tool};

#[test]
fn hostile_names_are_read_and_shown_on_one_line_each() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.sql("postgres", "CREATE DATABASE \"we'ird \\ name\"");
    let database = "we'ird \\ name";
    cluster.sql(
        database,
        "CREATE SCHEMA \"s \"\"q\"\" 😀\"; CREATE TABLE \"s \"\"q\"\" 😀\".\"a\nb; DROP\" (r text, t int, \"select\" int); \
         INSERT INTO \"s \"\"q\"\" 😀\".\"a\nb; DROP\" VALUES ('x', 1, 2), (NULL, NULL, NULL); CREATE TABLE \"no columns\" ()",
    );
    let source = format!(
        "host={} port={} user=postgres dbname='we\\'ird \\\\ name'",
        cluster.folder().display(),
        cluster.port
    );
    let output = tool.bare().args(["fingerprint", "--quiet", "--source", &source]).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("\"s \"\"q\"\" 😀\".\"a\\nb; DROP\""), "{stdout}");
    assert!(
        stdout.lines().any(|line| line.trim_start().starts_with("2 ") && line.contains("DROP")),
        "{stdout}"
    );
    let ended = tool.run(&["rehearse", "--source", &source]);
    ended.assert_code(0);
    tool.assert_nothing_left();
}

#[test]
fn the_digest_is_the_sum_that_psql_computes_and_settings_of_the_role_do_not_change_it() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE TABLE shop.moments (at timestamptz, for_how_long interval, exact float8, raw bytea, what regclass); \
         INSERT INTO shop.moments VALUES ('2024-02-29 12:00+02', '1 day 2 hours', 0.1::float8 / 3, '\\x00ff', 'shop.orders')",
    );
    let digest = |tool: &Tool| {
        let output = tool
            .bare()
            .args(["fingerprint", "--quiet", "--source", &cluster.conninfo(database)])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let plain = digest(&tool);
    let text = |column: &str| format!("coalesce({column}, 'NULL 4d0f7c9a61b2e835') COLLATE \"C\"");
    let columns = ["c.id::text", "c.name"];
    let hash = columns
        .iter()
        .fold("0".to_owned(), |seed, column| format!("hashtextextended({}, {seed})", text(column)));
    let customers =
        cluster.sql(database, &format!("SELECT count(*) || ' ' || sum({hash}) FROM shop.customers c"));
    let (rows, sum) = customers.split_once(' ').unwrap();
    assert!(
        plain
            .lines()
            .any(|line| line.split_whitespace().collect::<Vec<_>>() == [rows, sum, "shop.customers"]),
        "{plain}"
    );
    for setting in [
        "TimeZone = 'Asia/Tokyo'",
        "DateStyle = 'German'",
        "IntervalStyle = 'iso_8601'",
        "extra_float_digits = -3",
        "bytea_output = 'escape'",
        "search_path = 'shop'",
        "quote_all_identifiers = on",
        "statement_timeout = '10min'",
        "default_transaction_isolation = 'serializable'",
    ] {
        cluster.sql("postgres", &format!("ALTER ROLE postgres SET {setting}"));
    }
    assert_eq!(plain, digest(&tool));
    cluster.sql(database, "UPDATE shop.moments SET exact = exact * 3");
    assert_ne!(plain, digest(&tool));
}

#[test]
fn a_number_of_equal_value_and_other_text_is_another_row() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(database, "CREATE TABLE n (v numeric); INSERT INTO n VALUES (1.0)");
    let step = tool.file("step.sql", "UPDATE public.n SET v = 1.00");
    let ended = tool.run(&[
        "rehearse",
        "--source",
        &cluster.conninfo(database),
        "--after-restore",
        step.to_str().unwrap(),
    ]);
    assert_eq!(ended.assert_code(2).finding("restore.content").1, "public.n");
}

#[test]
fn nobodys_cast_to_text_is_run_and_the_widest_table_is_read() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let columns: Vec<_> = (0..1600).map(|column| format!("c{column} int")).collect();
    cluster.sql(
        database,
        &format!(
            "CREATE TABLE shop.wide ({}); INSERT INTO shop.wide (c0, c1599) VALUES (1, 2); CREATE TABLE shop.empty (); \
             CREATE TYPE shop.state AS ENUM ('open'); CREATE TABLE shop.states AS SELECT 'open'::shop.state AS state; \
             CREATE FUNCTION shop.trap(shop.state) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''a trap''; END'; \
             CREATE FUNCTION shop.trap(shop.wide) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''a trap''; END'; \
             CREATE CAST (shop.state AS text) WITH FUNCTION shop.trap(shop.state) AS IMPLICIT; \
             CREATE CAST (shop.wide AS text) WITH FUNCTION shop.trap(shop.wide) AS IMPLICIT",
            columns.join(", ")
        ),
    );
    let lines = |tool: &Tool| {
        let source = cluster.conninfo(database);
        let output = tool.bare().args(["fingerprint", "--quiet", "--source", &source]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let before = lines(&tool);
    assert!(before.contains("shop.wide") && before.contains("shop.empty"), "{before}");
    // What moves from the first column of all to the second, or to the last of the first fifty and the one after.
    for (from, to) in [(0, 1), (1, 49), (49, 50), (50, 1598)] {
        let moved = format!("UPDATE shop.wide SET c{to} = c{from}, c{from} = NULL");
        let before = lines(&tool);
        cluster.sql(database, &moved);
        assert_ne!(before, lines(&tool), "{moved}");
    }
}
