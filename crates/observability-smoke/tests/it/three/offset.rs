//! Rules whose evaluations look back by `query_offset`, which Prometheus 3 knows and 2.42 refuses.

use super::program;
use crate::support::{Run, Tool};

const RULES: &str = "groups:
- name: a
  query_offset: 3s
  labels: {team: shop}
  rules:
  - alert: Deep
    expr: depth{queue=~\"mail|fax\"} > 100
    labels: {severity: critical}
    annotations: {summary: 'Queue {{ $labels.queue }} of {{ $labels.team }} is deep'}
";

fn drill(prometheus: &str, arguments: &[&str]) -> Run {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let mut command = tool.command();
    command.args(["drill", "--embedded", "--rules", "rules.yml", "--all", "--evidence", "none", "--verbose"]);
    command.args(["--prometheus", prometheus]).args(arguments).output().unwrap().into()
}

#[test]
fn what_a_rule_sees_late_is_predicted_late() {
    let Some(three) = program("prometheus") else { return };
    let run = drill(three.to_str().unwrap(), &["--objective", "20s"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "alert.predicted_delay", "query_offset 3 s");
    run.line("passed", "alert.time_to_notify", "Deep");
    run.line("passed", "alert.resolved", "Deep");
}

#[test]
fn an_older_prometheus_says_nothing_of_the_alert() {
    let run = drill("prometheus", &[]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "alert.loaded", "field query_offset not found");
    assert!(run.stdout.contains("This Prometheus is older than the rule file"), "{}", run.stdout);
}
