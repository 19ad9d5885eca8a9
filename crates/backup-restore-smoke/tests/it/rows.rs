//! A rehearsal says which rows differ: from the snapshot of the dump, from a source that has not changed since, or as
//! far as a fingerprint tells.

use std::time::{Duration, Instant};

use crate::{
    cluster::TestCluster,
    dumps::file,
    tool::{Ended, Tool, until},
};

/// What is said of the customers.
fn said(ended: &Ended) -> String {
    let found = ended.findings("restore.content").into_iter().find(|(_, table, _)| table == "shop.customers");
    found.unwrap_or_else(|| panic!("{}", ended.everything())).2
}

/// The keys that are named.
fn keys(said: &str, what: &str) -> Vec<String> {
    let (_, rest) = said.split_once(what).unwrap_or_else(|| panic!("{what}: {said}"));
    rest.split([';', ')'])
        .next()
        .unwrap()
        .split(", ")
        .map(|key| key.trim_matches([' ', ':', '(']).to_owned())
        .collect()
}

fn is_hash(key: &str) -> bool {
    key.len() == 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

const SPOILT: &str = "DELETE FROM shop.customers WHERE id IN (3, 7); \
     UPDATE shop.customers SET name = 'secret-value' WHERE id = 99; \
     INSERT INTO shop.customers VALUES (4711, 'secret-value')";

#[test]
fn rows_are_named_though_the_source_is_written_to_during_the_restore() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let step = tool.file("step.sql", &format!("SELECT pg_sleep(1); {SPOILT}"));
    let given = ["rehearse", "--source", &source, "--after-restore", step.to_str().unwrap()];
    let rehearse = |more: &[&str]| {
        let rehearsal = tool.spawn(&[&given, more].concat());
        tool.wait_for("restore: pg_restore");
        cluster.sql("shop", "UPDATE shop.customers SET name = name || '.'");
        let ended = tool.finish(rehearsal);
        ended.assert_code(2);
        assert!(!ended.everything().contains("secret-value") && !ended.everything().contains("4711"));
        tool.assert_nothing_left();
        said(&ended)
    };
    let named = rehearse(&[]);
    let (changed, missing, more) =
        (keys(&named, "1 row changed"), keys(&named, "2 rows missing"), keys(&named, "1 row too many"));
    assert_eq!((changed.len(), missing.len(), more.len()), (1, 2, 1), "{named}");
    assert!([changed, missing, more].concat().iter().all(|key| is_hash(key)), "{named}");
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'backup-restore-smoke%'";
    until("the end of our sessions", || cluster.sql("postgres", ours) == "0");
    // Asked once more, a source that has been written to since tells nothing.
    let later = rehearse(&["--let-go-early"]);
    assert!(later.contains("which rows cannot be told") && later.contains("written to since"), "{later}");
}

#[test]
fn a_source_that_has_not_changed_is_asked_once_more_and_keys_are_shown_where_that_is_asked_for() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let step = tool.file("step.sql", SPOILT);
    for method in ["dump", "base-backup"] {
        let ended = tool.run(&[
            "rehearse",
            "--source",
            &source,
            "--method",
            method,
            "--let-go-early",
            "--show-values",
            "--after-restore",
            step.to_str().unwrap(),
        ]);
        ended.assert_code(2);
        let said = said(&ended);
        assert!(
            said.contains("1 row changed: (99)")
                && said.contains("2 rows missing: ")
                && said.contains("(3)")
                && said.contains("(7)")
                && said.contains("1 row too many: (4711)"),
            "{method}: {said}"
        );
        tool.assert_nothing_left();
    }
}

/// What is built CONCURRENTLY waits for old snapshots, ours among them; it shall not wait for the whole restore, and
/// the rehearsal goes on without the snapshot.
#[test]
fn a_kept_snapshot_is_let_go_for_whoever_waits_for_it() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let step = tool.file("step.sql", "SELECT pg_sleep(9)");
    let rehearsal = tool.spawn(&["rehearse", "--source", &source, "--after-restore", step.to_str().unwrap()]);
    tool.wait_for("restore: pg_restore");
    let start = Instant::now();
    cluster.sql("shop", "CREATE INDEX CONCURRENTLY later ON shop.customers (name)");
    assert!(start.elapsed() < Duration::from_secs(8), "it waited {:?}", start.elapsed());
    let ended = tool.finish(rehearsal);
    ended.assert_code(0);
    tool.assert_nothing_left();
}

#[test]
fn a_fingerprint_with_buckets_tells_in_which_part_the_differing_rows_lie() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let kept = tool.path("shop.json").display().to_string();
    let dump = file(&tool, "shop.dump", &cluster.dump("pg_dump", &["--format=custom", "shop"]));
    tool.run(&["fingerprint", "--source", &source, "--row-buckets", "-o", &kept]).assert_code(0);
    let text = std::fs::read_to_string(&kept).unwrap();
    assert!(text.contains("\"buckets\"") && !text.contains("customer 7"), "{text}");
    let step = tool.file("step.sql", "UPDATE shop.customers SET name = 'secret-value' WHERE id = 99");
    let given =
        ["rehearse", "--backup", &dump, "--fingerprint", &kept, "--after-restore", step.to_str().unwrap()];
    let ended = tool.run(&given);
    ended.assert_code(2);
    let hidden = said(&ended);
    let (_, part) = hidden.split_once("by primary key within 1 of 32 buckets, of ").expect(&hidden);
    let rows: usize = part.split(' ').next().unwrap().parse().unwrap();
    assert!((1..60).contains(&rows), "{hidden}");
    assert!(!ended.everything().contains("secret-value"));
    let shown = said(&tool.run(&[&given[..], &["--show-values"]].concat()));
    // So few rows are in it that the changed one is among those that are named.
    assert!(rows > 16 || shown.contains("(99)"), "{shown}");
    let compared = tool.run(&["compare", &kept, &source]);
    compared.assert_code(0);
    cluster.sql("shop", "UPDATE shop.customers SET name = 'secret-value' WHERE id = 99");
    let compared = tool.run(&["compare", &kept, &source]);
    assert!(said(compared.assert_code(2)).contains("within 1 of 32 buckets"), "{}", compared.everything());
    tool.assert_nothing_left();
}

#[test]
fn a_table_that_was_truncated_since_blames_no_row() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let step = tool.file("step.sql", &format!("SELECT pg_sleep(1); {SPOILT}"));
    let given = ["rehearse", "--source", &source, "--after-restore", step.to_str().unwrap()];
    let rehearsal = tool.spawn(&given);
    tool.wait_for("restore: pg_restore");
    cluster.sql("shop", "TRUNCATE shop.customers");
    let ended = tool.finish(rehearsal);
    ended.assert_code(2);
    let told = said(&ended);
    assert!(told.contains("which rows cannot be told: it was truncated, rewritten or dropped"), "{told}");
    tool.assert_nothing_left();
}
