//! A typo in a label's value.

use evidence_report::record::Outcome;

use crate::{
    drill::checks,
    self_test::fault::{DRILLED, Fault},
};

pub(super) const FAULT: Fault = Fault {
    title: "a typo in a label's value",
    proves: &checks::PENDING,
    outcome: Outcome::Failed,
    says: "selects no series",
    files: &[
        ("rules.yml", "groups: [{name: a, rules: [{alert: A, expr: 'errors{code=\"5xx\"} > 1'}]}]"),
        (
            "config.yml",
            "drill: {alerts: [{alert: A, series: [{series: 'errors{code=\"500\"}', healthy: 0, faulty: 9}]}]}",
        ),
    ],
    words: DRILLED,
};
