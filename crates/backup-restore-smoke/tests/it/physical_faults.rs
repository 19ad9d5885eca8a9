//! Faults of physical backups, each caught with its own check and the right exit code. The stock tools pass
//! most of them with exit 0: a server starts, without the last commits.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cluster::TestCluster,
    physical::History,
    tool::{Ended, Tool},
};

/// The archived segments, in order.
fn segments(history: &History) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        fs::read_dir(history.cluster.archive()).unwrap().flatten().map(|e| e.path()).collect();
    found.retain(|path| path.file_name().unwrap().len() == 24);
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn history() -> History {
    History::new(&["--data-checksums"], &["--wal-method=none"])
}

/// Turns bytes of a file over.
fn flip(path: &Path, at: u64, count: usize) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut bytes = vec![0; count];
    file.read_exact_at(&mut bytes, at).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0xFF);
    file.write_all_at(&bytes, at).unwrap();
}

/// How many bytes of a segment are written to: the last that is not zero.
fn written(path: &Path) -> u64 {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64)
}

fn assert_failed(history: &History, ended: &Ended, check: &str) {
    ended.assert_code(2);
    assert!(
        ended.findings(check).iter().any(|(outcome, ..)| outcome == "failed"),
        "{check}: {}",
        ended.everything()
    );
    history.tool.assert_nothing_left();
}

#[test]
fn a_missing_segment_is_named_whatever_the_target() {
    for target in ["latest", "time", "lsn"] {
        let history = history();
        let all = segments(&history);
        // The one with the second change is the last but one: the last holds only the switch.
        let lost = &all[all.len() - 2];
        fs::remove_file(lost).unwrap();
        let ended = match target {
            "latest" => history.rehearse(&["--until", "latest", "--expect-lsn", &history.end]),
            "lsn" => history.rehearse(&["--target-lsn", &history.end]),
            _ => history.rehearse(&["--target-time", "2099-01-01T00:00:00Z"]),
        };
        assert_failed(&history, &ended, "backup.wal");
        assert_eq!(ended.findings("backup.wal")[0].1, name(lost), "{target}: {}", ended.everything());
    }
}

#[test]
fn a_gap_behind_the_target_is_a_warning() {
    let history = history();
    let (all, archive) = (segments(&history), history.cluster.archive());
    // Two later segments, of which the first is lost.
    for _ in 0..2 {
        history.cluster.sql("shop", "INSERT INTO shop.customers (name) VALUES ('later')");
        history.cluster.archive_everything();
    }
    fs::remove_file(archive.join(name(&segments(&history)[all.len()]))).unwrap();
    let ended = history.rehearse(&["--target-name", "before the change"]);
    ended.assert_code(1);
    assert_eq!(ended.finding("backup.wal").0, "warned");
    assert_eq!(ended.finding("recovery.target").0, "passed", "{}", ended.everything());
}

#[test]
fn a_truncated_segment_is_named() {
    let history = history();
    let all = segments(&history);
    let cut = &all[all.len() - 1];
    fs::OpenOptions::new().write(true).open(cut).unwrap().set_len(300_000).unwrap();
    let ended = history.rehearse(&["--until", "latest", "--expect-lsn", &history.end]);
    assert_failed(&history, &ended, "backup.wal");
    let (_, subject, observed) = &ended.findings("backup.wal")[0];
    assert!(*subject == name(cut) && observed.contains("300000"), "{subject}: {observed}");
}

#[test]
fn a_corrupt_record_is_never_the_silent_end_of_recovery() {
    for target in ["latest", "time", "name"] {
        let history = history();
        let all = segments(&history);
        if target == "name" {
            // The commit just before the restore point.
            let place =
                u64::from_str_radix(history.place.split('/').nth(1).unwrap(), 16).unwrap() % (1 << 20);
            flip(&history.cluster.archive().join(&history.segment), place - 24, 16);
        } else {
            // In the middle of the last changes.
            let last = &all[all.len() - 1];
            flip(last, written(last) / 2, 64);
        }
        let ended = match target {
            "latest" => history.rehearse(&["--until", "latest", "--expect-lsn", &history.end]),
            "name" => history.rehearse(&["--target-name", "before the change"]),
            _ => history.rehearse(&["--target-time", "2099-01-01T00:00:00Z"]),
        };
        assert_failed(&history, &ended, "recovery.target");
        assert_eq!(ended.finding("restore.writable").0, "not_checked");
    }
}

