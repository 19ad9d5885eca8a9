//! Metrics and labels of any name, which Prometheus 3 knows and 2.42 refuses.

use super::program;
use crate::support::{Run, Tool};

const RULES: &str = "groups:
- name: a
  rules:
  - {alert: Slow, expr: '{\"http.latency\", \"route.name\"=\"/a\"} > 5'}
  - {alert: Many, expr: 'rate({\"http.errors\"}[5s]) > 5'}
";

fn drill(prometheus: &str, how: &[&str]) -> Run {
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let mut command = tool.command();
    command.arg("drill").args(how).args(["--rules", "rules.yml", "--all", "--evidence", "none", "--verbose"]);
    command.args(["--scrape-interval", "1s", "--evaluation-interval", "1s"]);
    command.args(["--prometheus", prometheus]).output().unwrap().into()
}

#[test]
fn they_are_exposed_and_replayed_as_prometheus_3_reads_them() {
    let (Some(three), Some(alertmanager)) = (program("prometheus"), program("prometheus-alertmanager"))
    else {
        return;
    };
    let alertmanager = ["--alertmanager", alertmanager.to_str().unwrap()];
    for how in ["--embedded", "--replay"] {
        let run = drill(three.to_str().unwrap(), &[&[how], &alertmanager[..]].concat());
        assert_eq!(run.code, 0, "{how}: {}{}", run.stdout, run.stderr);
        run.line("passed", "alert.pending", "Slow");
        run.line("passed", "alert.resolved", "Many");
    }
}

#[test]
fn an_older_alertmanager_that_refuses_an_alert_is_named() {
    let Some(three) = program("prometheus") else { return };
    let run = drill(three.to_str().unwrap(), &["--embedded"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line(
        "FAILED",
        "alert.notified",
        "it carries the label route.name, and an Alertmanager before 0.27 refuses",
    );
    run.line("passed", "alert.notified", "Many");
}

#[test]
fn an_older_prometheus_that_refuses_them_says_nothing_of_the_alert() {
    let run = drill("prometheus", &["--embedded"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    let line = run.line("INCONCLUSIVE", "alert.loaded", "Slow");
    assert!(line.contains("unexpected string") && !line.contains("/rules-"), "{line}");
    assert!(run.stdout.contains("(the name 'http.latency')"), "{}", run.stdout);
}
