//! A drill that is stopped, killed, or loses a server in the middle.

use std::path::PathBuf;

use crate::{
    drill::{RULES, Underway, assert_clean, run, server_called, servers, signal, wait_until},
    support::{Run, Tool},
};

#[test]
fn stopped_in_the_middle_it_leaves_nothing_but_inconclusive_evidence() {
    std::thread::scope(|scope| {
        let moments = [
            ("TERM", "starting Prometheus"),
            ("INT", "first scrapes"),
            ("TERM", "waiting until it has held"),
        ];
        for (name, phase) in moments {
            scope.spawn(move || {
                let tool = Tool::new();
                tool.write("rules.yml", RULES);
                let drill = Underway::start(&tool, "QueueFull", &[]);
                drill.wait_for(phase);
                signal(drill.child.id(), name);
                let run = drill.end();
                assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
                assert!(!run.stdout.contains("FAILED"), "{}", run.stdout);
                let evidence = interrupted_evidence(&tool);
                assert!(evidence.starts_with("# Alert simulation report\n\n**INCONCLUSIVE"), "{evidence}");
                assert!(evidence.contains(&format!("interrupted by SIG{name}")), "{evidence}");
                assert_clean(&tool);
            });
        }
        // A server that never answers is given up.
        scope.spawn(|| {
            let tool = Tool::new();
            tool.write("rules.yml", RULES);
            let silent = silent_program(&tool);
            let run = run(&tool, "QueueFull", &["--alertmanager", silent.to_str().unwrap()]);
            assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
            run.line(
                "INCONCLUSIVE",
                "drill.stack",
                "alertmanager did not become ready: no answer within 20 s",
            );
            assert_clean(&tool);
        });
    });
}

/// The evidence of an interrupted run never takes the place of the file that is required.
fn interrupted_evidence(tool: &Tool) -> String {
    assert!(!tool.path("evidence.md").exists());
    std::fs::read_to_string(tool.path("evidence.local.md")).unwrap()
}

/// A program that starts and never answers.
fn silent_program(tool: &Tool) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = tool.write("silent", "#!/bin/sh\nexec sleep 300\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_server_that_dies_in_the_middle_is_told_apart_from_an_alert_that_fails() {
    std::thread::scope(|scope| {
        for (part, phase, says) in [
            (
                "--cluster.listen-address",
                "first scrapes",
                "alertmanager ended in the middle of the drill (signal: 9",
            ),
            ("--cluster.listen-address", "waiting until it has held", "alertmanager ended"),
            ("--storage.tsdb.path", "waiting until it has held", "prometheus ended"),
        ] {
            scope.spawn(move || {
                let tool = Tool::new();
                tool.write("rules.yml", RULES);
                let drill = Underway::start(&tool, "QueueFull", &[]);
                drill.wait_for(phase);
                signal(server_called(&tool, part).unwrap().unsigned_abs(), "KILL");
                let run = drill.end();
                assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
                run.line("INCONCLUSIVE", "drill.stack", says);
                assert!(!run.stdout.contains("FAILED"), "{}", run.stdout);
                assert_clean(&tool);
            });
        }
    });
}

#[test]
fn killed_outright_its_servers_die_with_it_and_the_sweep_takes_the_folder() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let mut drill = Underway::start(&tool, "QueueFull", &[]);
    drill.wait_for("first scrapes");
    drill.child.kill().unwrap();
    drill.child.wait().unwrap();
    wait_until("the servers' end", || servers(&tool).is_empty());
    let swept: Run = tool.command().arg("sweep").output().unwrap().into();
    assert_eq!(swept.code, 0, "{}", swept.stderr);
    assert!(swept.stdout.contains("removed "), "{}", swept.stdout);
    assert_clean(&tool);
}
