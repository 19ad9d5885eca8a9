//! A restore point that lies before the last of several increments: the last cannot reach it, one before it can.

use std::fs;

use crate::{
    cluster::{TestCluster, bin_folder_of},
    tool::Tool,
};

#[test]
fn a_restore_point_before_the_last_increment_is_not_called_lost() {
    let Some(bin) = bin_folder_of(17) else {
        eprintln!("skipped: no PostgreSQL 17 on this machine");
        return;
    };
    let (cluster, tool) = (TestCluster::summarising(bin.clone()), Tool::new());
    let (full, increment, wal) = (tool.path("full"), tool.path("increment"), tool.path("wal"));
    cluster.base_backup(&full, &["--wal-method=stream"]);
    cluster.sql("postgres", "CREATE TABLE placed (); SELECT pg_create_restore_point('between'); CHECKPOINT");
    let on = format!("--incremental={}", full.join("backup_manifest").display());
    cluster.base_backup(&increment, &["--wal-method=stream", &on]);
    let last = cluster.sql("postgres", "CREATE TABLE later (); SELECT pg_walfile_name(pg_switch_wal())");
    fs::create_dir(&wal).unwrap();
    for entry in fs::read_dir(cluster.folder().join("data/pg_wal")).unwrap().flatten() {
        // Behind it lie files that were made ahead.
        if entry.path().is_file() && entry.file_name().to_string_lossy().as_ref() <= last.trim() {
            fs::copy(entry.path(), wal.join(entry.file_name())).unwrap();
        }
    }
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (full, increment, wal, bin) = (path(&full), path(&increment), path(&wal), path(&bin));
    let rest = ["--wal", &wal, "--target-name", "between", "--pg-bin", &bin];
    let ended = tool.run(&[&["rehearse", "--backup", &full, "--backup", &increment], &rest[..]].concat());
    ended.assert_code(3);
    assert_eq!(ended.finding("recovery.target").0, "inconclusive");
    assert!(ended.stdout.contains(&format!("--backup {full} as the last")), "{}", ended.stdout);
    let ended = tool.run(&[&["rehearse", "--backup", &full], &rest[..]].concat());
    assert_eq!(ended.finding("recovery.target").0, "passed", "{}", ended.everything());
    tool.assert_nothing_left();
}
