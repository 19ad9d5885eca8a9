//! Prometheus and Alertmanager about themselves: real ones of Debian. Newer ones stand in `three`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    alertmanager::Alertmanager,
    support::{Prometheus, Run, Server, Tool, closed_port},
};

const CONFIG: &str = "route: {receiver: pager}\nreceivers:\n  - name: pager\n    webhook_configs: [{url: 'http://127.0.0.1:1/hook?token=hunter2'}]\n  - name: chat\ninhibit_rules:\n  - {source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [job]}\n";

fn clustered(cluster: (u16, Option<u16>)) -> Alertmanager {
    Alertmanager::start_program(Path::new("prometheus-alertmanager"), CONFIG, Some(cluster))
}

/// Runs until the condition holds, or its time is over.
#[track_caller]
fn run_until(tool: &Tool, config: &str, right: impl Fn(&Run) -> bool) -> Run {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let run = tool.run(config, &[]);
        if right(&run) {
            return run;
        }
        assert!(Instant::now() < deadline, "{}{}", run.stdout, run.stderr);
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_real_alertmanager_is_asked_about_itself() {
    let alertmanager = Alertmanager::start(CONFIG);
    let now = jiff::Timestamp::now();
    let (start, end) = (now, now + jiff::SignedDuration::from_hours(48));
    let silence = |name: &str, value: &str, is_regex: bool| {
        format!(
            r#"{{"matchers":[{{"name":"{name}","value":"{value}","isRegex":{is_regex},"isEqual":true}}],"startsAt":"{start}","endsAt":"{end}","createdBy":"a test","comment":"night of hunter2"}}"#
        )
    };
    alertmanager.post("/api/v2/silences", &silence("job", "batch.*", true));
    let alert = |name: &str, severity: &str, job: &str| {
        format!(
            r#"{{"labels":{{"alertname":"{name}","severity":"{severity}","job":"{job}"}},"endsAt":"{end}"}}"#
        )
    };
    let alerts = [
        alert("ApiDown", "critical", "api"),
        alert("ApiSlow", "warning", "api"),
        alert("BatchLate", "critical", "batch-7"),
        alert("QueueLag", "warning", "queue"),
    ];
    alertmanager.post("/api/v2/alerts", &format!("[{}]", alerts.join(",")));
    let tool = Tool::new();
    let config = format!(
        "alertmanager:\n  - name: main\n    url: http://127.0.0.1:{}\n    min_version: '0.20'\n    receivers: [pager, chat, mail]\n    silences:\n      must_exist: [{{job: batch-1}}, {{job: api}}]\n      must_not_exist: [{{alertname: ApiDown, job: api}}, {{alertname: BatchLate, job: batch-7}}]\n      longest: 24h\n    never_muted: [{{alertname: ApiDown}}, {{alertname: ApiSlow}}, {{alertname: BatchLate}}, {{job: queue}}, {{job: none}}]\n",
        alertmanager.port,
    );
    // What is muted is computed when the alerts are dispatched.
    let muted = |run: &Run| {
        run.stdout.contains("muted by an inhibition") && run.stdout.contains("muted by a silence")
    };
    let run = run_until(&tool, &config, muted);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "alertmanager.ready", "version 0.25");
    run.line("passed", "alertmanager.version", "0.25");
    run.line("passed", "alertmanager.cluster", "disabled");
    run.line("passed", "alertmanager.receivers", "receiver pager");
    run.line("FAILED", "alertmanager.receivers", "receiver mail: not among the 2 receivers");
    run.line("passed", "alertmanager.silences", "{job=\"batch-1\"}: 1 active silence");
    run.line("FAILED", "alertmanager.silences", "{job=\"api\"}: no active silence");
    run.line("passed", "alertmanager.silences", "no silence mutes it");
    run.line("FAILED", "alertmanager.silences", "muted by 1 silence");
    run.line("FAILED", "alertmanager.silences", "1 of 1 last longer");
    run.line("passed", "alertmanager.muted", "{alertname=\"ApiDown\"}: 1 alert, none muted");
    run.line(
        "FAILED",
        "alertmanager.muted",
        "{alertname=\"ApiSlow\"}: one of 1 alert is muted by an inhibition",
    );
    run.line(
        "FAILED",
        "alertmanager.muted",
        "{alertname=\"BatchLate\"}: one of 1 alert is muted by a silence",
    );
    run.line("passed", "alertmanager.muted", "{job=\"queue\"}");
    run.line("not checked", "alertmanager.muted", "{job=\"none\"}");
    let evidence = tool.evidence();
    assert!(
        evidence.contains("alertmanager main, configuration") && evidence.contains("sha256:"),
        "{evidence}"
    );
    assert!(!evidence.contains("hunter2") && !run.stdout.contains("hunter2"), "{evidence}");
}

