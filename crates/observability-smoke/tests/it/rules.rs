//! `rules`: alert rules as they are written, and joined with a real Prometheus and a real Alertmanager.

use crate::{
    alertmanager::Alertmanager,
    support::{Prometheus, Run, Server, Tool, closed_port},
};

const RULES: &str = r#"groups:
- name: queue
  interval: 1s
  rules:
  - alert: QueueDeep
    expr: depth{queue="mail"} > 100
    labels: {severity: critical, team: mail}
    annotations: {summary: 'Queue {{ $labels.queue }} is deep', runbook_url: runbooks/queue.md}
  - alert: QueueGone
    expr: depht{queue="mail"} == 0
    labels: {severity: critical, team: mail}
    annotations: {summary: s, runbook_url: runbooks/queue.md}
  - alert: FaxDeep
    expr: depth{queue="fax"} > 100
    labels: {severity: warning}
    annotations: {summary: s, runbook_url: runbooks/queue.md}
  - alert: QueueMissing
    expr: absent(depth{queue="mail"})
    labels: {severity: page}
    annotations: {summary: s, runbook_url: runbooks/queue.md}
  - alert: QueueWide
    expr: count(depth) > 50
    labels: {severity: info}
    annotations: {summary: s, runbook_url: runbooks/queue.md}
  - alert: QueueBusy
    expr: depth{queue="mail"} > 50
    labels: {severity: critical, team: silent}
    annotations: {summary: s, runbook_url: runbooks/queue.md}
  - alert: QueueMuted
    expr: depth{queue="muted"} > 100
    labels: {severity: warning}
    annotations: {summary: s, runbook_url: runbooks/queue.md}
  - alert: QueueSteep
    expr: depth{queue="mail"} > 100
    for: 1m
    labels: {severity: critical, team: steep}
    annotations: {summary: s, runbook_url: runbooks/queue.md}
"#;

const ROUTES: &str = r#"
route:
  receiver: nobody
  routes:
  - {matchers: ['severity="critical"', 'queue="mail"'], receiver: pager}
  - {matchers: ['severity="warning"'], receiver: tickets}
  - {matchers: ['severity="info"'], receiver: tickets}
  - {matchers: ['severity="crit"'], receiver: old}
receivers:
- name: nobody
- {name: pager, webhook_configs: [{url: 'http://127.0.0.1:9/hunter2'}]}
- {name: tickets, webhook_configs: [{url: 'http://127.0.0.1:9/hunter2'}]}
- {name: old, webhook_configs: [{url: 'http://127.0.0.1:9/hunter2'}]}
inhibit_rules:
- {source_matchers: [alertname=Maintenance], target_matchers: [severity=info]}
"#;

fn rules(tool: &Tool, arguments: &[&str]) -> Run {
    tool.command().args(["rules", "--verbose"]).args(arguments).output().unwrap().into()
}

fn with_runbook() -> Tool {
    let tool = Tool::new();
    std::fs::create_dir(tool.path("runbooks")).unwrap();
    tool.write("runbooks/queue.md", "# Queue\n## First five minutes\n## Mend\n");
    tool
}

