//! What Prometheus 3 and Alertmanager say about themselves, read from real ones and from their recorded answers.
//!
//! `OPS_SMOKE_RECORD=1` writes the answers of the real ones anew; without it the recorded ones must have their form.

use std::{collections::BTreeSet, path::PathBuf};

use super::program;
use crate::{
    alertmanager::Alertmanager,
    ingestion::dechunk,
    support::{Prometheus, Run, Server, Tool, closed_port},
};

/// UTF-8 names, labels of a group, an empty label, an expression that cannot be evaluated.
const RULES: &str = r#"groups:
  - name: pack
    interval: 1s
    labels: {team: shop, severity: warning}
    rules:
      - {alert: QueueLag, expr: 'sum by ("queue.name") ({"queue.depth"}) > 100', for: 5m, keep_firing_for: 1m, labels: {severity: critical}, annotations: {summary: 'Lag of {{ index $labels "queue.name" }}'}}
      - {alert: Always, expr: 'vector(1)', annotations: {summary: always}}
      - {alert: Teamless, expr: 'vector(0) > 1', labels: {team: ''}, annotations: {summary: never}}
      - {record: 'job:depth:sum', expr: 'sum by (job) ({"queue.depth"})'}
      - {alert: Broken, expr: 'label_replace({__name__="up"}, "job", "x", "", "") == label_replace({__name__="up"}, "job", "x", "", "")', annotations: {summary: broken}}
  - name: late
    interval: 1s
    query_offset: 1s
    rules:
      - {alert: Native, expr: 'histogram_count(alertmanager_notification_latency_seconds) > 1e9', labels: {severity: warning}, annotations: {summary: s}}
"#;

const ALERTMANAGER: &str = "route: {receiver: pager, routes: [{matchers: ['\"queue.name\"=\"mail\"'], receiver: chat}]}\nreceivers:\n  - name: pager\n    webhook_configs: [{url: 'http://127.0.0.1:1/hook?token=hunter2'}]\n  - name: chat\n    webhook_configs: [{url: 'http://127.0.0.1:1/hook?token=hunter2'}]\n";

/// What is asked of Prometheus, and the file that its answer stands in.
const PROMETHEUS: [(&str, &str); 10] = [
    ("ready", "/-/ready"),
    ("buildinfo", "/api/v1/status/buildinfo"),
    ("config", "/api/v1/status/config"),
    ("targets", "/api/v1/targets?state=active"),
    ("rules", "/api/v1/rules"),
    ("alertmanagers", "/api/v1/alertmanagers"),
    ("time", "/api/v1/query?query=time%28%29"),
    ("native-histogram", "/api/v1/query?query=alertmanager_notification_latency_seconds"),
    ("parse-query", "/api/v1/parse_query?query=a%5B5m%2B1m%5D"),
    ("metrics", "/metrics"),
];
/// The same of Alertmanager.
const OF_ALERTMANAGER: [(&str, &str); 5] = [
    ("alertmanager-ready", "/-/ready"),
    ("alertmanager-status", "/api/v2/status"),
    ("alertmanager-receivers", "/api/v2/receivers"),
    ("alertmanager-silences", "/api/v2/silences"),
    ("alertmanager-alerts", "/api/v2/alerts"),
];

fn recorded() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/prometheus-3")
}

/// The real ones, with what they watch.
struct Real {
    prometheus: Prometheus,
    alertmanager: Alertmanager,
    _targets: Server,
}

impl Real {
    fn start() -> Option<Self> {
        let (three, current) = (program("prometheus")?, program("prometheus-alertmanager")?);
        let targets = Server::start(|request, wire| match request.path.as_str() {
            "/html" => wire.answer("200 OK", "Content-Type: text/html\r\n", "a 1\n"),
            "/none" => wire.answer("200 OK", "", "a 1\n"),
            _ => wire.answer(
                "200 OK",
                "Content-Type: text/plain; version=1.0.0; escaping=allow-utf-8\r\n",
                "# TYPE \"queue.depth\" gauge\n{\"queue.depth\",\"queue.name\"=\"mail\"} 120\n",
            ),
        });
        let alertmanager = Alertmanager::start_program(&current, ALERTMANAGER, None);
        alertmanager.post("/api/v2/silences", r#"{"matchers":[{"name":"queue.name","value":"batch.*","isRegex":true,"isEqual":true}],"startsAt":"2020-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","createdBy":"a test","comment":"night of hunter2"}"#);
        let (own, dead, address) = (alertmanager.port, closed_port(), targets.address);
        let job = |name: &str| {
            format!(
                "  - {{job_name: {name}, metrics_path: /{name}, static_configs: [{{targets: ['{address}']}}]}}\n"
            )
        };
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\nremote_write: [{{url: 'http://127.0.0.1:1/', authorization: {{credentials: hunter2}}}}]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{own}', '127.0.0.1:{dead}']}}]}}]}}\nscrape_configs:\n  - {{job_name: alertmanager, static_configs: [{{targets: ['127.0.0.1:{own}']}}]}}\n{}{}{}",
            job("html"),
            job("none"),
            job("queues"),
        );
        let flags = ["--enable-feature=native-histograms", "--rules.alert.resend-delay=1s"];
        let prometheus = Prometheus::start_program(&three, &config, RULES, &flags);
        prometheus.wait_for(PROMETHEUS[7].1, |answer| answer.contains("histogram"));
        prometheus.wait_for("/api/v1/targets", |answer| !answer.contains("\"health\":\"unknown\""));
        prometheus.wait_for("/api/v1/query?query=job:depth:sum", |answer| answer.contains("120"));
        prometheus.wait_for("/api/v1/rules", |answer| {
            answer.contains("\"health\":\"err\"") && !answer.contains("\"health\":\"unknown\"")
        });
        let real = Self { prometheus, alertmanager, _targets: targets };
        real.prometheus.wait_for("/metrics", |_| {
            real.alertmanager.ask("GET", "/api/v2/alerts", "").unwrap().contains("Always")
        });
        Some(real)
    }

