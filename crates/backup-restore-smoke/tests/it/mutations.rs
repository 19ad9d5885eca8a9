//! Random small databases: of a copy with one change the change is always found, under its own check, and of a
//! copy without any nothing is ever found. `BACKUP_RESTORE_SMOKE_CASES` asks for more cases than a few.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{cluster::TestCluster, tool::Tool};

/// One change of table `t`, and the check that finds it.
const MUTATIONS: [(&str, &str); 39] = [
    ("UPDATE s.t SET words = words || ' ' WHERE id = 1", "content"),
    (
        "UPDATE s.t SET words = CASE id WHEN 1 THEN (SELECT words FROM s.t WHERE id = 2) ELSE (SELECT words FROM s.t WHERE id = 1) END WHERE id <= 2",
        "content",
    ),
    ("UPDATE s.t SET number = 1.00 WHERE id = 1", "content"),
    ("UPDATE s.t SET maybe = '' WHERE id = 1", "content"),
    ("UPDATE s.t SET maybe = words, words = number::text WHERE id = 1", "content"),
    ("UPDATE s.t SET maybe = right(words, 1), words = left(words, -1) WHERE id = 1", "content"),
    ("UPDATE s.t SET things = '{\"a\":  1}' WHERE id = 1", "content"),
    ("DELETE FROM s.t WHERE id = 2", "content"),
    ("INSERT INTO s.t (id) VALUES (-1)", "content"),
    ("INSERT INTO s.keyless SELECT * FROM s.keyless LIMIT 1", "content"),
    ("SELECT lo_put(oid, 0, 'X') FROM pg_largeobject_metadata LIMIT 1", "content"),
    ("SELECT setval('s.counter', 4)", "sequences"),
    ("ALTER SEQUENCE s.counter CACHE 3", "schema"),
    ("ALTER TABLE s.t ALTER number SET DEFAULT 8", "schema"),
    ("ALTER TABLE s.t ALTER words DROP NOT NULL", "schema"),
    ("ALTER TABLE s.keyless ALTER a TYPE bigint", "schema"),
    ("ALTER TABLE s.keyless SET (fillfactor = 55)", "schema"),
    ("CREATE OR REPLACE FUNCTION s.one() RETURNS int LANGUAGE sql AS 'SELECT 2'", "schema"),
    ("ALTER FUNCTION s.one() SECURITY DEFINER", "schema"),
    ("CREATE OR REPLACE VIEW s.seen AS SELECT id, words FROM s.t WHERE id > 6", "schema"),
    ("ALTER TABLE s.t DISABLE TRIGGER touched", "schema"),
    ("ALTER TYPE s.mood ADD VALUE 'odd'", "schema"),
    ("DROP STATISTICS s.together", "schema"),
    ("CREATE TABLE s.new_one ()", "schema"),
    ("DROP INDEX s.t_words", "indexes"),
    (
        "SET allow_system_table_mods = on; UPDATE pg_index SET indisvalid = false WHERE indexrelid = 's.t_words'::regclass",
        "indexes",
    ),
    ("ALTER TABLE s.t DROP CONSTRAINT positive", "constraints"),
    (
        "ALTER TABLE s.t DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (number > -1) NOT VALID",
        "constraints",
    ),
    ("ALTER TABLE s.t DISABLE ROW LEVEL SECURITY", "row_security"),
    ("DROP POLICY own ON s.t", "row_security"),
    ("REVOKE SELECT ON s.t FROM mutant_reader", "grants"),
    ("GRANT UPDATE (words) ON s.t TO mutant_reader", "grants"),
    ("ALTER VIEW s.seen OWNER TO mutant_reader", "grants"),
    ("ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO mutant_reader", "grants"),
    ("GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO mutant_reader", "grants"),
    (
        "REVOKE SELECT (datname) ON pg_database FROM PUBLIC; REVOKE SELECT ON pg_database FROM PUBLIC",
        "grants",
    ),
    ("REVOKE EXECUTE ON FUNCTION hstore_hash(hstore) FROM PUBLIC", "grants"),
    ("COMMENT ON COLUMN s.t.words IS 'other'", "comments"),
    ("DROP EXTENSION hstore", "extensions"),
];

