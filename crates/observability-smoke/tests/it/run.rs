//! `run --config FILE`: probes, metrics and Prometheus against servers that answer well, badly, or not at all.

use std::{
    fmt::Write,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{Prometheus, Run, Server, Tool, closed_port};

const METRICS: &str = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 3\njobs_total{queue=\"sms\"} 7\n# HELP depth Jobs waiting.\n# TYPE depth gauge\ndepth{queue=\"mail\"} NaN\n";

fn healthy() -> Server {
    Server::start(|request, wire| match request.path.split('?').next().unwrap_or_default() {
        "/healthz" => wire.answer("200 OK", "", "status: up, version 7"),
        "/metrics" => wire.text(METRICS),
        "/moved" => wire.answer("302 Found", "Location: /healthz\r\n", ""),
        _ => wire.answer("404 Not Found", "", ""),
    })
}

#[test]
fn a_healthy_service_passes_and_the_evidence_is_sealed() {
    let server = healthy();
    let tool = Tool::new();
    let config = format!(
        "http:\n  - name: api\n    url: {}\n    status: 200\n    body_contains: 'status: up'\n    body_matches: 'version \\d+'\n    latency: 5s\nmetrics:\n  - name: api\n    url: {}\n    series:\n      - {{name: jobs_total, labels: {{queue: null}}, type: counter, min: 1, max: 10, at_least: 2}}\n      - {{name: legacy_total, absent: true}}\n",
        server.url("/healthz?token=hunter2"),
        server.url("/metrics"),
    );
    let run = tool.run(&config, &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "probe.http", "status 200");
    run.line("passed", "probe.latency", "api");
    run.line("passed", "metrics.series", "2 samples from 3 to 7");
    run.line("passed", "metrics.absent", "legacy_total");
    let evidence = tool.evidence();
    assert!(evidence.starts_with("# Observability smoke report\n"), "{evidence}");
    assert!(evidence.contains("PASSED"));
    assert!(
        !evidence.contains("hunter2") && !run.stdout.contains("hunter2"),
        "the query of a URL is a secret"
    );
}

#[test]
fn what_is_wrong_with_a_service_is_named() {
    let server = healthy();
    let config = format!(
        "http:\n  - {{name: status, url: '{base}/nothing'}}\n  - {{name: text, url: '{base}/healthz', body_contains: all well}}\n  - {{name: pattern, url: '{base}/healthz', body_matches: '^version'}}\n  - {{name: slow, url: '{base}/healthz', latency: 1ns}}\n  - {{name: moved, url: '{base}/moved'}}\n  - {{name: followed, url: '{base}/moved', follow_redirects: true}}\n  - {{name: dead, url: 'http://127.0.0.1:{dead}/'}}\n  - {{name: nowhere, url: 'http://nowhere.invalid/'}}\n",
        base = server.url(""),
        dead = closed_port(),
    );
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "probe.http", "status: GET");
    run.line("FAILED", "probe.http", "without that text");
    run.line("FAILED", "probe.http", "does not match");
    run.line("FAILED", "probe.latency", "slow");
    run.line("FAILED", "probe.http", "status 302");
    run.line("passed", "probe.http", "followed");
    run.line("FAILED", "probe.http", "no connection");
    run.line("FAILED", "probe.http", "nowhere");
    assert!(!run.stdout.contains("version 7"), "nothing of a body is shown");
}

#[test]
fn json_that_each_reader_reads_in_its_own_way_is_named() {
    let server = Server::start(|request, wire| {
        wire.json(match request.path.as_str() {
            "/twice" => r#"{"status":"down","status":"up"}"#,
            "/elsewhere" => r#"{"status":"up","version":1,"version":2}"#,
            _ => r#"{"status":"up","x":1e400}"#,
        });
    });
    let mut config = "http:\n".to_owned();
    for path in ["twice", "elsewhere", "large"] {
        let url = server.url(&format!("/{path}"));
        let _ =
            writeln!(config, "  - {{name: {path}, url: '{url}', json: [{{path: $.status, equals: up}}]}}");
    }
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "probe.http", "$.status leads over a name that stands twice in one object");
    run.line("passed", "probe.http", "elsewhere: ");
    run.line("FAILED", "probe.http", "with a number too large to be read");
}