#[test]
fn each_alert_is_followed_from_its_series_to_the_person() {
    let target = Server::start(|_, wire| {
        wire.text("# TYPE depth gauge\ndepth{queue=\"mail\"} 1\ndepth{queue=\"muted\"} 1\n")
    });
    let alertmanager = Alertmanager::start(ROUTES);
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{cluster: a}}}}\nrule_files: [rules.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{}']}}]}}], alert_relabel_configs: [{{source_labels: [queue], regex: muted, action: drop}}]}}\n\
         scrape_configs:\n- {{job_name: app, static_configs: [{{targets: ['{}']}}]}}\n",
        alertmanager.port, target.address
    );
    let prometheus = Prometheus::start(&config, RULES);
    let tool = with_runbook();
    let silence = "{\"matchers\":[{\"name\":\"team\",\"value\":\"silent\",\"isRegex\":false,\"isEqual\":true}],\"startsAt\":\"2020-01-01T00:00:00Z\",\"endsAt\":\"2099-01-01T00:00:00Z\",\"createdBy\":\"test\",\"comment\":\"test\"}";
    alertmanager.post("/api/v2/silences", silence);
    let firing = "[{\"labels\":{\"alertname\":\"Maintenance\"}}]";
    alertmanager.post("/api/v2/alerts", firing);
    prometheus.wait_for("/api/v1/query?query=depth", |answer| answer.contains("mail"));
    prometheus.wait_for("/api/v1/rules", |answer| {
        answer.contains("\"ok\"") && !answer.contains("\"health\":\"unknown\"")
    });
    let changed = RULES.replace("for: 1m", "for: 5m");
    tool.write("rules.yml", &format!("{changed}  - {{alert: NotLoaded, expr: depth > 1, labels: {{severity: critical}}, annotations: {{summary: s, runbook_url: runbooks/queue.md}}}}\n"));
    let url = alertmanager.url();
    let run = rules(
        &tool,
        &["rules.yml", "--prometheus", &prometheus.url, "--alertmanager", &url, "--evidence", "evidence.md"],
    );
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line(
        "passed",
        "join.alert",
        "QueueDeep (critical): series for 1 of 1 selectors → loaded, healthy → {queue=\"mail\",severity=\"critical\"} → pager (webhook) → neither silenced nor inhibited → runbook runbooks/queue.md",
    );
    run.line(
        "FAILED",
        "join.series",
        "QueueGone (critical): stops: no series at all for depht{queue=\"mail\"}",
    );
    run.line("WARNED", "join.series", "FaxDeep (warning): nothing matches depth{queue=\"fax\"} now");
    run.line("FAILED", "join.route", "QueueMissing (page): needs no series → loaded, healthy → stops: default route → nobody, a receiver without integrations");
    run.line("FAILED", "join.muted", "stops: inhibited now by the firing Maintenance");
    run.line("FAILED", "join.muted", "stops: silenced now by");
    run.line("FAILED", "join.loaded", "stops: Prometheus has not loaded the rule");
    run.line("FAILED", "join.loaded", "QueueSteep, for: written 300 s, loaded 60 s");
    run.line("FAILED", "join.sent", "QueueMuted (warning): series for 1 of 1 selectors → loaded, healthy → stops: Prometheus drops it by alert_relabel_configs");
    run.line("WARNED", "routes.unreached", "receiver old");
    assert!(!run.stdout.contains("inhibit rule, line"), "an alert that fires now is its source");
    let evidence = std::fs::read_to_string(tool.path("evidence.md")).unwrap();
    assert!(evidence.contains("sha256:"));
    assert!(!evidence.contains("hunter2") && !run.stdout.contains("hunter2"), "tokens in URLs are secrets");
}

#[test]
fn servers_that_do_not_answer_or_lie_make_it_inconclusive() {
    let server = Server::start(|_, wire| wire.json("{\"status\":\"success\",\"data\":7}"));
    let tool = with_runbook();
    tool.write("rules.yml", RULES);
    let closed = format!("http://127.0.0.1:{}", closed_port());
    let run = rules(&tool, &["rules.yml", "--prometheus", &server.url(""), "--alertmanager", &closed]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "join.servers", "Prometheus at");
    run.line("INCONCLUSIVE", "join.servers", "no connection");
}

#[test]
fn routes_are_tested_in_a_batch_without_any_server() {
    let tool = with_runbook();
    tool.write("rules.yml", RULES);
    tool.write("am.yml", ROUTES);
    let config = tool.write(
        "smoke.yaml",
        "rules:\n  alertmanager_config: am.yml\n  routes:\n    - {labels: {severity: critical, queue: mail}, receivers: [pager]}\n    - {labels: {severity: critical, queue: fax}, receivers: [pager]}\n",
    );
    let run = rules(&tool, &["rules.yml", "--config", config.to_str().unwrap()]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "routes.expected", "{queue=\"mail\", severity=\"critical\"}");
    run.line("FAILED", "routes.expected", "default route → nobody");
    tool.write("am.yml", &ROUTES.replace("receiver: tickets", "receiver: ticket"));
    let run = rules(&tool, &["rules.yml", "--config", config.to_str().unwrap()]);
    run.line("FAILED", "routes.readable", "the route names the receiver 'ticket'");
    assert!(!run.stdout.contains("hunter2"));
}

