//! Dumps that exist: every form of them is restored without a source, and says no more than it shows.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

/// The shop, with rows that look like commands of psql.
pub(crate) fn shop(cluster: &TestCluster) -> &'static str {
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE TABLE shop.odd (a text, b text); \
         INSERT INTO shop.odd VALUES (NULL, '\\! touch x'), ('\\.', E'line\\n\\\\.\\n\\\\! id'), ('\\connect x', '$$;');",
    );
    database
}

pub(crate) fn file(tool: &Tool, name: &str, bytes: &[u8]) -> String {
    let path = tool.path(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn compress(program: &str, path: &str) -> String {
    let packed = format!("{path}.packed");
    let output = Command::new(program).args(["-c", path]).output().unwrap();
    assert!(output.status.success());
    fs::write(&packed, output.stdout).unwrap();
    packed
}

/// A restore without a fingerprint: whole, every row back, and the content not said to be proven.
fn assert_restored_but_unproven(ended: &Ended, what: &str) {
    assert_eq!(ended.code, Some(1), "{what}: {}", ended.everything());
    for check in ["backup.complete", "restore.completed", "restore.writable", "rehearsal.cleaned_up"] {
        assert_eq!(ended.finding(check).0, "passed", "{what}: {check}");
    }
    assert!(ended.findings("restore.rows").iter().all(|(outcome, ..)| outcome == "passed"), "{what}");
    assert_eq!(ended.finding("backup.expectation").0, "warned", "{what}");
    assert!(ended.finding("restore.content").0.contains("not_checked"), "{what}");
}

#[test]
fn archives_of_every_format_are_restored() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    cluster.sql(database, "SELECT lo_from_bytea(0, 'one'), lo_from_bytea(0, 'two')");
    for format in ["custom", "directory", "tar"] {
        let path = tool.path(format).to_str().unwrap().to_owned();
        cluster.dump("pg_dump", &[&format!("--format={format}"), "--file", &path, database]);
        let ended = tool.run(&["rehearse", "--backup", &path]);
        assert_restored_but_unproven(&ended, format);
        let rows = ended.findings("restore.rows");
        assert!(rows.iter().any(|(_, _, observed)| observed == "4 tables, 2503 rows"), "{format}: {rows:?}");
        assert!(rows.iter().any(|(_, _, observed)| observed == "2 large objects"), "{format}: {rows:?}");
    }
    tool.assert_nothing_left();
}

#[test]
fn plain_scripts_are_restored_also_compressed() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    let plain = file(&tool, "plain.dump", &cluster.dump("pg_dump", &[database]));
    let create = file(
        &tool,
        "create.dump",
        &cluster.dump("pg_dump", &["--create", "--clean", "--if-exists", database]),
    );
    for path in [plain.clone(), compress("gzip", &plain), compress("zstd", &create)] {
        let ended = tool.run(&["rehearse", "--backup", &path]);
        assert_restored_but_unproven(&ended, &path);
        assert_eq!(ended.finding("restore.rows").2, "4 tables, 2503 rows", "{path}");
    }
    tool.assert_nothing_left();
}

#[test]
fn an_archive_that_was_compressed_as_a_whole_is_read_as_a_stream() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    for (format, program) in [("custom", "zstd"), ("tar", "lz4")] {
        let arguments = [&format!("--format={format}"), "--compress=0", database];
        let whole = file(&tool, "whole", &cluster.dump("pg_dump", &arguments));
        let packed = compress(program, &whole);
        fs::remove_file(whole).unwrap();
        let ended = tool.run(&["rehearse", "--backup", &packed]);
        assert_restored_but_unproven(&ended, &format!("{format} in {program}"));
    }
    tool.assert_nothing_left();
}

/// A row and a function longer than what is handed to psql at once, in one line and in many.
#[test]
fn statements_of_any_length_come_back_to_the_byte() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.sql(
        "postgres",
        "CREATE TABLE big (id int, t text); INSERT INTO big VALUES (1, repeat('x', 3 << 20)), (2, repeat(E'it''s\\n', 1 << 19)); \
         DO $do$ BEGIN EXECUTE 'CREATE FUNCTION long() RETURNS int LANGUAGE sql AS $long$' || repeat(E'SELECT 1; -- it''s\\n', 1 << 17) || '$long$'; \
         END $do$",
    );
    let fingerprint = tool.path("big.json").display().to_string();
    tool.run(&["fingerprint", "--source", &cluster.conninfo("postgres"), "-o", &fingerprint]).assert_code(0);
    let path = file(&tool, "big.sql", &cluster.dump("pg_dump", &["--inserts", "--create", "postgres"]));
    let ended = tool.run(&["rehearse", "--backup", &path, "--fingerprint", &fingerprint]);
    ended.assert_code(0);
    for check in ["restore.content", "restore.schema"] {
        assert_eq!(ended.finding(check).0, "passed", "{check}: {}", ended.everything());
    }
    tool.assert_nothing_left();
}

