//! Any other tool, by commands: here a shell script over folders.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    Depot, RULES, archive_segment, assert_recovered, begin_steps, done, expect_steps, next_second, now, step,
};
use crate::{
    cluster::TestCluster,
    tool::{Tool, processes_of, until},
};

/// Lists, fetches, brings a segment; writes down its surroundings.
const SCRIPT: &str = "#!/bin/sh\nset -eu\nhere=$(dirname \"$0\")\nenv >> \"$here/environment\"\ncase $1 in\n\
    list) cat \"$here/list\" ;;\n\
    fetch) test \"$2\" = \"$(cat \"$here/label\")\"\n  cp -a \"$here/backup/.\" \"$3\"\n ;;\n\
    wal) cp \"$here/wal/$2\" \"$3\" ;;\nesac\n";

/// A label that a shell would take apart.
const LABEL: &str = "nightly $(touch /tmp/backup-restore-smoke-pwned); {data} 'x'";

struct Store {
    depot: Depot,
    cluster: TestCluster,
}

impl Store {
    fn new() -> Self {
        let depot = Depot::new();
        let archive = format!("archive_command=cp %p {}/%f", depot.folder("wal").display());
        let cluster = TestCluster::start_with(&["archive_mode=on", &archive], RULES, |_| {});
        begin_steps(&cluster);
        step(&cluster, 1);
        done(
            cluster
                .command(&crate::cluster::bin_folder().join("pg_basebackup"))
                .args([
                    "--checkpoint=fast",
                    "--no-sync",
                    "--wal-method=none",
                    "--username=postgres",
                    "--host",
                ])
                .arg(cluster.folder())
                .args(["--port", &cluster.port.to_string(), "--pgdata"])
                .arg(depot.path("backup")),
        );
        next_second(&cluster);
        let finished = now(&cluster);
        let list = serde_json::json!({ "label": LABEL, "finished": finished });
        depot.file("list", &format!("{list}\n"));
        depot.file("label", LABEL);
        let script = depot.file("tool", SCRIPT);
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Self { depot, cluster }
    }

    fn configured(&self, tool: &Tool, command: &str) -> PathBuf {
        let program = self.depot.path("tool").display().to_string();
        tool.file("ops.yaml", &format!("command:\n{}", command.replace("TOOL", &program)))
    }
}

const COMMANDS: &str = "  list: [TOOL, list]\n  fetch: [TOOL, fetch, '{label}', '{data}']\n  \
    wal: [TOOL, wal, '{segment}', '{destination}']\n";

fn rehearse(tool: &Tool, config: &Path, more: &[&str]) -> crate::tool::Ended {
    let mut command = tool.command(&[&["rehearse", "--config", config.to_str().unwrap()], more].concat());
    command.env("PGPASSWORD", "hunter2").env("PGHOST", "/nowhere");
    tool.finish(tool.start(command))
}

#[test]
fn commands_bring_backup_and_segments_without_a_shell() {
    let store = Store::new();
    step(&store.cluster, 2);
    let place = store.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    step(&store.cluster, 3);
    let time = now(&store.cluster);
    step(&store.cluster, 4);
    store.cluster.sql("postgres", "SELECT pg_create_restore_point('before the fire')");
    step(&store.cluster, 5);
    archive_segment(&store.cluster);
    for (target, value, steps) in [
        ("--target-lsn", place.as_str(), "1 2"),
        ("--target-time", time.as_str(), "1 2 3"),
        ("--target-name", "before the fire", "1 2 3 4"),
    ] {
        let tool = Tool::new();
        let config = store.configured(&tool, COMMANDS);
        let expected = expect_steps(&tool, steps);
        let ended = rehearse(&tool, &config, &[target, value, "--after-restore", &expected]);
        assert_recovered(&ended);
        assert_eq!(ended.finding("backup.verified").0, "passed");
        tool.assert_nothing_left();
    }
    assert!(!Path::new("/tmp/backup-restore-smoke-pwned").exists());
    let surroundings = fs::read_to_string(store.depot.path("environment")).unwrap();
    assert!(!surroundings.lines().any(|line| line.starts_with("PG")), "{surroundings}");
}

