//! The drill, against the installed Prometheus and Alertmanager.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use crate::support::{Run, Tool};

/// A command for a drill of `alert`, with its evidence in `evidence.md` and its record in `record.json`.
fn drill(tool: &Tool, alert: &str, arguments: &[&str]) -> Command {
    let mut command = tool.command();
    command.args(["drill", "--embedded", "--verbose", "--evidence", "evidence.md"]);
    command.args([
        "--format",
        "text",
        "--format",
        "json=record.json",
        "--rules",
        "rules.yml",
        "--alert",
        alert,
    ]);
    command.args(arguments);
    command
}

fn run(tool: &Tool, alert: &str, arguments: &[&str]) -> Run {
    drill(tool, alert, arguments).output().unwrap().into()
}

fn record(tool: &Tool) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(tool.path("record.json")).unwrap()).unwrap()
}

/// The stages of the timeline and their times in milliseconds.
fn stages(tool: &Tool) -> Vec<(String, u64)> {
    let record = record(tool);
    let stages = record["timeline"]["stages"].as_array().cloned().unwrap_or_default();
    let stage = |stage: &serde_json::Value| {
        (stage["name"].as_str().unwrap().to_owned(), stage["start_ms"].as_u64().unwrap())
    };
    stages.iter().map(stage).collect()
}

/// Processes whose environment names the tool's folder of runs: servers of its drill.
fn servers(tool: &Tool) -> Vec<(i32, String)> {
    let mark = format!("OPS_SMOKE_RUN_BASE={}", tool.path("runs").display()).into_bytes();
    let read =
        |process: i32, what: &str| std::fs::read(format!("/proc/{process}/{what}")).unwrap_or_default();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok())
        .filter(|process| read(*process, "environ").split(|byte| *byte == 0).any(|line| line == mark))
        .map(|process| (process, String::from_utf8_lossy(&read(process, "cmdline")).replace('\0', " ")))
        .filter(|(_, command)| command.contains("--web.listen-address"))
        .collect()
}

/// Nothing is left: no server, no folder of a run.
#[track_caller]
fn assert_clean(tool: &Tool) {
    assert_eq!(servers(tool), []);
    let left: Vec<_> = std::fs::read_dir(tool.path("runs"))
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name()).filter(|name| name != "jobs").collect()
        })
        .unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A drill under way, and what it says that it does.
struct Underway {
    child: Child,
    phases: Receiver<String>,
}

impl Underway {
    fn start(tool: &Tool, alert: &str, arguments: &[&str]) -> Self {
        let mut command = drill(tool, alert, arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, phases) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)))
        });
        Self { child, phases }
    }

    /// Waits until it says that it does this.
    #[track_caller]
    fn wait_for(&self, phase: &str) {
        while !self.phases.recv_timeout(Duration::from_secs(60)).unwrap().contains(phase) {}
    }

    fn end(self) -> Run {
        self.child.wait_with_output().unwrap().into()
    }
}

/// The process of the drill's server whose command line contains this.
fn server_called(tool: &Tool, part: &str) -> Option<i32> {
    servers(tool).into_iter().find(|(_, command)| command.contains(part)).map(|(process, _)| process)
}

const RULES: &str = r#"groups:
- name: queue
  rules:
  - alert: QueueFull
    expr: queue_depth{queue="mail"} > 100
    for: 2s
    labels: {severity: critical}
    annotations:
      summary: 'Queue {{ $labels.queue }} holds {{ $value }}'
      runbook_url: https://runbooks.example/queue
  - record: job:errors:rate
    expr: sum by (job) (rate(errors_total[4s]))
  - alert: HighErrors
    expr: job:errors:rate > 1
    labels: {severity: warning}
  - alert: Slow
    expr: queue_depth > 100
    for: 10m
- name: slo
  interval: 1m
  rules:
  - alert: ErrorRatio
    expr: sum(rate(errors_total{code=~"5.."}[5m])) / sum(rate(errors_total[5m])) > 0.05
    for: 2m
"#;

