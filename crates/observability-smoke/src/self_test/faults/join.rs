//! Alerts that would reach somebody, as Prometheus and Alertmanager say, and the ways in which they stop before.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed, Inconclusive, Warned},
};

use super::rules_setting::{PAGE, ROUTES, RULES};
use crate::{
    review::checks,
    self_test::fault::{Fault, Group, Lie, Setting, broken, json},
};

const LOADED: &str = r#"{"status":"success","data":{"groups":[{"name":"api","rules":[
{"name":"ApiErrorBudgetBurn","type":"alerting","query":"job:errors:ratio_rate1h > (14.4 * 0.001) and job:errors:ratio_rate5m > (14.4 * 0.001) and sum by (job) (rate(requests_total[5m])) > 1","duration":120,"labels":{"severity":"critical","service":"api"},"annotations":{"summary":"{{ $labels.job }} burns its error budget","runbook_url":"runbooks/api.md"},"health":"ok","lastError":""},
{"name":"ApiTrafficGone","type":"alerting","query":"absent(requests_total{job=\"api\"})","duration":300,"labels":{"severity":"critical","service":"api"},"annotations":{"summary":"no requests are counted","runbook_url":"runbooks/api.md"},"health":"ok","lastError":""},
{"name":"QueueDeep","type":"alerting","query":"queue_depth{queue=\"mail\"} > 100","duration":300,"labels":{"severity":"warning","service":"queue"},"annotations":{"summary":"queue {{ $labels.queue }} is deep","runbook_url":"runbooks/queue.md"},"health":"ok","lastError":""}]}]}}"#;

const SERIES: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"api","queue":"mail"},"value":[0,"1"]}]}}"#;

/// What `/api/v2/status` says, with [`ROUTES`] as Alertmanager holds them.
const STATUS: &str = r#"{"config":{"original":"route:\n  receiver: tickets\n  routes:\n  - {matchers: ['severity=\"critical\"'], receiver: pager}\nreceivers:\n- {name: tickets, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}\n- {name: pager, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}\ninhibit_rules:\n- {source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], equal: [region]}\n"}}"#;

pub(super) static SETTINGS: &[&Setting] = &[&SETTING];

