//! A metric that nobody exposes.

use evidence_report::record::Outcome;

use crate::{
    drill::checks,
    self_test::fault::{DRILLED, Fault},
};

pub(super) const FAULT: Fault = Fault {
    title: "a metric that nobody exposes",
    proves: &checks::PENDING,
    outcome: Outcome::Failed,
    says: "selects no series",
    files: &[
        ("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'error_total > 1'}]}]"),
        (
            "config.yml",
            "drill: {alerts: [{alert: A, series: [{series: 'errors_total', healthy: 0, faulty: 9}]}]}",
        ),
    ],
    words: DRILLED,
};
