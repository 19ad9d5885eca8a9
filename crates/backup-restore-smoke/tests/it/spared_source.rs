//! The source stays healthy: no old snapshot, no shared disk, no full disk, standbys that take their rows back.

use std::process::{Command, Stdio};

use crate::{
    cluster::TestCluster,
    dumps::file,
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

#[test]
fn a_scratch_on_the_backups_disk_is_refused_unless_it_is_allowed() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let dump = file(&tool, "shop.dump", &cluster.dump("pg_dump", &["--format=custom", cluster.shop()]));
    let mut command = tool.bare();
    command.args(["rehearse", "--evidence", "none", "--backup", &dump]);
    command.arg("--format=text").arg(format!("--format=json={}", tool.path("report.json").display()));
    let ended = tool.finish(tool.start(command));
    ended.assert_code(3);
    assert!(ended.finding("source.apart").2.contains("shop.dump"), "{}", ended.everything());
    assert!(ended.stdout.contains("--scratch-shares-filesystem"), "{}", ended.everything());
    let ended = tool.run(&["rehearse", "--backup", &dump]);
    // The warning is that no fingerprint was given.
    ended.assert_code(1);
    assert!(ended.finding("source.apart").0.contains("not_checked"));
}

/// A file system of 100 MB that is nearly full once there is an empty cluster on it.
#[test]
fn a_disk_that_fills_up_ends_the_rehearsal_and_leaves_nothing() {
    let namespace: &[&str] = match rustix::process::geteuid().is_root() {
        true => &["--mount", "--"],
        false => &["--user", "--map-root-user", "--mount", "--"],
    };
    let allowed =
        Command::new("unshare").args(namespace).args(["mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        // The rule by itself has a test of its own.
        return;
    }
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let dump = file(&tool, "dump", &cluster.dump("pg_dump", &["--format=custom", cluster.shop()]));
    let script = "mount -t tmpfs -o size=100m none /mnt && head -c 55000000 /dev/zero > /mnt/other || exit 99; \
                  \"$0\" rehearse --backup \"$1\" --evidence none --format \"json=$2\" --scratch /mnt; \
                  code=$?; ls -A /mnt; exit $code";
    let mut command = tool.bare();
    let program = command.get_program().to_owned();
    let mut inside = Command::new("unshare");
    inside.args(namespace).args(["sh", "-c", script]).arg(program).arg(dump).arg(tool.path("report.json"));
    for (name, value) in command.stdin(Stdio::null()).get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    let ended = tool.finish(tool.start(inside));
    ended.assert_code(3);
    let lacks = ended.findings("rehearsal.environment");
    assert!(
        lacks.iter().any(|(outcome, _, said)| {
            outcome == "inconclusive"
                && (said.contains("bytes were free")
                    || said.contains("No space left")
                    || said.contains("53100"))
        }),
        "{}",
        ended.everything()
    );
    assert!(ended.stdout.trim_end().ends_with("other"), "something is left on the disk: {}", ended.stdout);
    tool.assert_nothing_left();
}
