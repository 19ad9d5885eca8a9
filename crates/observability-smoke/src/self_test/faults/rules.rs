//! Rules that are written well, and the ways in which they are not.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed, Warned},
};

use crate::{
    review::checks,
    self_test::fault::{Fault, Group, Setting, broken},
};

/// Rules that the join's setting uses too.
pub(super) const RULES: &str = r#"groups:
- name: api
  interval: 30s
  rules:
  - record: job:errors:ratio_rate1h
    expr: sum by (job) (rate(requests_total{code=~"5.."}[1h])) / sum by (job) (rate(requests_total[1h]))
  - record: job:errors:ratio_rate5m
    expr: sum by (job) (rate(requests_total{code=~"5.."}[5m])) / sum by (job) (rate(requests_total[5m]))
  - alert: ApiErrorBudgetBurn
    expr: |
      job:errors:ratio_rate1h > (14.4 * 0.001)
      and job:errors:ratio_rate5m > (14.4 * 0.001)
      and sum by (job) (rate(requests_total[5m])) > 1
    for: 2m
    labels: {severity: critical, service: api}
    annotations:
      summary: '{{ $labels.job }} burns its error budget'
      runbook_url: runbooks/api.md
  - alert: ApiTrafficGone
    expr: absent(requests_total{job="api"})
    for: 5m
    labels: {severity: critical, service: api}
    annotations:
      summary: 'no requests are counted'
      runbook_url: runbooks/api.md
- name: queue
  rules:
  - alert: QueueDeep
    expr: queue_depth{queue="mail"} > 100
    for: 5m
    labels: {severity: warning, service: queue}
    annotations:
      summary: 'queue {{ $labels.queue }} is deep'
      runbook_url: runbooks/queue.md
"#;

/// Routes that the join's setting uses too.
pub(super) const ROUTES: &str = r#"route:
  receiver: tickets
  routes:
  - {matchers: ['severity="critical"'], receiver: pager}
receivers:
- {name: tickets, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}
- {name: pager, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}
inhibit_rules:
- {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [region]}
"#;

/// Runbooks, by their names in the annotations.
pub(super) const PAGE: &str = "# Runbook\n\n## First five minutes\n\nLook.\n";

const TESTS: &str = r#"rule_files: [rules.yml]
evaluation_interval: 30s
tests:
- interval: 1m
  input_series:
  - {series: 'queue_depth{queue="mail"}', values: '3x5 500x20'}
  - {series: 'requests_total{job="api",code="200"}', values: '0+600x30'}
  - {series: 'requests_total{job="api",code="500"}', values: '0+300x30'}
  alert_rule_test:
  - {eval_time: 4m, alertname: QueueDeep, exp_alerts: []}
  - eval_time: 15m
    alertname: QueueDeep
    exp_alerts:
    - exp_labels: {severity: warning, service: queue, queue: mail}
      exp_annotations: {summary: queue mail is deep, runbook_url: runbooks/queue.md}
  - {eval_time: 15m, alertname: ApiTrafficGone, exp_alerts: []}
  - eval_time: 16m
    alertname: ApiErrorBudgetBurn
    exp_alerts:
    - exp_labels: {severity: critical, service: api, job: api}
      exp_annotations: {summary: api burns its error budget, runbook_url: runbooks/api.md}
- interval: 1m
  input_series: []
  alert_rule_test:
  - {eval_time: 10m, alertname: ApiErrorBudgetBurn, exp_alerts: []}
  - eval_time: 10m
    alertname: ApiTrafficGone
    exp_alerts:
    - exp_labels: {severity: critical, service: api, job: api}
      exp_annotations: {summary: no requests are counted, runbook_url: runbooks/api.md}
"#;

/// What the policy asks; in the setting with unit tests they are named on the command line.
const POLICY: &str = r#"rules:
  labels: [severity, service]
  annotations: [summary, runbook_url]
  severities: [critical, warning]
  runbook_root: {folder}
  runbook_sections: ['^First five minutes']
  families:
  - {family: error budget, alert: '.*Budget.*'}
  - {family: queue lag, alert: 'Queue.*', labels: {service: queue}}
  alertmanager_config: {folder}/alertmanager.yml
  routes:
  - {labels: {severity: critical, service: api}, receivers: [pager]}
"#;

pub(super) static SETTINGS: &[&Setting] = &[&SETTING, &UNTESTED];

static SETTING: Setting = Setting {
    group: Group::Rules,
    title: "rules, unit tests, runbooks and routes that are right",
    files: &[
        ("rules.yml", RULES),
        ("tests.yml", TESTS),
        ("config.yml", POLICY),
        ("alertmanager.yml", ROUTES),
        ("runbooks/api.md", PAGE),
        ("runbooks/queue.md", PAGE),
    ],
    served: &[],
    words: &[
        "--config",
        "{folder}/config.yml",
        "rules",
        "{folder}/rules.yml",
        "--unit-tests",
        "{folder}/tests.yml",
    ],
};