static SETTING: Setting = Setting {
    group: Group::Join,
    title: "alerts that would reach somebody",
    files: &[
        ("rules.yml", RULES),
        ("alertmanager.yml", ROUTES),
        ("config.yml", "rules: {labels: [severity], runbook_root: '{folder}'}"),
        ("runbooks/api.md", PAGE),
        ("runbooks/queue.md", PAGE),
        ("loaded.json", LOADED),
        (
            "status.json",
            r#"{"status":"success","data":{"yaml":"global:\n  external_labels:\n    region: eu\n"}}"#,
        ),
        (
            "alertmanagers.json",
            r#"{"status":"success","data":{"activeAlertmanagers":[{"url":"http://{server}/alertmanager/api/v2/alerts"}]}}"#,
        ),
        ("active.json", r#"{"status":"success","data":{"alerts":[]}}"#),
        ("series.json", SERIES),
        ("queue.json", SERIES),
        ("count.json", SERIES),
        ("alertmanager.json", STATUS),
        ("silences.json", "[]"),
        ("alerts.json", "[]"),
    ],
    served: &[
        json("/prometheus/api/v1/rules", "loaded.json"),
        json("/prometheus/api/v1/status/config", "status.json"),
        json("/prometheus/api/v1/alertmanagers", "alertmanagers.json"),
        json("/prometheus/api/v1/alerts", "active.json"),
        json("/prometheus/api/v1/query", "count.json").asking("count("),
        json("/prometheus/api/v1/query", "queue.json").asking("queue_depth"),
        json("/prometheus/api/v1/query", "series.json"),
        json("/alertmanager/api/v2/status", "alertmanager.json"),
        json("/alertmanager/api/v2/silences", "silences.json"),
        json("/alertmanager/api/v2/alerts", "alerts.json"),
    ],
    words: &[
        "--config",
        "{folder}/config.yml",
        "rules",
        "{folder}/rules.yml",
        "--prometheus",
        "http://{server}/prometheus",
        "--alertmanager",
        "http://{server}/alertmanager",
    ],
};

const fn fault(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static Check,
    outcome: Outcome,
    says: &'static str,
) -> Fault {
    broken(title, &SETTING, breaks, proves, outcome, says)
}

const ONE: &str = r#"{"metric":{"job":"api","queue":"mail"},"value":[0,"1"]}"#;

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "a metric that has no series at all",
        &[("queue.json", ONE, ""), ("count.json", ONE, "")],
        &checks::SERIES,
        Failed,
        "no series at all for queue_depth",
    ),
    fault(
        "a selector that matches nothing now",
        &[("queue.json", ONE, "")],
        &checks::SERIES,
        Warned,
        "nothing matches queue_depth",
    ),
    fault(
        "a question about series that fails",
        &[(
            "queue.json",
            r#"{"status":"success","data""#,
            r#"{"status":"error","errorType":"timeout","error":"too slow","was""#,
        )],
        &checks::SERIES,
        Inconclusive,
        "too slow",
    ),
    fault(
        "a rule that is not loaded",
        &[("loaded.json", "QueueDeep", "QueueLong")],
        &checks::LOADED,
        Failed,
        "has not loaded the rule",
    ),
    fault(
        "a rule that is loaded with other labels",
        &[("loaded.json", r#""severity":"warning""#, r#""severity":"info""#)],
        &checks::LOADED,
        Failed,
        "other labels",
    ),
    fault(
        "a rule whose evaluation fails",
        &[(
            "loaded.json",
            r#""runbook_url":"runbooks/queue.md"},"health":"ok","lastError":"""#,
            r#""runbook_url":"runbooks/queue.md"},"health":"err","lastError":"many-to-many matching""#,
        )],
        &checks::LOADED,
        Failed,
        "many-to-many",
    ),
    fault(
        "a rule that was never evaluated",
        &[(
            "loaded.json",
            r#""runbook_url":"runbooks/queue.md"},"health":"ok""#,
            r#""runbook_url":"runbooks/queue.md"},"health":"unknown""#,
        )],
        &checks::LOADED,
        Inconclusive,
        "not evaluated yet",
    ),
    fault(
        "a rule that is loaded with another threshold",
        &[("loaded.json", r"} > 100", r"} > 100000")],
        &checks::LOADED,
        Failed,
        "loaded otherwise than written",
    ),
    fault(
        "a rule that is loaded with another `for`",
        &[("loaded.json", r#""duration":120"#, r#""duration":3600"#)],
        &checks::LOADED,
        Failed,
        "for: written 120 s",
    ),
    fault(
        "a Prometheus without `alerting:`",
        &[("alertmanagers.json", r#"{"url":"http://{server}/alertmanager/api/v2/alerts"}"#, "")],
        &checks::SENT,
        Failed,
        "sends to no Alertmanager",
    ),
    fault(
        "an alert that Prometheus drops",
        &[(
            "status.json",
            r"region: eu\n",
            r"region: eu\nalerting:\n  alert_relabel_configs:\n  - {source_labels: [service], regex: queue, action: drop}\n",
        )],
        &checks::SENT,
        Failed,
        "drops it by alert_relabel_configs",
    ),
    fault(
        "another Alertmanager than the one that is sent to",
        &[("alertmanagers.json", "http://{server}/", "http://alertmanager.example:9093/")],
        &checks::SENT,
        Warned,
        "alertmanager.example",
    ),
    fault(
        "a receiver without integrations",
        &[(
            "alertmanager.json",
            "{name: pager, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}",
            "{name: pager}",
        )],
        &checks::ROUTE,
        Failed,
        "nobody is told",
    ),
    fault(
        "a silence over an alert",
        &[(
            "silences.json",
            "[]",
            r#"[{"id":"s1","status":{"state":"active"},"matchers":[{"name":"queue","value":"ma.*","isRegex":true,"isEqual":true}]}]"#,
        )],
        &checks::MUTED,
        Failed,
        "silenced now by s1",
    ),
    fault(
        "a silence whose pattern cannot be read here",
        &[(
            "silences.json",
            "[]",
            r#"[{"id":"s1","status":{"state":"active"},"matchers":[{"name":"queue","value":"\\Qx","isRegex":true,"isEqual":true}]}]"#,
        )],
        &checks::MUTED,
        Inconclusive,
        "1 silence has a pattern that cannot be read here",
    ),
    fault(
        "an alert that inhibits another",
        &[(
            "alerts.json",
            "[]",
            r#"[{"labels":{"alertname":"RegionDown","severity":"critical","region":"eu"}}]"#,
        )],
        &checks::MUTED,
        Failed,
        "inhibited now by the firing RegionDown",
    ),
    fault(
        "routes that are silent all week",
        &[
            (
                "alertmanager.json",
                r"receiver: pager}\n",
                r"receiver: pager, mute_time_intervals: [always]}\n",
            ),
            (
                "alertmanager.json",
                r"route:\n",
                r"time_intervals: [{name: always, time_intervals: [{}]}]\nroute:\n",
            ),
        ],
        &checks::MUTED,
        Warned,
        "silent now",
    ),
    fault(
        "a runbook that is missing at the end of the way",
        &[("rules.yml", "runbooks/queue.md", "runbooks/gone.md")],
        &checks::RUNBOOK,
        Failed,
        "runbooks/gone.md",
    ),
    fault(
        "a configuration that nobody understands",
        &[("alertmanager.json", "receiver: pager}", "receiver: pagre}")],
        &checks::SERVERS,
        Inconclusive,
        "not understood",
    ),
    fault("a Prometheus that fails", &[], &checks::SERVERS, Inconclusive, "status 500")
        .lying(&[("/prometheus/api/v1/rules", Lie::Status(500))]),
    fault(
        "a login page instead of Prometheus",
        &[],
        &checks::SERVERS,
        Inconclusive,
        "no answer of Prometheus' API",
    )
    .lying(&[("/prometheus/api/v1/rules", Lie::Page)]),
    fault("an Alertmanager that breaks off", &[], &checks::SERVERS, Inconclusive, "cut off")
        .lying(&[("/alertmanager/api/v2/status", Lie::Cut)]),
    fault("an Alertmanager that redirects in a circle", &[], &checks::SERVERS, Inconclusive, "redirects")
        .lying(&[("/alertmanager/api/v2/silences", Lie::Loop)]),
    fault("an Alertmanager that never ends", &[], &checks::SERVERS, Inconclusive, "longer than")
        .lying(&[("/alertmanager/api/v2/alerts", Lie::Endless)]),
];