const MANIFEST: &str = r#"apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: api, namespace: monitoring}
spec:
  groups:
  - name: api
    rules:
    - alert: ApiDown
      expr: up{job="api"} == 0 or absent(up{job="api"})
      labels: {severity: critical}
      annotations: {summary: The API is down}
"#;

const TWO_QUEUES: &str = r#"drill:
  alerts:
  - alert: Slow
    series:
    - {series: 'queue_depth{queue="mail"}', healthy: 1, faulty: 500}
    - {series: 'queue_depth{queue="billing"}', healthy: 2, faulty: 600}
"#;

const UNIT_TESTS: &str = r#"rule_files: [rules.yml]
evaluation_interval: 1s
tests:
- interval: 1s
  input_series:
  - {series: 'queue_depth{queue="mail"}', values: '5 5 500x20'}
  alert_rule_test:
  - {eval_time: 1s, alertname: QueueFull, exp_alerts: []}
  - {eval_time: 8s, alertname: QueueFull, exp_alerts: [{exp_labels: {severity: critical, queue: mail}}]}
"#;

/// A good alert: every stage in order, each within what was predicted, and the whole notification checked.
fn assert_passes(rules: &str, alert: &str, arguments: &[&str]) {
    let tool = Tool::new();
    tool.write("rules.yml", rules);
    tool.write("tests.yml", UNIT_TESTS);
    tool.write("drill.yml", TWO_QUEUES);
    let run = run(&tool, alert, arguments);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for check in ["quiet", "pending", "firing", "notified", "content", "resolved"] {
        run.line("passed", &format!("alert.{check}"), alert);
    }
    let stages = stages(&tool);
    let names: Vec<_> = stages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["fault", "scraped", "pending", "firing", "in Alertmanager", "received", "cleared", "resolved"]
    );
    assert!(stages.is_sorted_by_key(|(_, at)| *at), "{stages:?}");
    let record = record(&tool);
    assert_eq!(record["environment"], "local");
    let metrics: Vec<_> = record["measurements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["metric"].as_str().unwrap())
        .collect();
    assert!(metrics.contains(&"time_to_notify_seconds"), "{metrics:?}");
    let evidence = tool.evidence();
    assert!(evidence.starts_with("# Alert simulation report\n\n**PASSED · local"), "{evidence}");
    assert!(evidence.contains("your exporter, your scrape configuration"), "{evidence}");
    assert_clean(&tool);
}

#[test]
fn good_alerts_are_taken_from_the_fault_to_the_resolved_notification() {
    std::thread::scope(|scope| {
        // Derived from a threshold, with `for`; the environment that was typed does not raise an embedded stack.
        scope
            .spawn(|| assert_passes(RULES, "QueueFull", &["--objective", "20s", "--environment", "staging"]));
        // Derived through a recording rule with rate().
        scope.spawn(|| assert_passes(RULES, "HighErrors", &[]));
        // From a manifest, with absence.
        scope.spawn(|| assert_passes(MANIFEST, "ApiDown", &["--scrape-interval", "500ms"]));
        // Two instances of one alert, from the configuration.
        scope.spawn(|| assert_passes(RULES, "Slow", &["--config", "drill.yml", "--time-scale", "600"]));
        // From a unit test of promtool.
        scope.spawn(|| assert_passes(RULES, "QueueFull", &["--unit-tests", "tests.yml"]));
    });
}

#[test]
fn a_hold_is_measured_and_never_shortened() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let run = run(&tool, "QueueFull", &["--objective", "2s", "--until", "received"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "alert.time_to_notify", "QueueFull");
    run.line("WARNED", "alert.predicted_delay", "4.1 s");
    let at = |wanted: &str| stages(&tool).into_iter().find(|(name, _)| name == wanted).unwrap().1;
    let held = at("firing") - at("pending");
    assert!((1990..=3010).contains(&held), "{held} ms");
    assert_clean(&tool);
}