#[test]
fn a_command_that_hangs_or_fails_is_ended_and_could_not_be_tested() {
    let store = Store::new();
    archive_segment(&store.cluster);
    let place = store.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    archive_segment(&store.cluster);
    // A worker in the background that would outlive it, and holds its output open.
    let hung = "['/bin/sh', -c, 'sleep 3600 & echo working; wait', ";
    let dies = "['/bin/sh', -c, 'echo gone >&2; exit 137', ";
    let no_network = "['/bin/sh', -c, 'echo \"ERROR: no route to host\" >&2; exit 7', ";
    let target = &["--target-lsn", place.as_str()][..];
    for (from, to, more, check, code, said) in [
        ("[TOOL, list", hung, "  list_timeout: 1s\n", "rehearsal.environment", 3, "did not end within 1 s"),
        (
            "[TOOL, fetch, ",
            hung,
            "  fetch_timeout: 1s\n",
            "rehearsal.environment",
            3,
            "did not end within 1 s",
        ),
        ("[TOOL, wal, ", hung, "  wal_timeout: 1s\n", "rehearsal.environment", 3, "did not end within 1 s"),
        ("[TOOL, wal, ", dies, "", "rehearsal.environment", 3, "exit status: 137"),
        ("[TOOL, fetch, ", dies, "", "rehearsal.environment", 3, "exit status: 137"),
        ("[TOOL, fetch, ", no_network, "", "backup.chosen", 2, "no route to host"),
        ("[TOOL, wal, ", no_network, "", "backup.wal", 2, "command.wal said: ERROR: no route to host"),
    ] {
        let tool = Tool::new();
        let config = store.configured(&tool, &(COMMANDS.replace(from, to) + more));
        let ended = rehearse(&tool, &config, target);
        ended.assert_code(code);
        let found = ended.findings(check);
        assert!(found.iter().any(|(.., observed)| observed.contains(said)), "{said}: {}", ended.everything());
        tool.assert_nothing_left();
    }
    let tool = Tool::new();
    let config = store.configured(&tool, &(COMMANDS.to_owned() + "  wal_timeout: soon\n"));
    let ended = rehearse(&tool, &config, target);
    assert!(ended.code == Some(3) && ended.stderr.contains("command.wal_timeout"), "{}", ended.stderr);
}

#[test]
fn stopped_or_killed_while_a_command_hangs_its_workers_end_too() {
    let store = Store::new();
    archive_segment(&store.cluster);
    let place = store.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    archive_segment(&store.cluster);
    for (from, phase, signal) in [
        ("[TOOL, fetch, ", "fetching nightly", "KILL"),
        ("[TOOL, wal, ", "fetching the write-ahead log", "KILL"),
        ("[TOOL, fetch, ", "fetching nightly", "TERM"),
        ("[TOOL, wal, ", "fetching the write-ahead log", "TERM"),
    ] {
        let tool = Tool::new();
        let trace = tool.path("b/worker");
        // A worker that has left the process group, as a daemon does.
        let hung = format!("['/bin/sh', -c, 'setsid sleep 3600 & : {}; wait', ", trace.display());
        let config = store.configured(&tool, &COMMANDS.replace(from, &hung));
        let mut child =
            tool.spawn(&["rehearse", "--config", config.to_str().unwrap(), "--target-lsn", &place]);
        tool.wait_for(phase);
        let workers = || {
            let all = processes_of(&tool.base());
            all.into_iter().filter(|process| process.contains("sleep 3600")).count()
        };
        until("the command and its worker", || workers() >= 2);
        if signal == "TERM" {
            done(std::process::Command::new("kill").arg(child.id().to_string()));
            assert_eq!(tool.finish(child).code, Some(3), "{phase}");
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            until("the end of every process of the run", || processes_of(&tool.base()).is_empty());
            assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
        }
        tool.assert_nothing_left();
    }
}

