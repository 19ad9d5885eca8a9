//! Policies over real repositories of pgBackRest and Barman: judged by their own lists, and left untouched.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use crate::{cluster::TestCluster, tool::Tool};

const RULES: &str = "local all all trust\nlocal replication all trust\n";

/// Runs a program to its end; it must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Every file and folder: its size and its last change. Nothing of it may move by our looking.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path(), (meta.len(), meta.modified().unwrap()));
        }
    }
    found
}

/// A cluster that archives into pgBackRest's repository, with one full and one incremental backup.
fn pgbackrest(tool: &Tool) -> (TestCluster, PathBuf) {
    let (config, home) = (tool.path("pgbackrest.conf"), tool.path("pgbackrest"));
    fs::create_dir(&home).unwrap();
    let text = |data: &Path| {
        format!(
            "[demo]\npg1-path={}\npg1-user=postgres\n[global]\nrepo1-path={home}/repo\nlock-path={home}/lock\n\
             log-path={home}/log\nspool-path={home}/spool\nstart-fast=y\nrepo1-retention-full=2\n",
            data.display(),
            home = home.display()
        )
    };
    let archive =
        format!("archive_command=pgbackrest --config={} --stanza=demo archive-push %p", config.display());
    let cluster = TestCluster::start_with(&["archive_mode=on", &archive], RULES, |data| {
        fs::write(&config, text(data)).unwrap();
    });
    let call = |verb: &[&str]| {
        let mut command = Command::new("pgbackrest");
        command.args(["--config", config.to_str().unwrap(), "--stanza=demo", "--log-level-console=warn"]);
        command.arg(format!("--pg1-socket-path={}", cluster.folder().display()));
        run(command.arg(format!("--pg1-port={}", cluster.port)).args(verb))
    };
    call(&["stanza-create"]);
    call(&["backup", "--type=full"]);
    call(&["backup", "--type=incr"]);
    (cluster, config)
}

#[test]
fn a_repository_of_pgbackrest_is_judged_and_left_untouched() {
    let tool = Tool::new();
    let (_cluster, config) = pgbackrest(&tool);
    let before = tree(&tool.path("pgbackrest"));
    let asked = |stanza: &str, more: &[&str]| {
        let mut arguments = vec![
            "policy",
            "--pgbackrest",
            stanza,
            "--tool-config",
            config.to_str().unwrap(),
            "--newest-age",
            "1h",
        ];
        arguments.extend(more);
        tool.run(&arguments)
    };
    let ended = asked("demo", &["--redundancy", "1", "--minimum-size", "10MB", "--archive-timeout", "1m"]);
    ended.assert_code(0);
    assert_eq!(ended.finding("policy.newest").0, "passed");
    assert_eq!(ended.finding("policy.redundancy").2, "1 full backup, and 1 that leans on it");
    assert_eq!(ended.finding("policy.archive").0, "passed");
    let ended = asked("demo", &["--redundancy", "2"]);
    ended.assert_code(2);
    assert_eq!(ended.finding("policy.redundancy").0, "failed");
    let ended = asked("nobody", &[]);
    ended.assert_code(2);
    assert!(ended.finding("policy.sound").2.contains("missing stanza path"), "{}", ended.everything());
    assert_eq!(before, tree(&tool.path("pgbackrest")), "the repository, its locks or its logs were touched");
    tool.assert_nothing_left();
}

/// A cluster that archives into Barman's folder, with one backup.
fn barman(tool: &Tool) -> (TestCluster, PathBuf) {
    let (config, home) = (tool.path("barman.conf"), tool.path("catalogue"));
    let incoming = home.join("demo/incoming");
    fs::create_dir_all(&incoming).unwrap();
    let archive = format!("archive_command=cp %p {}/%f", incoming.display());
    let cluster = TestCluster::start_with(&["archive_mode=on", &archive], RULES, |_| {});
    let user = run(Command::new("id").arg("-un"));
    let text = format!(
        "[barman]\nbarman_user = {}\nbarman_home = {home}\nlog_file = {home}/barman.log\nconfiguration_files_directory = \
         {home}/conf.d\n[demo]\ndescription = demo\nconninfo = {conninfo}\nstreaming_conninfo = {conninfo}\n\
         backup_method = postgres\narchiver = on\nimmediate_checkpoint = true\npath_prefix = {bin}\n",
        user.trim(),
        home = home.display(),
        conninfo = cluster.conninfo("postgres").replace('\'', ""),
        bin = crate::cluster::bin_folder().display(),
    );
    fs::write(&config, text).unwrap();
    let call = |words: &[&str]| run(Command::new("barman").arg("-c").arg(&config).args(words));
    cluster.sql("postgres", "CREATE TABLE t AS SELECT 1 AS a");
    cluster.sql("postgres", "SELECT pg_switch_wal()");
    crate::tool::until("the first archived segment", || fs::read_dir(&incoming).unwrap().next().is_some());
    call(&["archive-wal", "demo"]);
    call(&["backup", "demo", "--wait", "--wait-timeout", "120"]);
    (cluster, config)
}

#[test]
fn a_catalogue_of_barman_is_judged_and_left_untouched() {
    let tool = Tool::new();
    let (_cluster, config) = barman(&tool);
    let before = tree(&tool.path("catalogue"));
    let asked = |server: &str| {
        let config = config.to_str().unwrap();
        tool.run(&[
            "policy",
            "--barman",
            server,
            "--tool-config",
            config,
            "--newest-age",
            "1h",
            "--minimum-size",
            "10MB",
            "--redundancy",
            "1",
        ])
    };
    let ended = asked("demo");
    ended.assert_code(0);
    assert_eq!(ended.finding("policy.newest").0, "passed");
    assert_eq!(ended.finding("policy.archive").0, "passed", "{}", ended.everything());
    let ended = asked("nobody");
    ended.assert_code(2);
    assert!(ended.finding("policy.found").2.contains("Unknown server"), "{}", ended.everything());
    assert_eq!(before, tree(&tool.path("catalogue")), "the catalogue, its locks or its log were touched");
    let base = fs::read_dir(tool.path("catalogue/demo/base")).unwrap().next().unwrap().unwrap().path();
    let info = fs::read_to_string(base.join("backup.info")).unwrap();
    fs::write(base.join("backup.info"), info.replace("status=DONE", "status=FAILED")).unwrap();
    let ended = asked("demo");
    ended.assert_code(2);
    assert_eq!(ended.finding("policy.found").0, "failed");
    assert!(ended.finding("policy.sound").2.contains("FAILED"), "{}", ended.everything());
    tool.assert_nothing_left();
}

#[test]
fn a_tool_that_is_not_here_is_inconclusive_with_a_remedy() {
    let tool = Tool::new();
    let config = tool.file("barman.conf", "[barman]\n");
    for arguments in [
        vec!["policy", "--pgbackrest", "demo"],
        vec!["policy", "--barman", "demo", "--tool-config", config.to_str().unwrap()],
    ] {
        let mut command = tool.command(&arguments);
        command.env("PATH", tool.path("nothing"));
        let ended = tool.finish(tool.start(command));
        ended.assert_code(3);
        assert_eq!(ended.finding("policy.found").0, "inconclusive");
        assert!(ended.report.to_string().contains("Install "), "{}", ended.everything());
    }
}
