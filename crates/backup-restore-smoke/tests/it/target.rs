//! A server kept for rehearsals: refused whenever it could be the source, and left as it was found.

use crate::{
    cluster::TestCluster,
    dumps::{file, shop},
    tool::{Tool, until},
};

fn everything_on(server: &TestCluster) -> String {
    server.sql(
        "postgres",
        "SELECT string_agg(x, ',') FROM (SELECT datname::text AS x FROM pg_database UNION ALL \
         SELECT rolname::text || rolcanlogin FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1) AS all_of_it",
    )
}

#[test]
fn a_dump_made_now_is_restored_on_the_target_and_taken_away_again() {
    let (source, target, tool) = (TestCluster::start(), TestCluster::start(), Tool::new());
    let database = shop(&source);
    let before = everything_on(&target);
    let ended = tool.run(&[
        "rehearse",
        "--source",
        &source.conninfo(database),
        "--target",
        &target.conninfo("postgres"),
    ]);
    ended.assert_code(0);
    for check in [
        "target.harmless",
        "restore.content",
        "restore.completed",
        "restore.writable",
        "rehearsal.cleaned_up",
    ] {
        assert_eq!(ended.finding(check).0, "passed", "{check}");
    }
    assert_eq!(everything_on(&target), before);
    tool.assert_nothing_left();
}

#[test]
fn a_dump_that_exists_needs_to_know_whom_to_spare() {
    let (source, target, tool) = (TestCluster::start(), TestCluster::start(), Tool::new());
    let database = shop(&source);
    source.sql(database, "CREATE ROLE \"owner here\"; ALTER TABLE shop.odd OWNER TO \"owner here\"");
    let dump = file(&tool, "dump", &source.dump("pg_dump", &["--format=custom", database]));
    let (to, from) = (target.conninfo("postgres"), source.conninfo(database));
    let refused = |arguments: &[&str], said: &str| {
        let ended = tool.run(&[&["rehearse", "--backup", &dump], arguments].concat());
        ended.assert_code(3);
        let (outcome, _, observed) = ended.finding("target.harmless");
        assert!(outcome == "inconclusive" && observed.contains(said), "{observed}");
    };
    refused(&["--target", &to], "system identifier is not known");
    refused(&["--target", &from, "--source", &from], "source's address");
    let by_tcp = format!("host=127.0.0.1 port={} user=postgres password=x dbname=postgres", source.port);
    source.sql("postgres", "ALTER ROLE postgres PASSWORD 'x'");
    refused(&["--target", &by_tcp, "--source", &from], "the source, or a copy of it");
    let globals = file(&tool, "globals", &source.dump("pg_dumpall", &["--globals-only"]));
    refused(&["--target", &to, "--source", &from, "--globals", &globals], "globals are never restored");
    let plain = file(&tool, "plain", &source.dump("pg_dump", &[database]));
    let ended = tool.run(&["rehearse", "--backup", &plain, "--target", &to, "--source", &from]);
    ended.assert_code(3);
    // Roles that are missing there are a matter of the environment, and are named.
    let ended = tool.run(&["rehearse", "--backup", &dump, "--target", &to, "--source", &from]);
    ended.assert_code(3);
    assert!(ended.finding("rehearsal.environment").2.contains("owner here"), "{}", ended.everything());
    target.sql("postgres", "CREATE ROLE \"owner here\"");
    let ended = tool.run(&["rehearse", "--backup", &dump, "--target", &to, "--source", &from]);
    ended.assert_code(1);
    assert_eq!(ended.finding("restore.rows").0, "passed");
    tool.assert_nothing_left();
}

#[test]
fn a_standby_and_a_server_that_hides_what_it_is_are_refused() {
    let (source, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&source);
    let (standby, other) = (source.standby(), TestCluster::start());
    let refused = |target: &str, said: &str| {
        let ended = tool.run(&["rehearse", "--source", &source.conninfo(database), "--target", target]);
        ended.assert_code(3);
        let observed = ended.finding("target.harmless").2;
        assert!(observed.contains(said), "{observed}");
    };
    refused(&standby.conninfo("postgres"), "it is a standby");
    other.sql(
        "postgres",
        "CREATE ROLE small LOGIN CREATEDB; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    );
    refused(&other.conninfo("postgres").replace("user=postgres", "user=small"), "cannot be read");
}

#[test]
fn a_sweep_drops_what_a_killed_run_left_and_nothing_without_our_mark() {
    let (source, target, tool) = (TestCluster::start(), TestCluster::start(), Tool::new());
    let database = shop(&source);
    source.sql(
        database,
        "CREATE FUNCTION shop.slowly(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE \
         AS 'BEGIN PERFORM pg_sleep(0.2); RETURN true; END'; \
         CREATE TABLE shop.slow (a int CHECK (shop.slowly(a))); ALTER TABLE shop.slow DISABLE TRIGGER ALL; \
         SET session_replication_role = replica; INSERT INTO shop.slow SELECT generate_series(1, 5)",
    );
    source.sql(database, "CREATE OR REPLACE FUNCTION shop.slowly(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(30); RETURN true; END'");
    target.sql("postgres", "CREATE DATABASE ops_smoke_precious");
    target.sql("postgres", "CREATE DATABASE innocent");
    let conninfo = target.conninfo("postgres");
    let mut rehearsal =
        tool.spawn(&["rehearse", "--source", &source.conninfo(database), "--target", &conninfo]);
    let ours = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ops\\_smoke\\_%'";
    tool.wait_for("restore: ops_smoke_");
    rehearsal.kill().unwrap();
    rehearsal.wait().unwrap();
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'backup-restore-smoke%'";
    until("the end of our sessions", || target.sql("postgres", sessions) == "0");
    assert_eq!(target.sql("postgres", ours), "2");
    let sweep = |arguments: &[&str]| {
        let output = tool.bare().arg("sweep").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // Without the server it can only be explained.
    let (code, said) = sweep(&[]);
    assert!(code == Some(3) && said.contains("sweep --target CONNINFO"), "{said}");
    let (code, said) = sweep(&["--target", &conninfo]);
    assert!(code == Some(3) && said.contains("dropped the database ops_smoke_"), "{said}");
    assert!(said.contains("ops_smoke_precious") && said.contains("bears no mark of ours"), "{said}");
    let left = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname ~ 'ops_smoke|innocent'";
    assert_eq!(target.sql("postgres", left), "innocent,ops_smoke_precious");
    let (_, said) = sweep(&[]);
    assert!(said.contains("nothing left behind"), "{said}");
    tool.assert_nothing_left();
}