#[test]
fn a_target_that_the_log_does_not_hold_fails_in_postgres_own_words() {
    let history = history();
    let ended = history.rehearse(&["--target-name", "nobody wrote this"]);
    assert_failed(&history, &ended, "recovery.target");
    let (_, _, observed) = ended.finding("recovery.target");
    assert!(observed.contains("recovery ended before configured recovery target was reached"), "{observed}");
    let ended = history.rehearse(&["--until", "latest", "--expect-lsn", "F/0"]);
    assert_failed(&history, &ended, "backup.wal");
}

#[test]
fn a_target_before_the_backup_fails_where_the_source_was_quiet() {
    let history = history();
    let label = history.tool.path("base").join("backup_label");
    let text = fs::read_to_string(&label).unwrap();
    fs::remove_file(history.tool.path("base").join("backup_manifest")).unwrap();
    // The zone of the second cannot be told.
    for written in [text.clone(), text.replace(" UTC\n", " CET\n")] {
        fs::write(&label, written).unwrap();
        let ended = history.rehearse(&["--target-time", "2020-01-01T00:00:00Z", "--rpo", "1s"]);
        assert_failed(&history, &ended, "recovery.target");
        let (_, subject, observed) = ended.finding("recovery.target");
        assert!(subject == "base" && observed.contains("it was begun"), "{subject}: {observed}");
    }
}

#[test]
fn a_backup_that_says_it_is_of_the_future_tells_of_no_loss() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.shop();
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream", "--no-manifest"]);
    let label = base.join("backup_label");
    let text = fs::read_to_string(&label).unwrap().replace("START TIME: 20", "START TIME: 21");
    fs::write(&label, text).unwrap();
    let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap(), "--rpo", "1h"]);
    ended.assert_code(3);
    let (outcome, _, reason) = ended.finding("recovery.data_loss");
    assert!(outcome == "not_checked" && reason.contains("clocks disagree"), "{outcome}: {reason}");
    assert!(!ended.report.to_string().contains("data_loss_seconds"), "{}", ended.everything());
}

/// A base backup without a manifest, of a shop with an index and a sequence besides; as many copies as are needed.
struct Unlisted {
    cluster: TestCluster,
    tool: Tool,
}

impl Unlisted {
    fn new() -> Self {
        let (cluster, tool) = (TestCluster::start(), Tool::new());
        cluster.shop();
        cluster.sql(
            "shop",
            "CREATE TABLE shop.words AS SELECT i, ARRAY[i] AS held FROM generate_series(1, 20000) AS i; \
             CREATE INDEX held ON shop.words USING gin (held); CREATE SEQUENCE shop.numbers; ANALYZE shop.words; \
             CREATE MATERIALIZED VIEW shop.seen AS SELECT * FROM shop.words; CREATE TABLE shop.empty (i int)",
        );
        cluster.base_backup(&tool.path("base"), &["--wal-method=stream", "--no-manifest"]);
        Self { cluster, tool }
    }

    fn file(&self, relation: &str) -> String {
        self.cluster.sql("shop", &format!("SELECT pg_relation_filepath('{relation}')"))
    }

    /// Rehearses a copy in which this was done.
    fn rehearse(&self, damage: impl FnOnce(&Path), more: &[&str]) -> Ended {
        let copy = self.tool.path("damaged");
        let copied = Command::new("cp").arg("-a").arg(self.tool.path("base")).arg(&copy).status().unwrap();
        assert!(copied.success());
        damage(&copy);
        let given = ["rehearse", "--backup", copy.to_str().unwrap(), "--database", "shop"];
        let ended = self.tool.run(&[&given[..], more].concat());
        fs::remove_dir_all(copy).unwrap();
        self.tool.assert_nothing_left();
        ended
    }
}

