//! A Prometheus that is as it should be, and the ways in which it is not.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed, NotChecked, Warned},
    Requirement,
};

use crate::{
    checks::{
        PROMETHEUS_QUERY, PROMETHEUS_READY, PROMETHEUS_RULE_HEALTH, PROMETHEUS_RULES, PROMETHEUS_TARGETS,
    },
    probes::checks::{
        PROMETHEUS_ALERTMANAGERS, PROMETHEUS_CONFIG, PROMETHEUS_NOTIFICATIONS, PROMETHEUS_RULE_DRIFT,
        PROMETHEUS_RULE_FRESHNESS, PROMETHEUS_VERSION,
    },
    self_test::fault::{Fault, Group, Lie, Setting, broken, json},
};

const CONFIG: &str = r#"prometheus:
- name: main
  url: http://{server}
  min_version: '2.42'
  alertmanagers: 1
  watch: 50ms
  jobs: [{job: api, at_least: 2}]
  rules: {loaded: [QueueDeep], manifests: ['{folder}/rules.yml']}
  queries:
  - {expr: 'sum(up)', expect: holds, min: 2}
  - {expr: 'depth > 1000', expect: does_not_hold}
"#;

const RULES: &str = "groups: [{name: queue, interval: 30s, rules: [{alert: QueueDeep, expr: 'depth > 100', for: 5m, labels: {severity: warning}}]}]";

const LOADED: &str = r#"{"status":"success","data":{"groups":[{"name":"queue","interval":30,"evaluationTime":0.01,"lastEvaluation":"2026-01-01T00:00:00Z","rules":[{"name":"QueueDeep","type":"alerting","query":"depth > 100","duration":300,"labels":{"severity":"warning"},"annotations":{},"health":"ok","lastError":""}]}]}}"#;

const TARGETS: &str = r#"{"status":"success","data":{"activeTargets":[{"labels":{"job":"api","instance":"a"},"scrapeUrl":"http://a/metrics","health":"up","lastError":""},{"labels":{"job":"api","instance":"b"},"scrapeUrl":"http://b/metrics","health":"up","lastError":""}]}}"#;

const OWN: &str = "# TYPE prometheus_config_last_reload_successful gauge\nprometheus_config_last_reload_successful 1\n# TYPE prometheus_notifications_sent_total counter\nprometheus_notifications_sent_total 5\n# TYPE prometheus_notifications_errors_total counter\nprometheus_notifications_errors_total 2\n# TYPE prometheus_notifications_dropped_total counter\nprometheus_notifications_dropped_total 1\n# TYPE prometheus_rule_evaluation_failures_total counter\nprometheus_rule_evaluation_failures_total 3\n";

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
const TWO: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1767225610,"2"]}]}}"#;

pub(super) static SETTINGS: &[&Setting] = &[&SETTING];

