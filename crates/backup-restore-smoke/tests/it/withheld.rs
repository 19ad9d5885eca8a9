//! What could not be observed never passes: for each check of `policy`, `canary`, `compare` and `fingerprint` the
//! observation is withheld, and it must come out as anything but passed.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

/// Nothing that was asked for is passed, and the exit code says so.
fn assert_withheld(ended: &Ended, checks: &[&str], why: &str) {
    assert!(matches!(ended.code, Some(2 | 3)), "{why}: {}", ended.everything());
    for check in checks {
        let passed = ended.findings(check).into_iter().find(|(outcome, ..)| outcome == "passed");
        assert_eq!(passed, None, "{why}: {}", ended.everything());
    }
}

const POLICY: [&str; 9] = [
    "policy.found",
    "policy.sound",
    "policy.newest",
    "policy.interval",
    "policy.size",
    "policy.drop",
    "policy.redundancy",
    "policy.retention",
    "policy.archive",
];

const RULES: [&str; 12] = [
    "--newest-age",
    "26h",
    "--interval",
    "24h",
    "--minimum-size",
    "1B",
    "--maximum-drop",
    "50%",
    "--redundancy",
    "1",
    "--retention",
    "1h",
];

/// A program of this name that prints this and ends so.
fn instead_of(tool: &Tool, name: &str, says: &str, code: u32) {
    let path = tool.file(name, &format!("#!/bin/sh\ncat <<'EOF'\n{says}\nEOF\nexit {code}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_backup_tool_that_says_nothing_usable_passes_no_rule() {
    let tool = Tool::new();
    let config = tool.file("barman.conf", "[barman]\n[demo]\ndescription = demo\n");
    let path = format!("{}:{}", tool.path("").display(), std::env::var("PATH").unwrap());
    let empty_stanza =
        r#"[{"name":"demo","status":{"code":0,"message":"ok"},"backup":[],"archive":[],"db":[]}]"#;
    let no_times = r#"[{"name":"demo","status":{"code":0,"message":"ok"},"backup":[{"label":"20260101-000000F","type":"full"}]}]"#;
    for (says, code) in [
        ("", 0),
        ("nonsense", 0),
        ("{}", 0),
        ("[]", 0),
        ("[{}]", 0),
        ("null", 0),
        (empty_stanza, 0),
        (no_times, 0),
        ("[{\"name\":\"demo\"", 0),
        (empty_stanza, 55),
    ] {
        instead_of(&tool, "pgbackrest", says, code);
        instead_of(&tool, "barman", says, code);
        for place in [
            vec!["policy", "--pgbackrest", "demo"],
            vec!["policy", "--barman", "demo", "--tool-config", config.to_str().unwrap()],
        ] {
            let mut command = tool.command(&[place.clone(), RULES.to_vec()].concat());
            command.env("PATH", &path);
            let ended = tool.finish(tool.start(command));
            assert_withheld(&ended, &POLICY, &format!("{place:?} {says} {code}"));
        }
    }
    tool.assert_nothing_left();
}

/// As a user who may not look into every folder.
fn as_somebody(tool: &Tool, arguments: &[&str]) -> Ended {
    let mut command = tool.command(arguments);
    if rustix::process::geteuid().is_root() {
        let program = command.get_program().to_owned();
        let mut other = std::process::Command::new("setpriv");
        other.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
        other
            .args(command.get_args())
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
        let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        fs::create_dir_all(tool.path("base")).unwrap();
        open(&tool.path(""));
        std::os::unix::fs::chown(tool.path("base"), Some(65534), Some(65534)).unwrap();
        other.env("OPS_SMOKE_RUN_BASE", tool.path("base")).env("PATH", std::env::var_os("PATH").unwrap());
        other.current_dir(tool.path("")).stdin(std::process::Stdio::null());
        command = other;
    }
    tool.finish(tool.start(command))
}

#[test]
fn what_may_not_be_looked_at_passes_no_rule_and_is_not_called_missing() {
    let tool = Tool::new();
    let folder = tool.path("backups/shop-20260101-0000");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("toc.dat"), "PGDMP").unwrap();
    let (inside, whole) = (tool.path("backups/*"), tool.path("backups"));
    for (closed, pattern) in [(&folder, &inside), (&whole, &inside), (&whole, &whole)] {
        fs::set_permissions(closed, fs::Permissions::from_mode(0o000)).unwrap();
        let arguments = [&["policy", "--files", pattern.to_str().unwrap()], &RULES[..]].concat();
        let ended = as_somebody(&tool, &arguments);
        ended.assert_code(3);
        assert_withheld(&ended, &POLICY, "a folder that is closed");
        assert_eq!(ended.finding("policy.found").0, "inconclusive", "{}", ended.everything());
        fs::set_permissions(closed, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let arguments = [&["policy", "--files", inside.to_str().unwrap()], &RULES[..]].concat();
    let ended = as_somebody(&tool, &arguments);
    assert_eq!(ended.finding("policy.found").0, "passed", "{}", ended.everything());
}

#[test]
fn a_backup_that_is_being_written_does_not_count() {
    let tool = Tool::new();
    fs::create_dir_all(tool.path("backups")).unwrap();
    let path = tool.path("backups/shop.dump");
    fs::write(&path, vec![b'x'; 4096]).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write as _;
            let mut file = fs::File::options().append(true).open(&path).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_all(b"more").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let pattern = tool.path("backups/*");
        let ended = tool.run(&[&["policy", "--files", pattern.to_str().unwrap()], &RULES[..]].concat());
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        ended
    });
    assert_withheld(&ended, &POLICY, "a file that grows");
    assert!(ended.report.to_string().contains("being written at this moment, and not counted: shop.dump"));
    // Afterwards it is one.
    let pattern = tool.path("backups/*");
    let ended = tool.run(&["policy", "--files", pattern.to_str().unwrap(), "--newest-age", "1h"]);
    ended.assert_code(0);
}

#[test]
fn a_source_that_does_not_answer_has_no_canary_and_no_fingerprint() {
    let tool = Tool::new();
    // It takes connections and says nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let nowhere = format!("host=127.0.0.1 port={port} user=x dbname=x sslmode=disable connect_timeout=1");
    let kept = tool.path("kept.json");
    fs::write(&kept, "an older fingerprint").unwrap();
    for (command, checks) in [
        (vec!["canary", "install", "--source", &nowhere, "--role", "heart"], vec!["canary.installed"]),
        (vec!["canary", "beat", "--source", &nowhere], vec!["canary.beats"]),
        (vec!["fingerprint", "--source", &nowhere, "-o", kept.to_str().unwrap()], vec!["source.readable"]),
        (vec!["compare", &nowhere, &nowhere], vec!["source.readable", "restore.content", "restore.schema"]),
    ] {
        assert_withheld(&tool.run(&command), &checks, &format!("{command:?}"));
    }
    tool.assert_nothing_left();
}

#[test]
fn a_canary_that_cannot_be_compared_passes_nothing() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    let source = cluster.conninfo(shop);
    tool.run(&["canary", "install", "--source", &source, "--role", "heart"]).assert_code(0);
    tool.run(&["canary", "beat", "--source", &source]).assert_code(0);
    let rehearsed = |sql: &str| {
        cluster.sql(shop, sql);
        let dump = crate::dumps::file(&tool, "dump", &cluster.dump("pg_dump", &["--format=custom", shop]));
        tool.run(&["rehearse", "--backup", &dump, "--rpo", "1h", "--backup-age", "1m"])
    };
    // By the clock of this machine it lies an hour after the incident.
    let ended = rehearsed("UPDATE ops_smoke_canary.beat SET at = now() + interval '1 hour'");
    assert_withheld(&ended, &["recovery.canary"], "a clock that is ahead");
    let (outcome, _, observed) = ended.finding("recovery.canary");
    assert!(outcome == "inconclusive" && observed.contains("the clocks disagree"), "{observed}");
    // There is a canary, and no beat came back.
    let ended = rehearsed("DELETE FROM ops_smoke_canary.beat");
    assert_ne!(ended.finding("recovery.canary").0, "passed");
    let ended = rehearsed("DROP SCHEMA ops_smoke_canary CASCADE");
    let (outcome, _, observed) = ended.finding("recovery.canary");
    assert!(outcome != "passed" && observed.contains("the copy holds no canary"), "{outcome} {observed}");
    tool.assert_nothing_left();
}