#[test]
fn an_accelerated_copy_is_marked_and_its_time_is_no_time_to_notify() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let run = run(&tool, "ErrorRatio", &["--time-scale", "60", "--objective", "10m", "--until", "received"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line(
        "not checked",
        "drill.as_written",
        "60 times as fast, as --time-scale asks: `for` 120 s became 2 s",
    );
    run.line("not checked", "alert.time_to_notify", "it is not the time of the rule as written");
    // Against the objective stands what the intervals of the rule as written allow.
    run.line("passed", "alert.predicted_delay", "evaluation interval 60 s + `for` 120 s");
    let record = record(&tool);
    assert_eq!(record["timeline"]["zero"], "the fault of ErrorRatio (accelerated copy, 60 times as fast)");
    let notified = &record["measurements"][0];
    assert_eq!(
        (notified["metric"].as_str(), notified["objective"].is_null()),
        (Some("time_to_notify_seconds"), true)
    );
    assert!(tool.evidence().contains("Rule as written"), "{}", tool.evidence());
    assert_clean(&tool);
}

/// One alert that stops: the check that says so, and words of the reason.
struct Stops {
    rules: &'static str,
    config: &'static str,
    tests: Option<&'static str>,
    outcome: &'static str,
    check: &'static str,
    says: &'static str,
    code: i32,
}

const TYPO: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'errors{code=\"5xx\"} > 1'}]}]",
    config: "drill: {alerts: [{alert: A, series: [{series: 'errors{code=\"500\"}', healthy: 0, faulty: 100}]}]}",
    tests: None,
    outcome: "FAILED",
    check: "alert.pending",
    says: "stopped at scraped: the condition stayed false for 7 s after the fault was scraped: `errors{code=\"5xx\"}` \
        selects no series; the fixture exposes errors{code=\"500\"}",
    code: 2,
};

const THRESHOLD: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'errors / requests > 0.5'}]}]",
    config: "drill: {alerts: [{alert: A, series: [{series: errors, healthy: 0, faulty: 4}, {series: requests, \
        healthy: 10, faulty: 10}]}]}",
    says: "`errors / requests` is 0.4 ({instance=\"fixture\",job=\"ops-smoke-drill\"}), and the rule asks for > 0.5",
    ..TYPO
};

const NOT_QUIET: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'errors > 1', for: 1h}]}]",
    config: "drill: {alerts: [{alert: A, series: [{series: errors, healthy: 5, faulty: 100}]}]}\nrun: {timeout: 2h}",
    check: "alert.quiet",
    says: "pending before the fault: `errors` is 5",
    ..TYPO
};

const FLAPS: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'errors > 1', for: 5s}]}]",
    config: "{}",
    tests: Some(
        "tests:\n- interval: 2s\n  input_series: [{series: errors, values: '0 5 0 5 0 5 0 5 0 5 0 5 0 5 0 5 0 5 0 5'}]\n  \
         alert_rule_test: [{eval_time: 8s, alertname: A, exp_alerts: [{}]}]\n",
    ),
    check: "alert.firing",
    says: "stopped at pending: pending, but not firing",
    ..TYPO
};

const REFUSED: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'rate(errors) > 1'}]}]",
    check: "alert.loaded",
    says: "expected type range vector in call to function \"rate\"",
    ..TYPO
};

const BROKEN: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'errors * on () group_left () requests > 1'}]}]",
    config: "drill: {alerts: [{alert: A, series: [{series: errors, healthy: 0, faulty: 9}, {series: 'requests{a=\"1\"}', \
        healthy: 1, faulty: 2}, {series: 'requests{a=\"2\"}', healthy: absent, faulty: 2}]}]}",
    says: "the evaluation of the rule ends in an error: found duplicate series for the match group",
    ..TYPO
};

const TEMPLATE: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'errors > 1', annotations: {summary: '{{ query \"sum(\" }}'}}]}]",
    config: "drill: {alerts: [{alert: A, series: [{series: errors, healthy: 0, faulty: 9}]}]}",
    check: "alert.content",
    says: "the template of annotation summary fails: <error expanding template",
    ..TYPO
};

