//! The drill, against the installed Prometheus and Alertmanager.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use crate::support::{Run, Tool};

/// A command for a drill of `alert`, with its evidence in `evidence.md` and its record in `record.json`.
pub(crate) fn drill(tool: &Tool, alert: &str, arguments: &[&str]) -> Command {
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

pub(crate) fn run(tool: &Tool, alert: &str, arguments: &[&str]) -> Run {
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
pub(crate) fn servers(tool: &Tool) -> Vec<(i32, String)> {
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
pub(crate) fn assert_clean(tool: &Tool) {
    assert_eq!(servers(tool), []);
    let left: Vec<_> = std::fs::read_dir(tool.path("runs"))
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name()).filter(|name| name != "jobs").collect()
        })
        .unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A drill under way, and what it says that it does.
pub(crate) struct Underway {
    pub(crate) child: Child,
    phases: Receiver<String>,
}

impl Underway {
    pub(crate) fn start(tool: &Tool, alert: &str, arguments: &[&str]) -> Self {
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
    pub(crate) fn wait_for(&self, phase: &str) {
        while !self.phases.recv_timeout(Duration::from_secs(60)).unwrap().contains(phase) {}
    }

    pub(crate) fn end(self) -> Run {
        self.child.wait_with_output().unwrap().into()
    }
}

/// The process of the drill's server whose command line contains this.
pub(crate) fn server_called(tool: &Tool, part: &str) -> Option<i32> {
    servers(tool).into_iter().find(|(_, command)| command.contains(part)).map(|(process, _)| process)
}

pub(crate) const RULES: &str = r#"groups:
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