    /// The bodies of all answers.
    fn answers(&self) -> Vec<(&'static str, String)> {
        let body = |answer: String| dechunk(answer.split_once("\r\n\r\n").unwrap().1);
        let of_prometheus = PROMETHEUS.iter().map(|(name, path)| (*name, self.prometheus.get(path).unwrap()));
        let of_alertmanager = OF_ALERTMANAGER
            .iter()
            .map(|(name, path)| (*name, self.alertmanager.ask("GET", path, "").unwrap()));
        of_prometheus.chain(of_alertmanager).map(|(name, answer)| (name, body(answer))).collect()
    }
}

/// Gives the recorded answers.
fn replay() -> Server {
    let stored: Vec<_> = PROMETHEUS
        .iter()
        .chain(&OF_ALERTMANAGER[1..])
        .map(|(name, path)| (*path, std::fs::read_to_string(recorded().join(name)).unwrap()))
        .collect();
    Server::start(move |request, wire| {
        let asked = request.path.replace("()", "%28%29");
        match stored.iter().find(|(path, _)| *path == asked) {
            Some((path, body)) if path.starts_with("/api") => wire.json(body),
            Some((_, body)) => wire.text(body),
            None => wire.answer("404 Not Found", "", "404 page not found\n"),
        }
    })
}

fn ask(tool: &Tool, prometheus: &str, alertmanager: &str, watch: &str) -> Run {
    let manifest = tool.write("rules.yaml", &RULES.replace("expr: 'vector(0) > 1'", "expr: vector(0)>1.0"));
    let config = format!(
        "prometheus:\n  - name: three\n    url: {prometheus}\n    min_version: 3.0\n    alertmanagers: 2\n{watch}    rules: {{manifests: ['{}']}}\n    queries:\n      - {{expr: alertmanager_notification_latency_seconds, expect: holds}}\nalertmanager:\n  - name: main\n    url: {alertmanager}\n    min_version: '0.30'\n    receivers: [pager, mail]\n    silences: {{must_exist: [{{queue.name: batch-7}}], must_not_exist: [{{queue.name: mail}}]}}\n    never_muted: [{{alertname: Always}}]\n",
        manifest.display(),
    );
    tool.run(&config, &[])
}

fn says_what_it_must(run: &Run, evidence: &str) {
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "prometheus.ready", "ready, version 3.");
    run.line("passed", "prometheus.version", "3.");
    run.line("passed", "prometheus.rule_drift", "6 rules in 2 groups, loaded as they are written");
    run.line("passed", "prometheus.rule_freshness", "2 of 2 groups");
    run.line("FAILED", "prometheus.rule_health", "pack/Broken: health err: ");
    run.line("passed", "prometheus.rule_health", "5 of 6 rules");
    run.line("passed", "prometheus.alertmanagers", "2 discovered");
    run.line("passed", "prometheus.config", "it succeeded");
    run.line("FAILED", "prometheus.targets", "received unsupported Content-Type \"text/html\"");
    run.line("FAILED", "prometheus.targets", "sending blank Content-Type");
    run.line("passed", "prometheus.targets", "job queues: 1 of 1 up");
    run.line("passed", "prometheus.query", "alertmanager_notification_latency_seconds: 1");
    run.line("passed", "alertmanager.ready", "ready, version 0.");
    run.line("passed", "alertmanager.cluster", "disabled");
    run.line("passed", "alertmanager.receivers", "receiver pager");
    run.line("FAILED", "alertmanager.receivers", "receiver mail");
    run.line("passed", "alertmanager.silences", "{queue.name=\"batch-7\"}: 1 active silence");
    run.line("passed", "alertmanager.silences", "no silence mutes it");
    run.line("passed", "alertmanager.muted", "1 alert, none muted");
    assert!(!run.stdout.contains("hunter2") && !evidence.contains("hunter2"), "{}", run.stdout);
}

