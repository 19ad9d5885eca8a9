//! Requests in a row, JSON, phases, nodes and the correlation id, against servers that answer well, badly or late.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use crate::support::{Run, Server, Tool};

/// The value of a header of a request.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
    Some(line.split_once(':')?.1.trim())
}

/// A shop with a login; its logs come late, and lose the id where `loses` says so.
fn shop(loses: bool) -> Server {
    let (logs, asked) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    Server::start(move |request, wire| {
        let path = request.path.split('?').next().unwrap_or_default();
        match path {
            "/login" => wire.answer("200 OK", "", r#"{"token":"s3cr3t/1","user":{"id":7}}"#),
            "/users/7/orders" if header(&request.head, "authorization") == Some("Bearer s3cr3t/1") => {
                let id = header(&request.head, "x-correlation-id").unwrap_or_default().to_owned();
                let trace = header(&request.head, "traceparent").unwrap_or_default();
                assert!(trace.starts_with(&format!("00-{id}-")) && id.len() == 32, "{}", request.head);
                logs.lock().unwrap().push(if loses {
                    "order made".to_owned()
                } else {
                    format!("order made {id}")
                });
                wire.answer("200 OK", &format!("X-Order: {id}\r\n"), r#"{"orders":[{"id":1,"total":9.5}]}"#);
            }
            "/users/7/orders" => wire.answer("401 Unauthorized", "", "{}"),
            "/logs" if asked.fetch_add(1, SeqCst) < 2 => wire.json(r#"{"entries":[]}"#),
            "/logs" => {
                let entries: Vec<_> = logs.lock().unwrap().iter().map(|line| format!("{line:?}")).collect();
                wire.json(&format!(r#"{{"entries":[{}]}}"#, entries.join(",")));
            }
            _ => wire.answer("404 Not Found", "", ""),
        }
    })
}

fn flow(server: &Server) -> String {
    format!(
        r"flows:
  - name: order
    latency: 5s
    steps:
      - name: login
        url: {base}/login
        method: POST
        body: '{{user: me}}'
        json: [{{path: $.token, matches: '^s3'}}]
        capture: {{token: {{json: $.token}}, user: {{matches: '.id.:(\d+)'}}}}
      - name: orders
        url: {base}/users/${{user}}/orders
        headers: {{Authorization: 'Bearer ${{token}}', X-Correlation-Id: '${{correlation_id}}', traceparent: '${{traceparent}}'}}
        json: [{{path: '$.orders[*].total', min: 0, max: 10}}]
        capture: {{order: {{header: x-order}}}}
    found_in:
      - {{name: logs, url: '{base}/logs?q=${{order}}', json: '$.entries[*]', within: 1500ms, every: 20ms}}
",
        base = server.url(""),
    )
}

#[test]
fn a_flow_hands_values_on_and_its_correlation_id_is_found_again() {
    let server = shop(false);
    let tool = Tool::new();
    let run = tool.run(&flow(&server), &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "probe.http", "order, login: POST");
    run.line("passed", "probe.capture", "order, orders: GET");
    run.line("passed", "probe.correlation", "order in logs: 1 entry");
    run.line("passed", "probe.latency", "order");
    let evidence = tool.evidence();
    for secret in ["s3cr3t", "total\":9.5"] {
        assert!(!evidence.contains(secret) && !run.stdout.contains(secret), "{evidence}");
    }
    let dry = tool.run(&flow(&server), &["--dry-run"]);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.contains("/users/${user}/orders"), "{}", dry.stdout);
}

#[test]
fn an_id_that_is_not_found_again_fails_within_its_time() {
    let server = shop(true);
    let started = Instant::now();
    let run = Tool::new().run(&flow(&server), &[]);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let line = run.line("FAILED", "probe.correlation", "order in logs: 0 entries");
    assert!(line.contains("with this run's id within 1.5 s"), "{line}");
}

#[test]
fn the_first_request_that_fails_ends_the_flow_and_the_rest_is_not_checked() {
    let server = Server::start(|request, wire| match request.path.as_str() {
        "/login" => wire.answer("200 OK", "", r#"{"user":7}"#),
        _ => wire.answer("200 OK", "", "{}"),
    });
    let run = Tool::new().run(&flow(&server).replace("json: [{path: $.token, matches: '^s3'}]", ""), &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "probe.capture", "nothing for");
    run.line("NOT CHECKED", "probe.http", "order, orders");
    run.line("NOT CHECKED", "probe.correlation", "order in logs");
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}

#[test]
fn a_lying_backend_of_logs_gives_a_named_result() {
    let server = Server::start(|request, wire| match request.path.split('?').next().unwrap_or_default() {
        "/json" => wire.json("[1"),
        "/500" => wire.answer("500 Internal Server Error", "", ""),
        "/silent" => wire.silence(),
        // It repeats the question, which is no find.
        "/echo" => wire.json(&format!(r#"{{"query":{:?},"hits":[]}}"#, request.path)),
        "/away" => wire.answer("302 Found", "Location: /json\r\n", ""),
        _ => wire.answer("200 OK", "", "{}"),
    });
    let base = server.url("");
    let mut config =
        format!("flows:\n  - name: f\n    steps: [{{name: a, url: '{base}/'}}]\n    found_in:\n");
    for name in ["json", "500", "silent", "echo", "away"] {
        config += &format!(
            "      - {{name: {name:?}, url: '{base}/{name}?q=${{correlation_id}}', json: '$.hits[*]', within: 300ms, every: 100ms, timeout: 200ms}}\n"
        );
    }
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    for (name, says) in [
        ("json", "no JSON"),
        ("500", "status 500"),
        ("silent", "no whole answer within 0.2 s"),
        ("echo", "0 entries"),
        ("away", "status 302"),
    ] {
        let line = run.line("FAILED", "probe.correlation", &format!("f in {name}"));
        assert!(line.contains(says), "{line}");
    }
}

#[test]
fn a_captured_token_does_not_follow_a_redirect_to_another_server() {
    let other = Server::start(|_, wire| wire.answer("200 OK", "", ""));
    let elsewhere = other.url("/");
    let server = Server::start(move |request, wire| match request.path.as_str() {
        "/login" => wire.answer("200 OK", "", r#"{"token":"s3cr3t"}"#),
        _ => wire.answer("307 Temporary Redirect", &format!("Location: {elsewhere}\r\n"), ""),
    });
    let base = server.url("");
    let config = format!(
        "http:\n  - {{name: body, url: '{base}/a', method: POST, body: secret, follow_redirects: true}}\nflows:\n  - name: f\n    steps:\n      - {{name: login, url: '{base}/login', capture: {{token: {{json: $.token}}}}}}\n      - {{name: next, url: '{base}/next', headers: {{X-Token: '${{token}}'}}, follow_redirects: true}}\n",
    );
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "probe.http", "f, next: GET: status 307");
    run.line("FAILED", "probe.http", "body: POST");
    assert!(other.requests.lock().unwrap().is_empty(), "the other server was asked");
}

#[test]
fn what_a_flow_cannot_know_is_refused_before_anything_is_asked() {
    let tool = Tool::new();
    let step = |more: &str| {
        format!("flows:\n  - name: f\n    steps:\n      - {{name: a, url: 'http://127.0.0.1:1/'{more}}}\n")
    };
    for (config, says) in [
        (step(", headers: {X: '${token}'}"), "uses ${token}"),
        (step(", headers: {Authorization: x}"), "header_files"),
        (step(", body_contains: '${x}'"), "expects ${x}"),
        (step(", capture: {a b: {header: x}}"), "needs a name"),
        (step(", capture: {a: {header: x, json: $.a}}"), "one of json"),
        (step(", json: [{path: a.b}]"), "no JSON path"),
        (step(", json: [{path: $.a, absent: true, min: 1}]"), "can never be met"),
        (step(", url: 'http://x/'"), "the key 'url' stands twice"),
        ("flows:\n  - {name: f, steps: []}\n".to_owned(), "no steps"),
        (
            "flows:\n  - name: f\n    steps: [{name: a, url: 'http://${correlation_id}.example/'}]\n"
                .to_owned(),
            "must stand in the configuration",
        ),
        (
            format!(
                "{}    found_in: [{{name: x, url: 'http://127.0.0.1:1/', json: $, contains: hello}}]\n",
                step("")
            ),
            "must hold a value of this run",
        ),
        ("http:\n  - {name: a, url: 'http://a.example/', nodes: 2}\n".to_owned(), "every_node"),
    ] {
        let run = tool.run(&config, &[]);
        assert_eq!(run.code, 3, "{config}{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(says), "{config}{}", run.stderr);
    }
}

#[test]
fn json_headers_and_phases_are_judged_and_nothing_of_the_answer_is_shown() {
    let server = Server::start(|request, wire| match request.path.as_str() {
        "/moved" => wire.answer("308 Permanent Redirect", "Location: https://shop.example/\r\n", ""),
        _ => wire.json(r#"{"status":"up","password":"hunter2","lag":[1,2,30]}"#),
    });
    let url = server.url("/health");
    let config = format!(
        "http:\n  - {{name: good, url: '{url}', json: [{{path: $.status, equals: up}}, {{path: '$.lag[*]', max: 30}}], response_headers: {{Content-Type: json}}, phases: {{connect: 5s, first_byte: 5s}}}}\n  - {{name: bad, url: '{url}', json: [{{path: '$.lag[*]', max: 29}}]}}\n  - {{name: value, url: '{url}', json: [{{path: $.password, equals: other}}]}}\n  - {{name: nowhere, url: '{url}', json: [{{path: $.state}}]}}\n  - {{name: header, url: '{url}', response_headers: {{Content-Type: html}}}}\n  - {{name: missing, url: '{url}', response_headers: {{Strict-Transport-Security: max-age}}}}\n  - {{name: moved, url: '{}', status: 308, response_headers: {{Location: '^https://shop\\.example/$'}}}}\n  - {{name: slow, url: '{url}', phases: {{first_byte: 1ns}}}}\n",
        server.url("/moved"),
    );
    let tool = Tool::new();
    let run = tool.run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "probe.http", "good: GET");
    run.line("passed", "probe.phase", "good: GET");
    run.line("passed", "probe.http", "moved: GET");
    run.line("FAILED", "probe.http", "$.lag[*] is a number out of bounds");
    run.line("FAILED", "probe.http", "$.password is another value: a text of 7 characters");
    run.line("FAILED", "probe.http", "$.state leads nowhere");
    run.line("FAILED", "probe.http", "a header content-type that does not match");
    run.line("FAILED", "probe.http", "no header strict-transport-security");
    run.line("FAILED", "probe.phase", "processing");
    assert!(!run.stdout.contains("hunter2") && !tool.evidence().contains("hunter2"));
}

#[test]
fn basic_authentication_comes_from_a_file() {
    let server = Server::start(|request, wire| {
        let known = header(&request.head, "authorization") == Some("Basic bWU6aHVudGVyMg==");
        wire.answer(if known { "200 OK" } else { "401 Unauthorized" }, "", "");
    });
    let tool = Tool::new();
    let password = tool.write("password", "hunter2\n");
    let config = format!(
        "http:\n  - {{name: a, url: '{}', basic_auth: {{username: me, password_file: '{}'}}}}\n",
        server.url("/"),
        password.display()
    );
    let run = tool.run(&config, &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(!tool.evidence().contains("hunter2") && !tool.evidence().contains("bWU6"));
}

/// One name with two addresses needs a hosts file of its own, and that a mount namespace.
#[test]
fn each_node_behind_a_name_is_asked_for_itself() {
    let tool = Tool::new();
    let hosts = tool.write("hosts", "127.0.0.1 shop.test\n127.0.0.2 shop.test\n");
    let broken = AtomicBool::new(false);
    let server = Server::start(move |request, wire| {
        let first = header(&request.head, "upgrade").is_none() && !broken.swap(true, SeqCst);
        let host = header(&request.head, "host").unwrap_or_default().to_owned();
        assert!(host.starts_with("shop.test:"), "{host}");
        wire.answer(if first { "200 OK" } else { "503 Service Unavailable" }, "", "");
    });
    let port = server.address.port();
    // The server listens on 127.0.0.1 alone: the other node refuses.
    let config = format!(
        "http:\n  - {{name: shop, url: 'http://shop.test:{port}/', every_node: true, nodes: 2}}\ntcp:\n  - {{name: port, address: 'shop.test:{port}', every_node: true}}\n  - {{name: policy, address: 'shop.test:{port}', expect: blocked, refused_counts: true, control: '127.0.0.1:{port}'}}\nwebsocket:\n  - {{name: terminal, url: 'ws://shop.test:{port}/', every_node: true}}\n"
    );
    let config = tool.write("smoke.yaml", &config);
    let mut command = std::process::Command::new("unshare");
    let script = "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"";
    command.args(["-rm", "sh", "-c", script, "sh"]).arg(&hosts);
    command.arg(env!("CARGO_BIN_EXE_observability-smoke"));
    command.args(["run", "--verbose", "--evidence", "evidence.md", "--config"]).arg(config);
    command.current_dir(tool.folder.path()).env("OPS_SMOKE_RUN_BASE", tool.path("runs"));
    command.env_remove("GITHUB_ACTIONS");
    let run: Run = match command.output() {
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("unshare:") => output.into(),
        _ => {
            println!("skipped: this machine allows no mount namespace");
            return;
        }
    };
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "probe.nodes", "2 addresses");
    run.line("passed", "probe.http", &format!("at 127.0.0.1:{port}: status 200"));
    run.line("FAILED", "probe.http", &format!("at 127.0.0.2:{port}: no connection"));
    run.line("FAILED", "probe.tcp", &format!("at 127.0.0.2:{port}"));
    run.line("passed", "probe.tcp", &format!("at 127.0.0.1:{port}"));
    // What is blocked at one address and open at another is not blocked, though nobody asked for every node.
    run.line("passed", "probe.blocked", &format!("at 127.0.0.2:{port}: rejected"));
    run.line("FAILED", "probe.blocked", &format!("at 127.0.0.1:{port}: open"));
    run.line("FAILED", "probe.websocket", &format!("at 127.0.0.1:{port}: status 503"));
    run.line("FAILED", "probe.websocket", &format!("at 127.0.0.2:{port}: no connection"));
}

#[test]
fn a_host_header_is_for_the_server_that_it_was_written_for() {
    let seen = |request: &crate::support::Request, wire: &mut crate::support::Wire| {
        let host = header(&request.head, "host").unwrap_or_default();
        wire.answer("200 OK", "", &format!("asked as {host};"));
    };
    let other = Server::start(seen);
    let elsewhere = other.url("/");
    let server = Server::start(move |request, wire| match request.path.as_str() {
        "/away" => wire.answer("302 Found", &format!("Location: {elsewhere}\r\n"), ""),
        "/near" => wire.answer("302 Found", "Location: /here\r\n", ""),
        _ => seen(request, wire),
    });
    let probe = |path: &str, host: &str| {
        format!(
            "  - {{name: {path}, url: '{}', headers: {{Host: shop.example}}, follow_redirects: true, body_contains: 'asked as {host};'}}\n",
            server.url(&format!("/{path}"))
        )
    };
    let other = other.address.to_string();
    let run =
        Tool::new().run(&format!("http:\n{}{}", probe("near", "shop.example"), probe("away", &other)), &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}
