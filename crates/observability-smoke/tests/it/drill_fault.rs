//! A real fault in a real Prometheus: caused by a command, seen by the user's own exporter, told on the alert's own route.

use std::process::{Child, Command, Stdio};

use crate::{
    drill_live::World,
    drill_real::{Alertmanager, wait_until},
    support::{RECORD, Run, Server, assert_all_owed, closed_port},
};

const RULES: &str = "groups:
- name: api
  rules:
  - alert: Down
    expr: probe_success{job=\"api\"} == 0
    for: 2s
    labels: {severity: critical}
    annotations: {summary: 'The API of {{ $labels.job }} is down'}
  - {alert: Slow, expr: 'probe_seconds > 5', labels: {severity: warning}}
";

fn routes(port: u16, more: &str) -> String {
    format!(
        "route:
  receiver: oncall
  group_wait: 1s
  group_interval: 1s
  routes: [{{matchers: ['severity=\"warning\"'], receiver: chat}}]
receivers:
- {{name: oncall, webhook_configs: [{{url: 'http://127.0.0.1:{port}/notifications', send_resolved: true}}]}}
- {{name: chat, webhook_configs: [{{url: 'http://127.0.0.1:{port}/secret-chat'}}]}}
{more}
"
    )
}

/// An exporter that shows a fault while a file is there, and the drill's configuration to make and remove that file.
fn world(more: &str) -> (World, Server) {
    // It is removed with the exporter.
    let folder = tempfile::Builder::new().prefix("fault").tempdir().unwrap();
    let state = folder.path().join("state");
    let exporter = Server::start(move |_, wire| {
        let (success, seconds) = if folder.path().join("state").exists() { (0, 6) } else { (1, 1) };
        wire.text(&format!("probe_success {success}\nprobe_seconds {seconds}\n"));
    });
    let listen = closed_port();
    let job = format!("- {{job_name: api, static_configs: [{{targets: ['{}']}}]}}\n", exporter.address);
    let alertmanagers = vec![Alertmanager::start(&routes(listen, more))];
    let world = World::with_alertmanagers(RULES, &job, (closed_port(), listen), alertmanagers);
    world.prometheus.wait_for("/api/v1/query?query=probe_success", |answer| answer.contains("api"));
    let state = state.display();
    world.tool.write(
        "drill.yml",
        &format!(
            "drill:\n  alerts:\n  - alert: Down\n    fault: {{start: [touch, {state}], stop: [rm, -f, {state}]}}\n    \
             scrape: [{{job: api}}]\n"
        ),
    );
    world.tool.write("state", &state.to_string());
    (world, exporter)
}

fn is_broken(world: &World) -> bool {
    std::path::Path::new(&std::fs::read_to_string(world.tool.path("state")).unwrap()).exists()
}

/// Takes the folder of the state away.
fn forget(world: &World) {
    let state = std::fs::read_to_string(world.tool.path("state")).unwrap();
    let _ = std::fs::remove_dir_all(std::path::Path::new(&state).parent().unwrap());
}

fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.tool.command();
    command.args([
        "--config",
        "drill.yml",
        "drill",
        "--verbose",
        "--evidence",
        "evidence.md",
        "--rules",
        "rules.yml",
    ]);
    command.args(["--alert", "Down", "--prometheus", &world.prometheus.url]);
    if !arguments.contains(&"--environment") {
        command.args(["--environment", "staging"]);
    }
    command.args(["--listen", &format!("127.0.0.1:{}", world.listen), "--run-hooks"]).args(arguments);
    command
}

fn drill(world: &World, arguments: &[&str]) -> Run {
    command(world, arguments).output().unwrap().into()
}

#[test]
fn a_real_fault_is_followed_through_the_users_own_prometheus_and_ended() {
    let (world, _exporter) = world("");
    let asked = ["--allow-receiver", "oncall", "--allow-receiver", "chat", "--objective", "30s"];
    let run = drill(&world, &[asked.as_slice(), &RECORD].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_all_owed(&world.tool);
    run.line("passed", "drill.fence", "Down: this alert: oncall");
    run.line("passed", "alert.content", "Down");
    run.line("passed", "alert.resolved", "Down");
    run.line("passed", "alert.fault_ended", "Down");
    run.line("passed", "alert.time_to_notify", "Down");
    run.line("passed", "drill.ended", "it has");
    run.line("not checked", "drill.level", "a real fault, shown by your own exporter");
    assert!(!world.tool.evidence().contains("secret-chat"));
    // What else the fault made fire is told, and judged by nobody.
    assert!(world.tool.evidence().contains("Slow (warning) fired, active "), "{}", world.tool.evidence());
    assert!(run.stderr.contains("other alerts while the fault of Down lasted: Slow"), "{}", run.stderr);
    assert!(!is_broken(&world));
    forget(&world);
}

#[test]
fn no_fault_is_caused_while_somebody_might_be_told_or_muted_who_was_not_named() {
    let mutes = "inhibit_rules: [{source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"']}]";
    std::thread::scope(|scope| {
        for (more, flags, says) in [
            ("", &["--allow-receiver", "oncall"][..], "api/Slow may reach chat, not on the allow-list"),
            ("", &["--allow-receiver", "chat"], "api/Down may reach oncall"),
            (
                mutes,
                &["--allow-receiver", "oncall", "--allow-receiver", "chat"],
                "api/Down could mute real alerts",
            ),
            ("", &["--allow-receiver", "oncall", "--allow-rule", "api/Slow"], ""),
            (mutes, &["--allow-receiver", "oncall", "--allow-rule", "Slow", "--allow-muting"], ""),
        ] {
            scope.spawn(move || {
                let (world, _exporter) = world(more);
                let run = drill(&world, flags);
                if says.is_empty() {
                    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
                } else {
                    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
                    let line = run.line("INCONCLUSIVE", "drill.fence", says);
                    assert!(line.contains("no fault was caused"), "{line}");
                    let query = "/api/v1/query?query=min_over_time(probe_success[5m])";
                    let shown = world.prometheus.get(query).unwrap();
                    assert!(shown.contains("\"1\""), "{shown}");
                }
                assert!(!is_broken(&world));
                forget(&world);
            });
        }
    });
    let (world, _exporter) = world("");
    for (flags, says) in [
        (&[][..], "name them with --allow-receiver"),
        (&["--allow-receiver", "oncall", "--expose", "127.0.0.1:1"], "leave --expose"),
        (&["--allow-receiver", "oncall", "--environment", "production"], "--drill-production"),
    ] {
        let run = drill(&world, flags);
        assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(says), "{}", run.stderr);
    }
    forget(&world);
}

#[test]
fn killed_or_stopped_in_the_middle_of_a_real_fault_the_fault_is_ended() {
    for name in ["INT", "KILL"] {
        let (world, _exporter) = world("");
        let mut command = command(&world, &["--allow-receiver", "oncall", "--allow-receiver", "chat"]);
        let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("the fault", || is_broken(&world));
        crate::drill::signal(child.id(), name);
        let ended = child.wait().unwrap();
        if name == "KILL" {
            assert!(is_broken(&world));
            let swept: Run = world.tool.command().arg("sweep").output().unwrap().into();
            assert_eq!(swept.code, 0, "{}{}", swept.stdout, swept.stderr);
        } else {
            assert_eq!(ended.code(), Some(3));
        }
        assert!(!is_broken(&world), "{name}");
        forget(&world);
    }
}
