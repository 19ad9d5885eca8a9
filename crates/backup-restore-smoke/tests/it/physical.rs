//! Base backups, made now and existing, and recovery to a point in time: what is sound passes, and lands where
//! it was told to.

use std::{fs, path::Path};

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

/// A cluster whose shop has 10 orders at the backup, 20 at the restore point, 30 at the end of the log.
pub(crate) struct History {
    pub(crate) cluster: TestCluster,
    pub(crate) tool: Tool,
    /// A time between the commits of 20 and 30 orders.
    pub(crate) time: String,
    /// The place behind the commit of 20 orders.
    pub(crate) place: String,
    /// The name of its segment.
    pub(crate) segment: String,
    /// The place behind the commit of 30 orders.
    pub(crate) end: String,
}

impl History {
    pub(crate) fn new(initdb: &[&str], backup: &[&str]) -> Self {
        let (cluster, tool) = (TestCluster::archiving(initdb), Tool::new());
        let database = cluster.shop();
        let orders = |from: u32| {
            let sql = format!("INSERT INTO shop.placed SELECT generate_series({from}, {from} + 9)");
            cluster.sql(database, &sql);
        };
        cluster.sql(database, "CREATE TABLE shop.placed (i int PRIMARY KEY)");
        orders(1);
        cluster.base_backup(&tool.path("base"), backup);
        orders(11);
        let place = cluster.sql(database, "SELECT pg_current_wal_insert_lsn()");
        let segment = cluster.sql(database, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
        cluster.sql(database, "SELECT pg_create_restore_point('before the change')");
        let time = cluster.sql(
            database,
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        );
        // In a segment of its own, so that a segment can be lost between the two.
        cluster.archive_everything();
        orders(21);
        let end = cluster.sql(database, "SELECT pg_current_wal_insert_lsn()");
        cluster.archive_everything();
        Self { cluster, tool, time, place, segment, end }
    }

    /// Rehearses the backup with these further arguments.
    pub(crate) fn rehearse(&self, arguments: &[&str]) -> Ended {
        let (base, archive) = (self.tool.path("base"), self.cluster.archive());
        let given = ["rehearse", "--backup", base.to_str().unwrap(), "--wal", archive.to_str().unwrap()];
        self.tool.run(&[given.as_slice(), arguments].concat())
    }
}

/// A runbook step that fails unless the table has so many rows.
pub(crate) fn expecting(tool: &Tool, table: &str, rows: u32) -> String {
    let sql = format!(
        "DO $$ BEGIN IF (SELECT count(*) FROM {table}) <> {rows} THEN RAISE EXCEPTION 'other rows'; END IF; END $$"
    );
    tool.file(&format!("expect-{rows}.sql"), &sql).to_str().unwrap().to_owned()
}

fn assert_sound(ended: &Ended) {
    ended.assert_code(0);
    let facts = ended.report["facts"].as_array().unwrap();
    let hardware =
        facts.iter().find(|fact| fact["name"] == "scratch hardware").unwrap()["value"].as_str().unwrap();
    for words in ["processor", "of memory", "scratch on ", "free at the start"] {
        assert!(hardware.contains(words), "{words}: {hardware}");
    }
    for check in [
        "backup.chosen",
        "backup.wal",
        "restore.contained",
        "recovery.target",
        "recovery.timeline",
        "restore.writable",
        "integrity.amcheck",
        "integrity.checksums",
        "rehearsal.cleaned_up",
    ] {
        assert_eq!(ended.finding(check).0, "passed", "{check}: {}", ended.everything());
    }
}

fn stages(ended: &Ended) -> Vec<String> {
    let stages = ended.report["timeline"]["stages"].as_array().cloned().unwrap_or_default();
    stages.iter().map(|stage| stage["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_base_backup_made_now_is_proven_by_content() {
    for method in ["base-backup", "base-backup-tar"] {
        let (cluster, tool) = (TestCluster::archiving(&["--data-checksums"]), Tool::new());
        let database = cluster.shop();
        cluster.tablespace(database);
        let ended = tool.run(&[
            "rehearse",
            "--method",
            method,
            "--source",
            &cluster.conninfo(database),
            "--rto",
            "10m",
        ]);
        assert_sound(&ended);
        for check in
            ["backup.made", "backup.verified", "restore.content", "restore.sequences", "recovery.time"]
        {
            assert_eq!(ended.finding(check).0, "passed", "{method} {check}: {}", ended.everything());
        }
        assert!(ended.finding("restore.content").2.contains("4 tables"), "{}", ended.everything());
        let story = stages(&ended);
        let wanted = [
            "base backup",
            "incident",
            "backup chosen",
            "fetched",
            "files in place",
            "consistent",
            "target",
            "promoted",
            "first committed write",
            "verified",
        ];
        let places: Vec<_> = wanted.iter().map(|name| story.iter().position(|stage| stage == name)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{story:?}");
        tool.assert_nothing_left();
    }
}

#[test]
fn recovery_ends_where_it_was_told_to() {
    let history = History::new(&["--data-checksums"], &["--wal-method=none"]);
    for (arguments, orders) in [
        (vec!["--until", "immediate"], 10),
        (vec!["--target-name", "before the change"], 20),
        (vec!["--target-time", &history.time], 20),
        (vec!["--target-lsn", &history.place], 20),
        (vec!["--target-name", "before the change", "--target-timeline", "current"], 20),
        (vec!["--target-lsn", &history.place, "--target-exclusive"], 20),
        (vec!["--until", "latest", "--expect-lsn", &history.end], 30),
    ] {
        let step = expecting(&history.tool, "shop.placed", orders);
        let ended =
            history.rehearse(&[&arguments[..], &["--after-restore", &step, "--database", "shop"]].concat());
        assert_sound(&ended);
        assert_eq!(ended.finding("restore.steps").0, "passed", "{arguments:?}: {}", ended.everything());
        assert_eq!(ended.finding("restore.content").0, "not_checked_optional");
        assert!(ended.report["facts"].to_string().contains("recovered to"), "{}", ended.report["facts"]);
    }
    history.tool.assert_nothing_left();
}

#[test]
fn tar_archives_and_segments_are_read_whatever_compressed_them() {
    let history = History::new(&[], &["--format=tar", "--gzip", "--wal-method=fetch"]);
    let programs = [("gzip", "gz"), ("lz4", "lz4"), ("zstd", "zst")];
    let archived: Vec<_> =
        fs::read_dir(history.cluster.archive()).unwrap().map(|e| e.unwrap().path()).collect();
    let mut used = 0;
    for (path, (program, ending)) in archived.into_iter().zip(programs.iter().cycle()) {
        let packed = path.with_extension(ending);
        let ran = std::process::Command::new(program)
            .args(["-q", "-c"])
            .stdin(fs::File::open(&path).unwrap())
            .stdout(fs::File::create(&packed).unwrap())
            .status();
        let works = ran.is_ok_and(|status| status.success());
        fs::remove_file(if works { path } else { packed }).unwrap();
        used += u32::from(works);
    }
    assert!(used > 0);
    let step = expecting(&history.tool, "shop.placed", 30);
    let ended =
        history.rehearse(&["--expect-lsn", &history.end, "--after-restore", &step, "--database", "shop"]);
    ended.assert_code(0);
    assert_eq!(ended.finding("backup.verified").0, "passed");
    assert_eq!(ended.finding("restore.steps").0, "passed");
    // Made without page checksums: said, and no pass.
    assert_eq!(ended.finding("integrity.checksums").0, "not_checked_optional");
    history.tool.assert_nothing_left();
}

#[test]
fn a_restore_point_that_was_asked_for_proves_the_content_of_the_archive() {
    let history = History::new(&["--data-checksums"], &["--wal-method=none"]);
    let (cluster, tool) = (&history.cluster, &history.tool);
    let (base, archive) = (tool.path("base"), cluster.archive());
    let child = tool.spawn(&[
        "rehearse",
        "--source",
        &cluster.conninfo("shop"),
        "--backup",
        base.to_str().unwrap(),
        "--wal",
        archive.to_str().unwrap(),
        "--restore-point",
        "a rehearsal",
    ]);
    tool.wait_for("archive: waiting");
    cluster.sql("postgres", "SELECT pg_switch_wal()");
    let ended = tool.finish(child);
    assert_sound(&ended);
    assert_eq!(ended.finding("restore.content").0, "passed", "{}", ended.everything());
    assert!(ended.finding("recovery.target").2.contains("replayed to"));
    tool.assert_nothing_left();
}

#[test]
fn a_row_that_an_index_lost_is_found_where_that_was_asked_for() {
    let (cluster, tool) = (TestCluster::archiving(&["--data-checksums"]), Tool::new());
    let database = cluster.shop();
    let ready = |is: bool| {
        format!("UPDATE pg_index SET indisready = {is} WHERE indexrelid = 'shop.customers_pkey'::regclass")
    };
    for statement in [&ready(false), "INSERT INTO shop.customers (name) VALUES ('unindexed')", &ready(true)] {
        cluster.sql(database, statement);
    }
    for method in ["base-backup", "dump"] {
        let given = ["rehearse", "--method", method, "--source", &cluster.conninfo(database), "--amcheck"];
        let ended = tool.run(&given);
        assert_eq!(ended.assert_code(0).finding("integrity.amcheck").0, "passed", "{method}");
        if method == "dump" {
            // A restored dump has an index of its own.
            let ended = tool.run(&[given.as_slice(), &["--heapallindexed"]].concat());
            assert_eq!(ended.assert_code(0).finding("integrity.amcheck").0, "passed");
            continue;
        }
        let ended = tool.run(&[given.as_slice(), &["--heapallindexed"]].concat());
        ended.assert_code(2);
        let (outcome, _, observed) = ended.finding("integrity.amcheck");
        assert!(outcome == "failed" && observed.contains("customers_pkey"), "{outcome}: {observed}");
        assert_eq!(ended.finding("restore.content").0, "passed");
    }
    tool.assert_nothing_left();
}

#[test]
fn a_signal_in_any_phase_of_a_physical_rehearsal_leaves_nothing() {
    let (cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = cluster.shop();
    let hold = tool.file("hold.sql", "SELECT pg_sleep(120)");
    for phase in [
        "base backup: pg_basebackup",
        "copy: files in place",
        "copy: recovery to",
        "after the restore: hold.sql",
    ] {
        let source = cluster.conninfo(database);
        let child = tool.spawn(&[
            "rehearse",
            "--method",
            "base-backup",
            "--source",
            &source,
            "--after-restore",
            hold.to_str().unwrap(),
        ]);
        tool.wait_for(phase);
        assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        let ended = tool.finish(child);
        assert_eq!(ended.code, Some(3), "{phase}: {}", ended.everything());
        assert_eq!(ended.report["verdict"], "inconclusive", "{phase}");
        tool.assert_nothing_left();
    }
    let senders =
        "SELECT (SELECT count(*) FROM pg_stat_replication) + (SELECT count(*) FROM pg_replication_slots)";
    crate::tool::until("the end of our replication", || cluster.sql(database, senders) == "0");
}

#[test]
fn the_content_of_a_busy_source_is_not_claimed_to_be_known() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(database, "CREATE TABLE shop.busy (i int)");
    let writing = "BEGIN; INSERT INTO shop.busy VALUES (1); SELECT pg_sleep(600)";
    let mut writer = cluster.psql(database, &["-c", writing]).spawn().unwrap();
    let in_progress = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL";
    crate::tool::until("the writer", || cluster.sql(database, in_progress) == "1");
    let ended = tool.run(&["rehearse", "--method", "base-backup", "--source", &cluster.conninfo(database)]);
    writer.kill().unwrap();
    writer.wait().unwrap();
    ended.assert_code(0);
    let (outcome, _, reason) = ended.finding("restore.content");
    assert!(outcome == "not_checked_optional" && reason.contains("in progress"), "{outcome}: {reason}");
    assert_eq!(ended.finding("integrity.amcheck").0, "passed");
}

#[test]
fn the_loss_of_an_existing_backup_is_held_against_its_objective() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.shop();
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    let rehearse = |rpo: &str| tool.run(&["rehearse", "--backup", base.to_str().unwrap(), "--rpo", rpo]);
    assert_eq!(rehearse("1h").assert_code(0).finding("recovery.data_loss").0, "passed");
    let label = base.join("backup_label");
    // As if it had been taken long ago; the manifest knows better, and says so.
    let text = fs::read_to_string(&label).unwrap();
    let old: Vec<_> = text
        .lines()
        .map(|line| if line.starts_with("START TIME") { "START TIME: 2020-01-01 00:00:00 UTC" } else { line })
        .collect();
    fs::write(&label, old.join("\n") + "\n").unwrap();
    fs::remove_file(base.join("backup_manifest")).unwrap();
    let ended = rehearse("1h");
    assert_eq!(ended.assert_code(2).finding("recovery.data_loss").0, "failed");
    assert_eq!(ended.finding("backup.verified").0, "not_checked_optional");
}

#[test]
fn a_role_that_may_not_replicate_is_told_what_it_needs() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(database, "CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader");
    let source = cluster.conninfo(database).replace("user=postgres", "user=reader");
    let ended = tool.run(&["rehearse", "--method", "base-backup", "--source", &source]);
    ended.assert_code(3);
    assert_eq!(ended.finding("backup.made").0, "inconclusive");
    assert!(ended.report["findings"].to_string().contains("ALTER ROLE"), "{}", ended.everything());
    tool.assert_nothing_left();
}

#[test]
fn what_recovery_cannot_prove_is_refused_before_anything_is_begun() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    let (base, here) = (base.to_str().unwrap(), tool.path("."));
    let here = here.to_str().unwrap();
    for (arguments, said) in [
        (vec!["--backup", base, "--wal", here], "proves nothing by itself"),
        (vec!["--backup", base, "--until", "latest"], "proves nothing by itself"),
        (vec!["--backup", base, "--target-time", "yesterday"], "no instant"),
        (vec!["--backup", base, "--target-time", "2026-01-01 00:00:00"], "with its zone"),
        (vec!["--backup", base, "--target-lsn", "soon"], "no place in the write-ahead log"),
        (vec!["--backup", base, "--target-lsn", "0/1", "--target-name", "x"], "one target"),
        (vec!["--backup", base, "--restore-point", "x", "--wal", here], "--source"),
        (vec!["--backup", here, "--backup", base], "no base backup"),
        (vec!["--embedded", "--method", "base-backup"], "source of your own"),
        (vec!["--source", "dbname=x", "--target-lsn", "0/1"], "--backup"),
    ] {
        let output = tool.command(&[&["rehearse"], arguments.as_slice()].concat()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    tool.assert_nothing_left();
}

/// Every file below a folder with its bytes and the time of its last change.
pub(crate) fn every_byte(folder: &Path) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let (path, meta) = (entry.path(), entry.path().symlink_metadata().unwrap());
            let bytes = if meta.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            if meta.is_dir() {
                folders.push(path.clone());
            }
            found.push((path.display().to_string(), bytes, meta.modified().unwrap()));
        }
    }
    found.sort();
    found
}
