//! What `run` asks of `/metrics` beyond required series: counters over two scrapes, budgets, freshness,
//! timestamps, exemplars, and the Content-Type as real servers and a real Prometheus see it.

use std::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use crate::support::{Prometheus, Server, Tool};

/// A server whose exposition is another one each time it is asked.
fn scrapes(texts: &'static [&'static str]) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |_, wire| {
        let text = texts[asked.fetch_add(1, SeqCst).min(texts.len() - 1)];
        if text.starts_with("500") {
            return wire.answer("500 Internal Server Error", "", "");
        }
        let openmetrics = text.ends_with("# EOF\n");
        let named = if openmetrics { "application/openmetrics-text" } else { "text/plain; version=0.0.4" };
        wire.bytes(named, text.as_bytes());
    })
}

fn probe(server: &Server, name: &str, more: &str) -> String {
    format!("  - {{name: {name:?}, lint: false, url: '{}', {more}}}\n", server.url("/metrics"))
}

#[test]
fn counters_that_fall_are_told_apart_from_resets() {
    let rises = scrapes(&["# TYPE a_total counter\na_total 1\n", "# TYPE a_total counter\na_total 2\n"]);
    let falls = scrapes(&["# TYPE a_total counter\na_total 9\n", "# TYPE a_total counter\na_total 2\n"]);
    let resets = scrapes(&[
        "# TYPE a_total counter\na_total 9\nprocess_start_time_seconds 5\n",
        "# TYPE a_total counter\na_total 1\nprocess_start_time_seconds 6\n",
    ]);
    let breaks = scrapes(&["# TYPE a_total counter\na_total 9\n", "500"]);
    let still = scrapes(&["# TYPE a_total counter\na_total 9\n"]);
    let again = "again_after: 20ms, series: [{name: a_total, must_rise: true}]";
    let mut config = "metrics:\n".to_owned();
    for (server, name) in
        [(&rises, "rises"), (&falls, "falls"), (&resets, "resets"), (&breaks, "breaks"), (&still, "still")]
    {
        config += &probe(server, name, again);
    }
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "metrics.counters", "1 of 1 counting series rose");
    run.line("FAILED", "metrics.counters", "a_total from 9 to 2");
    run.line("passed", "metrics.counters", "were reset between the scrapes: the process started anew");
    run.line("FAILED", "metrics.scrape", "the second time: status 500");
    run.line("passed", "metrics.rising", "rises: a_total: from 1 to 2");
    run.line("passed", "metrics.rising", "resets: a_total");
    run.line("FAILED", "metrics.rising", "still: a_total: from 9 to 9");
}

#[test]
fn budgets_of_series_labels_bytes_and_time_are_kept() {
    let mut text = String::new();
    for index in 0..30 {
        let _ = writeln!(text, "requests{{path=\"/user/{index}\",code=\"200\"}} 1");
    }
    text += "depth 1\n";
    let server = Server::start(move |_, wire| wire.text(&text));
    let config = format!(
        "metrics:\n{}{}{}",
        probe(
            &server,
            "cheap",
            "max_series: 31, max_series_per_name: 30, max_label_values: {path: 30, code: 1}, max_bytes: 5000, max_duration: 10s"
        ),
        probe(
            &server,
            "dear",
            "max_series: 30, max_series_per_name: 29, max_label_values: {path: 29}, max_bytes: 100, max_duration: 1ns"
        ),
        probe(&server, "named", "series: [{name: 'requests.all', absent: true}]"),
    );
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "metrics.cardinality", "cheap: 31 series");
    run.line("passed", "metrics.cardinality", "cheap: label path: 30 different values");
    run.line("passed", "metrics.cost", "cheap: ");
    run.line("FAILED", "metrics.cardinality", "dear: 31 series; most of them: requests 30, depth 1");
    run.line("FAILED", "metrics.cardinality", "dear: requests: 30 series");
    run.line("FAILED", "metrics.cardinality", "dear: label path");
    run.line("FAILED", "metrics.cost", "bytes");
    run.line("FAILED", "metrics.cost", " s [");
}