#[test]
fn the_target_and_the_label_may_stand_in_the_file() {
    let store = Store::new();
    step(&store.cluster, 2);
    let time = now(&store.cluster);
    step(&store.cluster, 3);
    let place = store.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    store.cluster.sql("postgres", "SELECT pg_create_restore_point('before the fire')");
    step(&store.cluster, 4);
    archive_segment(&store.cluster);
    let label = serde_json::to_string(LABEL).unwrap();
    for (keys, steps) in [
        (format!("target_time: \"{time}\"\n"), "1 2"),
        (format!("target_lsn: {place}\n"), "1 2 3"),
        ("target_name: before the fire\ntarget_exclusive: true\n".to_owned(), "1 2 3"),
    ] {
        let tool = Tool::new();
        let command = format!("{COMMANDS}  label: {label}\n{keys}");
        let config = store.configured(&tool, &command);
        let expected = expect_steps(&tool, steps);
        assert_recovered(&rehearse(&tool, &config, &["--after-restore", &expected]));
        tool.assert_nothing_left();
    }
    // The backup that is named was begun after the target, which its listing does not say.
    let tool = Tool::new();
    let old = format!("{COMMANDS}  label: {label}\ntarget_time: \"2020-01-01T00:00:00Z\"\n");
    let ended = rehearse(&tool, &store.configured(&tool, &old), &[]);
    ended.assert_code(2);
    assert_eq!(ended.finding("recovery.target").0, "failed", "{}", ended.everything());
    // A target that was typed replaces that of the file.
    let tool = Tool::new();
    let config = store.configured(&tool, &format!("{COMMANDS}target_name: before the fire\n"));
    let ended =
        rehearse(&tool, &config, &["--until", "immediate", "--after-restore", &expect_steps(&tool, "1")]);
    assert_recovered(&ended);
}

#[test]
fn what_a_command_does_not_bring_fails_and_what_it_cannot_mean_is_refused() {
    let store = Store::new();
    step(&store.cluster, 2);
    let lost = archive_segment(&store.cluster);
    step(&store.cluster, 3);
    let place = store.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    archive_segment(&store.cluster);
    let run = |command: &str, more: &[&str]| {
        let tool = Tool::new();
        let config = store.configured(&tool, command);
        let ended = rehearse(&tool, &config, more);
        tool.assert_nothing_left();
        ended
    };
    fs::remove_file(store.depot.path("wal").join(&lost)).unwrap();
    let ended = run(COMMANDS, &["--target-lsn", &place]);
    ended.assert_code(2);
    let (outcome, subject, _) = ended.finding("backup.wal");
    assert_eq!((outcome.as_str(), subject.as_str()), ("failed", lost.as_str()));
    let nothing = COMMANDS.replace("[TOOL, fetch, ", "['true', ");
    let ended = run(&nothing, &["--until", "immediate"]);
    ended.assert_code(2);
    assert!(ended.everything().contains("PG_VERSION"), "{}", ended.everything());
    let failing = COMMANDS.replace("[TOOL, list]", "['false']");
    run(&failing, &["--until", "immediate"]).assert_code(2);
    let missing = COMMANDS.replace("[TOOL, list]", "[no-such-program-anywhere]");
    run(&missing, &["--until", "immediate"]).assert_code(3);
    let no_listing = COMMANDS.replace("[TOOL, list]", "[echo, hello]");
    run(&no_listing, &["--until", "immediate"]).assert_code(3);
    for (changed, said) in [
        (COMMANDS.replace("'{label}'", "'{lable}'"), "{lable}"),
        (COMMANDS.replace(", '{data}'", ""), "{data}"),
        (COMMANDS.replace("[TOOL, list]", "[TOOL, list, '--password=hunter2']"), "password"),
        (COMMANDS.replace("[TOOL, list]", "[]"), "empty"),
    ] {
        let ended = run(&changed, &["--until", "immediate"]);
        assert_eq!(ended.code, Some(3), "{changed}");
        assert!(ended.stderr.contains(said) && !ended.stderr.contains("hunter2"), "{said}: {}", ended.stderr);
    }
}
