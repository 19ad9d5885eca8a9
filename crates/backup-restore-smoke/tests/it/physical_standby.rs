//! Base backups that are taken from a standby.

use std::process::Command;

use crate::{
    cluster::TestCluster,
    tool::{Tool, processes_of, until},
};

#[test]
fn a_base_backup_of_a_standby_is_proven_by_content() {
    for method in ["base-backup", "base-backup-tar"] {
        let (primary, tool) = (TestCluster::archiving(&["--data-checksums"]), Tool::new());
        let database = primary.shop();
        let standby = primary.standby();
        primary.sql(database, "INSERT INTO shop.customers (name) VALUES ('after the standby was made')");
        until("the standby", || standby.sql(database, "SELECT count(*) FROM shop.customers") == "501");
        let ended = tool.run(&["rehearse", "--method", method, "--source", &standby.conninfo(database)]);
        ended.assert_code(0);
        for check in
            ["backup.made", "backup.verified", "recovery.target", "restore.content", "integrity.amcheck"]
        {
            assert_eq!(ended.finding(check).0, "passed", "{method} {check}: {}", ended.everything());
        }
        assert_eq!(standby.sql(database, "SELECT pg_is_in_recovery()"), "t");
        tool.assert_nothing_left();
    }
}

#[test]
fn a_standby_that_replayed_no_full_pages_cannot_be_backed_up_and_that_is_said() {
    let rules = "local all all trust\nlocal replication all trust\n";
    let primary = TestCluster::start_with(&["full_page_writes=off"], rules, |_| {});
    let tool = Tool::new();
    let database = primary.shop();
    let standby = primary.standby();
    primary.sql(database, "INSERT INTO shop.customers (name) VALUES ('x'); CHECKPOINT");
    until("the standby", || standby.sql(database, "SELECT count(*) FROM shop.customers") == "501");
    let ended = tool.run(&["rehearse", "--method", "base-backup", "--source", &standby.conninfo(database)]);
    ended.assert_code(2);
    let (outcome, _, observed) = ended.finding("backup.made");
    assert!(outcome == "failed" && observed.contains("full_page_writes"), "{outcome}: {observed}");
    assert!(ended.report.to_string().contains("full_page_writes = on"), "{}", ended.everything());
    tool.assert_nothing_left();
}

#[test]
fn a_standby_that_is_promoted_in_the_middle_of_its_backup_is_inconclusive() {
    let (primary, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = primary.shop();
    primary.sql(
        database,
        "CREATE TABLE shop.large AS SELECT i, md5(i::text) AS t FROM generate_series(1, 400000) AS i",
    );
    let standby = primary.standby();
    let child = tool.spawn(&["rehearse", "--method", "base-backup", "--source", &standby.conninfo(database)]);
    tool.wait_for("base backup: pg_basebackup");
    let client = || {
        let found = processes_of(&tool.base());
        found
            .iter()
            .filter(|line| line.contains("pg_basebackup"))
            .filter_map(|line| line.split(' ').next()?.parse().ok())
            .collect::<Vec<u32>>()
    };
    let signal = |name: &str| {
        for process in client() {
            let _ = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).output();
        }
    };
    let streaming =
        "SELECT count(*) FROM pg_stat_progress_basebackup WHERE phase = 'streaming database files'";
    until("the backup", || standby.sql("postgres", streaming) == "1");
    signal("STOP");
    assert_eq!(standby.sql("postgres", "SELECT pg_promote()"), "t");
    signal("CONT");
    let ended = tool.finish(child);
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("backup.made");
    assert!(outcome == "inconclusive" && observed.contains("promoted"), "{outcome}: {observed}");
    tool.assert_nothing_left();
}
