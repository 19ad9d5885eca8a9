//! A server kept for rehearsals, as its users meet it: what its role or its version cannot do is no bad backup, and what
//! a killed run left there the next one takes away.

use crate::{
    cluster::{TestCluster, bin_folder_of},
    tool::{Ended, Tool},
};

/// A source whose objects have an ordinary owner, and a role on the target that may make databases.
fn owned() -> (TestCluster, TestCluster, Tool, String, String) {
    let (source, target, tool) = (TestCluster::start(), TestCluster::start(), Tool::new());
    let shop = source.shop();
    source.sql(shop, "CREATE ROLE \"shop owner\"; ALTER SCHEMA shop OWNER TO \"shop owner\"");
    source.sql(
        shop,
        "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace \
         AND relkind IN ('r', 'p') LOOP EXECUTE format('ALTER TABLE %s OWNER TO \"shop owner\"', t); END LOOP; END $$",
    );
    target.sql("postgres", "CREATE ROLE \"shop owner\"; CREATE ROLE kept LOGIN CREATEDB");
    let to = target.conninfo("postgres").replace("user=postgres", "user=kept");
    let from = source.conninfo(shop);
    (source, target, tool, from, to)
}

fn lacking(ended: &Ended, what: &str) -> String {
    ended.assert_code(3);
    let found = ended.findings("rehearsal.environment");
    assert!(ended.findings("restore.completed").is_empty(), "{}", ended.everything());
    found.into_iter().find(|(_, of, _)| of == what).unwrap_or_else(|| panic!("{}", ended.everything())).2
}

#[test]
fn owners_that_the_role_is_no_member_of_are_named_and_the_remedy_works() {
    let (source, target, tool, from, to) = owned();
    let rehearse = || tool.run(&["rehearse", "--source", &from, "--target", &to]);
    let ended = rehearse();
    let said = lacking(&ended, "rights of the role of --target");
    assert_eq!(said, "\"kept\" is no member of \"shop owner\"");
    assert!(
        ended.report.to_string().contains("GRANT \\\"shop owner\\\" TO \\\"kept\\\""),
        "{}",
        ended.everything()
    );
    target.sql("postgres", "GRANT \"shop owner\" TO kept");
    rehearse().assert_code(0);
    // A right that no membership gives: the restore says so, and the backup is not blamed.
    source.sql("shop", "CREATE TABLE public.t (); ALTER TABLE public.t OWNER TO \"shop owner\"");
    source.sql(
        "shop",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'",
    );
    source.sql("shop", "ALTER FUNCTION f() OWNER TO \"shop owner\"");
    let said = lacking(&rehearse(), "rights of the role of --target");
    assert!(said.contains("permission denied"), "{said}");
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ops\\_smoke\\_%'";
    assert_eq!(target.sql("postgres", left), "0");
    tool.assert_nothing_left();
}

#[test]
fn a_superuser_s_objects_and_a_role_that_only_reads_are_said() {
    let (source, target, tool, from, to) = owned();
    source.sql("shop", "CREATE TABLE shop.chief ()");
    let said = lacking(
        &tool.run(&["rehearse", "--source", &from, "--target", &to]),
        "rights of the role of --target",
    );
    assert!(said.contains("\"postgres\", \"shop owner\""), "{said}");
    source.sql("shop", "DROP TABLE shop.chief");
    target.sql(
        "postgres",
        "GRANT \"shop owner\" TO kept; ALTER ROLE kept SET default_transaction_read_only = on",
    );
    let ended = tool.run(&["rehearse", "--source", &from, "--target", &to]);
    lacking(&ended, "database of the rehearsal");
    assert!(ended.report.to_string().contains("default_transaction_read_only"), "{}", ended.everything());
    tool.assert_nothing_left();
}

#[test]
fn a_target_of_an_older_major_is_refused_and_one_of_a_newer_takes_the_dump() {
    let (Some(newer), source, tool) = (bin_folder_of(17), TestCluster::start(), Tool::new()) else { return };
    let (other, shop) = (TestCluster::start_from(newer.clone()), source.shop());
    let there = other.shop();
    let bin = newer.to_str().unwrap();
    let ended = tool.run(&[
        "rehearse",
        "--source",
        &other.conninfo(there),
        "--target",
        &source.conninfo("postgres"),
        "--pg-bin",
        bin,
    ]);
    assert_eq!(lacking(&ended, "version of the server of --target"), "it is 15");
    let to = other.conninfo("postgres");
    tool.run(&["rehearse", "--source", &source.conninfo(shop), "--target", &to]).assert_code(0);
    tool.assert_nothing_left();
}

#[test]
fn the_next_run_drops_what_a_killed_one_left_and_nothing_else() {
    let (_source, target, tool, from, _) = owned();
    let mark = |name: &str, text: &str| {
        target.sql("postgres", &format!("CREATE DATABASE {name}"));
        target.sql("postgres", &format!("COMMENT ON DATABASE {name} IS '{text}'"));
    };
    mark("ops_smoke_abcdefgh", "backup-restore-smoke rehearsal abcdefgh: to be dropped");
    mark("ops_smoke_foreign1", "backup-restore-smoke rehearsal another1: to be dropped");
    mark("precious", "backup-restore-smoke rehearsal precious: to be dropped");
    target.sql("postgres", "CREATE DATABASE ops_smoke_unmarked");
    let ended = tool.run(&["rehearse", "--source", &from, "--target", &target.conninfo("postgres")]);
    ended.assert_code(0);
    let said = ended.finding("target.harmless").2;
    assert!(said.contains("of killed runs: dropped the database ops_smoke_abcdefgh on "), "{said}");
    let left = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname ~ 'ops_smoke|precious'";
    assert_eq!(target.sql("postgres", left), "ops_smoke_foreign1,ops_smoke_unmarked,precious");
    tool.assert_nothing_left();
}
