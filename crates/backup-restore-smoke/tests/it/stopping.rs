//! Stopped at any moment, nothing is left but an inconclusive evidence file; killed at any moment, no server
//! lives on, and the next run takes away the rest.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
};

use crate::{
    cluster::TestCluster,
    tool::{Tool, processes_of, until},
};

fn signal(process: u32, name: &str) {
    assert!(
        Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success()
    );
}

/// A runbook step that holds the rehearsal until it is stopped.
const HOLD: &str = "SELECT pg_sleep(120)";

/// What a run is stopped in; the first phases are those of an embedded source.
const EMBEDDED_PHASES: [&str; 2] = ["embedded source: initdb", "embedded source: sample data"];
const PHASES: [&str; 8] = [
    "source: snapshot",
    "source: fingerprint",
    "dump: pg_dump",
    "scratch cluster: initdb",
    "scratch cluster: start",
    "restore: pg_restore",
    "after the restore: hold.sql",
    "copy: fingerprint",
];

/// With PostgreSQL's own `initdb`, which takes its time.
fn spawn(tool: &Tool, words: &[&str]) -> Child {
    let mut command = tool.command(words);
    command.env_remove("PGBIN");
    tool.start(command)
}

fn stop_in_each(phases: &[&str], source: &[&str]) {
    for (index, phase) in phases.iter().enumerate() {
        let tool = Tool::new();
        let name = ["TERM", "INT", "HUP"][index % 3];
        let hold = tool.file("hold.sql", if phase.starts_with("copy") { "SELECT 1" } else { HOLD });
        let words = [&["rehearse", "--after-restore", hold.to_str().unwrap()], source].concat();
        let child = spawn(&tool, &words);
        tool.wait_for(phase);
        signal(child.id(), name);
        let ended = tool.finish(child);
        assert_eq!(ended.code, Some(3), "{name} in '{phase}': {}", ended.everything());
        assert_eq!(ended.report["verdict"], "inconclusive", "{phase}");
        assert!(
            ended.report["interrupted"].to_string().contains(name),
            "{phase}: {}",
            ended.report["interrupted"]
        );
        assert_eq!(ended.finding("restore.content").0, "not_checked", "{phase}");
        let evidence = fs::read_to_string(tool.path("evidence.local.md")).unwrap();
        assert!(evidence.contains("INCONCLUSIVE"), "{phase}: {evidence}");
        tool.assert_nothing_left();
    }
}

#[test]
fn a_signal_while_an_embedded_source_is_made_leaves_nothing_but_inconclusive_evidence() {
    stop_in_each(&EMBEDDED_PHASES, &["--embedded", "--embedded-size", "9MB"]);
}

#[test]
fn a_signal_in_any_phase_leaves_nothing_but_inconclusive_evidence() {
    let cluster = TestCluster::start();
    let source = cluster.conninfo(cluster.slow_copy_shop(120));
    stop_in_each(&PHASES, &["--source", &source]);
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'backup-restore-smoke%'";
    until("the end of our sessions", || cluster.sql("postgres", sessions) == "0");
}

#[test]
fn the_deadline_of_the_run_stops_it_as_a_signal_does() {
    let tool = Tool::new();
    let hold = tool.file("hold.sql", HOLD);
    let arguments = [
        "rehearse",
        "--embedded",
        "--embedded-size",
        "10MB",
        "--timeout",
        "6s",
        "--after-restore",
        hold.to_str().unwrap(),
    ];
    let ended = tool.run(&arguments);
    ended.assert_code(3);
    assert!(ended.report["interrupted"].to_string().contains("deadline"), "{}", ended.report["interrupted"]);
    tool.assert_nothing_left();
}

/// The System V keys of the servers under a folder that have an IPC namespace of their own, as their
/// `postmaster.pid` says (line 1: process, in its own namespace; line 7: key and id).
fn shared_memory_keys(base: &Path) -> Vec<String> {
    let pattern = |cluster: &str| {
        let runs = fs::read_dir(base).unwrap().flatten().map(|entry| entry.path());
        runs.map(move |run| run.join(cluster).join("data/postmaster.pid")).collect::<Vec<_>>()
    };
    let files =
        pattern("source").into_iter().chain(pattern("copy")).filter_map(|path| fs::read_to_string(path).ok());
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/ipc")).ok();
    files
        .filter(|text| {
            let process = text.lines().next().unwrap_or_default();
            process == "1" || namespace(process) != namespace("self")
        })
        .filter_map(|text| Some(text.lines().nth(6)?.split_whitespace().next()?.to_owned()))
        .collect()
}

