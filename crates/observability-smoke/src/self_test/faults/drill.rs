//! An alert that rings, and the ways in which alerts do not.

use evidence_report::record::Outcome::{self, Failed, Inconclusive};

use crate::{
    drill::{checks, replay},
    self_test::fault::{Fault, Group, Setting, broken},
};

pub(super) static SETTINGS: &[&Setting] = &[&SETTING, &HOURS];

static HOURS: Setting = Setting {
    group: Group::Drill,
    title: "an alert that rings after two hours",
    files: &[
        (
            "rules.yml",
            "groups: [{name: a, interval: 1m, rules: [{alert: A, expr: 'avg_over_time(depth[1h]) > 50', for: 2h}]}]",
        ),
        (
            "config.yml",
            "drill: {alerts: [{alert: A, series: [{series: depth, healthy: 0, faulty: 100}], objective: 3h}]}",
        ),
    ],
    served: &[],
    words: &[
        "--config",
        "{folder}/config.yml",
        "drill",
        "--replay",
        "--scrape-interval",
        "1m",
        "--rules",
        "{folder}/rules.yml",
        "--alert",
        "A",
    ],
};

static SETTING: Setting = Setting {
    group: Group::Drill,
    title: "an alert that rings",
    files: &[
        (
            "rules.yml",
            "groups: [{name: a, rules: [{alert: A, expr: 'errors{code=\"500\"} > 1', annotations: {summary: 'errors'}}]}]",
        ),
        (
            "config.yml",
            "drill: {alerts: [{alert: A, series: [{series: 'errors{code=\"500\"}', healthy: 0, faulty: 9}]}]}",
        ),
    ],
    served: &[],
    words: &[
        "--config",
        "{folder}/config.yml",
        "drill",
        "--embedded",
        "--rules",
        "{folder}/rules.yml",
        "--alert",
        "A",
    ],
};

const fn fault(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static evidence_report::record::Check,
    outcome: Outcome,
    says: &'static str,
) -> Fault {
    broken(title, &SETTING, breaks, proves, outcome, says)
}

const fn over_hours(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static evidence_report::record::Check,
    says: &'static str,
) -> Fault {
    broken(title, &HOURS, breaks, proves, Failed, says)
}

pub(super) static FAULTS: &[Fault] = &[
    over_hours(
        "a mean of an hour that never comes so high",
        &[("rules.yml", "> 50", "> 150")],
        &checks::PENDING,
        "and the rule asks for > 150",
    ),
    over_hours(
        "a condition that has a gap every hour, under a `for` of two",
        &[("rules.yml", "> 50'", "> 50 and on () (vector(time()) % 3600 < 3000)'")],
        &checks::FIRING,
        "did not hold for `for`",
    ),
    over_hours(
        "a `for` of hours, longer than its objective",
        &[("config.yml", "objective: 3h", "objective: 2h")],
        &checks::TIME_TO_NOTIFY,
        "replayed to the firing",
    ),
    broken(
        "a group whose evaluations look back by an offset, which a replay does not",
        &HOURS,
        &[("rules.yml", "interval: 1m,", "interval: 1m, query_offset: 1m,")],
        &replay::checks::REPLAYED,
        Inconclusive,
        "which is not replayed",
    ),
    fault(
        "a typo in a label's value",
        &[("rules.yml", "code=\"500\"", "code=\"5xx\"")],
        &checks::PENDING,
        Failed,
        "selects no series",
    ),
    fault(
        "a metric that nobody exposes",
        &[("rules.yml", "errors{", "error_total{")],
        &checks::PENDING,
        Failed,
        "selects no series",
    ),
    fault(
        "a threshold that is never reached",
        &[("rules.yml", "> 1", "> 100")],
        &checks::PENDING,
        Failed,
        "and the rule asks for > 100",
    ),
    fault(
        "an alert that fires without a fault",
        &[("rules.yml", "> 1", ">= 0")],
        &checks::QUIET,
        Failed,
        "before the fault",
    ),
    fault(
        "a rule that Prometheus refuses",
        &[("rules.yml", "errors{code=\"500\"} > 1", "rate(errors) > 1")],
        &checks::LOADED,
        Failed,
        "expected type range vector",
    ),
    fault(
        "a template that fails",
        &[("rules.yml", "'errors'", "'{{ query \"sum(\" }}'")],
        &checks::CONTENT,
        Failed,
        "the template of annotation summary fails",
    ),
    fault(
        "a condition that flaps within `for`",
        &[("rules.yml", "> 1'", "> 1 and on () vector(time()) % 3 < 1', for: 4s")],
        &checks::FIRING,
        Failed,
        "",
    ),
    fault(
        "an alert that keeps itself alive",
        &[("rules.yml", "errors{code=\"500\"} > 1", "sum(errors) > 1 or sum(ALERTS{alertname=\"A\"}) > 0")],
        &checks::RESOLVED,
        Failed,
        "",
    ),
    fault(
        "a notification later than its objective",
        &[("config.yml", "faulty: 9}]", "faulty: 9}], objective: 10ms")],
        &checks::TIME_TO_NOTIFY,
        Failed,
        "",
    ),
    fault(
        "an alert for which there are no series",
        &[
            (
                "config.yml",
                "alerts: [{alert: A, series: [{series: 'errors{code=\"500\"}', healthy: 0, faulty: 9}]}]",
                "alerts: []",
            ),
            ("rules.yml", "> 1'", "> 1 and on () hour() > 25'"),
        ],
        &checks::SERIES,
        Inconclusive,
        "hour",
    ),
];