#[test]
fn a_cluster_that_lacks_a_member_is_found_also_after_it_was_whole() {
    let (one, two) = (closed_port(), closed_port());
    let first = clustered((one, None));
    let second = clustered((two, Some(one)));
    let config = |members: u64| {
        format!(
            "alertmanager:\n  - {{name: main, url: 'http://127.0.0.1:{}', members: {members}}}\n",
            first.port
        )
    };
    let tool = Tool::new();
    let whole = run_until(&tool, &config(2), |run| run.code == 0);
    whole.line("passed", "alertmanager.cluster", "ready with 2 members");
    let lacking = tool.run(&config(3), &[]);
    assert_eq!(lacking.code, 2);
    lacking.line("FAILED", "alertmanager.cluster", "ready with 2 members");
    drop(second);
    let dead = tool.run(
        &format!(
            "alertmanager:\n  - {{name: gone, url: 'http://127.0.0.1:{}', receivers: [a]}}\n",
            closed_port()
        ),
        &[],
    );
    assert_eq!(dead.code, 2);
    dead.line("FAILED", "alertmanager.ready", "no connection");
    dead.line("NOT CHECKED", "alertmanager.receivers", "gone");
}

const RULES: &str = "groups:\n  - name: pack\n    interval: 1s\n    rules:\n      - {alert: QueueLag, expr: 'depth > 100', for: 5m, labels: {severity: critical}, annotations: {summary: 'Lag of {{ $labels.job }}'}}\n      - {alert: Always, expr: 'vector(1)', labels: {severity: warning}}\n      - {record: 'job:depth:sum', expr: 'sum by (job) (depth)'}\n";

#[test]
fn a_real_prometheus_is_asked_about_its_health_and_drift_of_its_rules_is_named() {
    let dead = closed_port();
    let alertmanager = Alertmanager::start(CONFIG);
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{}', '127.0.0.1:{dead}']}}]}}]}}\nscrape_configs: [{{job_name: own, static_configs: [{{targets: ['127.0.0.1:{dead}']}}]}}]\n",
        alertmanager.port,
    );
    let prometheus = Prometheus::start_with(&config, RULES, &["--rules.alert.resend-delay=1s"]);
    prometheus.wait_for("/api/v1/rules", |answer| answer.matches("\"health\":\"ok\"").count() == 3);
    prometheus.wait_for("/api/v1/alertmanagers", |answer| answer.contains(&dead.to_string()));
    let tool = Tool::new();
    let good = tool.write("good.yaml", &RULES.replace("expr: 'depth > 100'", "expr: depth>100"));
    let drifted = RULES
        .replace("for: 5m", "for: 10m")
        .replace("severity: critical", "severity: warning")
        .replace("sum by (job) (depth)", "max by (job) (depth)")
        .replace("      - {alert: Always", "      - {alert: Missing, expr: up}\n      - {alert: Always");
    let drifted = tool.write("drifted.yaml", &drifted);
    let probe = |name: &str, manifest: &Path, more: &str| {
        format!(
            "  - {{name: {name}, url: '{}', jobs: [{{job: own, at_least: 0}}], rules: {{manifests: ['{}']}}{more}}}\n",
            prometheus.url,
            manifest.display()
        )
    };
    let config = format!(
        "prometheus:\n{}{}{}",
        probe("good", &good, ", min_version: '2.40', alertmanagers: 2"),
        probe("drifted", &drifted, ", min_version: '99.1', alertmanagers: 3"),
        probe("watched", &good, ", watch: 3s"),
    );
    let run = tool.run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "prometheus.rule_drift", "good: 3 rules in 1 group");
    run.line("passed", "prometheus.rule_freshness", "good: 1 of 1 group");
    run.line("passed", "prometheus.version", "2.42");
    run.line("passed", "prometheus.alertmanagers", "2 discovered");
    run.line("passed", "prometheus.config", "good: ");
    run.line("FAILED", "prometheus.version", "99.1 or newer");
    run.line("FAILED", "prometheus.alertmanagers", "drifted: ");
    for (subject, seen) in [
        ("drifted: pack/QueueLag, for", "300 s"),
        ("drifted: pack/QueueLag, label severity", "`critical`"),
        ("drifted: pack/job:depth:sum, expr", "sum by (job) (depth)"),
        ("drifted: pack/Missing", "not loaded"),
    ] {
        let line = run.line("FAILED", "prometheus.rule_drift", subject);
        assert!(line.contains(seen), "{line}");
    }
    let line = run.line("FAILED", "prometheus.notifications", "notifications failed or were dropped");
    assert!(!line.contains(": in 3 s: 0 of"), "{line}");
    let evidence = tool.evidence();
    assert!(
        evidence.contains("prometheus good, configuration") && !evidence.contains("static_configs"),
        "{evidence}"
    );
    // A configuration that cannot be loaded leaves the one before in force, and only a metric says so.
    prometheus.write_config("scrape_configs: [\n");
    prometheus.reload();
    prometheus.wait_for("/metrics", |answer| answer.contains("prometheus_config_last_reload_successful 0"));
    let run = tool.run(&format!("prometheus:\n{}", probe("good", &good, "")), &[]);
    run.line("FAILED", "prometheus.config", "runs with an older configuration");
}

