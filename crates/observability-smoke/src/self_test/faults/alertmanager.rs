//! An Alertmanager that is as it should be, and the ways in which it is not.

use evidence_report::record::{
    Check,
    Outcome::{self, Failed, NotChecked},
    Requirement,
};

use crate::{
    probes::checks::{
        ALERTMANAGER_CLUSTER, ALERTMANAGER_MUTED, ALERTMANAGER_READY, ALERTMANAGER_RECEIVERS,
        ALERTMANAGER_SILENCES, ALERTMANAGER_VERSION,
    },
    self_test::fault::{Fault, Group, Lie, Setting, broken, json},
};

const CONFIG: &str = r#"alertmanager:
- name: main
  url: http://{server}
  min_version: '0.25'
  members: 2
  receivers: [pager]
  silences:
    must_exist: [{alertname: Watchdog}]
    must_not_exist: [{severity: critical, job: api}]
    longest: 72h
  never_muted: [{severity: critical}]
"#;

const STATUS: &str = r#"{"cluster":{"status":"ready","peers":[{},{}]},"config":{"original":"route: {receiver: pager}"},"versionInfo":{"version":"0.27.0"}}"#;

const SILENCES: &str = r#"[{"id":"s1","status":{"state":"active"},"matchers":[{"name":"alertname","value":"Watchdog","isRegex":false,"isEqual":true}],"endsAt":"{soon}"}]"#;

const ALERTS: &str = r#"[{"labels":{"alertname":"ApiDown","severity":"critical","job":"api"},"status":{"state":"active","silencedBy":[],"inhibitedBy":[]}}]"#;

pub(super) static SETTINGS: &[&Setting] = &[&SETTING];

static SETTING: Setting = Setting {
    group: Group::Run,
    title: "an Alertmanager that is right",
    files: &[
        ("config.yml", CONFIG),
        ("ready.txt", "OK"),
        ("status.json", STATUS),
        ("receivers.json", r#"[{"name":"pager"},{"name":"chat"}]"#),
        ("silences.json", SILENCES),
        ("alerts.json", ALERTS),
    ],
    served: &[
        json("/-/ready", "ready.txt"),
        json("/api/v2/status", "status.json"),
        json("/api/v2/receivers", "receivers.json"),
        json("/api/v2/silences", "silences.json"),
        json("/api/v2/alerts", "alerts.json"),
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

const SOON: &[(&str, &str, &str)] = &[("config.yml", "  members: 2\n", "  members: 2\n  timeout: 300ms\n")];

pub(super) static FAULTS: &[Fault] = &[
    fault("an Alertmanager that is not ready", &[], &ALERTMANAGER_READY, Failed, "status 503")
        .lying(&[("/-/ready", Lie::Status(503))]),
    fault("an Alertmanager that never answers", SOON, &ALERTMANAGER_READY, Failed, "within 0.3 s")
        .lying(&[("/-/ready", Lie::Silence)]),
    fault(
        "an Alertmanager that is too old",
        &[("status.json", "0.27.0", "0.19.0")],
        &ALERTMANAGER_VERSION,
        Failed,
        "0.19.0",
    ),
    fault(
        "a cluster that lost a member",
        &[("status.json", "[{},{}]", "[{}]")],
        &ALERTMANAGER_CLUSTER,
        Failed,
        "1 member",
    ),
    fault(
        "a cluster that settles",
        &[("status.json", "\"ready\"", "\"settling\"")],
        &ALERTMANAGER_CLUSTER,
        NotChecked(Requirement::Required),
        "settling",
    ),
    fault("a status that is no JSON", &[], &ALERTMANAGER_CLUSTER, Failed, "no answer of this API")
        .lying(&[("/api/v2/status", Lie::Page)]),
    fault(
        "a receiver that was never deployed",
        &[("receivers.json", "pager", "pagre")],
        &ALERTMANAGER_RECEIVERS,
        Failed,
        "not among",
    ),
    fault("receivers that break off", &[], &ALERTMANAGER_RECEIVERS, Failed, "cut off")
        .lying(&[("/api/v2/receivers", Lie::Cut)]),
    fault(
        "a silence that is missing",
        &[("silences.json", "Watchdog", "Other")],
        &ALERTMANAGER_SILENCES,
        Failed,
        "",
    ),
    fault(
        "a silence over what must be heard",
        &[(
            "silences.json",
            r#"[{"id":"s1""#,
            r#"[{"id":"s2","status":{"state":"active"},"matchers":[{"name":"severity","value":"crit.*","isRegex":true,"isEqual":true}],"endsAt":"{soon}"},{"id":"s1""#,
        )],
        &ALERTMANAGER_SILENCES,
        Failed,
        "s2",
    ),
    fault(
        "a silence over everything",
        &[(
            "silences.json",
            r#"[{"id":"s1""#,
            r#"[{"id":"s2","status":{"state":"active"},"matchers":[{"name":"alertname","value":".+","isRegex":true,"isEqual":true}],"endsAt":"{soon}"},{"id":"s1""#,
        )],
        &ALERTMANAGER_SILENCES,
        Failed,
        "s2",
    ),
    fault(
        "a silence that lasts too long",
        &[("silences.json", "{soon}", "{later}")],
        &ALERTMANAGER_SILENCES,
        Failed,
        "",
    ),
    fault(
        "a critical alert that is silenced",
        &[("alerts.json", r#""silencedBy":[]"#, r#""silencedBy":["s2"]"#)],
        &ALERTMANAGER_MUTED,
        Failed,
        "",
    ),
    fault(
        "a critical alert that is inhibited",
        &[("alerts.json", r#""inhibitedBy":[]"#, r#""inhibitedBy":["f1"]"#)],
        &ALERTMANAGER_MUTED,
        Failed,
        "",
    ),
];
