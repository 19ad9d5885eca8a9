//! What a real Prometheus 3 makes of a scrape, against what we say of it.

use observability_smoke::exposition::{Release, Syntax};

use super::program;
use crate::{
    ingestion::{TEXTS, changed, dechunk, disagreements},
    support::{Prometheus, Server, Tool, corpora},
};

const TEXT: &str = "text/plain; version=1.0.0; escaping=allow-utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8";

/// Quoted names, which Prometheus 2 does not know.
const QUOTED: [&str; 34] = [
    "{\"a.b\"} 1\n",
    "{\"a.b\",} 1\n",
    "{\"a.b\",x=\"1\"} 1\n",
    "{\"a.b\",\"x y\"=\"1\"} 1\n",
    "{x=\"1\",\"a.b\"} 1\n",
    "{\"a.b\" , x = \"1\" } 1\n",
    "{ \"a.b\" } 1\n",
    "{\"a.b\"}1\n",
    "{\"a\"} 1\n",
    "{\"a.b\"x=\"1\"} 1\n",
    "a{\"x.y\"=\"1\"} 1\n",
    "a{\"x.y\" = \"1\"} 1\n",
    "a{\"b\"} 1\n",
    "{\"a\",\"b\"} 1\n",
    "{\"\"} 1\n",
    "{} 1\n",
    "{,\"a\"} 1\n",
    "{x=\"1\"} 1\n",
    "{\"a.b\",größe=\"1\"} 1\n",
    "{\"a.b\",\"größe\"=\"1\"} 1\n",
    "größe 1\n",
    "{\"größe\"} 1\n",
    "{\"a\\\"b\"} 1\n",
    "{\"a\\nb\"} 1\n",
    "{\"a\\tb\"} 1\n",
    "{\"a.b\",\"\"=\"1\"} 1\n",
    "{\"a.b\"=\"1\"} 1\n",
    "{\"a.b\",\"x\"=1} 1\n",
    "{\"a.b\",\"x\"=\"1\",\"x\"=\"2\"} 1\n",
    "{\"a.b\",\"x\"=\"1\",x=\"2\"} 1\n",
    "# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n",
    "# HELP \"a.b\" words\n{\"a.b\"} 1\n",
    "# TYPE a.b gauge\n{\"a.b\"} 1\n",
    "# TYPE \"a.b gauge\n{\"a.b\"} 1\n",
];

/// What else Prometheus 3 takes in OpenMetrics, and 2.42 does not.
const OF_OPENMETRICS: [&str; 13] = [
    "a{x=\"1\",} 1\n",
    "a{,} 1\n",
    "a{x=\"1\",,} 1\n",
    "a{x=\"1\", y=\"2\"} 1\n",
    "a{x=\"1\"y=\"2\"} 1\n",
    " a 1\n",
    "# TYPE a gauge\na 1 # {x=\"1\"} 1\n",
    "# TYPE a counter\na_total 1 # {x=\"1\",} 1\n",
    "# TYPE a counter\na_total 1 # {\"x.y\"=\"1\"} 1\n",
    "# TYPE a counter\na_total 1 # {\"x.y\"} 1\n",
    "# TYPE \"a b\" gauge\n{\"a b\"} 1\n",
    "# UNIT \"a.b_seconds\" seconds\n{\"a.b_seconds\"} 1\n",
    "# UNIT a_seconds bytes\na_seconds 1\n",
];

/// Prometheus 3 takes the scrape and stores the series under a name with the blanks: nobody finds it.
const LEADING_BLANKS: &str = "  a\t1  \n";

#[test]
fn prometheus_3_stores_a_sample_behind_blanks_under_another_name() {
    let Some(program) = program("prometheus") else { return };
    let server = Server::start(|_, wire| wire.text(LEADING_BLANKS));
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: a, static_configs: [{{targets: ['{}']}}]}}]\n",
        server.address
    );
    let prometheus = Prometheus::start_program(&program, &config, "", &[]);
    prometheus.wait_for("/api/v1/label/__name__/values", |answer| answer.contains("\"  a\""));
    assert!(!prometheus.get("/api/v1/label/__name__/values").unwrap().contains("\"a\""));
}