#[test]
fn what_is_wrong_with_series_is_named() {
    let server = healthy();
    let mut config = format!("metrics:\n  - name: api\n    url: {}\n    series:\n", server.url("/metrics"));
    for series in [
        "{name: jobs}",
        "{name: jobs_total, labels: {queue: fax}}",
        "{name: jobs_total, labels: {queue: sms}, max: 5}",
        "{name: jobs_total, type: gauge}",
        "{name: jobs_total, at_least: 3}",
        "{name: jobs_total, at_most: 1}",
        "{name: depth, min: 0}",
        "{name: depth, absent: true}",
    ] {
        let _ = writeln!(config, "      - {series}");
    }
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "metrics.series", "api: jobs: no such sample");
    run.line("FAILED", "metrics.series", "jobs_total{queue=\"fax\"}: no such sample");
    run.line("FAILED", "metrics.series", "jobs_total{queue=\"sms\"} is 7");
    run.line("FAILED", "metrics.series", "its type is counter");
    run.line("FAILED", "metrics.series", "(expected: at least 3 samples)");
    run.line("FAILED", "metrics.series", "(expected: 1 sample)");
    run.line("FAILED", "metrics.series", "depth{queue=\"mail\"} is NaN");
    run.line("FAILED", "metrics.absent", "depth: 1 sample");
}

#[test]
fn a_lying_server_gives_named_results_within_the_deadline() {
    let server = Server::start(|request, wire| {
        match request.path.as_str() {
        "/silent/metrics" | "/silent/-/ready" => wire.silence(),
        "/trickle/metrics" => {
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
            wire.send("# a beginning\n");
            wire.silence();
        }
        "/cut/metrics" => {
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\na 1\n");
        }
        "/huge" => {
            wire.send("HTTP/1.1 200 OK\r\n\r\n");
            wire.forever(&"all work and no play\n".repeat(4000));
        }
        "/loop" => wire.answer("302 Found", "Location: /loop\r\n", ""),
        "/garbage" => wire.send("SSH-2.0-OpenSSH_9.2\r\n"),
        "/empty" => {}
        "/html/-/ready" | "/json/-/ready" | "/errors/-/ready" => wire.answer("200 OK", "", "ready"),
        path if path.starts_with("/html/") => wire.answer("200 OK", "", "<html>please log in</html>"),
        path if path.starts_with("/json/") => wire.json("{\"status\":\"success\",\"data\":{\"activeTargets\":7,\"groups\":null}}"),
        path if path.starts_with("/errors/") => wire.answer(
            "503 Service Unavailable",
            "",
            "{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"the database at postgres://app:hunter2@db/shop is gone\"}",
        ),
        _ => wire.answer("500 Internal Server Error", "", ""),
    }
    });
    let base = server.url("");
    let config = format!(
        "timeout: 800ms\nhttp:\n  - {{name: huge, url: '{base}/huge'}}\n  - {{name: loop, url: '{base}/loop', follow_redirects: true}}\n  - {{name: garbage, url: '{base}/garbage'}}\n  - {{name: empty, url: '{base}/empty'}}\nmetrics:\n  - {{name: silent, url: '{base}/silent/metrics'}}\n  - {{name: trickle, url: '{base}/trickle/metrics'}}\n  - {{name: cut, url: '{base}/cut/metrics'}}\n  - {{name: broken, url: '{base}/500/metrics'}}\nprometheus:\n  - {{name: silent, url: '{base}/silent', queries: [{{expr: up, expect: holds}}]}}\n  - {{name: html, url: '{base}/html'}}\n  - {{name: json, url: '{base}/json/'}}\n  - {{name: errors, url: '{base}/errors'}}\n",
    );
    let started = Instant::now();
    let run = Tool::new().run(&config, &["--timeout", "30s"]);
    assert!(started.elapsed().as_secs() < 15, "{:?}", started.elapsed());
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "probe.http", "huge");
    run.line("FAILED", "probe.http", "redirects more than 5 times");
    run.line("FAILED", "probe.http", "garbage");
    run.line("FAILED", "probe.http", "empty");
    run.line("FAILED", "metrics.scrape", "no whole answer within 0.8 s");
    run.line("FAILED", "metrics.scrape", "trickle");
    run.line("FAILED", "metrics.scrape", "cut off");
    run.line("FAILED", "metrics.scrape", "status 500");
    run.line("FAILED", "prometheus.ready", "silent");
    run.line("NOT CHECKED", "prometheus.query", "silent");
    run.line("FAILED", "prometheus.targets", "html");
    run.line("FAILED", "prometheus.rules", "json");
    run.line("FAILED", "prometheus.targets", "status 503: unavailable");
    assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
}

