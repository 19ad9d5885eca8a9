//! A rule that Prometheus refuses.

use evidence_report::record::Outcome;

use crate::{
    drill::checks,
    self_test::fault::{DRILLED, Fault},
};

pub(super) const FAULT: Fault = Fault {
    title: "a rule that Prometheus refuses",
    proves: &checks::LOADED,
    outcome: Outcome::Failed,
    says: "expected type range vector",
    files: &[
        ("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'rate(errors) > 1'}]}]"),
        ("config.yml", "drill: {alerts: [{alert: A, series: [{series: 'errors', healthy: 0, faulty: 9}]}]}"),
    ],
    words: DRILLED,
};