const UNDERIVABLE: Stops = Stops {
    rules: "groups: [{name: a, rules: [{alert: A, expr: 'vector(1)'}]}]",
    config: "{}",
    outcome: "INCONCLUSIVE",
    check: "alert.series",
    says: "the expression uses no series",
    code: 3,
    ..TYPO
};

#[test]
fn an_alert_that_cannot_fire_is_told_with_its_stage_and_the_reason() {
    std::thread::scope(|scope| {
        for stops in [TYPO, THRESHOLD, NOT_QUIET, FLAPS, REFUSED, BROKEN, TEMPLATE, UNDERIVABLE] {
            scope.spawn(move || {
                let tool = Tool::new();
                tool.write("rules.yml", stops.rules);
                tool.write("drill.yml", stops.config);
                let mut arguments = vec!["--until", "received", "--config", "drill.yml"];
                if let Some(tests) = stops.tests {
                    tool.write("tests.yml", tests);
                    arguments.extend(["--unit-tests", "tests.yml"]);
                }
                let run = run(&tool, "A", &arguments);
                let line = run.line(stops.outcome, stops.check, "A");
                assert!(line.contains(stops.says), "{line}\n{}", run.stdout);
                // What to do is said once, for the stage at which it stopped.
                let evidence = tool.evidence();
                let remedies = evidence.split("## What to do").nth(1).unwrap().split("##").next().unwrap();
                assert_eq!(remedies.matches("\n- ").count(), 1, "{remedies}");
                assert_eq!(run.code, stops.code, "{}{}", run.stdout, run.stderr);
                assert_clean(&tool);
            });
        }
    });
}

#[test]
fn what_cannot_be_drilled_is_refused_before_anything_is_started() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    tool.write("broken.yml", "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    fro: 5m\n");
    let refused = |arguments: &[&str], says: &str| {
        let run: Run = tool.command().arg("drill").args(arguments).output().unwrap().into();
        assert_eq!(run.code, 3, "{arguments:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
    };
    let none = ["--evidence", "none"];
    refused(&[&["--rules", "rules.yml", "--alert", "QueueFull"], &none[..]].concat(), "--embedded");
    let embedded = |rules, alert| [&["--embedded", "--rules", rules, "--alert", alert], &none[..]].concat();
    refused(
        &embedded("rules.yml", "QueuFull"),
        "there is no alert QueuFull in rules.yml; did you mean QueueFull?",
    );
    refused(&embedded("broken.yml", "A"), "fro");
    refused(&embedded("missing.yml", "A"), "reading missing.yml");
    refused(
        &embedded("rules.yml", "Slow"),
        "longer than the run's timeout of 300 s: fault to notification 602.1 s",
    );
    refused(&embedded("rules.yml", "Slow"), "--timeout 11m");
    let too_fast = [&embedded("rules.yml", "ErrorRatio")[..], &["--time-scale", "600"]].concat();
    refused(&too_fast, "use at most --time-scale 75");
    assert!(!tool.path("runs").exists());
}

#[test]
fn a_dry_run_prints_the_plan_and_starts_nothing() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let run = run(&tool, "QueueFull", &["--dry-run", "--objective", "10s"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for says in [
        "QueueFull (rules.yml:4)",
        "derived from the expression",
        "at most 4.1 s",
        "queue_depth{queue=\"mail\"}: 1 → 200",
    ] {
        assert!(run.stdout.contains(says), "{says}: {}", run.stdout);
    }
    assert!(!tool.path("runs").exists() && !tool.path("evidence.md").exists());
}

#[test]
fn a_missing_program_is_inconclusive_and_the_remedy_installs_it() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let run: Run = drill(&tool, "QueueFull", &[]).env("PATH", tool.folder.path()).output().unwrap().into();
    assert_eq!(run.code, 3, "{}", run.stderr);
    run.line("INCONCLUSIVE", "drill.stack", "prometheus is not installed");
    assert!(run.stdout.contains("apt-get install -y --no-install-recommends prometheus"), "{}", run.stdout);
    assert!(tool.evidence().starts_with("# Alert simulation report\n\n**INCONCLUSIVE"));
    assert_clean(&tool);
}

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