static SETTING: Setting = Setting {
    group: Group::Run,
    title: "a Prometheus that is right",
    files: &[
        ("config.yml", CONFIG),
        ("rules.yml", RULES),
        ("ready.txt", "ready"),
        ("version.json", r#"{"status":"success","data":{"version":"3.4.0"}}"#),
        ("targets.json", TARGETS),
        ("loaded.json", LOADED),
        (
            "time.json",
            r#"{"status":"success","data":{"resultType":"scalar","result":[1767225610,"1767225610"]}}"#,
        ),
        ("count.json", TWO),
        ("deep.json", EMPTY),
        ("up.json", TWO),
        (
            "alertmanagers.json",
            r#"{"status":"success","data":{"activeAlertmanagers":[{"url":"http://am/api/v2/alerts"}],"droppedAlertmanagers":[]}}"#,
        ),
        ("own.txt", OWN),
        ("later.txt", OWN),
        ("status.json", r#"{"status":"success","data":{"yaml":"global: {}\n"}}"#),
    ],
    served: &[
        json("/-/ready", "ready.txt"),
        json("/api/v1/status/buildinfo", "version.json"),
        json("/api/v1/targets", "targets.json"),
        json("/api/v1/rules", "loaded.json"),
        json("/api/v1/query", "time.json").asking("query=time()"),
        json("/api/v1/query", "count.json").asking("count("),
        json("/api/v1/query", "deep.json").asking("depth"),
        json("/api/v1/query", "up.json"),
        json("/api/v1/alertmanagers", "alertmanagers.json"),
        json("/metrics", "own.txt").with("Content-Type: text/plain; version=0.0.4\r\n").then("later.txt"),
        json("/api/v1/status/config", "status.json"),
    ],
    words: &["--config", "{folder}/config.yml", "run"],
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

const SOON: &[(&str, &str, &str)] = &[("config.yml", "  watch: 50ms\n", "  watch: 50ms\n  timeout: 300ms\n")];

pub(super) static FAULTS: &[Fault] = &[
    fault("a Prometheus that is not ready", &[], &PROMETHEUS_READY, Failed, "status 503")
        .lying(&[("/-/ready", Lie::Status(503))]),
    fault(
        "a Prometheus that is gone",
        &[("config.yml", "{server}", "{closed}")],
        &PROMETHEUS_READY,
        Failed,
        "no connection",
    ),
    fault("a Prometheus that never answers", SOON, &PROMETHEUS_READY, Failed, "within 0.3 s")
        .lying(&[("/-/ready", Lie::Silence)]),
    fault(
        "a Prometheus that is too old",
        &[("version.json", "3.4.0", "2.31.0")],
        &PROMETHEUS_VERSION,
        Failed,
        "2.31.0",
    ),
    fault(
        "a Prometheus that does not say its version",
        &[],
        &PROMETHEUS_VERSION,
        NotChecked(Requirement::Required),
        "",
    )
    .lying(&[("/api/v1/status/buildinfo", Lie::Status(404))]),
    fault(
        "a target that is down",
        &[(
            "targets.json",
            r#""scrapeUrl":"http://b/metrics","health":"up","lastError":"""#,
            r#""scrapeUrl":"http://b/metrics","health":"down","lastError":"connection refused""#,
        )],
        &PROMETHEUS_TARGETS,
        Failed,
        "connection refused",
    ),
    fault(
        "a job without targets",
        &[("targets.json", r#""job":"api""#, r#""job":"apis""#)],
        &PROMETHEUS_TARGETS,
        Failed,
        "no such target",
    ),
    fault("targets that are no JSON", &[], &PROMETHEUS_TARGETS, Failed, "no answer of Prometheus' API")
        .lying(&[("/api/v1/targets", Lie::Page)]),
    fault("targets that break off", &[], &PROMETHEUS_TARGETS, Failed, "cut off")
        .lying(&[("/api/v1/targets", Lie::Cut)]),
    fault("targets that never end", &[], &PROMETHEUS_TARGETS, Failed, "longer than")
        .lying(&[("/api/v1/targets", Lie::Endless)]),
    fault(
        "a rule that is not loaded",
        &[("config.yml", "loaded: [QueueDeep]", "loaded: [QueueDeep, QueueGone]")],
        &PROMETHEUS_RULES,
        Failed,
        "not among",
    ),
    fault("rules that fail to be told", &[], &PROMETHEUS_RULES, Failed, "status 500")
        .lying(&[("/api/v1/rules", Lie::Status(500))]),
    fault(
        "a rule that fails",
        &[(
            "loaded.json",
            r#""health":"ok","lastError":"""#,
            r#""health":"err","lastError":"many-to-many matching""#,
        )],
        &PROMETHEUS_RULE_HEALTH,
        Failed,
        "many-to-many",
    ),
    fault(
        "a threshold that was changed by hand",
        &[("loaded.json", "depth > 100", "depth > 1000")],
        &PROMETHEUS_RULE_DRIFT,
        Failed,
        "depth > 1000",
    ),
    fault(
        "a `for` that was never deployed",
        &[("loaded.json", r#""duration":300"#, r#""duration":60"#)],
        &PROMETHEUS_RULE_DRIFT,
        Failed,
        "60 s",
    ),
    fault(
        "a label that was never deployed",
        &[("loaded.json", r#"{"severity":"warning"}"#, "{}")],
        &PROMETHEUS_RULE_DRIFT,
        Failed,
        "none",
    ),
    fault(
        "a group that stands in no manifest",
        &[(
            "loaded.json",
            r#"{"groups":["#,
            r#"{"groups":[{"name":"other","interval":30,"lastEvaluation":"2026-01-01T00:00:00Z","rules":[]},"#,
        )],
        &PROMETHEUS_RULE_DRIFT,
        Failed,
        "loaded",
    ),
    fault(
        "rules that are not evaluated any more",
        &[("loaded.json", "2026-01-01T00:00:00Z", "2025-12-31T23:00:00Z")],
        &PROMETHEUS_RULE_FRESHNESS,
        Failed,
        "s ago",
    ),
    fault(
        "rules that take longer than their interval",
        &[("loaded.json", r#""evaluationTime":0.01"#, r#""evaluationTime":45"#)],
        &PROMETHEUS_RULE_FRESHNESS,
        Warned,
        "45.0 s",
    ),
    fault(
        "notifications that fail",
        &[("later.txt", "errors_total 2", "errors_total 4")],
        &PROMETHEUS_NOTIFICATIONS,
        Failed,
        "2 of 0",
    ),
    fault(
        "notifications that are dropped",
        &[("later.txt", "dropped_total 1", "dropped_total 2")],
        &PROMETHEUS_NOTIFICATIONS,
        Failed,
        "1 of 0",
    ),
    fault(
        "evaluations that fail",
        &[("later.txt", "failures_total 3", "failures_total 4")],
        &PROMETHEUS_NOTIFICATIONS,
        Failed,
        "1 evaluations failed",
    ),
    fault(
        "no Alertmanager",
        &[("alertmanagers.json", r#"{"url":"http://am/api/v2/alerts"}"#, "")],
        &PROMETHEUS_ALERTMANAGERS,
        Failed,
        "0 discovered",
    ),
    fault(
        "a reload that failed",
        &[("own.txt", "successful 1", "successful 0")],
        &PROMETHEUS_CONFIG,
        Failed,
        "it failed",
    ),
    fault(
        "an expression that holds and should not",
        &[("deep.json", r#""result":[]"#, r#""result":[{"metric":{},"value":[0,"1"]}]"#)],
        &PROMETHEUS_QUERY,
        Failed,
        "it holds",
    ),
    fault(
        "a condition whose series are gone",
        &[("count.json", r#"[{"metric":{},"value":[1767225610,"2"]}]"#, "[]")],
        &PROMETHEUS_QUERY,
        Failed,
        "no series",
    ),
    fault(
        "a value out of its bounds",
        &[("up.json", "\"2\"", "\"1\"")],
        &PROMETHEUS_QUERY,
        Failed,
        "a value of 1",
    ),
];
