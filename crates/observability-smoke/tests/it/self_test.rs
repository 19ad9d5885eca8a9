//! The self-test, as its user meets it: each group of faults for itself, since those of the drill take longest.

use crate::support::{Run, Tool};

#[track_caller]
fn proves(groups: &[&str], first: &str, last: &str) {
    let tool = Tool::new();
    let run: Run = tool.command().arg("self-test").args(groups).output().unwrap().into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.starts_with(first), "{}", run.stdout);
    assert!(run.stdout.lines().last().unwrap_or_default().starts_with(last), "{}", run.stdout);
    for line in run.stdout.lines().filter(|line| line.starts_with("caught")) {
        assert!(line.contains(": exit code "), "{line}");
    }
}

#[test]
fn every_fault_of_a_drilled_alert_is_caught() {
    proves(
        &["drill"],
        "quiet an alert that rings",
        "14 of 14 faults caught, 0 slipped through, 2 of 2 sound ones left in peace;",
    );
}

#[test]
fn every_fault_of_rules_and_of_the_join_is_caught() {
    proves(
        &["rules", "join"],
        "quiet rules, unit tests",
        "71 of 71 faults caught, 0 slipped through, 3 of 3 sound ones left in peace;",
    );
}

#[test]
fn every_fault_of_an_exposition_is_caught() {
    proves(
        &["metrics"],
        "quiet a Prometheus text",
        "62 of 62 faults caught, 0 slipped through, 3 of 3 sound ones left in peace;",
    );
}

#[test]
fn every_fault_of_services_and_servers_is_caught_and_lying_servers_too() {
    proves(
        &["run"],
        "quiet services, ports",
        "95 of 95 faults caught, 0 slipped through, 4 of 4 sound ones left in peace;",
    );
}

#[test]
fn a_group_that_does_not_exist_is_a_mistake_of_usage() {
    let tool = Tool::new();
    let run: Run = tool.command().args(["self-test", "rule"]).output().unwrap().into();
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("possible values: drill, rules, join, metrics, run"), "{}", run.stderr);
}