/// The System V keys of this machine's segments.
fn shared_memory_of_the_machine() -> Vec<String> {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    table.lines().skip(1).filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

fn postmasters(folder: &Path) -> Vec<String> {
    processes_of(folder).into_iter().filter(|process| process.contains("postgres")).collect()
}

#[test]
fn after_a_kill_no_server_lives_on_and_the_next_run_sweeps_only_the_leftovers() {
    for phase in ["embedded source: sample data", "restore: pg_restore", "after the restore"] {
        let tool = Tool::new();
        let hold = tool.file("hold.sql", HOLD);
        let mut child = spawn(
            &tool,
            &["rehearse", "--embedded", "--embedded-size", "12MB", "--after-restore", hold.to_str().unwrap()],
        );
        tool.wait_for(phase);
        assert!(!postmasters(&tool.base()).is_empty());
        let keys = shared_memory_keys(&tool.base());
        child.kill().unwrap();
        child.wait().unwrap();
        until("the end of every server", || postmasters(&tool.base()).is_empty());
        let memory = shared_memory_of_the_machine();
        assert!(
            keys.iter().all(|key| !memory.contains(key)),
            "shared memory is left: {keys:?} in {memory:?}"
        );
        let left: Vec<_> =
            fs::read_dir(tool.base()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(left.iter().any(|name| name.to_string_lossy().starts_with("scratch-")), "{phase}: {left:?}");
        // Neither a stranger's folder nor a run that is alive is touched.
        fs::create_dir(tool.base().join("scratch-of-somebody")).unwrap();
        // The command sweeps, and so does every run before it begins.
        let sweeping: &[&str] = match phase.starts_with("restore") {
            true => &["fingerprint", "--embedded", "--embedded-size", "9MB"],
            false => &["sweep"],
        };
        let output = tool.bare().args(sweeping).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(tool.base().join("scratch-of-somebody").is_dir());
        fs::remove_dir(tool.base().join("scratch-of-somebody")).unwrap();
        tool.assert_nothing_left();
    }
}

#[test]
fn a_sweep_leaves_a_living_run_alone_and_a_second_run_of_the_job_is_refused() {
    let tool = Tool::new();
    let hold = tool.file("hold.sql", HOLD);
    let child = tool.spawn(&[
        "rehearse",
        "--embedded",
        "--embedded-size",
        "10MB",
        "--after-restore",
        hold.to_str().unwrap(),
    ]);
    tool.wait_for("after the restore");
    assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
    let is_server = |process: &&String| process.contains(" -D ") && !process.contains("unshare ");
    let servers = || postmasters(&tool.base()).iter().filter(is_server).count();
    until("two servers, source and copy, alive", || servers() == 2);
    let second = tool.command(&["rehearse", "--embedded"]).output().unwrap();
    assert_eq!(second.status.code(), Some(3));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains(&child.id().to_string()), "{said}");
    signal(child.id(), "TERM");
    tool.finish(child).assert_code(3);
    tool.assert_nothing_left();
}

#[test]
fn a_scratch_folder_of_ones_own_is_left_as_it_was() {
    let tool = Tool::new();
    let scratch = tool.path("a scratch, with \"odd\" name");
    fs::create_dir(&scratch).unwrap();
    let mine = scratch.join("mine");
    fs::write(&mine, "kept").unwrap();
    let ended = tool.run(&[
        "rehearse",
        "--embedded",
        "--embedded-size",
        "10MB",
        "--scratch",
        scratch.to_str().unwrap(),
    ]);
    ended.assert_code(0);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(mine).unwrap(), "kept");
    tool.assert_nothing_left();
}

#[test]
fn a_source_that_dies_in_the_middle_fails_and_leaves_nothing() {
    let tool = Tool::new();
    let cluster = TestCluster::start();
    let database = cluster.slow_shop(60);
    let source = cluster.conninfo(database);
    let child = tool.spawn(&["rehearse", "--source", &source]);
    tool.wait_for("source: fingerprint");
    drop(cluster);
    let ended = tool.finish(child);
    ended.assert_code(2);
    assert_eq!(ended.finding("source.readable").0, "failed");
    tool.assert_nothing_left();
}

#[test]
fn no_worker_of_pg_dump_reads_on_from_the_source_after_a_kill() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE TABLE shop.large AS SELECT i, md5(i::text) || md5('a' || i) || md5('b' || i) || md5('c' || i) AS t \
         FROM generate_series(1, 800000) AS i",
    );
    let mut child = tool.spawn(&["rehearse", "--jobs", "2", "--source", &cluster.conninfo(database)]);
    tool.wait_for("dump: pg_dump");
    let copying = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY shop.large%' AND state = 'active'";
    let mut backend = String::new();
    until("the worker's COPY", || {
        backend = cluster.sql(database, copying);
        !backend.is_empty()
    });
    // The source stands still, so the worker would wait for its next row for ever.
    signal(backend.parse().unwrap(), "STOP");
    child.kill().unwrap();
    child.wait().unwrap();
    until("the end of every process of the run", || processes_of(&tool.base()).is_empty());
    signal(backend.parse().unwrap(), "CONT");
    assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
    tool.assert_nothing_left();
}
