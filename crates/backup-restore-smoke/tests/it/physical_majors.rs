//! Physical rehearsals of every major version that is here: `scripts/postgres-wheels` fetches those that are not
//! installed; without them this says that it was skipped.

use std::{fs, path::PathBuf};

use crate::{
    cluster::{TestCluster, bin_folder_of},
    physical::expecting,
    tool::Tool,
};

fn newer() -> Vec<(u32, PathBuf)> {
    [17, 18].into_iter().filter_map(|major| Some((major, bin_folder_of(major)?))).collect()
}

#[test]
fn a_base_backup_of_each_major_is_proven_by_content_with_the_checksums_it_has_by_itself() {
    if newer().is_empty() {
        println!("skipped: neither PostgreSQL 17 nor 18 is here");
    }
    for (major, bin) in newer() {
        let (cluster, tool) = (TestCluster::start_from(bin.clone()), Tool::new());
        let database = cluster.shop();
        cluster.tablespace(database);
        for method in ["base-backup", "base-backup-tar"] {
            let source = cluster.conninfo(database);
            let bin = bin.to_str().unwrap();
            let ended = tool.run(&["rehearse", "--method", method, "--source", &source, "--pg-bin", bin]);
            ended.assert_code(0);
            for check in [
                "backup.made",
                "backup.verified",
                "restore.contained",
                "restore.content",
                "integrity.amcheck",
            ] {
                assert_eq!(
                    ended.finding(check).0,
                    "passed",
                    "{major} {method} {check}: {}",
                    ended.everything()
                );
            }
            // From 18 on initdb writes them unasked.
            let checksums = if major >= 18 { "passed" } else { "not_checked_optional" };
            assert_eq!(ended.finding("integrity.checksums").0, checksums, "{}", ended.everything());
            assert!(
                ended.report["facts"].to_string().contains(&format!("\"{major}\"")),
                "{}",
                ended.report["facts"]
            );
            tool.assert_nothing_left();
        }
    }
}

#[test]
fn a_point_in_time_of_each_major_is_recovered_to() {
    if newer().is_empty() {
        println!("skipped: neither PostgreSQL 17 nor 18 is here");
    }
    for (_, bin) in newer() {
        let (cluster, tool) = (TestCluster::archiving_from(bin.clone()), Tool::new());
        let database = cluster.shop();
        let step = |from: u32| {
            let rows = format!("INSERT INTO shop.placed SELECT generate_series({from}, {from} + 9)");
            cluster.sql(database, &rows);
        };
        cluster.sql(database, "CREATE TABLE shop.placed (i int PRIMARY KEY)");
        step(1);
        let base = tool.path("base");
        cluster.base_backup(&base, &["--format=tar", "--wal-method=none"]);
        step(11);
        let place = cluster.sql(database, "SELECT pg_current_wal_insert_lsn()");
        let time = cluster.sql(
            database,
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        );
        cluster.sql(database, "SELECT pg_create_restore_point('before')");
        step(21);
        cluster.archive_everything();
        let seen = expecting(&tool, "shop.placed", 20);
        for target in [["--target-time", &time], ["--target-lsn", &place], ["--target-name", "before"]] {
            let archive = cluster.archive();
            let given = ["rehearse", "--backup", base.to_str().unwrap(), "--wal", archive.to_str().unwrap()];
            let more = ["--pg-bin", bin.to_str().unwrap(), "--database", database, "--after-restore", &seen];
            let ended = tool.run(&[given.as_slice(), &more, &target].concat());
            ended.assert_code(0);
            assert_eq!(ended.finding("restore.steps").0, "passed", "{target:?}: {}", ended.everything());
            tool.assert_nothing_left();
        }
    }
}

#[test]
fn a_chain_is_put_in_order_also_of_archives_and_one_with_a_gap_fails() {
    if newer().is_empty() {
        println!("skipped: neither PostgreSQL 17 nor 18 is here");
    }
    for (_, bin) in newer() {
        let (cluster, tool) = (TestCluster::summarising(bin.clone()), Tool::new());
        let database = cluster.shop();
        let live = cluster.tablespace(database);
        cluster.sql(database, "CREATE TABLE shop.placed (i int)");
        let folder = |format: &str, name: &str| tool.path(format).join(name);
        for (index, name) in ["a full", "b first", "c second"].into_iter().enumerate() {
            cluster.sql(database, "INSERT INTO shop.placed SELECT generate_series(1, 10)");
            for format in ["plain", "tar"] {
                let prior = ["", "a full", "b first"][index];
                let manifest = folder(format, prior).join("backup_manifest");
                let increment = format!("--incremental={}", manifest.display());
                let mapped = tool.path(&format!("mapped {format} {index}"));
                let mapping = format!("--tablespace-mapping={}={}", live.display(), mapped.display());
                let shape = format!("--format={format}");
                let mut arguments = vec![shape.as_str(), "--wal-method=stream"];
                if format == "plain" {
                    arguments.push(&mapping);
                }
                if index > 0 {
                    arguments.push(&increment);
                }
                fs::create_dir_all(tool.path(format)).unwrap();
                cluster.base_backup(&folder(format, name), &arguments);
            }
        }
        let seen = expecting(&tool, "shop.placed", 30);
        let rehearse = |folders: &[PathBuf]| {
            let mut arguments = vec!["rehearse", "--pg-bin", bin.to_str().unwrap(), "--database", database];
            arguments.extend(folders.iter().flat_map(|folder| ["--backup", folder.to_str().unwrap()]));
            arguments.extend(["--after-restore", &seen]);
            let ended = tool.run(&arguments);
            tool.assert_nothing_left();
            ended
        };
        // Named in the wrong order, and only the last: as files and as archives.
        for format in ["plain", "tar"] {
            for named in [vec!["c second", "a full", "b first"], vec!["c second"]] {
                let folders: Vec<_> = named.iter().map(|name| folder(format, name)).collect();
                let ended = rehearse(&folders);
                ended.assert_code(0);
                assert_eq!(ended.finding("restore.steps").0, "passed", "{format}: {}", ended.everything());
                let verified = ended.findings("backup.verified");
                assert!(
                    verified.iter().any(|(outcome, subject, _)| outcome == "passed" && subject == "b first")
                );
            }
        }
        // PostgreSQL combines it all the same; that its files were held against nothing is said.
        fs::remove_file(folder("plain", "b first").join("backup_manifest")).unwrap();
        let ended = rehearse(&[folder("plain", "c second")]);
        ended.assert_code(0);
        let unverified =
            ended.findings("backup.verified").into_iter().find(|(_, subject, _)| subject == "b first");
        assert!(
            unverified.is_some_and(|(outcome, ..)| outcome == "not_checked_optional"),
            "{}",
            ended.everything()
        );
        fs::remove_dir_all(folder("tar", "b first")).unwrap();
        let ended = rehearse(&[folder("tar", "c second")]);
        ended.assert_code(2);
        assert!(ended.findings("backup.chosen").iter().any(|(outcome, ..)| outcome == "failed"));
    }
}