#[test]
fn what_a_backup_without_a_manifest_lost_is_told_by_its_catalogues() {
    let backup = Unlisted::new();
    let sound = backup.rehearse(|_| {}, &[]);
    sound.assert_code(1);
    assert_eq!(sound.finding("backup.expectation").0, "warned");
    assert_eq!(sound.finding("integrity.files").0, "passed", "{}", sound.everything());
    let assertions = "assertions:\n  - name: words\n    sql: SELECT count(*) FROM shop.words\n    expect: { value: \"20000\" }\n";
    let config = backup.tool.file("ops.yaml", assertions);
    let asserted = backup.rehearse(|_| {}, &["--config", config.to_str().unwrap()]);
    asserted.assert_code(0);
    assert_eq!(asserted.finding("backup.expectation").0, "passed");
    // Deleted, or cut to so many pages.
    for (relation, pages, outcome, code, said) in [
        ("shop.words", None, "failed", 2, "no file"),
        ("shop.words", Some(10), "warned", 1, "10 pages"),
        ("shop.words", Some(0), "warned", 1, "0 pages"),
        ("shop.held", None, "failed", 2, "no file"),
        ("shop.held", Some(0), "failed", 2, "first page"),
        ("shop.numbers", None, "failed", 2, "no file"),
        ("shop.numbers", Some(0), "failed", 2, "a sequence of 0 pages"),
        // Nothing was ever counted there: only that nothing is known is told.
        ("shop.seen", Some(0), "passed", 1, "relations in"),
    ] {
        let damage = |copy: &Path| {
            let path = copy.join(backup.file(relation));
            match pages {
                None => fs::remove_file(path).unwrap(),
                Some(pages) => {
                    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(pages * 8192).unwrap();
                }
            }
        };
        let ended = backup.rehearse(damage, &[]);
        ended.assert_code(code);
        let (told, subject, observed) = ended.finding("integrity.files");
        assert!(told == outcome && observed.contains(said), "{relation}: {told}: {observed}");
        assert!(told == "passed" || subject == format!("shop.{relation}"), "{subject}");
        assert_eq!(ended.finding("backup.expectation").0, "warned");
    }
}

#[test]
fn a_copy_that_lets_nobody_in_for_lack_of_its_files_is_a_bad_backup() {
    let backup = Unlisted::new();
    let oid = |name: &str| {
        let oid =
            backup.cluster.sql("shop", &format!("SELECT oid FROM pg_database WHERE datname = '{name}'"));
        format!("base/{oid}")
    };
    // As soon as somebody is let in, or at the promotion.
    let ended = backup.rehearse(|copy| fs::remove_file(copy.join("pg_xact/0000")).unwrap(), &[]);
    ended.assert_code(2);
    assert!(ended.everything().contains("could not access status of transaction"), "{}", ended.everything());
    for (lost, subject) in [
        ("global/1262".to_owned(), "recovered cluster"),
        ("global/1260".to_owned(), "recovered cluster"),
        (oid("template1"), "recovered cluster"),
        (oid("shop"), "database shop"),
        (format!("{}/PG_VERSION", oid("shop")), "database shop"),
        (format!("{}/pg_filenode.map", oid("shop")), "database shop"),
        (oid("postgres"), "database postgres"),
    ] {
        let damage = |copy: &Path| {
            let path = copy.join(&lost);
            let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.unwrap();
        };
        let ended = backup.rehearse(damage, &[]);
        ended.assert_code(2);
        let (told, found, observed) = ended.finding("integrity.files");
        assert_eq!((told.as_str(), found.as_str()), ("failed", subject), "{lost}: {}", ended.everything());
        assert!(
            !lost.starts_with("base/") || lost.contains("VERSION") || observed.contains(&lost),
            "{observed}"
        );
        let socket = |(.., said): &(String, String, String)| said.contains(".s.PGSQL");
        assert!(!ended.findings("integrity.amcheck").iter().any(socket), "{}", ended.everything());
    }
}