#[test]
fn old_values_and_timestamps_that_prometheus_cannot_use_are_named() {
    let now = jiff::Timestamp::now().as_second();
    let server = Server::start(move |request, wire| match request.path.as_str() {
        "/metrics" => {
            wire.text(&format!("backup_last_success_timestamp_seconds {}\nodd_seconds NaN\n", now - 7200))
        }
        "/federate" => wire.text(&format!("run_timestamp_seconds 1500000000 {}\n", now * 1000)),
        "/old" => wire.text(&format!("a 1 {}\n", (now - 400) * 1000)),
        "/older" => wire.text(&format!("a 1 {}\n", (now - 7200) * 1000)),
        "/ahead" => wire.text(&format!("a 1 {}\n", (now + 4000) * 1000)),
        _ => wire.text(&format!("a 1 {}\n", now * 1000)),
    });
    let series = |name: &str, age: &str| format!("series: [{{name: {name}, max_age: {age}}}]");
    let mut config = "metrics:\n".to_owned();
    config += &probe(&server, "young", &series("backup_last_success_timestamp_seconds", "3h"));
    config += &probe(&server, "late", &series("backup_last_success_timestamp_seconds", "1h"));
    config += &probe(&server, "odd", &series("odd_seconds", "1h"));
    let _ = writeln!(
        config,
        "  - {{name: federated, lint: false, url: '{}', {}}}",
        server.url("/federate"),
        series("run_timestamp_seconds", "1h")
    );
    for path in ["old", "older", "ahead", "good"] {
        let _ =
            writeln!(config, "  - {{name: {path}, lint: false, url: '{}'}}", server.url(&format!("/{path}")));
    }
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "metrics.freshness", "young: ");
    run.line("FAILED", "metrics.freshness", "late: ");
    run.line("FAILED", "metrics.freshness", "odd: ");
    run.line("FAILED", "metrics.freshness", "federated: ");
    run.line("WARNED", "metrics.timestamps", "so old that no query sees them; a is 40");
    run.line("FAILED", "metrics.timestamps", "a Prometheus which holds samples of now drops them");
    run.line("FAILED", "metrics.timestamps", "Prometheus drops them");
    run.line("passed", "metrics.timestamps", "1 timestamp");
}

#[test]
fn exemplars_are_found_where_they_are_required() {
    let with = scrapes(&["# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1 # {trace_id=\"a\"} 0.5\n# EOF\n"]);
    let without = scrapes(&["# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n# EOF\n"]);
    let wrong = scrapes(&[
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {a=\"b\"} 5\nh_bucket{le=\"+Inf\"} 1\n# EOF\n",
    ]);
    let required = "series: [{name: h_bucket, exemplars: true}]";
    let config = format!(
        "metrics:\n{}{}{}",
        probe(&with, "with", required),
        probe(&without, "without", required),
        probe(&wrong, "wrong", required)
    );
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "metrics.series", "with: h_bucket");
    run.line("FAILED", "metrics.series", "1 sample without an exemplar");
    run.line("FAILED", "metrics.valid", "exemplar-range");
}

/// Content-Types that Go's parser and ours might see differently. Read as text the body is good, as OpenMetrics bad.
const CONTENT_TYPES: [&str; 12] = [
    "text/plain",
    "text/plain; version=0.0.4; charset=utf-8",
    "TEXT/PLAIN;",
    "text/html",
    "text/plain; charset",
    "application/json",
    "application/openmetrics-text",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "Application/OpenMetrics-Text;version=0.0.1",
    "application/openmetrics-text; version",
    "application/openmetrics-text; a=1; a=2",
    "application/openmetrics-text; version=\"1.0.0\"",
];

#[test]
fn a_real_prometheus_2_reads_each_content_type_as_we_say() {
    let server = Server::start(|request, wire| {
        let index: usize = request.path.trim_start_matches('/').parse().unwrap_or_default();
        wire.bytes(CONTENT_TYPES[index], b"a 1\n");
    });
    let mut config = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
    for index in 0..CONTENT_TYPES.len() {
        let _ = writeln!(
            config,
            "  - {{job_name: 'type-{index}', metrics_path: '/{index}', static_configs: [{{targets: ['{}']}}]}}",
            server.address
        );
    }
    let prometheus = Prometheus::start(&config, "");
    prometheus.wait_for("/api/v1/targets?state=active", |answer| !answer.contains("\"health\":\"unknown\""));
    for (index, named) in CONTENT_TYPES.iter().enumerate() {
        let answer = prometheus
            .wait_for(&format!("/api/v1/query?query=up%7Bjob%3D%22type-{index}%22%7D"), |answer| {
                answer.contains("\"value\"")
            });
        let up = answer.contains("\"1\"]");
        let read_as = if up { "text" } else { "OpenMetrics" };
        let run: crate::support::Run = Tool::new()
            .command()
            .args(["metrics", &server.url(&format!("/{index}"))])
            .output()
            .unwrap()
            .into();
        // The body lacks what OpenMetrics asks for.
        let ours = if run.stdout.contains("missing-eof") { "OpenMetrics" } else { "text" };
        assert_eq!(ours, read_as, "{named}: {answer}");
    }
}

/// The expositions of the servers that every user of this tool runs.
#[test]
fn the_real_output_of_prometheus_is_accepted() {
    let prometheus = Prometheus::start("scrape_configs: []\n", "");
    let run: crate::support::Run = Tool::new()
        .command()
        .args(["metrics", &format!("{}/metrics", prometheus.url)])
        .output()
        .unwrap()
        .into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "metrics.ingested", "every sample");
    run.line("passed", "metrics.valid", "valid Prometheus text");
}
