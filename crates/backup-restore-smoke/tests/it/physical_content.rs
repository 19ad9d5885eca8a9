//! What a physical copy must contain is known only where nothing moved: a row that came and went while the backup was
//! made is no fault of the backup.

use std::process::Command;

use crate::{
    cluster::TestCluster,
    tool::{Tool, processes_of, until},
};

/// The processes of `pg_basebackup` below a run.
fn backing_up(tool: &Tool) -> Vec<String> {
    let found = processes_of(&tool.base());
    let ours = found.iter().filter(|line| line.contains("pg_basebackup"));
    ours.filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

fn signal(name: &str, processes: &[String]) {
    for process in processes {
        let _ = Command::new("kill").args([&format!("-{name}"), process]).output();
    }
}

#[test]
fn a_row_that_came_and_went_during_the_backup_does_not_fail_it() {
    let (cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE TABLE shop.queue (i int); \
         CREATE TABLE shop.large AS SELECT i, md5(i::text) AS t FROM generate_series(1, 400000) AS i",
    );
    let child = tool.spawn(&["rehearse", "--method", "base-backup", "--source", &cluster.conninfo(database)]);
    tool.wait_for("base backup: pg_basebackup");
    let streaming =
        "SELECT count(*) FROM pg_stat_progress_basebackup WHERE phase = 'streaming database files'";
    until("the backup", || cluster.sql("postgres", streaming) == "1");
    let client = backing_up(&tool);
    signal("STOP", &client);
    cluster.sql(database, "INSERT INTO shop.queue VALUES (1)");
    // The rehearsal looks again only when the row is gone.
    signal("STOP", &[child.id().to_string()]);
    signal("CONT", &client);
    until("the end of the backup", || backing_up(&tool).is_empty());
    cluster.sql(database, "DELETE FROM shop.queue");
    signal("CONT", &[child.id().to_string()]);
    let ended = tool.finish(child);
    ended.assert_code(3);
    let doubted = ended.findings("restore.content");
    let queue = doubted.iter().find(|(_, subject, _)| subject == "shop.queue");
    assert!(
        queue
            .is_some_and(|(outcome, _, said)| outcome == "inconclusive" && said.contains("transactions ran")),
        "{}",
        ended.everything()
    );
    tool.assert_nothing_left();
}

#[test]
fn a_source_that_never_rests_is_not_judged_by_content_and_its_canary_stands() {
    let (cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = cluster.shop();
    let source = cluster.conninfo(database);
    tool.run(&["canary", "install", "--source", &source, "--role", "heart"]).assert_code(0);
    cluster.sql(database, "ALTER ROLE heart LOGIN");
    let heart = source.replace("user=postgres", "user=heart");
    tool.run(&["canary", "beat", "--source", &heart]).assert_code(0);
    cluster.sql(database, "CREATE TABLE shop.hammered (i int)");
    let hammer = "DO $$ BEGIN FOR i IN 1..100000000 LOOP INSERT INTO shop.hammered VALUES (i); COMMIT; END LOOP; END $$";
    let mut writer = cluster.psql(database, &["-c", hammer]).spawn().unwrap();
    until("the writer", || cluster.sql(database, "SELECT count(*) > 0 FROM shop.hammered") == "t");
    let ended = tool.run(&["rehearse", "--method", "base-backup", "--source", &source]);
    let still_writing = writer.try_wait().unwrap().is_none();
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(still_writing);
    ended.assert_code(0);
    let (outcome, _, reason) = ended.finding("restore.content");
    assert!(outcome == "not_checked_optional" && reason.contains("not known"), "{outcome}: {reason}");
    let canary = ended.finding("recovery.canary").2;
    assert!(canary.contains("nothing was lost"), "{canary}");
    assert_eq!(ended.finding("integrity.amcheck").0, "passed");
    tool.assert_nothing_left();
}
