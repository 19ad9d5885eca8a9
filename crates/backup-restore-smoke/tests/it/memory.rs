//! Our own memory does not grow with the database: rows never come to us, not even one that is larger than all that we
//! may take.

use std::{fs, process::Child};

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

/// What the tool may take at most, in KiB.
const LIMIT: u64 = 48 << 10;

/// The most that a process has taken so far, in KiB (proc(5), `VmHWM`); of one that has ended nothing is told.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()
}

fn finish_within_the_limit(tool: &Tool, mut child: Child) -> Ended {
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let ended = tool.finish(child);
    assert!((1..=LIMIT).contains(&most), "{most} KiB were taken: {}", ended.stdout);
    ended
}

#[test]
fn neither_one_huge_row_nor_many_make_us_take_more_memory() {
    let (cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = cluster.shop();
    // As bytea it is written with two digits a byte: both are larger than the limit (54 and 60 MB), and pages hold them
    // packed.
    cluster.sql(
        database,
        "CREATE TABLE shop.wide (i int PRIMARY KEY, b bytea, t text); \
         INSERT INTO shop.wide VALUES (1, convert_to(repeat('row ', 6750000), 'UTF8'), repeat('much text ', 6000000)); \
         CREATE TABLE shop.many AS SELECT i, md5(i::text) AS t FROM generate_series(1, 300000) AS i",
    );
    let source = cluster.conninfo(database);
    for method in ["dump", "base-backup"] {
        let child = tool.spawn(&["rehearse", "--method", method, "--source", &source]);
        finish_within_the_limit(&tool, child).assert_code(0);
        tool.assert_nothing_left();
    }
    // A script goes through our hands, line by line: one of its lines is this row.
    let plain = tool.path("wide.sql");
    fs::write(&plain, cluster.dump("pg_dump", &["--format=plain", database])).unwrap();
    let child = tool.spawn(&["rehearse", "--backup", plain.to_str().unwrap()]);
    finish_within_the_limit(&tool, child).assert_code(1);
    tool.assert_nothing_left();
}