#[test]
fn what_is_wrong_in_the_files_is_named_with_its_line_in_every_format() {
    let tool = with_runbook();
    std::fs::create_dir(tool.path("rules")).unwrap();
    tool.write("rules/a.yml", RULES);
    tool.write("rules/b.yaml", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    fro: 5m\n");
    tool.write("rules/c.yaml", "groups:\n- name: g\n  rules:\n  - alert: Broken\n    expr: 'sum by job (up)'\n    labels: {severity: critical}\n    annotations: {summary: s, runbook_url: runbooks/none.md}\n");
    tool.write("rules/other.yaml", "kind: Deployment\nspec: {replicas: 1}\n");
    let config = tool.write(
        "smoke.yaml",
        "rules:\n  severities: [critical, warning, info]\n  runbook_sections: ['^Mend', '^Escalate']\n  families:\n    - {family: queue lag, alert: 'Queue.*'}\n    - {family: billing drift, labels: {service: billing}}\n",
    );
    let run = rules(
        &tool,
        &["rules", "--config", config.to_str().unwrap(), "--format", "text", "--format", "sarif=out.sarif"],
    );
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "rules.readable", "rules/b.yaml");
    run.line("FAILED", "rules.expression", "Broken (critical)");
    run.line("FAILED", "rules.severity", "severity page");
    run.line("FAILED", "rules.runbook", "has no section ^Escalate");
    run.line("FAILED", "rules.runbook", "runbooks/none.md");
    run.line("FAILED", "rules.coverage", "billing drift");
    run.line("passed", "rules.coverage", "queue lag: QueueDeep");
    let sarif = std::fs::read_to_string(tool.path("out.sarif")).unwrap();
    assert!(
        sarif.contains("rules/c.yaml") && sarif.contains("\"startLine\":4")
            || sarif.contains("\"startLine\": 4"),
        "{sarif}"
    );
}