/// What a mapping for everybody is for, pg_dump may write in quotes.
#[test]
fn names_that_no_role_can_have_are_not_made() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    cluster.sql(
        database,
        "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere; \
         CREATE USER MAPPING FOR public SERVER far",
    );
    let script = cluster.dump("pg_dump", &["--quote-all-identifiers", database]);
    let ended = tool.run(&["rehearse", "--backup", &file(&tool, "quoted.sql", &script)]);
    assert_restored_but_unproven(&ended, "quoted");
    tool.assert_nothing_left();
}

#[test]
fn what_a_fingerprint_does_not_compare_is_listed() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    cluster.sql(database, "CREATE MATERIALIZED VIEW shop.seen AS SELECT count(*) FROM shop.customers");
    let fingerprint = tool.path("shop.json").display().to_string();
    tool.run(&["fingerprint", "--source", &cluster.conninfo(database), "-o", &fingerprint]).assert_code(0);
    let path = file(&tool, "plain.sql", &cluster.dump("pg_dump", &[database]));
    let ended = tool.run(&["rehearse", "--backup", &path, "--fingerprint", &fingerprint]);
    ended.assert_code(0);
    assert_eq!(ended.finding("restore.derived").1, "shop.seen", "{}", ended.everything());
}

#[test]
fn a_dump_of_insert_statements_does_not_count_as_counted() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    let path = file(&tool, "inserts.sql", &cluster.dump("pg_dump", &["--inserts", database]));
    let ended = tool.run(&["rehearse", "--backup", &path]);
    ended.assert_code(3);
    assert_eq!(ended.finding("restore.completed").0, "passed");
    assert!(ended.finding("restore.rows").2.contains("4 tables not counted"), "{}", ended.everything());
    // A fingerprint tells more than a count.
    let fingerprint = tool.path("shop.json").display().to_string();
    tool.run(&["fingerprint", "--source", &cluster.conninfo(database), "-o", &fingerprint]).assert_code(0);
    let proven = tool.run(&["rehearse", "--backup", &path, "--fingerprint", &fingerprint]);
    proven.assert_code(0);
    assert_eq!(proven.finding("restore.content").0, "passed");
    assert_eq!(proven.finding("restore.rows").0, "not_checked_optional");
    // Without its rows it is no backup of them, whatever is counted.
    let hollow = file(&tool, "hollow.sql", &cluster.dump("pg_dump", &["--schema-only", database]));
    let hollow = tool.run(&["rehearse", "--backup", &hollow, "--fingerprint", &fingerprint]);
    hollow.assert_code(2);
    assert!(hollow.findings("restore.content").iter().all(|(outcome, ..)| outcome == "failed"));
}

/// The whole server: roles with passwords and settings, two databases.
fn roles(cluster: &TestCluster) {
    cluster.sql(
        "postgres",
        "CREATE ROLE app LOGIN PASSWORD 'hunter2-hunter2'; CREATE ROLE \"odd \"\"one\" NOLOGIN; \
         GRANT \"odd \"\"one\" TO app; ALTER ROLE app SET session_preload_libraries = 'auto_explain'; \
         ALTER ROLE app SET work_mem = '8MB'",
    );
}

/// Fails when a role of the copy could log in, has a password, or loads a library.
const NO_KEYS: &str = "DO $$ BEGIN \
    IF EXISTS (SELECT FROM pg_authid WHERE rolname IN ('app', 'odd \"one') AND (rolcanlogin OR rolpassword IS NOT NULL)) \
    THEN RAISE 'a key'; END IF; \
    IF EXISTS (SELECT FROM pg_db_role_setting WHERE setconfig::text LIKE '%libraries%') THEN RAISE 'a library'; END IF; \
    IF NOT EXISTS (SELECT FROM pg_auth_members WHERE member = 'app'::regrole) THEN RAISE 'no membership'; END IF; \
    IF NOT EXISTS (SELECT FROM pg_db_role_setting WHERE setconfig::text LIKE '%work_mem%') THEN RAISE 'no setting'; END IF; \
    END $$";

