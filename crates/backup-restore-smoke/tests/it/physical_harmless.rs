//! First, do no harm: a physical copy on its source's own host writes nowhere but into the scratch, runs nothing
//! that the backup's configuration names, and reaches nobody.

use std::{fs, net::TcpListener, os::unix::fs::symlink};

use crate::{
    cluster::TestCluster,
    physical::{every_byte, expecting},
    tool::Tool,
};

#[test]
fn the_live_tablespace_of_the_source_is_not_touched() {
    for format in ["tar", "plain"] {
        let (mut cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
        let database = cluster.shop();
        let live = cluster.tablespace(database);
        let base = tool.path("base");
        let mapped = format!("--tablespace-mapping={}={}", live.display(), tool.path("mapped").display());
        cluster.base_backup(&base, &["--format", format, &mapped]);
        if format == "plain" {
            // As a copy of files would have it: the link leads to the live folder.
            let link = fs::read_dir(base.join("pg_tblspc")).unwrap().next().unwrap().unwrap().path();
            fs::remove_file(&link).unwrap();
            symlink(&live, &link).unwrap();
        }
        cluster.stop();
        let before = (every_byte(&live), every_byte(&cluster.folder().join("data")), every_byte(&base));
        let step = tool.file("write.sql", "INSERT INTO shop.fast SELECT generate_series(1001, 3000)");
        let flush = tool.file("flush.sql", "CHECKPOINT");
        let seen = expecting(&tool, "shop.fast", 3000);
        let ended = tool.run(&[
            "rehearse",
            "--backup",
            base.to_str().unwrap(),
            "--database",
            database,
            "--after-restore",
            step.to_str().unwrap(),
            "--after-restore",
            flush.to_str().unwrap(),
            "--after-restore",
            &seen,
        ]);
        ended.assert_code(0);
        assert_eq!(ended.finding("restore.contained").0, "passed", "{}", ended.everything());
        assert!(ended.findings("restore.steps").iter().all(|(outcome, ..)| outcome == "passed"));
        assert!(before.0 == every_byte(&live), "{format}: the live tablespace was changed");
        assert!(before.1 == every_byte(&cluster.folder().join("data")), "{format}: the source was changed");
        assert!(before.2 == every_byte(&base), "{format}: the backup was changed");
        tool.assert_nothing_left();
    }
}

#[test]
fn a_tablespace_that_the_log_makes_anew_stops_everything() {
    let (mut cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = cluster.shop();
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=none"]);
    // Replayed, its record would link to the live folder again, and the rows behind it would be written there.
    let live = cluster.tablespace(database);
    let end = cluster.sql(database, "SELECT pg_current_wal_insert_lsn()");
    cluster.archive_everything();
    cluster.stop();
    let before = every_byte(&live);
    let archive = cluster.archive();
    let ended = tool.run(&[
        "rehearse",
        "--backup",
        base.to_str().unwrap(),
        "--wal",
        archive.to_str().unwrap(),
        "--expect-lsn",
        &end,
    ]);
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("restore.contained");
    assert!(outcome == "inconclusive" && observed.contains(live.to_str().unwrap()), "{outcome}: {observed}");
    assert!(before == every_byte(&live), "the live tablespace was changed");
    tool.assert_nothing_left();
}

#[test]
fn a_link_out_of_the_copy_is_named_and_nothing_is_started() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.shop();
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    let outside = tool.path("outside");
    fs::rename(base.join("base/1"), &outside).unwrap();
    symlink(&outside, base.join("base/1")).unwrap();
    let before = every_byte(&outside);
    let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap()]);
    ended.assert_code(3);
    let (outcome, subject, observed) = ended.finding("restore.contained");
    assert_eq!(
        (outcome.as_str(), subject.as_str()),
        ("inconclusive", "data/base/1"),
        "{}",
        ended.everything()
    );
    assert!(observed.contains("nothing was started"));
    assert!(before == every_byte(&outside));
    tool.assert_nothing_left();
}

