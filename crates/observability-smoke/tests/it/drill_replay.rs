//! Replays: days of a rule in seconds, un-shortened, held against promtool and against the live drill.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    drill::{assert_clean, servers, signal, wait_until},
    support::{Run, Tool},
};

fn command(tool: &Tool, arguments: &[&str]) -> Command {
    let mut command = tool.command();
    command.args(["drill", "--replay", "--verbose", "--evidence", "evidence.md", "--rules", "rules.yml"]);
    command.args(["--format", "text", "--format", "json=record.json"]).args(arguments);
    command
}

fn replay(tool: &Tool, arguments: &[&str]) -> Run {
    command(tool, arguments).output().unwrap().into()
}

/// The seconds of a stage of the timeline, after the fault.
#[track_caller]
fn stage(tool: &Tool, wanted: &str) -> f64 {
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(tool.path("record.json")).unwrap()).unwrap();
    let stages = record["timeline"]["stages"].as_array().unwrap();
    let stage = stages.iter().find(|stage| stage["name"] == wanted);
    stage.unwrap_or_else(|| panic!("no stage {wanted} in {stages:?}"))["start_ms"].as_f64().unwrap() / 1000.0
}

#[test]
fn every_rule_of_the_sample_manifest_is_replayed_un_shortened_within_a_minute() {
    let tool = Tool::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/parallel-ops-track");
    let manifest = sample.join("doc/operations/evidence/alert_rule_manifest_baseline.yaml");
    std::fs::copy(manifest, tool.path("rules.yml")).unwrap();
    let config = sample.join("ops/observability.yaml");
    let began = Instant::now();
    let run = replay(&tool, &["--all", "--config", config.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    let line = run.line("passed", "drill.replayed", "ApiErrorBudgetBurnSlow");
    assert!(line.contains("hours of blocks"), "{line}");
    for alert in ["ApiErrorBudgetBurnSlow", "ApiLatencyHigh", "WorkerNotConsuming", "ProvisioningStuck"] {
        run.line("passed", "drill.replay_agrees", alert);
        run.line("passed", "alert.resolved", alert);
        run.line("passed", "drill.as_written", alert);
    }
    assert_eq!(run.stdout.matches("[alert.notified]").count(), 18, "{}", run.stdout);
    let evidence = tool.evidence();
    assert!(!evidence.contains("copy") && evidence.contains("level of proof: replayed"), "{evidence}");
    assert_clean(&tool);
}

const BURN: &str = "groups:
- name: slo
  interval: 1m
  rules:
  - {record: 'errors:ratio3d', expr: 'sum(rate(errors_total[3d])) / sum(rate(requests_total[3d]))'}
  - {record: 'errors:ratio6h', expr: 'sum(rate(errors_total[6h])) / sum(rate(requests_total[6h]))'}
  - alert: Burn
    expr: errors:ratio3d > 0.001 and errors:ratio6h > 0.001
    for: 3h
    labels: {severity: warning}
    annotations: {summary: 'The budget burns, {{ $value | humanizePercentage }}'}
";

const BURNS: &str = "drill:
  alerts:
  - alert: Burn
    series:
    - {series: 'requests_total{job=\"api\"}', healthy: 100/s, faulty: 100/s}
    - {series: 'errors_total{job=\"api\"}', healthy: 0/s, faulty: 5/s}
";

#[test]
fn a_window_of_three_days_and_a_hold_of_three_hours_fire_when_arithmetic_says() {
    let tool = Tool::new();
    tool.write("rules.yml", BURN);
    tool.write("drill.yml", BURNS);
    let arguments =
        ["--alert", "Burn", "--config", "drill.yml", "--scrape-interval", "1m", "--objective", "5h"];
    let run = replay(&tool, &arguments);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    // 5 t / (100 × 3 days) > 0.001 when t > 5184 s; then three hours.
    let (pending, firing) = (stage(&tool, "pending"), stage(&tool, "firing"));
    assert!((5184.0..=5304.0).contains(&pending), "{pending}");
    assert_eq!(firing - pending, 10_800.0);
    run.line("passed", "drill.replayed", "3.5 days of blocks");
    run.line("passed", "drill.replay_agrees", "the same");
    run.line("passed", "alert.time_to_notify", "replayed to the firing, measured from there");
    let evidence = tool.evidence();
    assert!(evidence.contains("level of proof: replayed"), "{evidence}");
    assert!(evidence.contains("3.0 hours, 3.0 days of looking back un-shortened"), "{evidence}");
    assert_clean(&tool);
}

#[test]
fn what_is_wrong_only_over_hours_is_found() {
    let rules = "groups: [{name: a, rules: [
      {alert: Flaps, expr: 'depth > 100 and on () (vector(time()) % 3600 < 3000)', for: 6h},
      {alert: Never, expr: 'avg_over_time(depth[1d]) > 500', for: 2h},
      {alert: Sticks, expr: 'max_over_time(depth[2h]) > 100', keep_firing_for: 1h},
      {alert: Refused, expr: 'rate(depth) > 1', for: 2h},
      {alert: Longer, expr: 'min_over_time(other[3h]) > 100'}]}]\n";
    let config = "drill:\n  alerts:
  - {alert: Flaps, series: [{series: depth, healthy: 1, faulty: 400}]}
  - {alert: Never, series: [{series: depth, healthy: 1, faulty: 400}]}
  - {alert: Sticks, series: [{series: depth, healthy: 1, faulty: 400}]}
  - {alert: Refused, series: [{series: depth, healthy: 1, faulty: 400}]}
  - {alert: Longer, series: [{series: other, healthy: 1, faulty: 400}], objective: 1h}\n";
    let tool = Tool::new();
    tool.write("rules.yml", rules);
    tool.write("drill.yml", config);
    let run = replay(
        &tool,
        &["--all", "--config", "drill.yml", "--evaluation-interval", "1m", "--scrape-interval", "1m"],
    );
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "alert.loaded", "expected type range vector");
    run.line("FAILED", "alert.firing", "Flaps: stopped at pending");
    run.line("FAILED", "alert.pending", "Never: stopped at scraped");
    assert!(run.stdout.contains("and the rule asks for > 500"), "{}", run.stdout);
    // It does not fire in promtool either.
    run.line("passed", "drill.replay_agrees", "Never: it does not fire there either");
    run.line("passed", "alert.resolved", "Sticks");
    run.line("FAILED", "alert.time_to_notify", "Longer");
    assert_clean(&tool);
}