#[test]
fn prometheus_3_ingests_exactly_what_we_say_it_would() {
    let Some(prometheus) = program("prometheus") else { return };
    let texts = TEXTS.iter().chain(&QUOTED);
    let texts: Vec<_> = texts.map(|text| text.as_bytes().to_vec()).collect();
    let mut wrong = disagreements(&prometheus, Release::Newer, Syntax::Prometheus, TEXT, texts);
    let texts = QUOTED.iter().chain(&OF_OPENMETRICS);
    let texts = texts.map(|text| format!("{text}# EOF\n").into_bytes()).collect();
    wrong.extend(disagreements(&prometheus, Release::Newer, Syntax::OpenMetrics, OPENMETRICS, texts));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn prometheus_3_ingests_the_official_openmetrics_cases_as_we_say() {
    let Some(prometheus) = program("prometheus") else { return };
    let Some(folder) = corpora() else {
        println!("skipped: OPS_SMOKE_CORPORA names no folder with the official OpenMetrics cases");
        return;
    };
    let cases = std::fs::read_dir(folder.join("openmetrics")).unwrap();
    let texts: Vec<_> =
        cases.map(|case| std::fs::read(case.unwrap().path().join("metrics")).unwrap()).collect();
    let wrong = disagreements(&prometheus, Release::Newer, Syntax::OpenMetrics, OPENMETRICS, texts);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn prometheus_3_ingests_texts_with_a_few_changes_as_we_say() {
    let Some(prometheus) = program("prometheus") else { return };
    let changed = |syntax| changed(syntax, 150, Release::Newer);
    let (text, openmetrics) = (changed(Syntax::Prometheus), changed(Syntax::OpenMetrics));
    let mut wrong = disagreements(&prometheus, Release::Newer, Syntax::Prometheus, TEXT, text);
    wrong.extend(disagreements(&prometheus, Release::Newer, Syntax::OpenMetrics, OPENMETRICS, openmetrics));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Headers, `None` for no such header at all.
const CONTENT_TYPES: [Option<&str>; 22] = [
    Some("text/plain"),
    Some("text/plain; version=0.0.4; charset=utf-8"),
    Some("text/plain; version=1.0.0; escaping=allow-utf-8"),
    Some("text/plain; version=7"),
    Some("TEXT/Plain;"),
    Some("text/plain; version=\"0.0.4\""),
    Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    Some("application/openmetrics-text"),
    Some("application/openmetrics-text; version=2.0.0"),
    None,
    Some(""),
    Some("text/html"),
    Some("application/json"),
    Some("application/octet-stream"),
    Some("text/plain; charset"),
    Some("text/plain; a=1; a=2"),
    Some("text/plain charset=utf-8"),
    Some("text/plain; version="),
    Some("text/plain; version=\"1"),
    Some("text/plain;; version=1"),
    Some("text/*"),
    Some(";"),
];

#[test]
fn prometheus_3_takes_exactly_the_content_types_that_we_say_it_takes() {
    let Some(program) = program("prometheus") else { return };
    let server = Server::start(|request, wire| {
        let index: usize = request.path.trim_start_matches('/').parse().unwrap();
        let header = CONTENT_TYPES[index].map_or(String::new(), |value| format!("Content-Type: {value}\r\n"));
        wire.answer("200 OK", &header, "# HELP a b\n# TYPE a gauge\na 1\n# EOF\n");
    });
    let mut config = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
    let mut probes = "metrics:\n".to_owned();
    for index in 0..CONTENT_TYPES.len() {
        let target = server.address;
        config += &format!(
            "  - {{job_name: 'type-{index}', metrics_path: '/{index}', static_configs: [{{targets: ['{target}']}}]}}\n"
        );
        probes += &format!("  - {{name: type-{index}, url: 'http://{target}/{index}'}}\n");
    }
    let prometheus = Prometheus::start_program(&program, &config, "", &[]);
    let answer = prometheus.wait_for("/api/v1/targets?state=active", |answer| {
        answer.matches("\"health\":\"up\"").count() + answer.matches("\"health\":\"down\"").count()
            == CONTENT_TYPES.len()
    });
    let body = answer.find("\r\n\r\n").map(|at| &answer[at..]).unwrap();
    let targets: serde_json::Value = serde_json::from_str(&dechunk(body)).unwrap();
    let run = Tool::new().run(&probes, &[]);
    let mut wrong = Vec::new();
    for target in targets["data"]["activeTargets"].as_array().unwrap() {
        let job = target["labels"]["job"].as_str().unwrap();
        let outcome = if target["health"] == "up" { "passed" } else { "WARNED" };
        let line = std::panic::catch_unwind(|| {
            run.line(outcome, "metrics.content_type", &format!("{job}: "));
        });
        if line.is_err() {
            let index: usize = job.trim_start_matches("type-").parse().unwrap();
            wrong.push(format!("{:?}: {}", CONTENT_TYPES[index], target["lastError"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", run.stdout);
}
