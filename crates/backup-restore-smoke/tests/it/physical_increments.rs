//! Increments of PostgreSQL 17 and later, combined by `pg_combinebackup`. Skipped, with a word, where no such
//! PostgreSQL is installed.

use std::{fs, path::PathBuf};

use crate::{
    cluster::{TestCluster, bin_folder_of},
    physical::expecting,
    tool::Tool,
};

/// A full backup with 10 rows, an increment with 20, one with 30 on that.
fn chain(bin: PathBuf) -> (TestCluster, Tool) {
    let (cluster, tool) = (TestCluster::summarising(bin), Tool::new());
    let database = cluster.shop();
    cluster.tablespace(database);
    cluster.sql(database, "CREATE TABLE shop.placed (i int)");
    let mut prior: Option<PathBuf> = None;
    for (index, name) in ["full", "first", "second"].into_iter().enumerate() {
        let rows =
            format!("INSERT INTO shop.placed SELECT generate_series({index} * 10 + 1, {index} * 10 + 10)");
        cluster.sql(database, &rows);
        let folder = tool.path("chain").join(name);
        let live = cluster.folder().join("live");
        let mapped = tool.path("mapped").join(name);
        let mapping = format!("--tablespace-mapping={}={}", live.display(), mapped.display());
        let increment =
            prior.as_ref().map(|prior| format!("--incremental={}", prior.join("backup_manifest").display()));
        let mut arguments = vec!["--wal-method=stream", mapping.as_str()];
        arguments.extend(increment.as_deref());
        cluster.base_backup(&folder, &arguments);
        prior = Some(folder);
    }
    (cluster, tool)
}

#[test]
fn a_chain_is_combined_whether_it_is_named_or_found() {
    let Some(bin) = bin_folder_of(17) else {
        eprintln!("skipped: no PostgreSQL 17 on this machine");
        return;
    };
    let (_cluster, tool) = chain(bin.clone());
    let step = expecting(&tool, "shop.placed", 30);
    let folder = |name: &str| tool.path("chain").join(name).to_str().unwrap().to_owned();
    let (full, first, second) = (folder("full"), folder("first"), folder("second"));
    let common = ["--pg-bin", bin.to_str().unwrap(), "--database", "shop", "--after-restore", &step];
    for named in [vec![&full, &first, &second], vec![&second], vec![&second, &full]] {
        let mut arguments = vec!["rehearse"];
        arguments.extend(named.iter().flat_map(|path| ["--backup", path.as_str()]));
        arguments.extend(common);
        let ended = tool.run(&arguments);
        ended.assert_code(0);
        assert_eq!(ended.finding("restore.steps").0, "passed", "{}", ended.everything());
        let verified = ended.findings("backup.verified");
        assert!(
            verified.len() == 4 && verified.iter().all(|(outcome, ..)| outcome == "passed"),
            "{verified:?}"
        );
        tool.assert_nothing_left();
    }
}

#[test]
fn a_chain_with_a_gap_fails() {
    let Some(bin) = bin_folder_of(17) else {
        eprintln!("skipped: no PostgreSQL 17 on this machine");
        return;
    };
    let (_cluster, tool) = chain(bin.clone());
    fs::remove_dir_all(tool.path("chain").join("first")).unwrap();
    let second = tool.path("chain").join("second");
    let ended =
        tool.run(&["rehearse", "--backup", second.to_str().unwrap(), "--pg-bin", bin.to_str().unwrap()]);
    ended.assert_code(2);
    let failed = ended.findings("backup.chosen").into_iter().find(|(outcome, ..)| outcome == "failed");
    assert!(failed.is_some_and(|(_, subject, _)| subject == "second"), "{}", ended.everything());
    tool.assert_nothing_left();
}