#[test]
fn a_prediction_ends_after_the_fault_whatever_its_hold_and_its_horizon() {
    let tool = Tool::new();
    let combinations = ["0s", "2m", "10m", "30m", "2h"].map(|hold| [1, 4].map(|hours| (hold, hours)));
    let rules: Vec<String> = combinations
        .concat()
        .into_iter()
        .map(|(hold, hours)| {
            let expression = format!("predict_linear(free[1h], {hours} * 3600) < 0");
            format!("{{alert: Full{hold}{hours}, expr: '{expression}', for: {hold}}}")
        })
        .chain(["{alert: Rises, expr: 'predict_linear(used[1h], 4 * 3600) > 1e6', for: 10m}".to_owned()])
        .collect();
    tool.write("rules.yml", &format!("groups: [{{name: a, rules: [{}]}}]\n", rules.join(", ")));
    let run = replay(&tool, &["--all"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for alert in ["Full0s1", "Full10m4", "Full30m1", "Full2h4", "Rises"] {
        run.line("passed", "alert.resolved", alert);
    }
    assert_eq!(run.stdout.matches("[alert.resolved]").count(), 11, "{}", run.stdout);
    assert_clean(&tool);
}

/// The series that were given fall, and stand so low afterwards that no end can be predicted.
#[test]
fn an_end_that_cannot_be_predicted_is_none_that_failed() {
    let tool = Tool::new();
    tool.write(
        "rules.yml",
        "groups: [{name: a, rules: [{alert: Full, expr: 'predict_linear(free[1h], 4 * 3600) < 0', for: 30m}]}]\n",
    );
    tool.write(
        "drill.yml",
        "drill: {alerts: [{alert: Full, series: [{series: free, healthy: 1/s, faulty: -100/s}]}]}\n",
    );
    let run = replay(&tool, &["--alert", "Full", "--config", "drill.yml"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    let line = run.line("NOT CHECKED", "alert.resolved", "Full: stopped at received: still firing");
    assert!(line.contains("could not be predicted"), "{line}");
    run.line("passed", "drill.replay_agrees", "the same");
    assert_clean(&tool);
}

#[test]
fn a_replay_and_a_live_drill_of_one_rule_see_the_same() {
    let rules = "groups: [{name: a, rules: [{alert: Full, expr: 'rate(depth_total[4s]) > 5', for: 3s}]}]\n";
    let config =
        "drill: {alerts: [{alert: Full, series: [{series: depth_total, healthy: 1/s, faulty: 50/s}]}]}\n";
    let times = |mode: &str| {
        let tool = Tool::new();
        tool.write("rules.yml", rules);
        tool.write("drill.yml", config);
        let mut command = tool.command();
        command.args(["drill", mode, "--rules", "rules.yml", "--alert", "Full", "--config", "drill.yml"]);
        command.args([
            "--evidence",
            "evidence.md",
            "--verbose",
            "--format",
            "text",
            "--format",
            "json=record.json",
        ]);
        command.args(["--scrape-interval", "1s", "--evaluation-interval", "1s"]);
        let run: Run = command.output().unwrap().into();
        assert_eq!(run.code, 0, "{mode}: {}{}", run.stdout, run.stderr);
        for check in ["quiet", "pending", "firing", "notified", "content", "resolved"] {
            run.line("passed", &format!("alert.{check}"), "Full");
        }
        ["pending", "firing"].map(|name| stage(&tool, name))
    };
    let [replayed, lived] = ["--replay", "--embedded"].map(times);
    // The live drill meets the intervals at some phase; each is a second.
    assert!((replayed[0] - lived[0]).abs() <= 2.1, "{replayed:?} {lived:?}");
    let held = [replayed, lived].map(|[pending, firing]| firing - pending);
    assert!((held[0] - 3.0).abs() < 0.01 && (held[1] - held[0]).abs() <= 1.1, "{held:?}");
}

#[test]
fn what_is_replayed_takes_the_users_own_routes() {
    let tool = Tool::new();
    tool.write(
        "rules.yml",
        "groups: [{name: a, rules: [{alert: Dead, expr: 'a > 1', for: 2h, labels: {to: nobody}},
          {alert: Quiet, expr: 'b > 1', for: 2h, labels: {to: quiet}, annotations: {summary: '{{ $labels.job }}: {{ $value }}'}}]}]\n",
    );
    tool.write(
        "am.yml",
        "route: {receiver: quiet, group_wait: 0s, group_interval: 1s, routes: [{matchers: ['to=\"nobody\"'], receiver: nobody}]}
receivers: [{name: nobody}, {name: quiet, webhook_configs: [{url: 'http://127.0.0.1:1/x', send_resolved: false}]}]\n",
    );
    let run = replay(&tool, &["--all", "--alertmanager-config", "am.yml"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "alert.notified", "the receiver nobody has no integration: a dead route");
    run.line("passed", "alert.content", "Quiet");
    run.line(
        "not checked",
        "alert.resolved",
        "no resolved notification is expected: quiet has send_resolved: false",
    );
    assert_clean(&tool);
}

#[test]
fn what_cannot_be_replayed_is_said_before_anything_is_written() {
    let tool = Tool::new();
    tool.write(
        "rules.yml",
        "groups: [{name: a, rules: [{alert: Month, expr: 'increase(x_total[30d]) > 5'}]},
          {name: b, query_offset: 1m, rules: [{alert: Later, expr: 'y > 5'}]}]\n",
    );
    let run = replay(&tool, &["--all", "--scrape-interval", "1s", "--evaluation-interval", "1s"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "drill.replayed", "nothing is shortened silently: give coarser intervals");
    run.line("INCONCLUSIVE", "drill.replayed", "Later: the group b has query_offset");
    for flags in [&["--embedded"][..], &["--time-scale", "60"], &["--run-hooks"], &["--repeat", "2"]] {
        let run = replay(&tool, &[&["--alert", "Month"], flags].concat());
        assert_eq!(run.code, 3, "{flags:?}: {}{}", run.stdout, run.stderr);
    }
    let plan = replay(
        &tool,
        &["--alert", "Month", "--dry-run", "--scrape-interval", "2m", "--evaluation-interval", "2m"],
    );
    assert!(plan.stdout.contains("replayed     30."), "{}{}", plan.stdout, plan.stderr);
    assert_clean(&tool);
}

/// A promtool that makes blocks as it should, and is of another opinion about rules.
fn contradicting(tool: &Tool) -> String {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let real = |name: &str| {
        let path = std::env::var_os("PATH").unwrap();
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap()
    };
    symlink(real("prometheus"), tool.path("prometheus")).unwrap();
    let real = real("promtool");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = test ]; then echo '  FAILED: exp: 1 got: nil' >&2; exit 1; fi\nexec {} \"$@\"\n",
        real.display()
    );
    let promtool = tool.write("promtool", &text);
    std::fs::set_permissions(&promtool, std::fs::Permissions::from_mode(0o755)).unwrap();
    tool.path("prometheus").display().to_string()
}