#[test]
fn recorded_answers_of_prometheus_3_are_read_and_what_is_not_offered_is_not_checked() {
    let server = replay();
    let tool = Tool::new();
    let run = ask(&tool, &server.url(""), &server.url(""), "");
    says_what_it_must(&run, &tool.evidence());
    // The same, by a server that offers neither its clock nor its metrics nor its Alertmanagers.
    let bare = Server::start(|request, wire| {
        let name = PROMETHEUS[..5].iter().find(|(_, path)| request.path == *path);
        match name.map(|(name, _)| std::fs::read_to_string(recorded().join(name)).unwrap()) {
            Some(body) => wire.json(&body),
            None => wire.answer("404 Not Found", "", "404 page not found\n"),
        }
    });
    let run = ask(&tool, &bare.url(""), &server.url(""), "    watch: 100ms\n");
    run.line("NOT CHECKED", "prometheus.notifications", "status 404");
    run.line("not checked", "prometheus.config", "status 404");
    run.line("NOT CHECKED", "prometheus.alertmanagers", "no /api/v1/alertmanagers");
}

#[test]
fn a_real_prometheus_3_is_asked_about_itself_and_answers_in_the_recorded_form() {
    let Some(real) = Real::start() else { return };
    let tool = Tool::new();
    let run = ask(&tool, &real.prometheus.url, &real.alertmanager.url(), "    watch: 2500ms\n");
    says_what_it_must(&run, &tool.evidence());
    let line = run.line("FAILED", "prometheus.notifications", "notifications failed or were dropped");
    assert!(!line.contains(": 0 of"), "{line}");
    for (name, answer) in real.answers() {
        let path = recorded().join(name);
        if std::env::var_os("OPS_SMOKE_RECORD").is_some() {
            let answer = if name == "metrics" { of_its_rules(&answer) } else { without_the_machine(&answer) };
            std::fs::write(path, answer).unwrap();
        } else if let Ok(live) = serde_json::from_str::<serde_json::Value>(&answer) {
            let stored = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            let (stored, live) = (form(&stored), form(&live));
            let gone: Vec<_> = stored.difference(&live).collect();
            assert!(gone.is_empty(), "{name}: this version has no {gone:?}; OPS_SMOKE_RECORD=1 records anew");
        }
    }
}

/// Without the name of the machine that it was recorded on, and its folders.
fn without_the_machine(answer: &str) -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let answer = answer.replace(&format!("http://{}:", name.trim()), "http://host:");
    match (answer.find("/tmp/prom"), answer.find("/rules.yml")) {
        (Some(from), Some(to)) if from < to => answer.replace(&answer[from..to], "/etc/prometheus"),
        _ => answer,
    }
}

/// The metrics of rules, notifications and the configuration: all of them are many.
fn of_its_rules(metrics: &str) -> String {
    let parts = [
        "prometheus_config_",
        "prometheus_notifications_",
        "prometheus_rule_evaluation_failures",
        "process_start",
    ];
    let kept = metrics.lines().filter(|line| {
        let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        parts.iter().any(|part| name.starts_with(part))
    });
    without_the_machine(&kept.map(|line| format!("{line}\n")).collect::<String>())
}

/// The paths of all values, with their types; of an array one element stands for all.
fn form(value: &serde_json::Value) -> BTreeSet<String> {
    use serde_json::Value;
    let below = |key: &str, value| form(value).into_iter().map(move |path| format!("{key}{path}")).collect();
    match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(key, value)| -> Vec<_> { below(&format!(".{key}"), value) }).collect()
        }
        Value::Array(all) => all.iter().flat_map(|value| -> Vec<_> { below("[]", value) }).collect(),
        Value::Null => [" null".to_owned()].into(),
        Value::Bool(_) => [" bool".to_owned()].into(),
        Value::Number(_) => [" number".to_owned()].into(),
        Value::String(_) => [" text".to_owned()].into(),
    }
}

#[test]
fn alerts_with_the_labels_of_their_group_are_followed_to_the_person() {
    let Some(real) = Real::start() else { return };
    let tool = Tool::new();
    tool.write("rules.yaml", RULES);
    let mut command = tool.command();
    command.args(["rules", "--verbose", "rules.yaml", "--prometheus", &real.prometheus.url]);
    command.args(["--alertmanager", &real.alertmanager.url()]);
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let lag = run.line("WARNED", "rules.runbook", "QueueLag (critical): series for 1 of 1 selectors");
    assert!(lag.contains("loaded, healthy → {queue.name=\"mail\"} → chat (webhook)"), "{lag}");
    let always = run.line("WARNED", "rules.runbook", "Always (warning): ");
    assert!(always.contains("loaded, healthy → default route → pager (webhook)"), "{always}");
    run.line("WARNED", "rules.runbook", "Teamless (warning): needs no series → loaded, healthy");
    run.line("WARNED", "rules.runbook", "Native (warning): series for 1 of 1 selectors");
    run.line("FAILED", "join.loaded", "Broken (warning): ");
}