/// The same without unit tests, which would break beside what is meant.
static UNTESTED: Setting = Setting {
    group: Group::Rules,
    title: "rules, runbooks and routes that are right",
    files: &[
        ("rules.yml", RULES),
        ("config.yml", POLICY),
        ("alertmanager.yml", ROUTES),
        ("runbooks/api.md", PAGE),
        ("runbooks/queue.md", PAGE),
    ],
    served: &[],
    words: &["--config", "{folder}/config.yml", "rules", "{folder}/rules.yml"],
};

const fn fault(
    title: &'static str,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static Check,
    outcome: Outcome,
    says: &'static str,
) -> Fault {
    broken(title, &UNTESTED, breaks, proves, outcome, says)
}

pub(super) static FAULTS: &[Fault] = &[
    fault(
        "YAML that does not close what it opens",
        &[("rules.yml", "{severity: warning, service: queue}", "{severity: warning, service: queue")],
        &checks::READABLE,
        Failed,
        "line",
    ),
    fault(
        "a tab instead of blanks",
        &[("rules.yml", "    for: 2m", "\tfor: 2m")],
        &checks::READABLE,
        Failed,
        "line",
    ),
    fault("a mistyped key", &[("rules.yml", "for: 2m", "fro: 2m")], &checks::READABLE, Failed, "fro"),
    fault(
        "`for` that is no duration",
        &[("rules.yml", "for: 2m", "for: 2 minutes")],
        &checks::READABLE,
        Failed,
        "for",
    ),
    fault(
        "a rule that is an alert and a record",
        &[("rules.yml", "  - alert: QueueDeep", "  - record: deep\n    alert: QueueDeep")],
        &checks::READABLE,
        Failed,
        "not both",
    ),
    fault(
        "a key that stands twice",
        &[("rules.yml", "  - alert: QueueDeep", "  - alert: QueueDeep\n    alert: QueueDeep")],
        &checks::READABLE,
        Failed,
        "uplicate",
    ),
    fault(
        "an expression that does not close what it opens",
        &[("rules.yml", "absent(requests_total{job=\"api\"})", "absent(requests_total{job=\"api\"}")],
        &checks::EXPRESSION,
        Failed,
        "",
    ),
    fault(
        "a rate without a range",
        &[(
            "rules.yml",
            "expr: queue_depth{queue=\"mail\"} > 100",
            "expr: rate(queue_depth{queue=\"mail\"}) > 100",
        )],
        &checks::EXPRESSION,
        Failed,
        "",
    ),
    fault(
        "an aggregation that does not exist",
        &[(
            "rules.yml",
            "expr: queue_depth{queue=\"mail\"} > 100",
            "expr: averge(queue_depth{queue=\"mail\"}) > 100",
        )],
        &checks::EXPRESSION,
        Failed,
        "averge",
    ),
    fault(
        "an alert that stands twice",
        &[(
            "rules.yml",
            "- name: queue\n  rules:\n",
            "- name: again\n  rules:\n  - {alert: QueueDeep, expr: 'queue_depth{queue=\"mail\"} > 100', for: 5m, labels: {severity: warning, service: queue}, annotations: {summary: s, runbook_url: runbooks/queue.md}}\n- name: queue\n  rules:\n",
        )],
        &checks::DUPLICATE,
        Failed,
        "stands at",
    ),
    fault(
        "two alerts of one name and labels",
        &[(
            "rules.yml",
            "- name: queue\n  rules:\n",
            "- name: again\n  rules:\n  - {alert: QueueDeep, expr: 'queue_depth{queue=\"mail\"} > 200', for: 5m, labels: {severity: warning, service: queue}, annotations: {summary: s, runbook_url: runbooks/queue.md}}\n- name: queue\n  rules:\n",
        )],
        &checks::DUPLICATE,
        Warned,
        "another expression",
    ),
    fault(
        "a required label that is missing",
        &[("rules.yml", "{severity: critical, service: api}", "{severity: critical}")],
        &checks::LABELS,
        Failed,
        "without service",
    ),
    fault(
        "an annotation that is missing",
        &[("rules.yml", "      summary: 'no requests are counted'\n", "")],
        &checks::ANNOTATIONS,
        Failed,
        "without summary",
    ),
    fault(
        "an annotation that is empty",
        &[("rules.yml", "'no requests are counted'", "''")],
        &checks::ANNOTATIONS,
        Failed,
        "without summary",
    ),
    fault(
        "a severity that the model does not know",
        &[("rules.yml", "severity: warning, service: queue", "severity: warn, service: queue")],
        &checks::SEVERITY,
        Failed,
        "severity warn",
    ),
    fault(
        "`for` below the interval",
        &[("rules.yml", "for: 2m", "for: 10s")],
        &checks::TIMING,
        Warned,
        "below",
    ),
    fault(
        "a page after hours",
        &[("rules.yml", "for: 2m", "for: 2h")],
        &checks::TIMING,
        Warned,
        "more than an hour",
    ),
    fault(
        "a rate over too short a range",
        &[(
            "rules.yml",
            "expr: queue_depth{queue=\"mail\"} > 100",
            "expr: rate(queue_depth{queue=\"mail\"}[15s]) > 100",
        )],
        &checks::TIMING,
        Warned,
        "rate over 15s",
    ),
    fault(
        "a template that is not closed",
        &[("rules.yml", "{{ $labels.queue }}", "{{ $labels.queue")],
        &checks::TEMPLATE,
        Failed,
        "not closed",
    ),
    fault(
        "a template with a function that does not exist",
        &[("rules.yml", "{{ $labels.queue }}", "{{ $value | humanise }}")],
        &checks::TEMPLATE,
        Failed,
        "humanise",
    ),
    fault(
        "a template with a label that is aggregated away",
        &[("rules.yml", "{{ $labels.job }}", "{{ $labels.code }}")],
        &checks::TEMPLATE,
        Warned,
        "empty for code",
    ),
    fault(
        "a runbook that does not exist",
        &[("rules.yml", "runbooks/queue.md", "runbooks/queues.md")],
        &checks::RUNBOOK,
        Failed,
        "No such file",
    ),
    fault(
        "a runbook that lacks a section",
        &[("runbooks/queue.md", "## First five minutes", "## Background")],
        &checks::RUNBOOK,
        Failed,
        "no section",
    ),
    fault(
        "a runbook outside of its folder",
        &[("rules.yml", "runbooks/queue.md", "../../../etc/hostname")],
        &checks::RUNBOOK,
        Failed,
        "leads out",
    ),
    fault(
        "a runbook without the heading that is linked",
        &[("rules.yml", "runbooks/queue.md", "runbooks/queue.md#mend")],
        &checks::RUNBOOK,
        Failed,
        "no heading",
    ),
    fault(
        "a burn factor that fits no share",
        &[("rules.yml", "14.4 * 0.001", "144 * 0.001")],
        &checks::BURN_RATE,
        Failed,
        "144 over 1h",
    ),
    fault(
        "a burn-rate alert without a short window",
        &[("rules.yml", "      and job:errors:ratio_rate5m > (14.4 * 0.001)\n", "")],
        &checks::BURN_RATE,
        Warned,
        "only the window",
    ),
    fault(
        "a burn-rate alert without a least traffic",
        &[("rules.yml", "      and sum by (job) (rate(requests_total[5m])) > 1\n", "")],
        &checks::BURN_TRAFFIC,
        Warned,
        "no least traffic",
    ),
    fault(
        "a ratio that goes empty with the traffic",
        &[("rules.yml", "absent(requests_total{job=\"api\"})", "up{job=\"api\"} == 0")],
        &checks::BURN_TRAFFIC,
        Warned,
        "no alert with absent()",
    ),
    fault(
        "a family without an alert",
        &[("rules.yml", "QueueDeep", "MailDeep")],
        &checks::COVERAGE,
        Failed,
        "no alert",
    ),
    broken(
        "a unit test that fails",
        &SETTING,
        &[("tests.yml", "3x5 500x20", "3x5 50x20")],
        &checks::UNIT_TESTS,
        Failed,
        "QueueDeep",
    ),
    broken(
        "an alert without a case in which it is quiet",
        &SETTING,
        &[("tests.yml", "  - {eval_time: 4m, alertname: QueueDeep, exp_alerts: []}\n", "")],
        &checks::TESTED,
        Warned,
        "none in which it must not",
    ),
    broken(
        "an alert without a case in which it fires",
        &SETTING,
        &[(
            "tests.yml",
            "  - eval_time: 10m\n    alertname: ApiTrafficGone\n    exp_alerts:\n    - exp_labels: {severity: critical, service: api, job: api}\n      exp_annotations: {summary: no requests are counted, runbook_url: runbooks/api.md}\n",
            "",
        )],
        &checks::TESTED,
        Warned,
        "none in which it must fire",
    ),
    fault(
        "a route to a receiver that does not exist",
        &[("alertmanager.yml", "receiver: pager}", "receiver: pagre}")],
        &checks::ROUTES_READABLE,
        Failed,
        "pagre",
    ),
    fault(
        "a matcher that is none",
        &[("alertmanager.yml", "['severity=\"critical\"'], receiver", "['severity critical'], receiver")],
        &checks::ROUTES_READABLE,
        Failed,
        "",
    ),
    fault(
        "labels that take the wrong route",
        &[(
            "alertmanager.yml",
            "['severity=\"critical\"'], receiver",
            "['severity=\"critical\"', 'team=\"api\"'], receiver",
        )],
        &checks::ROUTES_EXPECTED,
        Failed,
        "tickets",
    ),
    fault(
        "a receiver that nothing reaches",
        &[(
            "alertmanager.yml",
            "receivers:\n",
            "receivers:\n- {name: chat, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}\n",
        )],
        &checks::ROUTES_UNREACHED,
        Warned,
        "no alert",
    ),
    fault(
        "an inhibit rule without a source",
        &[(
            "alertmanager.yml",
            "source_matchers: ['severity=\"critical\"']",
            "source_matchers: ['severity=\"crit\"']",
        )],
        &checks::ROUTES_UNREACHED,
        Warned,
        "source",
    ),
    fault(
        "a dead route",
        &[(
            "alertmanager.yml",
            "{name: pager, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}",
            "{name: pager}",
        )],
        &checks::ROUTE,
        Failed,
        "nobody is told",
    ),
];