#[test]
fn what_the_deadline_of_the_run_cuts_short_is_named_and_inconclusive() {
    let server = Server::start(|_, wire| wire.silence());
    let config = format!("timeout: 60s\nhttp:\n  - {{name: silent, url: '{}'}}\n", server.url("/"));
    let tool = Tool::new();
    let run = tool.run(&config, &["--timeout", "400ms"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("NOT CHECKED", "probe.http", "deadline");
    assert!(!tool.path("evidence.md").exists(), "an interrupted run goes beside the required file");
    assert!(tool.path("evidence.local.md").exists());
}

#[test]
fn an_interrupt_leaves_inconclusive_evidence_beside_the_required_file() {
    let server = Server::start(|_, wire| wire.silence());
    let tool = Tool::new();
    let config = format!("timeout: 60s\nhttp:\n  - {{name: silent, url: '{}'}}\n", server.url("/"));
    let config = tool.write("smoke.yaml", &config);
    let mut command = tool.command();
    command.args(["run", "--evidence", "evidence.md", "--config"]).arg(config);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while server.requests.lock().unwrap().is_empty() {
        assert!(Instant::now() < deadline, "the probe never asked");
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("SIGINT"), "{}", run.stdout);
    assert!(!tool.path("evidence.md").exists());
    let evidence = std::fs::read_to_string(tool.path("evidence.local.md")).unwrap();
    assert!(evidence.contains("INCONCLUSIVE"), "{evidence}");
    let left = std::fs::read_dir(tool.path("runs")).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != "jobs").collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn secrets_come_from_files_reach_the_server_and_nothing_else() {
    let server = Server::start(|request, wire| {
        let head = request.head.to_ascii_lowercase();
        let known = head.contains("authorization: bearer tok3n") || head.contains("x-api-key: k3y");
        wire.answer(if known { "200 OK" } else { "401 Unauthorized" }, "", "");
    });
    let tool = Tool::new();
    let (token, key) = (tool.write("token", "tok3n\n"), tool.write("key", "k3y"));
    let config = format!(
        "http:\n  - {{name: bearer, url: '{url}', bearer_token_file: '{}'}}\n  - {{name: key, url: '{url}', header_files: {{X-Api-Key: '{}'}}}}\n  - {{name: none, url: '{url}'}}\n",
        token.display(),
        key.display(),
        url = server.url("/"),
    );
    let run = tool.run(&config, &["--format", "json"]);
    assert_eq!(run.code, 2);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(run.stdout.contains("status 401") && report.is_object());
    let dry = tool.run(&config, &["--dry-run"]);
    assert_eq!(dry.code, 0);
    assert!(dry.stdout.contains("authorization") && dry.stdout.contains("x-api-key"), "{}", dry.stdout);
    for text in [&run.stdout, &run.stderr, &dry.stdout, &tool.evidence()] {
        assert!(!text.contains("tok3n") && !text.contains("k3y"), "{text}");
    }
    assert_eq!(server.requests.lock().unwrap().len(), 3, "a dry run asks nobody");
}

#[test]
fn a_secret_does_not_follow_a_redirect_to_another_server() {
    let other = Server::start(|_, wire| wire.answer("200 OK", "", ""));
    let elsewhere = other.url("/");
    let server = Server::start(move |request, wire| match request.path.as_str() {
        "/away" => wire.answer("302 Found", &format!("Location: {elsewhere}\r\n"), ""),
        "/near" => wire.answer("302 Found", "Location: /here\r\n", ""),
        "/loop" => wire.answer("302 Found", "Location: /loop\r\n", ""),
        _ => wire.answer(if request.head.contains("k3y") { "200 OK" } else { "401 Unauthorized" }, "", ""),
    });
    let tool = Tool::new();
    let key = tool.write("key", "k3y");
    let mut config = "http:\n".to_owned();
    for name in ["away", "near", "loop"] {
        let (url, key) = (server.url(&format!("/{name}")), key.display());
        let _ = writeln!(
            config,
            "  - {{name: {name}, url: '{url}', follow_redirects: true, header_files: {{X-Api-Key: '{key}'}}}}"
        );
    }
    let run = tool.run(&config, &[]);
    run.line("FAILED", "probe.http", "away: GET");
    run.line("passed", "probe.http", "near: GET");
    run.line("FAILED", "probe.http", "redirects more than 5 times");
    assert!(other.requests.lock().unwrap().is_empty(), "the other server was asked");
}

#[test]
fn an_unusable_configuration_exits_3_with_line_and_column() {
    let tool = Tool::new();
    for (config, says) in [
        ("http:\n  - {name: a, url: 'http://a.example/', statuss: 200}\n", "line 2, column"),
        ("http:\n  - name: a\n    url: gopher://a.example/\n", "line 3, column"),
        ("http:\n  - name: a\n    url: http://me:hunter2@a.example/\n", "bearer_token_file"),
        (
            "http:\n  - {name: a, url: 'http://a.example/'}\n  - {name: a, url: 'http://b.example/'}\n",
            "stands twice",
        ),
        ("http: [\n", "line"),
        ("run: {environment: local}\n", "names nothing to check"),
        ("http:\n  - {name: a, url: 'http://a.example/', headers: {Authorization: x}}\n", "header_files"),
        (
            "http:\n  - {name: a, url: 'http://a.example/', bearer_token_file: /nothing/here}\n",
            "/nothing/here",
        ),
        (
            "metrics:\n  - {name: a, url: 'http://a.example/', series: [{name: x, min: 2, max: 1}]}\n",
            "min above its max",
        ),
        ("roots: /nothing/here.pem\nhttp:\n  - {name: a, url: 'https://a.example/'}\n", "/nothing/here.pem"),
    ] {
        let run = tool.run(config, &[]);
        assert_eq!(run.code, 3, "{config}{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(says), "{config}{}", run.stderr);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        assert!(!tool.path("evidence.md").exists());
    }
    let without: Run = tool.command().arg("run").output().unwrap().into();
    assert_eq!(without.code, 3);
    assert!(without.stderr.contains("--config"), "{}", without.stderr);
}

/// A certificate for 127.0.0.1 that it signed itself, as PEM, and a server's configuration with it.
fn tls() -> (String, Arc<rustls::ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (made.cert.pem(), Arc::new(config))
}

#[test]
fn tls_trusts_whom_the_roots_file_names_and_nobody_else() {
    let (pem, config) = tls();
    let server = Server::start_tls(config, |_, wire| wire.answer("200 OK", "", "secure"));
    let tool = Tool::new();
    let roots = tool.write("roots.pem", &pem);
    let other = tool.write("other.pem", &tls().0);
    let url = format!("https://{}/", server.address);
    let with = |roots: &std::path::Path| {
        tool.run(&format!("roots: '{}'\nhttp:\n  - {{name: tls, url: '{url}'}}\n", roots.display()), &[])
    };
    let trusted = with(&roots);
    assert_eq!(trusted.code, 0, "{}{}", trusted.stdout, trusted.stderr);
    let untrusted = with(&other);
    assert_eq!(untrusted.code, 2, "{}{}", untrusted.stdout, untrusted.stderr);
    untrusted.line("FAILED", "probe.http", "certificate");
}

#[test]
fn many_probes_are_under_way_at_once_and_no_more_than_allowed() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |_, wire| {
        highest.fetch_max(counted.fetch_add(1, SeqCst) + 1, SeqCst);
        std::thread::sleep(Duration::from_millis(30));
        counted.fetch_sub(1, SeqCst);
        wire.answer("200 OK", "", "");
    });
    let mut config = "concurrency: 4\nhttp:\n".to_owned();
    for index in 0..24 {
        let _ = writeln!(config, "  - {{name: 'probe {index}', url: '{}'}}", server.url("/"));
    }
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(server.requests.lock().unwrap().len(), 24);
    let most = most.load(SeqCst);
    assert!((2..=4).contains(&most), "{most} at once");
}

const RULES: &str = "groups:\n  - name: pack\n    rules:\n      - {alert: QueueLag, expr: depth > 100}\n      - {record: 'job:depth:sum', expr: sum by (job) (depth)}\n      - {record: broken, expr: 'up * on() group_left() up'}\n";

fn prometheus_config(target: &Server) -> String {
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\nscrape_configs:\n  - job_name: shop\n    static_configs: [{{targets: ['{}']}}]\n  - job_name: gone\n    static_configs: [{{targets: ['127.0.0.1:{}']}}]\n",
        target.address,
        closed_port(),
    )
}

