//! The self-test, as its user meets it.

use crate::support::{Run, Tool};

#[test]
fn every_fault_of_the_drill_is_caught_and_what_is_sound_left_in_peace() {
    let tool = Tool::new();
    let run: Run = tool.command().arg("self-test").output().unwrap().into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.starts_with("quiet an alert that rings"), "{}", run.stdout);
    let last = run.stdout.lines().last().unwrap_or_default();
    assert!(last.starts_with("6 faults: 6 caught, 0 slipped through"), "{}", run.stdout);
}