#[test]
fn a_lying_alertmanager_gives_named_results_within_the_deadline() {
    let server = Server::start(|request, wire| {
        let path = request.path.as_str();
        match path.rsplit_once("/api/v2/").or_else(|| path.rsplit_once("/-/")) {
            Some(("/silent", _)) => wire.silence(),
            Some((_, "ready")) => wire.answer("200 OK", "", "OK"),
            Some(("/html", _)) => wire.answer("200 OK", "", "<html>please log in</html>"),
            Some(("/json", _)) => wire.json(r#"{"cluster":7,"name":[]}"#),
            Some(("/prometheus", _)) => wire.json(r#"{"status":"success","data":{"yaml":""}}"#),
            Some(("/500", _)) => wire.answer("500 Internal Server Error", "", "hunter2"),
            Some(("/huge", _)) => {
                wire.send("HTTP/1.1 200 OK\r\n\r\n");
                wire.forever(&"[".repeat(60_000));
            }
            Some(("/cut", _)) => wire.send("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n[{\"name\":"),
            Some(("/loop", _)) => wire.answer("302 Found", &format!("Location: {path}\r\n"), ""),
            _ => {}
        }
    });
    let mut config = "timeout: 600ms\nalertmanager:\n".to_owned();
    for name in ["silent", "html", "json", "prometheus", "500", "huge", "cut", "loop"] {
        config += &format!(
            "  - {{name: {name:?}, url: '{}', receivers: [a], silences: {{must_exist: [{{a: b}}]}}, never_muted: [{{a: b}}]}}\n",
            server.url(&format!("/{name}"))
        );
    }
    let started = Instant::now();
    let run = Tool::new().run(&config, &["--timeout", "30s"]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "alertmanager.ready", "silent: ");
    for (name, says) in [
        ("html", "no answer of this API"),
        ("json", "no answer of this API"),
        ("prometheus", "says nothing of a cluster: no answer of this API"),
        ("500", "status 500"),
        // Too long, or too late, whichever comes first.
        ("huge", ""),
        ("cut", "cut off"),
        ("loop", "redirects more than 5 times"),
    ] {
        let line = run.line("FAILED", "alertmanager.cluster", &format!("{name}: "));
        assert!(line.contains(says), "{line}");
        run.line("FAILED", "alertmanager.receivers", &format!("{name}: "));
        run.line("FAILED", "alertmanager.silences", &format!("{name}: "));
        run.line("FAILED", "alertmanager.muted", &format!("{name}: "));
    }
    assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
}
