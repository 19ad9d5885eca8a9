//! A physical rehearsal that stands still is given up; one that is killed, in whatever phase, leaves no process, and
//! the next sweep takes away the rest.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    cluster::TestCluster,
    physical::History,
    tool::{Tool, processes_of, until},
};

#[test]
fn after_a_kill_in_any_phase_no_process_lives_on_and_a_sweep_takes_the_rest() {
    let (cluster, tool) = (TestCluster::archiving(&["--data-checksums"]), Tool::new());
    let database = cluster.shop();
    let source = cluster.conninfo(database);
    for phase in [
        "base backup: pg_basebackup",
        "copy: files in place",
        "copy: recovery to",
        "after the restore: hold.sql",
        "copy: amcheck",
        "copy: checksums",
    ] {
        let slow = if phase.starts_with("after") { "SELECT pg_sleep(120)" } else { "SELECT 1" };
        let hold = tool.file("hold.sql", slow);
        let mut child = tool.spawn(&[
            "rehearse",
            "--method",
            "base-backup",
            "--source",
            &source,
            "--after-restore",
            hold.to_str().unwrap(),
        ]);
        tool.wait_for(phase);
        child.kill().unwrap();
        child.wait().unwrap();
        until("the end of every process of the run", || processes_of(&tool.base()).is_empty());
        let senders =
            "SELECT (SELECT count(*) FROM pg_stat_replication) + (SELECT count(*) FROM pg_replication_slots)";
        until("the end of our replication", || cluster.sql(database, senders) == "0");
        let swept = tool.bare().arg("sweep").output().unwrap();
        assert_eq!(swept.status.code(), Some(0), "{phase}: {}", String::from_utf8_lossy(&swept.stdout));
        tool.assert_nothing_left();
    }
}

/// A `cp` that never ends, as on a disk that does not answer.
fn hung_copy(tool: &Tool) -> String {
    let folder = tool.path("bin");
    fs::create_dir(&folder).unwrap();
    let program = tool.file("bin/cp", "#!/bin/sh\nexec sleep 600\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_recovery_that_stands_still_is_given_up_and_one_that_is_stopped_leaves_nothing() {
    let history = History::new(&[], &["--wal-method=none"]);
    let (tool, archive) = (&history.tool, history.cluster.archive());
    let (base, path) = (tool.path("base"), hung_copy(tool));
    let begin = |more: &[&str]| {
        let given = ["rehearse", "--backup", base.to_str().unwrap(), "--wal", archive.to_str().unwrap()];
        let mut command = tool.command(&[given.as_slice(), &["--target-lsn", &history.place], more].concat());
        command.env("PATH", &path);
        tool.start(command)
    };
    let ended = tool.finish(begin(&["--recovery-patience", "2s"]));
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("recovery.target");
    assert!(outcome == "inconclusive" && observed.contains("stands still"), "{outcome}: {observed}");
    assert!(ended.report.to_string().contains("--recovery-patience"), "{}", ended.everything());
    tool.assert_nothing_left();
    for name in ["TERM", "KILL"] {
        let mut child = begin(&[]);
        tool.wait_for("copy: recovery to");
        until("the restore_command", || {
            processes_of(&tool.base()).iter().any(|process| process.contains("sleep"))
        });
        let signal = [format!("-{name}"), child.id().to_string()];
        assert!(std::process::Command::new("kill").args(signal).status().unwrap().success());
        if name == "TERM" {
            assert_eq!(tool.finish(child).code, Some(3));
        } else {
            child.wait().unwrap();
            // Whoever waits for a disk that does not answer cannot look whether we live: the kernel ends it.
            until("the end of every process of the run", || processes_of(&tool.base()).is_empty());
            assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
        }
        tool.assert_nothing_left();
    }
}

#[test]
fn where_no_process_namespace_is_allowed_a_guard_ends_what_a_kill_leaves_and_goes_when_nothing_is_left() {
    let history = History::new(&[], &["--wal-method=none"]);
    let (tool, archive) = (&history.tool, history.cluster.archive());
    let hung = hung_copy(tool);
    let own = hung.split(':').next().unwrap();
    let (base, without) = (tool.path("base"), tool.path_without("unshare"));
    let begin = |path: &str| {
        let given = ["rehearse", "--backup", base.to_str().unwrap(), "--wal", archive.to_str().unwrap()];
        let mut command = tool.command(&[given.as_slice(), &["--target-lsn", &history.place]].concat());
        command.env("PATH", path);
        tool.start(command)
    };
    let guards = || {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let lines = all.map(|process| fs::read(process.path().join("cmdline")).unwrap_or_default());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
        let runs: Vec<_> =
            fs::read_dir(tool.base()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        let ours =
            |line: &String| runs.iter().any(|run| line.ends_with(&format!("\0sh\0{}\0", run.display())));
        lines.filter(ours).filter(|line| line.contains("OPS_SMOKE_RUN=")).count()
    };
    let mut child = begin(&format!("{own}:{}", without.display()));
    tool.wait_for("copy: recovery to");
    until("the restore_command", || {
        processes_of(&tool.base()).iter().any(|process| process.contains("sleep"))
    });
    assert_eq!(guards(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    until("the end of every process of the run", || processes_of(&tool.base()).is_empty());
    until("the end of the guard", || guards() == 0);
    assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
    tool.assert_nothing_left();
    let ended = tool.finish(begin(&without.display().to_string()));
    let (outcome, _, said) = ended.assert_code(0).finding("restore.isolated");
    assert!(outcome == "not_checked_optional" && said.contains("could have connected"), "{outcome}: {said}");
    tool.assert_nothing_left();
    assert_eq!(guards(), 0);
}

#[test]
fn a_pipe_in_an_archive_keeps_nobody_waiting() {
    let history = History::new(&[], &["--wal-method=none"]);
    for name in ["000000010000000000000FFF", "00000009.history"] {
        let pipe = history.cluster.archive().join(name);
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    history.rehearse(&["--target-lsn", &history.place, "--timeout", "60s"]).assert_code(0);
    history.tool.assert_nothing_left();
}