#[test]
fn links_are_asked_only_when_that_is_asked_for_head_first() {
    let pages =
        Server::start(|request, wire| match (request.head.split(' ').next(), request.path.as_str()) {
            (Some("HEAD"), "/get-only") => wire.answer("405 Method Not Allowed", "", ""),
            (_, "/get-only" | "/there") => wire.answer("200 OK", "", ""),
            _ => wire.answer("404 Not Found", "", ""),
        });
    let tool = Tool::new();
    let rule = |name: &str, path: &str| {
        format!(
            "  - {{alert: {name}, expr: up == 0, labels: {{severity: critical}}, annotations: {{summary: s, runbook_url: '{}'}}}}\n",
            pages.url(path)
        )
    };
    let text = [
        "groups:\n- name: g\n  rules:\n".to_owned(),
        rule("A", "/there"),
        rule("B", "/get-only"),
        rule("C", "/gone?token=hunter2"),
    ];
    tool.write("rules.yml", &text.concat());
    let run = rules(&tool, &["rules.yml"]);
    assert_eq!((run.code, pages.requests.lock().unwrap().len()), (0, 0), "{}{}", run.stdout, run.stderr);
    let run = rules(&tool, &["rules.yml", "--check-links"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "rules.runbook", "A (critical)");
    run.line("passed", "rules.runbook", "B (critical)");
    run.line("FAILED", "rules.runbook", "status 404");
    assert!(!run.stdout.contains("hunter2"));
    let asked: Vec<_> =
        pages.requests.lock().unwrap().iter().map(|r| r.head.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(asked, ["HEAD", "HEAD", "GET", "HEAD", "GET"]);
}

#[test]
fn unit_tests_run_through_promtool_and_what_they_cover_is_told() {
    let tool = with_runbook();
    tool.write("rules.yml", RULES);
    let test = "rule_files: [rules.yml]\nevaluation_interval: 1s\ntests:\n- interval: 1s\n  input_series: [{series: 'depth{queue=\"mail\"}', values: '1x10 200x10'}]\n  alert_rule_test:\n  - {eval_time: 5s, alertname: QueueDeep, exp_alerts: []}\n  - {eval_time: 15s, alertname: QueueDeep, exp_alerts: [{exp_labels: {severity: critical, team: mail, queue: mail}, exp_annotations: {summary: 'Queue mail is deep', runbook_url: runbooks/queue.md}}]}\n";
    tool.write("tests.yml", test);
    let run = rules(&tool, &["rules.yml", "--unit-tests", "tests.yml"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    run.line("passed", "rules.unit_tests", "tests.yml");
    run.line("passed", "rules.tested", "QueueDeep");
    run.line("WARNED", "rules.tested", "QueueGone (critical): no case");
    tool.write("tests.yml", &test.replace("200x10", "2x10"));
    let run = rules(&tool, &["rules.yml", "--unit-tests", "tests.yml"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "rules.unit_tests", "tests.yml");
    let (quiet, _) = test.rsplit_once("  - {eval_time: 15s").unwrap();
    tool.write("tests.yml", &quiet.replace("[rules.yml]", "[rulez.yml]"));
    let run = rules(&tool, &["rules.yml", "--unit-tests", "tests.yml"]);
    assert_eq!(run.code, 2, "a rule file that is not there: {}{}", run.stdout, run.stderr);
    run.line(
        "FAILED",
        "rules.unit_tests",
        "no rule was tested: there is no rulez.yml, which `rule_files` names",
    );
    tool.write("tests.yml", &test.replace("[rules.yml]", "[rules.yml, rulez.yml]"));
    let run = rules(&tool, &["rules.yml", "--unit-tests", "tests.yml"]);
    run.line("WARNED", "rules.unit_tests", "its cases were run without rulez.yml");
    let run = rules(&tool, &["rules.yml", "--unit-tests", "missing.yml"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("reading missing.yml: it is not there; correct the path"), "{}", run.stderr);
}

#[test]
fn what_keeps_the_file_from_loading_comes_first_with_its_place_and_who_says_so() {
    let tool = Tool::new();
    tool.write(
        "bad.yml",
        "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: |\n      sum(rate(x[5m])\n        > 1\n    labels: {severity: critical}\n",
    );
    let run: Run = tool.command().args(["rules", "bad.yml"]).output().unwrap().into();
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let first = run.stdout.lines().next().unwrap_or_default();
    assert!(first.contains("A (critical): column 12: unclosed left parenthesis (says promtool)"), "{first}");
    run.line("FAILED", "rules.expression", "bad.yml:7: A (critical)");
    run.line("FAILED", "rules.annotations", "without summary");
}

#[test]
fn a_prometheus_that_is_named_judges_what_our_parser_refuses() {
    let tool = Tool::new();
    let rule = |expr: &str| {
        format!(
            "groups: [{{name: a, rules: [{{alert: A, expr: '{expr}', labels: {{severity: page}}, annotations: {{summary: s}}}}]}}]\n"
        )
    };
    // A real one of Debian, which parses by format_query.
    let prometheus = Prometheus::start("global: {}\n", "groups: []\n");
    let ask = |url: &str| -> Run {
        tool.command().args(["rules", "r.yml", "--prometheus", url]).output().unwrap().into()
    };
    tool.write("r.yml", &rule("rate(x) > 1"));
    let run = ask(&prometheus.url);
    let line = run.line("FAILED", "rules.expression", "column 51: expected type range vector");
    assert!(line.contains("(says Prometheus at http://127.0.0.1:"), "{line}");
    // A newer one, as it is written down for Prometheus 3: what it takes is right, whatever promtool says.
    tool.write("r.yml", &rule("rate(x[5m + 1m]) > 1"));
    let newer = Server::start(|request, wire| match request.path.as_str() {
        path if path.starts_with("/api/v1/parse_query?query=rate") => {
            wire.json(r#"{"status":"success","data":{"type":"binaryExpr"}}"#);
        }
        path if path.starts_with("/api/v1/rules") => {
            wire.json(r#"{"status":"success","data":{"groups":[]}}"#)
        }
        _ => wire.answer("404 Not Found", "", ""),
    });
    let run = ask(&format!("http://{}", newer.address));
    assert!(!run.stdout.contains("FAILED       r.yml:1: A (page): line"), "{}", run.stdout);
    let run: Run = tool
        .command()
        .args(["rules", "r.yml", "--format", "json", "--prometheus", &format!("http://{}", newer.address)])
        .output()
        .unwrap()
        .into();
    assert!(run.stdout.contains("newer than our parser: A (page) (taken by Prometheus at"), "{}", run.stdout);
    // One that fails is asked no more: promtool judges.
    let broken = Server::start(|_, wire| wire.answer("500 Internal Server Error", "", "oops"));
    tool.write("r.yml", &rule("rate(x) > 1"));
    ask(&format!("http://{}", broken.address)).line("FAILED", "rules.expression", "(says promtool)");
}

#[test]
fn a_template_of_helm_that_was_not_rendered_is_no_rule() {
    let tool = Tool::new();
    let head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: {{ include \"x\" . }}-rules\nspec:\n";
    let rule = "groups:\n- name: a\n  rules:\n  - alert: Up\n    expr: up{job=\"{{ .Values.job }}\"} == 0\n    for: 5m\n    labels: {severity: '{{ .Values.severity }}'}\n    annotations: {summary: '{{`{{ $labels.instance }}`}} down'}\n";
    tool.write("broken.yml", head);
    let broken = rules(&tool, &["broken.yml"]);
    assert_eq!(broken.code, 2, "{}{}", broken.stdout, broken.stderr);
    broken.line(
        "FAILED",
        "rules.readable",
        "this looks like a template of Helm: render it (`helm template`)",
    );
    // As YAML it can be read, and Prometheus loads it.
    tool.write("read.yml", rule);
    let read = rules(&tool, &["read.yml"]);
    assert_eq!(read.code, 2, "{}{}", read.stdout, read.stderr);
    read.line("FAILED", "rules.template", "Prometheus gives its templates no '.Values'");
    read.line("FAILED", "rules.template", "it shows '{{' as it stands");
    read.line("WARNED", "rules.expression", "Prometheus fills in nowhere in an expression");
}

#[test]
fn what_promtool_refuses_fails_although_our_readers_take_it() {
    let tool = Tool::new();
    let refused = |expr: &str, summary: &str, check: &str, says: &str| {
        let rule = serde_json::json!({
            "alert": "A", "expr": expr, "labels": {"severity": "page"}, "annotations": {"runbook_url": "a", "summary": summary}
        });
        tool.write(
            "r.yml",
            &serde_json::json!({"groups": [{"name": "a", "rules": [{"record": "r", "expr": "up"}, rule]}]})
                .to_string(),
        );
        let run = rules(&tool, &["r.yml"]);
        let line = run.line("FAILED", check, says);
        assert!(line.contains("A (page)"), "{line}");
    };
    for (summary, says) in [
        ("{{ $vlaue }}", "there is no variable '$vlaue'"),
        ("{{ if }}a{{ end }}", "missing value for if (says promtool)"),
        ("{{{ $value }}}", "(says promtool)"),
        ("{{ $labels.a-b }}", "(says promtool)"),
        ("{{ (printf \"x\" }}", "(says promtool)"),
        ("{{ break }}", "(says promtool)"),
        ("{{ if $value }}{{ else }}{{ else }}{{ end }}", "(says promtool)"),
        ("{{ \"\\q\" }}", "(says promtool)"),
        ("{{ $labels..a }}", "(says promtool)"),
        ("{{/* a }}", "(says promtool)"),
        ("{{ /* a */ }}", "(says promtool)"),
        ("{{-$value}}", "(says promtool)"),
    ] {
        refused("up", summary, "rules.template", says);
    }
    for (expr, says) in [
        ("x{a=\"b\" or c=\"d\"}", "unexpected identifier \"or\" in label matching"),
        ("start() > 1", "unexpected \"(\" (says promtool)"),
        ("x{a=~\"a{1001}\"}", "invalid repeat count"),
    ] {
        refused(expr, "s", "rules.expression", says);
    }
}

#[test]
fn what_nobody_parsed_is_told() {
    let tool = Tool::new();
    let rules = |expr: &str, summary: &str| -> String {
        serde_json::json!({"groups": [{"name": "a", "rules": [{
            "alert": "A", "expr": expr, "labels": {"severity": "page"}, "annotations": {"summary": summary}
        }]}]})
        .to_string()
    };
    let judged = |text: &str, path: Option<&str>| -> Run {
        tool.write("r.yml", text);
        let mut command = tool.command();
        command.args(["rules", "r.yml", "--verbose"]);
        path.into_iter().for_each(|path| {
            command.env("PATH", path);
        });
        command.output().unwrap().into()
    };
    let good = rules("up == 0", "{{ $labels.job }}");
    judged(&good, None).line("passed", "rules.template", "1 alerts, parsed by promtool");
    judged(&good, Some("/nowhere")).line("passed", "rules.template", "not parsed, as no promtool is at hand");
    let alone = judged(&rules("up{a=\"b\" or c=\"d\"}", "s"), Some("/nowhere"));
    alone.line("WARNED", "rules.expression", "Prometheus knows no `or` between matchers");
    // A function that a newer Prometheus knows.
    judged(&rules("up", "{{ now }}"), None).line("WARNED", "rules.template", "a newer Prometheus knows it");
}

#[test]
fn of_a_rule_file_the_first_document_alone_is_loaded() {
    let tool = Tool::new();
    let document = |name: &str| {
        format!(
            "groups: [{{name: {name}, rules: [{{alert: A, expr: up, labels: {{severity: page}}, annotations: {{summary: s}}}}]}}]\n"
        )
    };
    tool.write("r.yml", &format!("{}---\n{}", document("a"), document("b")));
    let run = rules(&tool, &["r.yml"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "rules.readable", "r.yml:3:");
    run.line("FAILED", "rules.readable", "of a rule file Prometheus reads the first only");
}
