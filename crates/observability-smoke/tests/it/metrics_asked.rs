//! As which Prometheus an exporter is asked, what it shows then, and what real ones of both generations make of series
//! that stand twice and of what stands behind `# EOF`.

use std::path::PathBuf;

use observability_smoke::exposition::{Release, Syntax};

use crate::{
    ingestion::disagreements,
    support::{Prometheus, Run, Server, Tool},
    three,
};

/// An exporter with names in UTF-8, which it shows to those that ask for them.
fn exporter() -> Server {
    Server::start(|request, wire| {
        let (content_type, name, label) = if request.head.contains("escaping=allow-utf-8") {
            (
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
                "\"http.duration\"",
                "\"k8s pod\"",
            )
        } else {
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", "http_duration", "k8s_pod")
        };
        let sample = if name.starts_with('"') {
            format!("{{{name},{label}=\"a\"}} 1\n{{\"queue depth\"}} 2\n")
        } else {
            format!("{name}{{{label}=\"a\"}} 1\nqueue_depth 2\n")
        };
        let depth = if name.starts_with('"') { "\"queue depth\"" } else { "queue_depth" };
        let (first, second) = sample.split_once('\n').unwrap();
        let text = format!(
            "# HELP {name} Seconds.\n# TYPE {name} gauge\n{first}\n# HELP {depth} Jobs.\n# TYPE {depth} gauge\n{second}# EOF\n"
        );
        wire.bytes(content_type, text.as_bytes());
    })
}

#[test]
fn an_exporter_is_asked_as_the_newer_prometheus_asks_and_as_the_older_by_a_flag() {
    let (server, tool) = (exporter(), Tool::new());
    let ask = |arguments: &[&str]| -> Run {
        let run = tool.command().args(["metrics", &server.url("/metrics")]).args(arguments).output();
        run.unwrap().into()
    };
    let newer = ask(&[]);
    assert_eq!(newer.code, 0, "{}", newer.stdout);
    newer.line("passed", "metrics.content_type", "escaping=allow-utf-8 (asked as Prometheus 3 asks)");
    newer.line("passed", "metrics.valid", "valid OpenMetrics: 2 samples in 2 families");
    newer.line("passed", "metrics.ingested", "every sample");
    let older = ask(&["--ask-as", "2"]);
    assert_eq!(older.code, 0, "{}", older.stdout);
    older.line("passed", "metrics.content_type", "charset=utf-8 (asked as Prometheus 2 asks)");
    let only = ask(&["--syntax", "openmetrics"]);
    only.line("passed", "metrics.content_type", "(asked as Prometheus 3 asks, for OpenMetrics only)");
    let asked = server.requests.lock().unwrap();
    assert!(!asked[1].head.contains("escaping"), "{}", asked[1].head);
}

#[test]
fn series_with_names_in_utf8_are_required_by_their_names() {
    let (server, tool) = (exporter(), Tool::new());
    let url = server.url("/metrics");
    let run = tool.run(
        &format!(
            "metrics:\n  - name: newer\n    url: {url}\n    series:\n      - {{name: http.duration, labels: {{'k8s pod': a}}, min: 1}}\n      - {{name: '\"queue depth\"', max: 2}}\n      - {{name: queue_depth, absent: true}}\n  - name: older\n    url: {url}\n    ask_as: 2\n    series:\n      - {{name: http_duration, labels: {{k8s_pod: a}}}}\n      - {{name: http.duration}}\n"
        ),
        &[],
    );
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "metrics.series", "newer: {\"http.duration\",\"k8s pod\"=\"a\"}: 1 sample: 1");
    run.line("passed", "metrics.series", "newer: {\"queue depth\"}: 1 sample: 2");
    run.line("passed", "metrics.absent", "newer: queue_depth: absent");
    run.line("passed", "metrics.series", "older: http_duration{k8s_pod=\"a\"}: 1 sample: 1");
    run.line("FAILED", "metrics.series", "older: {\"http.duration\"}: no such sample");
    let wrong = tool.run("metrics:\n  - name: a\n    url: http://127.0.0.1:1/\n    ask_as: 4\n", &[]);
    assert_eq!(wrong.code, 3);
    assert!(wrong.stderr.contains("line 4") && wrong.stderr.contains("ask_as is 3 or 2"), "{}", wrong.stderr);
}

