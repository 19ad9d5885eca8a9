//! An alert that fires without a fault.

use evidence_report::record::Outcome;

use crate::{
    drill::checks,
    self_test::fault::{DRILLED, Fault},
};

pub(super) const FAULT: Fault = Fault {
    title: "an alert that fires without a fault",
    proves: &checks::QUIET,
    outcome: Outcome::Failed,
    says: "before the fault",
    files: &[
        ("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'errors >= 0'}]}]"),
        ("config.yml", "drill: {alerts: [{alert: A, series: [{series: 'errors', healthy: 0, faulty: 9}]}]}"),
    ],
    words: DRILLED,
};