#[test]
fn no_configuration_of_the_backup_decides() {
    let (mut cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = cluster.shop();
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    // What is written to its archive from here on, it was not.
    cluster.stop();
    let touched = tool.path("touched");
    fs::create_dir(&touched).unwrap();
    assert!(std::process::Command::new("chmod").arg("777").arg(&touched).status().unwrap().success());
    let touch = |name: &str| format!("touch {}/{name}", touched.display());
    let hostile = format!(
        "archive_mode = on\narchive_command = '{}'\nrestore_command = '{}'\nrecovery_end_command = '{}'\n\
         archive_cleanup_command = '{}'\nshared_preload_libraries = 'nowhere'\nprimary_conninfo = 'host=127.0.0.1'\n\
         recovery_target_name = 'nowhere'\nlog_directory = '{4}'\nlogging_collector = on\n\
         external_pid_file = '{4}/pid'\nssl = on\nlisten_addresses = '*'\n",
        touch("archive"),
        touch("restore"),
        touch("end"),
        touch("cleanup"),
        touched.display()
    );
    fs::write(base.join("postgresql.auto.conf"), &hostile).unwrap();
    // This one is in the manifest, so it is left out of it.
    fs::remove_file(base.join("backup_manifest")).unwrap();
    fs::write(base.join("postgresql.conf"), format!("include_if_exists = '/nowhere'\n{hostile}")).unwrap();
    fs::write(base.join("pg_hba.conf"), "local all all reject\n").unwrap();
    fs::write(base.join("standby.signal"), "").unwrap();
    let switch = tool.file("switch.sql", "SELECT pg_switch_wal()");
    let flush = tool.file("flush.sql", "CHECKPOINT");
    let archive = every_byte(&cluster.archive());
    let ended = tool.run(&[
        "rehearse",
        "--backup",
        base.to_str().unwrap(),
        "--database",
        database,
        "--after-restore",
        switch.to_str().unwrap(),
        "--after-restore",
        flush.to_str().unwrap(),
    ]);
    // Without its manifest nothing says what it should hold.
    ended.assert_code(1);
    assert_eq!(ended.finding("backup.expectation").0, "warned");
    assert_eq!(fs::read_dir(&touched).unwrap().count(), 0, "a command of the backup was run");
    assert!(archive == every_byte(&cluster.archive()), "the source's archive was written to");
    tool.assert_nothing_left();
}

#[test]
fn subscriptions_and_foreign_servers_of_the_copy_reach_nobody() {
    // The source's own workers are off, so that nobody else can call.
    let rules = "local all all trust\nlocal replication all trust\n";
    let cluster = TestCluster::start_with(&["max_logical_replication_workers=0"], rules, |_| {});
    let tool = Tool::new();
    let database = cluster.shop();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    cluster.sql(
        database,
        &format!(
            "CREATE EXTENSION postgres_fdw; \
             CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}'); \
             CREATE USER MAPPING FOR postgres SERVER elsewhere OPTIONS (user 'x', password 'y'); \
             CREATE FOREIGN TABLE shop.away (i int) SERVER elsewhere"
        ),
    );
    let subscription = format!(
        "CREATE SUBSCRIPTION shop_feed CONNECTION 'host=127.0.0.1 port={port} user=x' PUBLICATION p \
         WITH (connect = false, enabled = false, slot_name = 'feed')"
    );
    cluster.sql(database, &subscription);
    let base = tool.path("base");
    cluster.sql(database, "ALTER SUBSCRIPTION shop_feed ENABLE");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    let asks = tool.file("asks.sql", "SELECT count(*) FROM shop.away");
    let waits = tool.file("waits.sql", "SELECT pg_sleep(1)");
    let ended = tool.run(&[
        "rehearse",
        "--backup",
        base.to_str().unwrap(),
        "--database",
        database,
        "--after-restore",
        asks.to_str().unwrap(),
        "--after-restore",
        waits.to_str().unwrap(),
    ]);
    let calls = std::iter::from_fn(|| listener.accept().ok()).count();
    if ended.finding("restore.isolated").0 == "passed" {
        assert_eq!(calls, 0, "the copy reached the listener");
        ended.assert_code(2);
        let steps = ended.findings("restore.steps");
        assert!(
            steps.iter().any(|(outcome, subject, _)| outcome == "failed" && subject == "asks.sql"),
            "{steps:?}"
        );
    }
    tool.assert_nothing_left();
}
