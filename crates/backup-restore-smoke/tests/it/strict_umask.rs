//! Hardened hosts give root and services the umask 077: the server's own user has to reach its files all the same.

use std::process::{Command, Stdio};

use crate::{
    cluster::TestCluster,
    physical::History,
    tool::{Ended, Tool},
};

/// The tool as it is run by somebody whose umask leaves nothing to others.
fn run_with_strict_umask(tool: &Tool, arguments: &[&str]) -> Ended {
    let given = tool.command(arguments);
    let mut strict = Command::new("sh");
    strict.args(["-c", "umask 077; exec \"$0\" \"$@\""]).arg(given.get_program()).args(given.get_args());
    for (name, value) in given.get_envs() {
        match value {
            Some(value) => strict.env(name, value),
            None => strict.env_remove(name),
        };
    }
    strict.current_dir(tool.path("")).stdin(Stdio::null());
    tool.finish(tool.start(strict))
}

#[test]
fn a_dump_is_rehearsed_under_a_strict_umask() {
    let tool = Tool::new();
    let ended = run_with_strict_umask(&tool, &["rehearse", "--embedded", "--embedded-size", "10MB"]);
    ended.assert_code(0);
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let jobs = ["rehearse", "--source", &source, "--jobs", "2"];
    run_with_strict_umask(&tool, &jobs).assert_code(0);
    run_with_strict_umask(&tool, &["rehearse", "--source", &source, "--method", "base-backup"])
        .assert_code(0);
    tool.assert_nothing_left();
}

#[test]
fn a_base_backup_is_recovered_under_a_strict_umask() {
    let history = History::new(&[], &[]);
    let (base, archive) = (history.tool.path("base"), history.cluster.archive());
    let given = ["rehearse", "--backup", base.to_str().unwrap(), "--wal", archive.to_str().unwrap()];
    let ended =
        run_with_strict_umask(&history.tool, &[given.as_slice(), &["--target-time", &history.time]].concat());
    ended.assert_code(0);
    history.tool.assert_nothing_left();
}