#[test]
fn globals_come_first_without_their_keys() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    roles(&cluster);
    cluster.sql(
        database,
        "ALTER TABLE shop.odd OWNER TO app; GRANT SELECT ON shop.customers TO \"odd \"\"one\"",
    );
    let globals = file(&tool, "globals.sql", &cluster.dump("pg_dumpall", &["--globals-only"]));
    assert!(fs::read_to_string(&globals).unwrap().contains("SCRAM-SHA-256$"));
    let dump = file(&tool, "dump", &cluster.dump("pg_dump", &["--format=custom", database]));
    let look = tool.file("look.sql", NO_KEYS);
    let ended = tool.run(&[
        "rehearse",
        "--backup",
        &dump,
        "--globals",
        &globals,
        "--after-restore",
        look.to_str().unwrap(),
    ]);
    assert_restored_but_unproven(&ended, "globals");
    assert_eq!(ended.finding("restore.steps").0, "passed", "{}", ended.everything());
    let (outcome, _, observed) = ended.finding("restore.globals");
    assert_eq!(outcome, "passed");
    for what in ["passwords (1)", "the right to log in (1)", "settings that load libraries (1)"] {
        assert!(observed.contains(what), "{observed}");
    }
    assert!(!ended.everything().contains("SCRAM"), "a password's digest is shown");
    tool.assert_nothing_left();
}

#[test]
fn without_globals_the_roles_that_the_dump_names_are_made_by_name() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    roles(&cluster);
    cluster.sql(
        database,
        "ALTER TABLE shop.odd OWNER TO app; GRANT SELECT ON shop.customers TO \"odd \"\"one\"; \
         CREATE FUNCTION shop.noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE ROLE chief SUPERUSER; CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION shop.noticed(); \
         ALTER EVENT TRIGGER watch OWNER TO chief",
    );
    for format in ["custom", "plain"] {
        let dump = file(&tool, format, &cluster.dump("pg_dump", &[&format!("--format={format}"), database]));
        let ended = tool.run(&["rehearse", "--backup", &dump]);
        assert_restored_but_unproven(&ended, format);
        let (outcome, _, observed) = ended.finding("restore.globals");
        assert!(outcome.contains("not_checked") && observed.contains("3 roles"), "{outcome}: {observed}");
    }
}

#[test]
fn a_whole_server_of_pg_dumpall_is_restored() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    shop(&cluster);
    roles(&cluster);
    cluster.sql(
        "postgres",
        "CREATE DATABASE \"we'ird \"\"one\" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    cluster.sql_in("we'ird \"one", "CREATE TABLE a (t text); INSERT INTO a VALUES (chr(228)), (chr(246))");
    let path = file(&tool, "all.sql", &cluster.dump("pg_dumpall", &[]));
    let look = tool.file("look.sql", NO_KEYS);
    let ended = tool.run(&["rehearse", "--backup", &path, "--after-restore", look.to_str().unwrap()]);
    ended.assert_code(1);
    let rows = ended.findings("restore.rows");
    for (subject, observed) in [("shop", "4 tables, 2503 rows"), ("we'ird \"one", "1 table, 2 rows")] {
        assert!(
            rows.iter().any(|(outcome, of, said)| outcome == "passed" && of == subject && said == observed),
            "{rows:?}"
        );
    }
    assert_eq!(ended.finding("restore.globals").0, "passed");
    assert_eq!(ended.finding("restore.steps").0, "passed");
    tool.assert_nothing_left();
}

#[test]
fn hostile_names_come_back() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let name = "sh\"op 's \\ 😀";
    let quoted = name.replace('"', "\"\"");
    cluster.sql("postgres", &format!("CREATE DATABASE \"{quoted}\" TEMPLATE template0"));
    cluster.sql_in(
        name,
        "CREATE SCHEMA \"s;\"; CREATE TABLE \"s;\".\"a \"\"b\"\"\n'c' 😀\" (\"x\ny\" int); \
         INSERT INTO \"s;\".\"a \"\"b\"\"\n'c' 😀\" VALUES (1), (2); CREATE TABLE \"from\" (\"to\" text); \
         INSERT INTO \"from\" VALUES (E'\\t\\\\')",
    );
    for format in ["custom", "directory", "plain"] {
        let path = tool.path(format).to_str().unwrap().to_owned();
        let conninfo = format!("dbname='{}'", name.replace('\\', "\\\\").replace('\'', "\\'"));
        cluster.dump("pg_dump", &["--create", &format!("--format={format}"), "--file", &path, &conninfo]);
        let ended = tool.run(&["rehearse", "--backup", &path]);
        assert_restored_but_unproven(&ended, format);
        assert_eq!(ended.finding("restore.rows").2, "2 tables, 3 rows", "{format}");
    }
    tool.assert_nothing_left();
}

