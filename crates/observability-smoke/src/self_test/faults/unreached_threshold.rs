//! A threshold that is never reached.

use evidence_report::record::Outcome;

use crate::{
    drill::checks,
    self_test::fault::{DRILLED, Fault},
};

pub(super) const FAULT: Fault = Fault {
    title: "a threshold that is never reached",
    proves: &checks::PENDING,
    outcome: Outcome::Failed,
    says: "and the rule asks for > 100",
    files: &[
        ("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'errors > 100'}]}]"),
        ("config.yml", "drill: {alerts: [{alert: A, series: [{series: 'errors', healthy: 0, faulty: 9}]}]}"),
    ],
    words: DRILLED,
};