#[test]
fn a_role_that_may_do_more_is_no_canary_and_each_thing_is_named() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    let source = cluster.conninfo(shop);
    cluster.sql(
        "postgres",
        "CREATE ROLE member; GRANT pg_read_all_data TO member; CREATE ROLE owner; CREATE ROLE granted",
    );
    cluster.sql(shop, "CREATE TABLE shop.owned (); ALTER TABLE shop.owned OWNER TO owner");
    cluster.sql(shop, "GRANT SELECT ON shop.customers TO granted");
    for (role, said) in [
        ("postgres", "it is a superuser"),
        ("member", "it is a member of pg_read_all_data"),
        ("owner", "it owns 1 objects"),
        ("granted", "it was granted rights to 1 other objects"),
    ] {
        let ended = tool.run(&["canary", "install", "--source", &source, "--role", role]);
        assert_withheld(&ended, &["canary.installed"], role);
        assert!(ended.finding("canary.installed").2.contains(said), "{}", ended.everything());
    }
    let there = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ops_smoke_canary'";
    assert_eq!(cluster.sql(shop, there), "0", "nothing was written");
    for _ in 0..2 {
        tool.run(&["canary", "install", "--source", &source, "--role", "heart"]).assert_code(0);
    }
    tool.assert_nothing_left();
}