#[test]
fn when_promtool_is_of_another_opinion_neither_is_believed() {
    let tool = Tool::new();
    tool.write("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'x > 1', for: 2h}]}]\n");
    let prometheus = contradicting(&tool);
    let run = replay(&tool, &["--alert", "A", "--until", "received", "--prometheus", &prometheus]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "drill.replay_agrees", "A: FAILED: exp: 1 got: nil");
    assert_clean(&tool);
}

#[test]
fn killed_outright_or_stopped_a_replay_leaves_nothing() {
    for name in ["KILL", "INT"] {
        let tool = Tool::new();
        tool.write("rules.yml", BURN);
        tool.write("drill.yml", BURNS);
        let mut command = command(&tool, &["--alert", "Burn", "--config", "drill.yml"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("recording what it stands on")));
        std::thread::spawn(move || lines.for_each(drop));
        signal(child.id(), name);
        let ended = child.wait().unwrap();
        wait_until("the servers' end", || servers(&tool).is_empty());
        if name == "KILL" {
            let swept: Run = tool.command().arg("sweep").output().unwrap().into();
            assert_eq!(swept.code, 0, "{}{}", swept.stdout, swept.stderr);
        } else {
            assert_eq!(ended.code(), Some(3));
        }
        assert_clean(&tool);
    }
}
