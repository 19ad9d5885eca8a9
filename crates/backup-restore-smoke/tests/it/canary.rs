//! The canary: it writes only where it is asked to, its role can do nothing else, and what it measures is what
//! was lost.

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

const RULES: &str = "local all all trust\n";

/// A shop with a canary whose role may log in.
fn installed() -> (TestCluster, Tool, &'static str) {
    let cluster = TestCluster::start_with(&["track_commit_timestamp=on"], RULES, |_| {});
    let tool = Tool::new();
    let database = cluster.shop();
    let conninfo = cluster.conninfo(database);
    for _ in 0..2 {
        let ended = tool.run(&["canary", "install", "--source", &conninfo, "--role", "heart \"beat\""]);
        ended.assert_code(0);
        assert_eq!(ended.finding("canary.installed").0, "passed");
    }
    cluster.sql(database, "ALTER ROLE \"heart \"\"beat\"\"\" LOGIN");
    (cluster, tool, database)
}

fn as_canary(cluster: &TestCluster, database: &str) -> String {
    cluster.conninfo(database).replace("user=postgres", "user='heart \"beat\"'")
}

fn beat(cluster: &TestCluster, tool: &Tool, database: &str, more: &[&str]) -> Ended {
    let source = as_canary(cluster, database);
    let mut arguments = vec!["canary", "beat", "--source", &source];
    arguments.extend(more);
    tool.run(&arguments)
}

#[test]
fn its_role_may_beat_and_nothing_else_and_its_table_stays_small() {
    let (cluster, tool, database) = installed();
    beat(&cluster, &tool, database, &[]).assert_code(0);
    let ended = beat(&cluster, &tool, database, &["--every", "100ms", "--for", "300ms"]);
    ended.assert_code(0);
    assert!(ended.finding("canary.beats").2.starts_with("4 beats, the last is 5"), "{}", ended.everything());
    assert_eq!(cluster.sql(database, "SELECT count(*), count(lsn) FROM ops_smoke_canary.beat"), "5|5");
    let refused = |sql: &str| {
        let output = cluster
            .psql(database, &["-c", "SET SESSION AUTHORIZATION \"heart \"\"beat\"\"\"", "-c", sql])
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains("permission denied"), "{sql}: {stderr}");
    };
    refused("SELECT * FROM shop.customers");
    refused("DELETE FROM ops_smoke_canary.beat");
    refused("CREATE TABLE ops_smoke_canary.more ()");
    refused("CREATE SCHEMA more");
    refused("CREATE ROLE more");
    // The next thousand take the places of the first thousand.
    cluster.sql(database, "SELECT setval('ops_smoke_canary.beat_sequence', 1003)");
    beat(&cluster, &tool, database, &[]).assert_code(0);
    let newest =
        cluster.sql(database, "SELECT count(*), max(sequence), min(sequence) FROM ops_smoke_canary.beat");
    assert_eq!(newest, "5|1004|1");
    tool.assert_nothing_left();
}

#[test]
fn what_it_would_write_is_printed_and_nothing_is_written() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let source = cluster.conninfo(database);
    let install = ["canary", "install", "--source", &source, "--role", "heart", "--dry-run"];
    let output = tool.bare().args(install).output().unwrap();
    let sql = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && sql.contains("CREATE ROLE \"heart\" NOLOGIN NOSUPERUSER"), "{sql}");
    let there = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ops_smoke_canary'";
    assert_eq!(cluster.sql(database, there), "0");
    // An administrator runs it by hand.
    cluster.sql(database, &sql);
    assert_eq!(cluster.sql(database, there), "1");
}

#[test]
fn it_writes_only_with_the_source_on_the_command_line_and_never_for_a_mighty_role() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let source = cluster.conninfo(database);
    let config = tool.file("tool.yaml", &format!("source: \"{source}\"\n"));
    for command in [vec!["install", "--role", "heart"], vec!["beat"]] {
        let mut arguments = vec!["canary"];
        arguments.extend(command);
        arguments.extend(["--config", config.to_str().unwrap()]);
        let output = tool.command(&arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && stderr.contains("--source"), "{stderr}");
    }
    let ended = tool.run(&["canary", "install", "--source", &source, "--role", "postgres"]);
    ended.assert_code(2);
    assert!(ended.finding("canary.installed").2.contains("much more than beat"), "{}", ended.everything());
    let ended = tool.run(&["canary", "beat", "--source", &source]);
    ended.assert_code(2);
    assert!(ended.finding("canary.beats").2.contains("SQLSTATE 42P01"), "{}", ended.everything());
    tool.assert_nothing_left();
}

