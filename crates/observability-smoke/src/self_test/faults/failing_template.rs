//! A template that fails.

use evidence_report::record::Outcome;

use crate::{
    drill::checks,
    self_test::fault::{DRILLED, Fault},
};

pub(super) const FAULT: Fault = Fault {
    title: "a template that fails",
    proves: &checks::CONTENT,
    outcome: Outcome::Failed,
    says: "the template of annotation summary fails",
    files: &[
        (
            "rules.yml",
            "groups: [{name: a, rules: [{alert: A, expr: 'errors > 1', annotations: {summary: '{{ query \"sum(\" }}'}}]}]",
        ),
        ("config.yml", "drill: {alerts: [{alert: A, series: [{series: 'errors', healthy: 0, faulty: 9}]}]}"),
    ],
    words: DRILLED,
};
