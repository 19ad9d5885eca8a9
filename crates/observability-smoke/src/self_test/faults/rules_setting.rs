//! Rules, unit tests, runbooks and routes that are right: what the faults of `rules` and of the join are made of.

use crate::self_test::fault::{Group, Setting};

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

pub(super) static SETTING: Setting = Setting {
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
pub(super) static UNTESTED: Setting = Setting {
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