#[test]
fn a_rehearsal_measures_the_loss_by_the_source_s_clock() {
    let (cluster, tool, database) = installed();
    let source = cluster.conninfo(database);
    let rehearse = |more: &[&str]| {
        let mut arguments = vec!["rehearse", "--source", &source];
        arguments.extend(more);
        tool.run(&arguments)
    };
    // Installed, and it never beat: idle, not lost.
    let ended = rehearse(&[]);
    ended.assert_code(0);
    assert!(ended.finding("recovery.canary").2.contains("idle"), "{}", ended.everything());
    beat(&cluster, &tool, database, &[]).assert_code(0);
    let ended = rehearse(&["--rpo", "1h", "--backup-age", "10m"]);
    ended.assert_code(0);
    let (outcome, _, observed) = ended.finding("recovery.canary");
    assert!(outcome == "not_checked_optional" && observed.contains("nothing was lost; beat 1"), "{observed}");
    assert!(observed.contains("proves no objective"), "{observed}");
    let measurements = ended.report["measurements"].to_string();
    assert!(measurements.contains("data_loss_measured_seconds"), "{measurements}");
    tool.assert_nothing_left();
}

#[test]
fn beats_after_the_snapshot_are_told_as_lost() {
    let (cluster, tool, database) = installed();
    // A table that takes 12 s to be hashed keeps the snapshot open.
    cluster.slow_down(database, 12, "<>");
    beat(&cluster, &tool, database, &[]).assert_code(0);
    let source = cluster.conninfo(database);
    let rehearsal = tool.spawn(&["rehearse", "--source", &source, "--rpo", "1ms", "--backup-age", "0s"]);
    tool.wait_for("source: fingerprint");
    let second = Tool::new();
    beat(&cluster, &second, database, &[]).assert_code(0);
    let ended = tool.finish(rehearsal);
    ended.assert_code(2);
    let (outcome, _, observed) = ended.finding("recovery.canary");
    assert!(outcome == "failed" && observed.contains("1 later beat of the source is missing"), "{observed}");
    assert!(tool.notes().contains("### Risk note: recovery.canary, "), "{}", tool.notes());
    tool.assert_nothing_left();
}

#[test]
fn the_end_of_the_log_has_to_hold_the_newest_beat_that_is_old_enough() {
    let (cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let (database, base) = (cluster.shop(), tool.path("base").display().to_string());
    let (source, archive) = (cluster.conninfo(database), cluster.archive().display().to_string());
    cluster.base_backup(base.as_ref(), &["--wal-method=stream"]);
    let given = ["rehearse", "--backup", &base, "--wal", &archive, "--expect-lsn", "canary"];
    let rehearse = |more: &[&str]| {
        tool.run(&[&given[..], &["--source", &source, "--database", database], more].concat())
    };
    let ended = tool.run(&given);
    assert!(ended.code == Some(3) && ended.stderr.contains("name it with --source"), "{}", ended.stderr);
    // Neither a canary, nor a beat, nor one that is old enough.
    let none = |ended: &Ended| {
        ended.assert_code(3);
        let (outcome, subject, observed) = ended.finding("recovery.target");
        assert_eq!((outcome.as_str(), subject.as_str()), ("inconclusive", "canary of the source"));
        assert_eq!(observed, "there is none");
        assert!(ended.everything().contains("canary install"), "{}", ended.everything());
    };
    none(&rehearse(&[]));
    tool.run(&["canary", "install", "--source", &source, "--role", "heart"]).assert_code(0);
    cluster.sql(database, "ALTER ROLE heart LOGIN");
    none(&rehearse(&[]));
    let beat = || {
        let heart = source.replace("user=postgres", "user=heart");
        tool.run(&["canary", "beat", "--source", &heart]).assert_code(0);
    };
    beat();
    none(&rehearse(&["--rpo", "1h"]));
    cluster.archive_everything();
    let ended = rehearse(&["--rpo", "1ms", "--until", "latest"]);
    let place = cluster.sql(database, "SELECT lsn FROM ops_smoke_canary.beat");
    assert_eq!(ended.finding("recovery.target").0, "passed", "{}", ended.everything());
    assert!(ended.everything().contains(&format!("not before {place}")), "{place}: {}", ended.everything());
    assert!(
        ended.finding("recovery.canary").2.contains("nothing was lost; beat 1"),
        "{}",
        ended.everything()
    );
    // A beat in a segment that the archive does not have.
    cluster.archive_everything();
    beat();
    let ended = rehearse(&[]);
    ended.assert_code(2);
    assert_eq!(ended.finding("backup.wal").0, "failed");
    assert!(ended.everything().contains("pg_switch_wal()"), "{}", ended.everything());
    tool.assert_nothing_left();
}