#[test]
fn a_real_prometheus_is_asked_about_itself() {
    let target = Server::start(|_, wire| wire.text("# TYPE depth gauge\ndepth 7\n"));
    let prometheus = Prometheus::start(&prometheus_config(&target), RULES);
    prometheus.wait_for("/api/v1/targets?state=active", |answer| !answer.contains("\"health\":\"unknown\""));
    prometheus.wait_for("/api/v1/rules", |answer| answer.contains("\"health\":\"err\""));
    prometheus.wait_for("/api/v1/query?query=job:depth:sum", |answer| answer.contains("\"7\""));
    let config = format!(
        "prometheus:\n  - name: main\n    url: {}\n    jobs:\n      - job: shop\n      - job: gone\n      - job: missing\n    rules:\n      loaded: [QueueLag, 'job:depth:sum', Forgotten]\n    queries:\n      - {{expr: 'depth > 100', expect: does_not_hold}}\n      - {{expr: 'dept > 100', expect: does_not_hold}}\n      - {{expr: 'depth{{job=\"shp\"}} > 1', expect: holds}}\n      - {{expr: 'depth > 101', expect: holds}}\n      - {{expr: depth, expect: holds, min: 1, max: 10}}\n      - {{expr: 'depth + 0', expect: holds, max: 5}}\n      - {{expr: 'depth > 5', expect: does_not_hold}}\n      - {{expr: 'depth >', expect: holds}}\n",
        prometheus.url,
    );
    let tool = Tool::new();
    let run = tool.run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "prometheus.ready", "version");
    run.line("passed", "prometheus.targets", "job shop: 1 of 1 up");
    run.line("FAILED", "prometheus.targets", "job gone: 0 of 1 up");
    run.line("FAILED", "prometheus.targets", "job missing: no such target");
    run.line("FAILED", "prometheus.rules", "Forgotten");
    run.line("FAILED", "prometheus.rule_health", "pack/broken: health err");
    run.line("passed", "prometheus.rule_health", "2 of 3 rules");
    run.line("passed", "prometheus.query", "depth > 100: the condition is false; its series exist");
    run.line("FAILED", "prometheus.query", "no series: nothing matches dept");
    run.line("FAILED", "prometheus.query", "no series: nothing matches depth{job=\"shp\"}");
    run.line("FAILED", "prometheus.query", "depth > 101: the condition is false; its series exist");
    run.line("passed", "prometheus.query", "main: depth: 1 series");
    run.line("FAILED", "prometheus.query", "a value of 7");
    run.line("FAILED", "prometheus.query", "it holds for 1 series");
    run.line("FAILED", "prometheus.query", "bad_data");
    assert!(tool.evidence().contains("prometheus main"), "the version is a fact of the evidence");
}