#[test]
fn nothing_at_the_path_is_a_failure_and_something_unknown_is_not_judged() {
    let tool = Tool::new();
    let at = |path: PathBuf| tool.run(&["rehearse", "--backup", path.to_str().unwrap()]);
    at(tool.path("nowhere")).assert_code(2);
    at(tool.file("empty.dump", "")).assert_code(2);
    at(tool.file("mysql.sql", "-- MySQL dump 10.13\n")).assert_code(3);
    assert_eq!(tool.run(&["rehearse", "--source", "x", "--globals", "y"]).code, Some(3));
}

/// A script as pg_dump writes it, with something in it changed.
pub(crate) fn changed(script: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(script.to_owned()).unwrap();
    assert!(text.contains(from), "the script has no '{from}': {}", &text[..text.len().min(2000)]);
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn everything_that_is_missing_here_is_named_at_once() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let script = cluster.dump("pg_dump", &["--create", shop(&cluster)]);
    let lacking = changed(&script, "LOCALE = 'C'", "LOCALE = 'xx_YY.utf8'");
    let lacking = changed(
        &lacking,
        "CREATE SCHEMA shop;",
        "CREATE EXTENSION IF NOT EXISTS postgis;\nCREATE EXTENSION IF NOT EXISTS \"other one\";\nCREATE SCHEMA shop;",
    );
    let ended = tool.run(&["rehearse", "--backup", &file(&tool, "lacking", &lacking)]);
    ended.assert_code(3);
    let lacks = ended.findings("rehearsal.environment");
    assert_eq!(lacks.len(), 2, "{lacks:?}");
    assert!(
        lacks.iter().any(|(_, of, said)| of == "extensions" && said.contains("other one, postgis")),
        "{lacks:?}"
    );
    assert!(lacks.iter().any(|(_, of, _)| of == "locale of the copy"), "{lacks:?}");
    tool.assert_nothing_left();
}

#[test]
fn a_dump_that_is_newer_than_our_programs_is_told_what_to_install() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let script = changed(
        &cluster.dump("pg_dump", &[shop(&cluster)]),
        "Dumped by pg_dump version 1",
        "Dumped by pg_dump version 91",
    );
    let ended = tool.run(&["rehearse", "--backup", &file(&tool, "newer", &script)]);
    ended.assert_code(3);
    let (_, _, observed) = ended.finding("rehearsal.environment");
    assert!(observed.contains("only 1"), "{observed}");
    assert!(ended.report.to_string().contains("postgresql-91"), "{}", ended.report);
}

#[test]
fn a_view_over_a_foreign_server_is_told_from_a_broken_one() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    cluster.sql("postgres", "ALTER USER postgres PASSWORD 'x'");
    cluster.sql(
        database,
        &format!(
            "CREATE EXTENSION postgres_fdw; CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw \
             OPTIONS (host '127.0.0.1', port '{}', dbname 'shop'); \
             CREATE USER MAPPING FOR postgres SERVER other OPTIONS (user 'postgres', password 'x'); \
             CREATE FOREIGN TABLE far (id int, name text) SERVER other OPTIONS (schema_name 'shop', table_name 'customers'); \
             CREATE MATERIALIZED VIEW near AS SELECT count(*) AS n FROM far; \
             CREATE MATERIALIZED VIEW nearer AS SELECT n + 1 AS n FROM near",
            cluster.port
        ),
    );
    let dump = |name: &str| file(&tool, name, &cluster.dump("pg_dump", &["--format=custom", database]));
    let apart = dump("apart");
    let ended = tool.run(&["rehearse", "--backup", &apart]);
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("restore.completed");
    assert!(outcome == "inconclusive" && observed.contains("08001"), "{outcome}: {observed}");
    cluster.sql(
        database,
        "CREATE TABLE divisor AS SELECT 1 AS d; CREATE MATERIALIZED VIEW broken AS SELECT 1 / d AS x FROM divisor; \
         UPDATE divisor SET d = 0",
    );
    let ended = tool.run(&["rehearse", "--backup", &dump("broken")]);
    ended.assert_code(2);
    let (outcome, _, observed) = ended.finding("restore.completed");
    assert!(outcome == "failed" && observed.contains("22012"), "{outcome}: {observed}");
    tool.assert_nothing_left();
}

/// The files of a directory dump that hold rows.
pub(crate) fn data_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.file_name().unwrap().to_string_lossy() != "toc.dat");
    files.sort_by_key(|path| fs::metadata(path).unwrap().len());
    files
}
