//! The source stays healthy: no old snapshot, no shared disk, no full disk, standbys that take their rows back.

use std::process::{Command, Stdio};

use crate::{
    cluster::TestCluster,
    tool::{Tool, until},
};

#[test]
fn a_snapshot_that_grows_too_old_is_let_go() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.slow_shop(60);
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database), "--max-snapshot-age", "1s"]);
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("source.undisturbed");
    assert!(outcome == "inconclusive" && observed.contains("everything was let go"), "{outcome}: {observed}");
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'backup-restore-smoke%'";
    until("the end of our sessions", || cluster.sql("postgres", sessions) == "0");
    tool.assert_nothing_left();
}

#[test]
fn a_standby_that_needs_its_rows_back_is_no_bad_backup() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.slow_shop(60);
    let standby = cluster.standby_with(&["max_standby_streaming_delay=0"]);
    until("the standby's copy", || {
        standby.sql("postgres", "SELECT pg_last_wal_replay_lsn() IS NOT NULL") == "t"
    });
    let rehearsal = tool.spawn(&["rehearse", "--jobs", "1", "--source", &standby.conninfo(database)]);
    tool.wait_for("source: fingerprint");
    cluster.sql(database, "DELETE FROM shop.customers");
    cluster.sql(database, "VACUUM shop.customers");
    let ended = tool.finish(rehearsal);
    ended.assert_code(3);
    assert!(ended.report.to_string().contains("hot_standby_feedback"), "{}", ended.everything());
    tool.assert_nothing_left();
}

#[test]
fn a_scratch_on_the_sources_disk_is_refused_unless_it_is_allowed() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let mut command = tool.bare();
    command.args(["rehearse", "--evidence", "none", "--source", &cluster.conninfo(database)]);
    command.arg("--format").arg(format!("json={}", tool.path("report.json").display()));
    let ended = tool.finish(tool.start(command));
    ended.assert_code(3);
    assert!(ended.finding("source.apart").2.contains("the same file system"), "{}", ended.everything());
    let ended = tool.run(&["rehearse", "--source", &cluster.conninfo(database)]);
    ended.assert_code(0);
    assert!(ended.finding("source.apart").0.contains("not_checked"));
}

/// A file system of 150 MB, of which somebody else takes all but a little while we restore.
#[test]
fn a_disk_that_fills_up_ends_the_rehearsal_and_leaves_nothing() {
    let mapped = ["--user", "--map-root-user", "--mount", "--"];
    let allowed =
        Command::new("unshare").args(mapped).args(["mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) || rustix::process::geteuid().is_root() {
        // The rule by itself has its own test; a mount needs a namespace, and in one root cannot be `postgres`.
        return;
    }
    let tool = Tool::new();
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=150m none /mnt && head -c 60000000 /dev/zero > /mnt/other && \
                  exec \"$0\" rehearse --embedded --evidence none --scratch /mnt";
    command
        .args(mapped)
        .args(["sh", "-c", script])
        .arg(assert_cmd::cargo::cargo_bin!("backup-restore-smoke"));
    command.env("OPS_SMOKE_RUN_BASE", tool.base()).env("HOME", tool.path("")).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stdout));
    tool.assert_nothing_left();
}
