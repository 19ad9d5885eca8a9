//! Large objects: any size within a bounded memory, many small ones, and those that a role may not read.

use crate::{
    cluster::{TestCluster, bin_folder_of},
    tool::{Ended, Tool},
};

/// One that is larger than a value of PostgreSQL can be: it has a hole of 1.1 GB, which takes no space.
const HUGE: &str = "SELECT lo_create(4711); SELECT lo_lseek64(lo_open(4711, 131072), 1153433600, 0); \
     SELECT lowrite(0, 'the end')";

fn digest(tool: &Tool, conninfo: &str, jobs: &str) -> String {
    let output =
        tool.bare().args(["fingerprint", "--source", conninfo, "--quiet", "--jobs", jobs]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().find(|line| line.ends_with("large objects")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn differs(tool: &Tool, one: &str, other: &str) -> Ended {
    let ended = tool.run(&["compare", one, other]);
    ended.assert_code(2);
    ended
}

#[test]
fn one_of_more_than_a_gigabyte_is_digested_in_pieces_and_a_byte_behind_its_hole_is_seen() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.sql("postgres", "CREATE DATABASE one");
    cluster.sql("one", HUGE);
    let whole = cluster.psql("one", &["-c", "SELECT length(lo_get(4711))"]).output().unwrap();
    assert!(!whole.status.success(), "it must be larger than a value can be");
    cluster.sql("one", "SELECT lo_from_bytea(4712, 'small'), lo_create(4713)");
    cluster.sql("postgres", "CREATE DATABASE other TEMPLATE one");
    let (one, other) = (cluster.conninfo("one"), cluster.conninfo("other"));
    let before = digest(&tool, &one, "1");
    assert_eq!(before, digest(&tool, &other, "3"), "connections make no difference");
    tool.run(&["compare", &one, &other]).assert_code(0);
    cluster.sql("other", "SELECT lo_put(4711, 1153433606, 'D')");
    let ended = differs(&tool, &one, &other);
    let found = ended.findings("restore.content");
    assert!(
        found.iter().any(|(outcome, of, _)| outcome == "failed" && of == "large objects"),
        "{}",
        ended.everything()
    );
    // A hole that was filled with zeros says the same; one byte more at its end does not.
    cluster.sql("other", "SELECT lo_put(4711, 1153433606, 'd'), lo_put(4711, 5, '\\x00'::bytea)");
    assert_eq!(before, digest(&tool, &other, "1"));
    cluster.sql("other", "SELECT lo_put(4711, 1153433607, '\\x00'::bytea)");
    assert_ne!(before, digest(&tool, &other, "1"));
    tool.assert_nothing_left();
}

#[test]
fn many_small_ones_have_one_digest_whatever_reads_them_and_any_change_moves_it() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let fill = "SELECT count(lo_from_bytea(0, convert_to(repeat(i::text, i % 700), 'UTF8'))) FROM generate_series(1, 3000) AS i";
    cluster.sql("postgres", fill);
    let conninfo = cluster.conninfo("postgres");
    let before = digest(&tool, &conninfo, "1");
    assert!(before.trim_start().starts_with("3000 "), "{before}");
    assert_eq!(before, digest(&tool, &conninfo, "4"));
    cluster.sql("postgres", "SELECT lo_put(max(oid), 0, 'x') FROM pg_largeobject_metadata");
    let changed = digest(&tool, &conninfo, "4");
    assert_ne!(before, changed);
    cluster.sql("postgres", "SELECT lo_unlink(min(oid)), lo_create(1) FROM pg_largeobject_metadata");
    assert_ne!(changed, digest(&tool, &conninfo, "4"));
    tool.assert_nothing_left();
}

#[test]
fn those_that_a_role_may_not_read_are_counted_and_nothing_passes() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.sql("postgres", "CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader");
    cluster.sql("postgres", "SELECT lo_create(101), lo_create(102), lo_create(103), lo_create(104)");
    cluster.sql(
        "postgres",
        "GRANT SELECT ON LARGE OBJECT 101 TO reader; GRANT SELECT ON LARGE OBJECT 103 TO PUBLIC",
    );
    let reader = cluster.conninfo("postgres").replace("user=postgres", "user=reader");
    for command in [vec!["fingerprint", "--source", &reader], vec!["rehearse", "--source", &reader]] {
        let ended = tool.run(&command);
        ended.assert_code(3);
        let (outcome, subject, observed) = ended.findings("source.readable").remove(0);
        assert_eq!((outcome.as_str(), subject.as_str()), ("inconclusive", "large objects"));
        assert!(observed.contains("2 of 4 large objects, the first of them is 102"), "{observed}");
        assert!(ended.report.to_string().contains("GRANT SELECT ON LARGE OBJECT"), "{}", ended.everything());
    }
    // What the remedy says.
    cluster.sql(
        "postgres",
        "GRANT SELECT ON LARGE OBJECT 102 TO reader; GRANT SELECT ON LARGE OBJECT 104 TO reader",
    );
    tool.run(&["rehearse", "--source", &reader]).assert_code(0);
    tool.assert_nothing_left();
}

#[test]
fn other_majors_give_the_same_digest() {
    let tool = Tool::new();
    let fill = "SELECT lo_from_bytea(7, 'seven'), lo_from_bytea(8, decode(repeat('00ff', 9000000), 'hex'))";
    let mut seen = Vec::new();
    for major in [15, 17, 18] {
        let Some(bin) = bin_folder_of(major) else { continue };
        let cluster = TestCluster::start_from(bin);
        cluster.sql("postgres", fill);
        seen.push(digest(&tool, &cluster.conninfo("postgres"), "2"));
    }
    assert!(seen.iter().all(|line| *line == seen[0]), "{seen:?}");
}