#[test]
fn an_accept_header_of_the_configuration_is_the_only_one() {
    let (server, tool) = (exporter(), Tool::new());
    let url = server.url("/metrics");
    let run =
        tool.run(&format!("metrics:\n  - {{name: own, url: {url}, headers: {{Accept: text/plain}}}}\n"), &[]);
    run.line("passed", "metrics.content_type", "asked by the configuration's own Accept");
    let asked = server.requests.lock().unwrap();
    let accepts: Vec<_> =
        asked[0].head.lines().filter(|line| line.to_ascii_lowercase().starts_with("accept:")).collect();
    assert_eq!(accepts.len(), 1, "{accepts:?}");
    assert!(accepts[0].ends_with("text/plain"), "{accepts:?}");
}

fn generations() -> impl Iterator<Item = PathBuf> {
    std::iter::once(PathBuf::from("prometheus")).chain(three::program("prometheus"))
}

#[test]
fn of_a_series_that_stands_twice_prometheus_keeps_the_first_sample() {
    let server = Server::start(|request, wire| {
        wire.text(match request.path.as_str() {
            "/twice" => "a{x=\"1\"} 1\na{y=\"2\"} 7\na{x=\"1\"} 2\n",
            "/reordered" => "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n",
            _ => "# TYPE a gauge\na 1\na{x=\"\"} 2\na 3\n",
        });
    });
    let mut config = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
    for job in ["twice", "reordered", "empty"] {
        config += &format!(
            "  - {{job_name: {job}, metrics_path: /{job}, static_configs: [{{targets: ['{}']}}]}}\n",
            server.address
        );
    }
    for program in generations() {
        let prometheus = Prometheus::start_program(&program, &config, "", &[]);
        // All three jobs, scraped at least twice: the second scrape finds what the first one stored.
        let values = "/api/v1/query?query=count_over_time(a%7By!=%222%22%7D%5B1m%5D)%3E1";
        let scraped = |answer: &str| answer.matches("\"job\":").count() == 2;
        prometheus.wait_for(values, scraped);
        let other = "/api/v1/query?query=max_over_time(a%5B1m%5D)";
        let answer = prometheus.wait_for(other, |answer| answer.matches("\"job\":").count() == 4);
        let kept = answer.matches(",\"1\"]").count();
        assert_eq!((kept, answer.contains(",\"7\"]")), (3, true), "{}: {answer}", program.display());
    }
}

#[test]
fn real_ones_judge_what_stands_behind_eof_as_we_do() {
    let texts = [
        "a 1\n# EOF\n\n",
        "a 1\n# EOF",
        "a 1\n# EOF \n",
        "a 1\n# EOF\r\n",
        "a 1\n# EOF\na 2\n",
        "a 1\n\n# EOF\n",
    ];
    std::thread::scope(|scope| {
        for program in generations() {
            for (syntax, content_type) in [
                (Syntax::OpenMetrics, "application/openmetrics-text; version=1.0.0"),
                (Syntax::Prometheus, "text/plain; version=0.0.4"),
            ] {
                let (program, texts) = (program.clone(), texts.map(|text| text.as_bytes().to_vec()).to_vec());
                scope.spawn(move || {
                    let is_newer = program.components().count() > 1;
                    let release = if is_newer { Release::Newer } else { Release::Older };
                    let wrong = disagreements(&program, release, syntax, content_type, texts);
                    assert!(wrong.is_empty(), "{}: {wrong:#?}", program.display());
                });
            }
        }
    });
}

#[test]
fn an_empty_line_behind_eof_is_told_in_a_file_and_in_a_pipe() {
    let tool = Tool::new();
    let text = "# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total 1\n# EOF\n\n";
    let file = tool.write("om.txt", text);
    let of_file: Run = tool.command().arg("metrics").arg(&file).output().unwrap().into();
    let of_pipe = tool.metrics(text.as_bytes(), &[]);
    for run in [of_file, of_pipe] {
        assert_eq!(run.code, 2, "{}", run.stdout);
        run.line("FAILED", "metrics.valid", "nothing may follow # EOF, not even an empty line (after-eof)");
        run.line("FAILED", "metrics.ingested", "refuse the whole scrape");
    }
    // Asked for by name it is Prometheus text, in which both are comments and empty lines.
    let text = tool.metrics(text.as_bytes(), &["--syntax", "prometheus"]);
    text.line("passed", "metrics.ingested", "every sample");
}