#[test]
fn a_page_flipped_in_a_backup_is_found_by_its_manifest() {
    let (cluster, tool) = (TestCluster::archiving(&["--data-checksums"]), Tool::new());
    let database = cluster.shop();
    let file = cluster.sql(database, "SELECT pg_relation_filepath('shop.customers')");
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    flip(&base.join(&file), 8192 - 100, 16);
    let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap()]);
    ended.assert_code(2);
    let (outcome, _, observed) = ended.finding("backup.verified");
    assert!(outcome == "failed" && observed.contains(&file), "{observed}");
    // Without the manifest the pages' own checksums tell it.
    fs::remove_file(base.join("backup_manifest")).unwrap();
    let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap(), "--database", "shop"]);
    ended.assert_code(2);
    let (outcome, _, observed) = ended.finding("integrity.checksums");
    assert!(outcome == "failed" && observed.contains(&file), "{observed}");
    tool.assert_nothing_left();
}

#[test]
fn a_page_that_is_corrupt_at_a_source_without_checksums_is_found_by_content() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    for statement in ["VACUUM (FREEZE) shop.customers", "CHECKPOINT", "SELECT count(*) FROM shop.customers"] {
        cluster.sql(database, statement);
    }
    let file = cluster.sql(database, "SELECT pg_relation_filepath('shop.customers')");
    // The last bytes of a page belong to its first row: a text. What the source reads is still in its memory.
    flip(&cluster.folder().join("data").join(file), 8192 - 8, 1);
    let ended = tool.run(&["rehearse", "--method", "base-backup", "--source", &cluster.conninfo(database)]);
    ended.assert_code(2);
    let (outcome, subject, _) = ended.finding("restore.content");
    assert_eq!((outcome.as_str(), subject.as_str()), ("failed", "shop.customers"), "{}", ended.everything());
    for check in ["backup.verified", "recovery.target", "integrity.amcheck"] {
        assert_eq!(ended.finding(check).0, "passed", "{check}");
    }
}

#[test]
fn a_backup_of_another_major_is_not_started() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    fs::write(base.join("PG_VERSION"), "12\n").unwrap();
    let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap()]);
    ended.assert_code(3);
    assert!(ended.finding("rehearsal.environment").2.contains("only"), "{}", ended.everything());
    assert!(ended.report.to_string().contains("PostgreSQL 12"));
    tool.assert_nothing_left();
}

#[test]
fn a_backup_without_its_label_or_its_log_or_its_control_file_is_not_started() {
    for (lost, check, subject) in [
        ("backup_label", "backup.chosen", "backup_label"),
        ("global/pg_control", "backup.chosen", "global/pg_control"),
        ("pg_wal", "backup.wal", "0000000"),
    ] {
        let (cluster, tool) = (TestCluster::start(), Tool::new());
        cluster.shop();
        let base = tool.path("base");
        cluster.base_backup(&base, &["--wal-method=stream"]);
        let path = base.join(lost);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
            fs::create_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap()]);
        ended.assert_code(2);
        let failed = ended.findings(check).into_iter().find(|(outcome, ..)| outcome == "failed");
        assert!(
            failed.is_some_and(|(_, found, _)| found.starts_with(subject)),
            "{lost}: {}",
            ended.everything()
        );
        assert_eq!(ended.finding("restore.writable").0, "not_checked");
        tool.assert_nothing_left();
    }
}

#[test]
fn a_tar_archive_that_is_cut_does_not_pass() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.shop();
    let base = tool.path("base");
    cluster.base_backup(&base, &["--format=tar", "--gzip", "--wal-method=stream"]);
    let archive = base.join("base.tar.gz");
    let whole = fs::metadata(&archive).unwrap().len();
    fs::OpenOptions::new().write(true).open(&archive).unwrap().set_len(whole * 6 / 10).unwrap();
    let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap()]);
    ended.assert_code(2);
    let cut = |(outcome, subject, said): &(String, String, String)| {
        outcome == "failed" && subject == "base.tar.gz" && said.contains("unexpected end of file")
    };
    assert!(ended.findings("backup.chosen").iter().any(cut), "{}", ended.everything());
    tool.assert_nothing_left();
}
