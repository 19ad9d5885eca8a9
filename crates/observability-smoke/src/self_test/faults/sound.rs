//! An alert that rings.

use evidence_report::record::Outcome;

use crate::{
    drill::checks,
    self_test::fault::{DRILLED, Fault},
};

pub(super) const FAULT: Fault = Fault {
    title: "an alert that rings",
    proves: &checks::NOTIFIED,
    outcome: Outcome::Passed,
    says: "",
    files: &[
        ("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'errors > 1'}]}]"),
        ("config.yml", "drill: {alerts: [{alert: A, series: [{series: 'errors', healthy: 0, faulty: 9}]}]}"),
    ],
    words: DRILLED,
};
