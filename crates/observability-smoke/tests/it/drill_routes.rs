//! The user's own Alertmanager configuration on the embedded stack.

use crate::support::{Run, Tool};

const RULES: &str = "groups:
- name: queue
  rules:
  - {alert: Full, expr: depth > 100, labels: {severity: critical}}
  - {alert: Slow, expr: delay > 5, labels: {severity: warning}}
  - {alert: Old, expr: age > 5, labels: {severity: info}}
  - {alert: Late, expr: lag > 5, labels: {severity: night}}
";

const ROUTES: &str = "global: {slack_api_url: 'http://127.0.0.1:1/secret-hook'}
route:
  receiver: default
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  routes:
  - {matchers: ['severity=\"critical\"'], receiver: pager}
  - {matchers: ['severity=\"info\"'], receiver: nobody}
  - {matchers: ['severity=\"night\"'], receiver: pager, mute_time_intervals: [always]}
receivers:
- {name: default, slack_configs: [{channel: a}]}
- {name: pager, pagerduty_configs: [{routing_key: secret-key}]}
- {name: nobody}
inhibit_rules:
- {source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"']}
time_intervals:
- {name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}
";

fn drill(tool: &Tool, arguments: &[&str]) -> Run {
    tool.write("rules.yml", RULES);
    let mut command = tool.command();
    command.args(["drill", "--embedded", "--verbose", "--evidence", "evidence.md", "--rules", "rules.yml"]);
    command.args(["--alertmanager-config", "am.yml"]).args(arguments);
    command.output().unwrap().into()
}

#[test]
fn dead_routes_and_mutes_of_the_users_own_configuration_are_found() {
    let tool = Tool::new();
    tool.write("am.yml", ROUTES);
    let run = drill(&tool, &["--all", "--until", "received"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    // The critical one would mute the warning on the same Alertmanager: they run apart, and both arrive.
    run.line("passed", "alert.notified", "Full");
    run.line("passed", "alert.notified", "Slow");
    run.line("FAILED", "alert.notified", "the receiver nobody has no integration: a dead route");
    run.line("FAILED", "alert.notified", "the route to pager is muted by the time interval always");
    assert!(
        run.stdout.contains("→ Correct the route, the receiver or the interval that is named"),
        "{}",
        run.stdout
    );
    run.line("not checked", "drill.level", "by your own Alertmanager configuration");
    let evidence = tool.evidence();
    assert!(!evidence.contains("secret-") && evidence.contains("sha256:"), "{evidence}");
    let full = evidence.lines().find(|line| line.starts_with("Full ")).unwrap();
    assert!(full.trim_end().ends_with("pager"), "{full}");
}

#[test]
fn a_configuration_that_is_none_is_refused_with_its_line() {
    let tool = Tool::new();
    tool.write("am.yml", "route: {receiver: a}\nreceivers: [{name: b}]\n");
    let run = drill(&tool, &["--alert", "Full"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("am.yml cannot be used: line 1"), "{}", run.stderr);
    let slow = ROUTES.replace("group_wait: 1s", "group_wait: 10m");
    tool.write("am.yml", &slow);
    let run = drill(&tool, &["--alert", "Full"]);
    assert!(run.stderr.contains("group_wait 600 s"), "{}", run.stderr);
    // Neither a copy of the rule nor a replay shortens what Alertmanager waits.
    let helps = |said: &str| {
        !said.contains("--time-scale") && !said.contains("--replay") && said.contains("a shorter group_wait")
    };
    assert!(helps(&run.stderr), "{}", run.stderr);
    let mut replayed = tool.command();
    replayed.args(["drill", "--replay", "--evidence", "none", "--rules", "rules.yml", "--alert", "Full"]);
    let replayed: Run = replayed.args(["--alertmanager-config", "am.yml"]).output().unwrap().into();
    assert_eq!(replayed.code, 3, "{}{}", replayed.stdout, replayed.stderr);
    assert!(
        replayed.stderr.contains("the notification of Full would take up to 631 s"),
        "{}",
        replayed.stderr
    );
    assert!(helps(&replayed.stderr), "{}", replayed.stderr);
    let plan = drill(&tool, &["--alert", "Old", "--dry-run", "--timeout", "30m"]);
    assert!(plan.stdout.contains("nobody is told: the receiver nobody"), "{}{}", plan.stdout, plan.stderr);
}
