//! `metrics`: one exposition from a file, a URL or standard input; the two verdicts and the exit codes.

use std::io::Write;

use crate::support::{Server, Tool, closed_port};

const GOOD: &str = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 3\n";

#[test]
fn a_valid_exposition_exits_0_and_names_both_verdicts() {
    let tool = Tool::new();
    let run = tool.metrics(GOOD.as_bytes(), &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "metrics.valid", "valid Prometheus text: 1 sample in 1 family");
    run.line("passed", "metrics.ingested", "Prometheus would ingest every sample");
}

#[test]
fn lint_warnings_exit_1() {
    let run = Tool::new().metrics(b"jobs 3\n", &[]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    run.line("WARNED", "metrics.lint", "1:1: the family has no HELP");
    assert_eq!(Tool::new().metrics(b"jobs 3\n", &["--fail-on", "failure"]).code, 0);
}

#[test]
fn an_invalid_exposition_exits_2_with_line_column_and_the_offending_text() {
    let run = Tool::new().metrics(b"jobs 3\n\njobs{queue=mail} 3\n", &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line(
        "FAILED",
        "metrics.valid",
        "3:12: a label's value must stand in double quotes: `mail` (label-syntax)",
    );
    run.line("FAILED", "metrics.ingested", "refuse the whole scrape because of line 3:12");
}

#[test]
fn a_problem_in_a_file_is_told_by_the_files_line() {
    let tool = Tool::new();
    let file = tool.write("bad.txt", "jobs 3\njobs four\n");
    let run: crate::support::Run = tool.command().arg("metrics").arg(&file).output().unwrap().into();
    assert_eq!(run.code, 2);
    run.line("FAILED", "metrics.valid", "bad.txt:2: column 6: this is no decimal number: `four` (value)");
}

#[test]
fn the_verdicts_may_differ() {
    // Valid by the specification, which shows a timestamp before 1970 in its own example.
    let refused = Tool::new().metrics(GOOD.replace(" 3\n", " 3 -1\n").as_bytes(), &[]);
    assert_eq!(refused.code, 2);
    refused.line("passed", "metrics.valid", "valid");
    refused.line("FAILED", "metrics.ingested", "signed-timestamp");
    // Invalid, and ingested all the same.
    let ingested = Tool::new().metrics(GOOD.trim_end().as_bytes(), &[]);
    assert_eq!(ingested.code, 2);
    ingested.line("FAILED", "metrics.valid", "final-newline");
    ingested.line("passed", "metrics.ingested", "every sample");
}

#[test]
fn the_format_is_told_by_the_end_or_by_the_flag() {
    let tool = Tool::new();
    let text = "# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total 1\n# EOF\n";
    let file = tool.write("om.txt", text);
    let on_file = |arguments: &[&str]| -> crate::support::Run {
        tool.command().arg("metrics").arg(&file).args(arguments).output().unwrap().into()
    };
    on_file(&[]).line("passed", "metrics.valid", "valid OpenMetrics");
    tool.metrics(text.as_bytes(), &[]).line("passed", "metrics.valid", "valid OpenMetrics");
    let forced = on_file(&["--syntax", "prometheus"]);
    assert_eq!(forced.code, 1, "{}", forced.stdout);
    forced.line("WARNED", "metrics.lint", "no-type");
    let cut = tool.metrics(text.replace("# EOF\n", "").as_bytes(), &["--syntax", "openmetrics"]);
    assert_eq!(cut.code, 2);
    cut.line("FAILED", "metrics.valid", "missing-eof");
}

#[test]
fn gzip_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(GOOD.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let tool = Tool::new();
    let run = tool.metrics(&packed, &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    // Cut in the middle it cannot be read to its end.
    let cut = tool.metrics(&packed[..packed.len() - 12], &[]);
    assert_eq!(cut.code, 3, "{}{}", cut.stdout, cut.stderr);
}

#[test]
fn a_missing_file_and_an_unusable_url_exit_3() {
    let tool = Tool::new();
    for source in ["nothing-here.txt", "http://user:hunter2@127.0.0.1/metrics", "http://"] {
        let run: crate::support::Run = tool.command().args(["metrics", source]).output().unwrap().into();
        assert_eq!(run.code, 3, "{source}: {}{}", run.stdout, run.stderr);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        assert!(!run.stderr.is_empty());
    }
}

#[test]
fn no_evidence_is_written_unless_asked() {
    let tool = Tool::new();
    let file = tool.write("good.txt", GOOD);
    let run = |arguments: &[&str]| tool.command().arg("metrics").arg(&file).args(arguments).output().unwrap();
    assert!(run(&[]).status.success());
    assert!(!tool.path("evidence.md").exists());
    assert!(run(&["--evidence", "evidence.md"]).status.success());
    assert!(tool.evidence().contains("PASSED"));
}

#[test]
fn a_url_is_read_by_its_content_type() {
    let server = Server::start(|request, wire| match request.path.as_str() {
        "/om" => wire.answer(
            "200 OK",
            "Content-Type: application/openmetrics-text; version=1.0.0\r\n",
            "# HELP jobs Jobs.\n# TYPE jobs counter\njobs_total 1\n",
        ),
        "/html" => wire.answer("200 OK", "Content-Type: text/html\r\n", "<html></html>\n"),
        "/metrics" => wire.text(GOOD),
        _ => wire.answer("404 Not Found", "", ""),
    });
    let tool = Tool::new();
    let get = |path: &str| -> crate::support::Run {
        tool.command().args(["metrics", &server.url(path)]).output().unwrap().into()
    };
    assert_eq!(get("/metrics").code, 0);
    let demanded: crate::support::Run = tool
        .command()
        .args(["metrics", "--syntax", "prometheus", &server.url("/metrics")])
        .output()
        .unwrap()
        .into();
    assert_eq!(demanded.code, 0, "{}", demanded.stdout);
    let cut = get("/om");
    assert_eq!(cut.code, 2);
    cut.line("FAILED", "metrics.valid", "missing-eof");
    let html = get("/html");
    assert_eq!(html.code, 2);
    html.line("WARNED", "metrics.content_type", "text/html");
    html.line("FAILED", "metrics.valid", "1:1");
    let missing = get("/nothing?token=hunter2");
    assert_eq!(missing.code, 2);
    assert!(!missing.stdout.contains("hunter2"), "{}", missing.stdout);
    missing.line("FAILED", "metrics.scrape", "status 404");
    let dead: crate::support::Run = tool
        .command()
        .args(["metrics", &format!("http://127.0.0.1:{}/metrics", closed_port())])
        .output()
        .unwrap()
        .into();
    assert_eq!(dead.code, 2);
    dead.line("FAILED", "metrics.scrape", "no connection");
    let asked = server.requests.lock().unwrap();
    assert!(
        asked[0].head.to_ascii_lowercase().contains("accept: application/openmetrics-text"),
        "{}",
        asked[0].head
    );
}

#[test]
fn a_pipe_that_nobody_writes_to_ends_with_the_deadline() {
    let tool = Tool::new();
    let mut command = tool.command();
    command.args(["metrics", "-", "--timeout", "300ms"]).stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let kept_open = child.stdin.take().unwrap();
    let run: crate::support::Run = child.wait_with_output().unwrap().into();
    drop(kept_open);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "metrics.scrape", "not read to its end");
}
