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

#[test]
fn an_assertion_that_answers_with_far_too_much_is_failed_and_not_taken() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    // Larger than all that we may take: as a value, as an error's message, as notices, as rows of a step.
    cluster.sql(
        database,
        "CREATE FUNCTION shop.complain() RETURNS text LANGUAGE plpgsql AS $$ BEGIN \
         FOR i IN 1..100000 LOOP RAISE NOTICE '%', repeat('n', 1000); END LOOP; \
         RAISE EXCEPTION '%', repeat('e', 100000000); END $$",
    );
    let step = tool.file("print.sql", "SELECT repeat('x', 1000) FROM generate_series(1, 100000)");
    let config = tool.file(
        "large.yaml",
        "assertions:\n- { name: value, sql: 'SELECT repeat(''x'', 150000000)', expect: { value: x } }\n\
         - { name: truth, sql: 'SELECT repeat(''x'', 80000000), 1 FROM generate_series(1, 2)', expect: true }\n\
         - { name: error, sql: 'SELECT shop.complain()', expect: empty }\n\
         - { name: rows, sql: 'SELECT repeat(''x'', 1000) FROM generate_series(1, 200000)', expect: { rows: 200000 } }\n\
         - { name: fair, sql: 'SELECT repeat(''x'', 1000000) = repeat(''x'', 1000000)', expect: true }\n",
    );
    let (source, config) = (cluster.conninfo(database), config.to_str().unwrap().to_owned());
    let step = step.to_str().unwrap();
    let child = tool.spawn(&["rehearse", "--source", &source, "--config", &config, "--after-restore", step]);
    let ended = finish_within_the_limit(&tool, child);
    ended.assert_code(2);
    let told: Vec<_> = ended.findings("restore.assertions").into_iter().map(|(o, s, t)| (s, o, t)).collect();
    let of = |name: &str| told.iter().find(|(subject, ..)| subject == name).unwrap();
    for name in ["value", "truth", "error"] {
        assert_eq!((of(name).1.as_str(), of(name).2.as_str()), ("failed", "an answer of more than 4.19 MB"));
    }
    assert_eq!((of("rows").1.as_str(), of("fair").1.as_str()), ("passed", "passed"), "{told:?}");
    assert_eq!(ended.finding("restore.steps").0, "passed");
    tool.assert_nothing_left();
}

#[test]
fn a_tool_that_prints_without_end_takes_no_more_of_our_memory() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let backup = tool.path("backup");
    cluster.base_backup(&backup, &[]);
    let flood = "yes INFO: fetching | head -n 6000000";
    let list = "{\"label\":\"x\",\"finished\":\"2026-01-01T00:00:00Z\"}";
    let script = tool.file(
        "tool",
        &format!(
            "#!/bin/sh\ncase $1 in\nlist) echo '{list}' ;;\nflood) yes '{list}' | head -c 200000000 ;;\n\
             fetch) {flood}; {flood} >&2; cp -a '{}/.' \"$2\" ;;\nbad) {flood} >&2; echo 'ERROR: no such bucket' >&2; exit 1 ;;\n\
             esac\n",
            backup.display()
        ),
    );
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (list, fetch, code, check, said) in [
        ("list", "fetch", 0, "recovery.target", "replayed to"),
        ("flood", "fetch", 3, "rehearsal.environment", "that is no catalogue"),
        ("list", "bad", 2, "backup.chosen", "no such bucket"),
    ] {
        let config = tool.file(
            "tool.yaml",
            &format!(
                "command:\n  list: [{0}, {list}]\n  fetch: [{0}, {fetch}, '{{data}}', '{{label}}']\nuntil: immediate\n",
                script.display()
            ),
        );
        let child = tool.spawn(&["rehearse", "--config", config.to_str().unwrap()]);
        let ended = finish_within_the_limit(&tool, child);
        ended.assert_code(code);
        let findings = ended.findings(check);
        assert!(findings.iter().any(|(_, _, observed)| observed.contains(said)), "{said}: {findings:?}");
        tool.assert_nothing_left();
    }
}