/// A database with something of everything, of which size and values vary.
fn database(rows: u32, partitions: u32, seed: u32, partitioned: bool) -> String {
    let by = if partitioned { "PARTITION BY HASH (id)" } else { "" };
    let parts: String = (0..if partitioned { partitions } else { 0 })
        .map(|i| {
            format!(
                "CREATE TABLE s.t_{i} PARTITION OF s.t FOR VALUES WITH (MODULUS {partitions}, REMAINDER {i});"
            )
        })
        .collect();
    format!(
        "CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('good', 'bad'); CREATE SEQUENCE s.counter START 9; \
         CREATE EXTENSION hstore SCHEMA public; \
         CREATE TABLE s.t (id int PRIMARY KEY, words text NOT NULL DEFAULT 'x', number numeric DEFAULT 7, maybe text, things json, \
             at timestamptz DEFAULT '2024-01-01', mood s.mood, CONSTRAINT positive CHECK (number > -1)) {by}; {parts} \
         INSERT INTO s.t (id, words, number, things, mood) SELECT i, md5((i * {seed})::text), 1.0, '{{\"a\": 1}}', 'good' \
             FROM generate_series(1, {rows}) AS i; \
         CREATE INDEX t_words ON s.t (words); COMMENT ON COLUMN s.t.words IS 'words'; \
         CREATE TABLE s.keyless AS SELECT i % 3 AS a FROM generate_series(1, {rows}) AS i; \
         CREATE STATISTICS s.together ON id, words FROM s.t; \
         CREATE FUNCTION s.one() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW s.seen AS SELECT id, words FROM s.t WHERE id > 5; \
         CREATE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER touched AFTER INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.touch(); \
         ALTER TABLE s.t ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON s.t USING (id > 0); \
         GRANT SELECT ON s.t TO mutant_reader; SELECT lo_from_bytea(0, '{seed}')"
    )
}

#[test]
fn a_single_mutation_is_always_found_and_none_never() {
    let cases =
        std::env::var("BACKUP_RESTORE_SMOKE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.sql("postgres", "CREATE ROLE mutant_reader");
    let strategy = (2_u32..40, 2_u32..5, 1_u32..100_000, any::<bool>(), 0..MUTATIONS.len());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let found = TestRunner::new(config).run(&strategy, |(rows, partitions, seed, partitioned, mutation)| {
        check(&cluster, &tool, &database(rows, partitions, seed, partitioned), MUTATIONS[mutation])
    });
    found.unwrap();
    tool.assert_nothing_left();
}

fn check(
    cluster: &TestCluster,
    tool: &Tool,
    make: &str,
    (mutation, expected): (&str, &str),
) -> Result<(), TestCaseError> {
    for statement in [
        "DROP DATABASE IF EXISTS copy",
        "DROP DATABASE IF EXISTS original",
        "CREATE DATABASE original TEMPLATE template0",
    ] {
        cluster.sql("postgres", statement);
    }
    cluster.sql("original", make);
    cluster.sql("postgres", "CREATE DATABASE copy TEMPLATE original");
    let (original, copy) = (cluster.conninfo("original"), cluster.conninfo("copy"));
    let same = tool.run(&["compare", &original, &copy]);
    prop_assert_eq!(same.code, Some(0), "no mutation: {}", same.everything());
    cluster.sql("copy", mutation);
    let ended = tool.run(&["compare", &original, &copy]);
    prop_assert_eq!(ended.code, Some(2), "{}: {}", mutation, ended.everything());
    let named = ended.findings(&format!("restore.{expected}"));
    prop_assert!(
        named.iter().any(|(outcome, ..)| outcome == "failed"),
        "{}: {}",
        mutation,
        ended.everything()
    );
    Ok(())
}
