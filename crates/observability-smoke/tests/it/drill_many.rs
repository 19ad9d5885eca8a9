//! Drills of many alerts at once, of several trials, and of real faults made by commands.

use std::path::Path;

use crate::support::{Run, Tool};

/// A command for a drill, with its evidence in `evidence.md`.
fn drill(tool: &Tool, arguments: &[&str]) -> Run {
    let mut command = tool.command();
    command.args(["drill", "--embedded", "--verbose", "--evidence", "evidence.md", "--rules", "rules.yml"]);
    command.args(arguments).output().unwrap().into()
}

/// The row of the table of the evidence that begins with this name.
#[track_caller]
fn row(evidence: &str, alert: &str) -> String {
    let row = evidence.lines().find(|line| line.starts_with(&format!("{alert} ")));
    row.unwrap_or_else(|| panic!("no row of {alert} in\n{evidence}")).to_owned()
}

#[test]
fn all_alerts_of_the_sample_manifest_ring_within_forty_seconds() {
    let tool = Tool::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/parallel-ops-track");
    let manifest = sample.join("doc/operations/evidence/alert_rule_manifest_baseline.yaml");
    std::fs::copy(manifest, tool.path("rules.yml")).unwrap();
    let config = sample.join("ops/observability.yaml");
    let began = std::time::Instant::now();
    let run = drill(&tool, &["--all", "--time-scale", "auto", "--config", config.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(began.elapsed().as_secs() < 40, "{:?}", began.elapsed());
    let evidence = tool.evidence();
    for alert in
        ["ApiErrorBudgetBurnSlow", "ApiLatencyHigh", "WorkerNotConsuming", "WebhookReconciliationFailing"]
    {
        run.line("passed", "alert.resolved", alert);
        assert!(row(&evidence, alert).ends_with("drill"), "{}", row(&evidence, alert));
    }
    assert!(row(&evidence, "ApiErrorBudgetBurnSlow").contains("fixture series, copy 300x"));
    // What is brisk as written is drilled as written.
    assert!(!row(&evidence, "ApiProbeFailing").contains("copy"));
    assert_eq!(run.stdout.matches("[alert.notified]").count(), 18, "{}", run.stdout);
}

const RULES: &str = "groups:
- name: a
  rules:
  - {alert: Good, expr: 'depth{queue=\"mail\"} > 100', labels: {severity: critical}}
  - {alert: Good, expr: 'depth{queue=\"mail\"} > 200', labels: {severity: warning}}
  - {alert: Typo, expr: 'errors{code=\"5xx\"} > 1'}
  - {alert: Refused, expr: 'rate(errors) > 1'}
  - {alert: LeftOut, expr: 'vector(1)'}
";

const CONFIG: &str = "drill:
  alerts:
  - {alert: Typo, series: [{series: 'errors{code=\"500\"}', healthy: 0, faulty: 9}]}
  - {alert: Refused, series: [{series: 'errors{code=\"400\"}', healthy: 0, faulty: 9}]}
  - {alert: LeftOut, skip: it always fires}
";

#[test]
fn one_bad_alert_keeps_no_other_from_its_drill() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    tool.write("drill.yml", CONFIG);
    let run = drill(&tool, &["--all", "--until", "received", "--config", "drill.yml"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    // Two of one name, told apart and drilled apart.
    run.line("passed", "alert.notified", "Good{severity=\"critical\"}");
    run.line("passed", "alert.notified", "Good{severity=\"warning\"}");
    run.line("FAILED", "alert.pending", "Typo: stopped at scraped");
    run.line("FAILED", "alert.loaded", "Refused");
    run.line("not checked", "drill.left_out", "LeftOut: left out: it always fires");
    let evidence = tool.evidence();
    assert!(row(&evidence, "Typo").ends_with("STOPPED, not pending"), "{}", row(&evidence, "Typo"));
    assert!(row(&evidence, "Refused").ends_with("not begun"), "{}", row(&evidence, "Refused"));
}

#[test]
fn several_trials_give_least_median_and_greatest() {
    let tool = Tool::new();
    tool.write("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'depth > 100', for: 1s}]}]");
    let run = drill(&tool, &["--alert", "A", "--repeat", "3", "--objective", "20s"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let line = run.line("passed", "alert.time_to_notify", "A");
    assert!(line.contains("median") && line.contains("in 3 trials"), "{line}");
    let evidence = tool.evidence();
    assert!(evidence.contains("time_to_notify_median_seconds"), "{evidence}");
    assert_eq!(row(&evidence, "A").matches('/').count(), 2, "{}", row(&evidence, "A"));
}

#[test]
fn a_real_fault_is_made_by_a_command_and_always_ended() {
    let exporter = |tool: &Tool| {
        let state = tool.path("state");
        crate::support::Server::start(move |_, wire| {
            let value = if state.exists() { 0 } else { 1 };
            wire.text(&format!("probe_success {value}\n"));
        })
    };
    let config = |tool: &Tool, server: &crate::support::Server, stop: &str| {
        let state = tool.path("state");
        let state = state.display();
        tool.write(
            "drill.yml",
            &format!(
                "drill:\n  alerts:\n  - alert: Down\n    fault: {{start: [touch, {state}], stop: [{stop}, -f, {state}]}}\n    \
                 scrape: [{{job: api, targets: ['{}']}}]\n",
                server.address
            ),
        );
        tool.write(
            "rules.yml",
            "groups: [{name: a, rules: [{alert: Down, expr: 'probe_success{job=\"api\"} == 0'}]}]",
        );
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let tool = Tool::new();
            let server = exporter(&tool);
            config(&tool, &server, "rm");
            let run = drill(&tool, &["--alert", "Down", "--config", "drill.yml", "--run-hooks"]);
            assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
            run.line("passed", "alert.resolved", "Down");
            run.line("passed", "alert.fault_ended", "Down");
            assert!(run.stdout.contains("a real fault, seen by your own exporter"), "{}", run.stdout);
            assert!(!tool.path("state").exists());
        });
        scope.spawn(|| {
            let tool = Tool::new();
            let server = exporter(&tool);
            config(&tool, &server, "false");
            let run = drill(
                &tool,
                &["--alert", "Down", "--config", "drill.yml", "--run-hooks", "--until", "received"],
            );
            assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
            run.line("FAILED", "alert.fault_ended", "the fault may still be there");
        });
        scope.spawn(|| {
            let tool = Tool::new();
            let server = exporter(&tool);
            config(&tool, &server, "rm");
            // Nobody asked for commands: none runs.
            let run = drill(&tool, &["--alert", "Down", "--config", "drill.yml"]);
            assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
            run.line("INCONCLUSIVE", "alert.series", "commands run only with --run-hooks");
            assert!(!tool.path("state").exists());
        });
    });
}