#[test]
fn a_command_that_fails_leaves_no_fingerprint_and_says_why() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let source = cluster.conninfo(cluster.shop());
    let kept = tool.path("kept.json");
    let pg_dump = cluster.bin().join("pg_dump").display().to_string();
    for (command, outcome, said) in [
        (vec![pg_dump.as_str(), "--snapshot={snapshot}", "--nonsense"], "failed", "unrecognized option"),
        (vec!["sh", "-c", "kill -9 $$", "{snapshot}"], "inconclusive", "SIGKILL"),
        (vec!["sh", "-c", "exit 7", "{snapshot}"], "failed", "exit status: 7"),
    ] {
        fs::write(&kept, "an older fingerprint").unwrap();
        let given = ["fingerprint", "--source", &source, "-o", kept.to_str().unwrap()];
        let mut whole = tool.command(&given);
        whole.arg("--").args(&command);
        let ended = tool.finish(tool.start(whole));
        assert_withheld(&ended, &["backup.made"], &format!("{command:?}"));
        let found = ended.finding("backup.made");
        assert!(found.0 == outcome && found.2.contains(said), "{found:?}");
        assert!(!kept.exists(), "{command:?} left a fingerprint");
    }
    tool.assert_nothing_left();
}

#[test]
fn a_fingerprint_replaces_files_only() {
    let tool = Tool::new();
    let folder = tool.path("");
    for arguments in [vec![], vec!["--", "true", "{snapshot}"]] {
        let given = ["fingerprint", "--source", "dbname=x", "-o", folder.to_str().unwrap()];
        let output = tool.bare().args(given).args(&arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && stderr.contains("this is no file"), "{stderr}");
    }
}

#[test]
fn what_is_compared_must_be_there() {
    let tool = Tool::new();
    for (side, said) in [
        ("./nothing", "there is no such file"),
        ("nothing.json", "there is no such file"),
        ("/", "there is no such file"),
    ] {
        let output = tool.bare().args(["compare", side, "dbname=x"]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(3)
                && stderr.contains(said)
                && stderr.contains("fingerprint --source"),
            "{stderr}"
        );
    }
}