/// What is asked of its series is what the expression looks at: where and when it looks.
#[test]
fn series_exist_where_and_when_a_query_looks() {
    let gone = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_gone = Arc::clone(&gone);
    let target = Server::start(move |_, wire| {
        let more = if is_gone.load(std::sync::atomic::Ordering::SeqCst) { "" } else { "gone_total 3\n" };
        wire.text(&format!("depth 7\n{more}"));
    });
    let config = prometheus_config(&target);
    let prometheus = Prometheus::start(config.split("  - job_name: gone").next().unwrap(), "groups: []\n");
    prometheus.wait_for("/api/v1/query?query=count_over_time(gone_total%5B1h%5D)%3E2", |answer| {
        answer.contains("\"shop\"")
    });
    gone.store(true, std::sync::atomic::Ordering::SeqCst);
    prometheus.wait_for("/api/v1/query?query=count(gone_total)", |answer| !answer.contains("value"));
    let queries = [
        "depth offset 2h > 100",
        "gone_total > 100",
        "increase(gone_total[1h]) > 100",
        "increase(gone_total[1h] offset 2h) > 100",
        "max_over_time(gone_total[1h:1s]) > 100",
        "depth @ 1000 > 100",
        "rate(depth[500ms]) > 100",
    ];
    let mut text = format!(
        "prometheus:\n  - name: main\n    url: {}\n    rules: {{none_is_right: true}}\n    queries:\n",
        prometheus.url
    );
    for query in queries {
        let _ = writeln!(text, "      - {{expr: '{query}', expect: does_not_hold}}");
    }
    let run = Tool::new().run(&text, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    for (query, passes) in queries.into_iter().zip([false, false, true, false, true, false]) {
        let (outcome, says) = if passes {
            ("passed", "the condition is false; its series exist")
        } else {
            ("FAILED", "no series: nothing matches")
        };
        run.line(outcome, "prometheus.query", &format!("{query}: {says}"));
    }
    // Scrapes come every second: two samples are never half a second apart.
    assert!(
        run.stdout
            .lines()
            .filter(|line| line.contains("rate(depth[500ms]) > 100"))
            .all(|line| !line.contains("passed"))
    );
}

#[test]
fn a_healthy_prometheus_passes_without_a_word_of_configuration() {
    let target = Server::start(|_, wire| wire.text("# TYPE depth gauge\ndepth 7\n"));
    let config = prometheus_config(&target);
    let config = config.split("  - job_name: gone").next().unwrap();
    let rules = RULES.split("      - {record: broken").next().unwrap();
    let prometheus = Prometheus::start(config, rules);
    prometheus.wait_for("/api/v1/targets?state=active", |answer| answer.contains("\"health\":\"up\""));
    prometheus.wait_for("/api/v1/rules", |answer| answer.matches("\"health\":\"ok\"").count() == 2);
    let config = format!(
        "prometheus:\n  - {{name: main, url: '{}/'}}\nmetrics:\n  - {{name: prometheus, url: '{}/metrics'}}\n",
        prometheus.url, prometheus.url
    );
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}
