//! Alerts that cannot fire, and drills that do not begin: each is told with its reason.

use crate::{
    drill::{RULES, assert_clean, drill, run},
    support::{Run, Tool},
};

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
    says: "`errors / requests` is 0.4 ({instance=\"fixture:9100\",job=\"ops-smoke-drill\"}), and the rule asks for > 0.5",
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
    refused(&embedded("missing.yml", "A"), "reading missing.yml: it is not there; correct the path");
    refused(&embedded(".", "A"), "reading .: it is a folder; name the file in it");
    for option in ["--unit-tests", "--alertmanager-config"] {
        let with = [&embedded("rules.yml", "QueueFull")[..], &[option, "missing.yml"]].concat();
        refused(&with, "missing.yml: it is not there; correct the path");
    }
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
fn of_two_severities_each_has_its_own_series() {
    let tool = Tool::new();
    let rule = |severity: &str, limit: u32| {
        format!("{{alert: Deep, expr: depth > {limit}, labels: {{severity: {severity}}}}}")
    };
    let rules = format!("groups: [{{name: a, rules: [{}, {}]}}]", rule("warning", 10), rule("critical", 100));
    tool.write("rules.yml", &rules);
    tool.write(
        "tests.yml",
        "tests:\n- input_series: [{series: depth, values: '0 50x9'}]\n  alert_rule_test:\n  \
         - {eval_time: 5m, alertname: Deep, exp_alerts: [{exp_labels: {severity: warning}}]}\n",
    );
    let mut command = tool.command();
    command.args(["drill", "--embedded", "--rules", "rules.yml", "--all", "--dry-run", "--evidence", "none"]);
    let plan: Run = command.args(["--unit-tests", "tests.yml"]).output().unwrap().into();
    let says = |text: &str| assert!(plan.stdout.contains(text), "{text}: {}{}", plan.stdout, plan.stderr);
    says("Deep{severity=\"warning\"}: 1, given by a unit test of promtool");
    says("Deep{severity=\"critical\"}: 1, derived from the expression");
}

#[test]
fn an_expression_that_a_machine_wrote_is_not_computed_with() {
    let tool = Tool::new();
    let long = vec!["x > 1"; 1500].join(" or ");
    tool.write("rules.yml", &format!("groups: [{{name: a, rules: [{{alert: A, expr: '{long}'}}]}}]"));
    let run = run(&tool, "A", &["--dry-run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("our reader of PromQL does not understand"), "{}", &run.stdout[..2000]);
}

#[test]
fn a_configuration_that_is_named_as_the_program_is_told() {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    tool.write("am.yml", "route: {receiver: a}\nreceivers: [{name: a}]\n");
    let run = run(&tool, "QueueFull", &["--alertmanager", "am.yml"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    run.line("INCONCLUSIVE", "drill.stack", "am.yml, which was named as alertmanager, is no program");
    assert!(run.stdout.contains("a configuration is given with --alertmanager-config"), "{}", run.stdout);
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
