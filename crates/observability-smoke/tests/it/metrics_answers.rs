//! Answers of exporters, and of servers that every client takes: what is told of them is what Prometheus, or a browser,
//! would make of them.

use crate::support::{Run, Server, Tool};

const HEAD: &str = "# HELP a A.\n# TYPE a gauge\n";

fn exporter() -> Server {
    Server::start(|request, wire| match request.path.as_str() {
        "/protobuf" => wire.bytes(
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            b"\x0a\x03abc",
        ),
        "/old" => wire.text(&format!("{HEAD}a 1 1000000000000\n")),
        "/ahead" => wire.text(&format!("{HEAD}a 1 4000000000000\n")),
        "/unnamed" => wire.answer("200 OK", "", "# TYPE a counter\na_total 1 # {id=\"1\"} 1\n# EOF\n"),
        "/zeros" => wire.text(&format!("{HEAD}a 1\n\0\0\0\0")),
        _ => {
            wire.text(&format!("{HEAD}a{{x=\"1\"}} 1\n# TYPE b gauge\nb 1\na{{x=\"1\"}} 2\na{{x=\"2\"}} 2\n"))
        }
    })
}

#[test]
fn an_exporters_answer_is_judged_as_prometheus_judges_it() {
    let (server, tool) = (exporter(), Tool::new());
    let ask =
        |path: &str| -> Run { tool.command().args(["metrics", &server.url(path)]).output().unwrap().into() };
    // Nothing is said of what was not read.
    let protobuf = ask("/protobuf");
    assert_eq!(protobuf.code, 2, "{}", protobuf.stdout);
    protobuf.line("FAILED", "metrics.scrape", "protocol buffers, which are not read here");
    assert!(!protobuf.stdout.contains("[metrics.ingested]"), "{}", protobuf.stdout);
    let old = ask("/old");
    assert_eq!(old.code, 2, "{}", old.stdout);
    old.line(
        "FAILED",
        "metrics.timestamps",
        "1 of 1 timestamp are so old that no query sees them, and 1 so old",
    );
    let ahead = ask("/ahead");
    assert_eq!(ahead.code, 2, "{}", ahead.stdout);
    ahead.line("FAILED", "metrics.timestamps", "Prometheus drops them");
    // What names no format is text to Prometheus, whatever its last line says.
    ask("/unnamed").line("FAILED", "metrics.ingested", "refuse the whole scrape because of line 2:11");
    ask("/zeros").line(
        "FAILED",
        "metrics.ingested",
        "Prometheus would lose samples without a word because of line 4:1",
    );
    let torn = ask("/torn");
    torn.line("FAILED", "metrics.ingested", "drop the later one because of line 6:1");
    torn.line("FAILED", "metrics.valid", "this series stands already in the family that began in line 1");
}

#[test]
fn what_every_client_reads_is_read() {
    let server = Server::start(|request, wire| {
        let headers = match request.path.as_str() {
            "/many" => (0..150).map(|number| format!("X-{number}: a\r\n")).collect(),
            "/folded" => "X-A: b\r\n c\r\n".to_owned(),
            "/blank" => "X-A : b\r\n".to_owned(),
            _ => "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(),
        };
        wire.answer("200 OK", &headers, "hello");
    });
    let probe =
        |path: &str| format!("  - {{name: {path}, url: '{}', body_contains: hello}}\n", server.url(path));
    let probes: String = ["/many", "/folded", "/blank", "/lengths"].map(probe).concat();
    let run = Tool::new().run(&format!("http:\n{probes}"), &[]);
    for path in ["/many", "/folded", "/blank"] {
        run.line("passed", "probe.http", &format!("{path}: GET"));
    }
    run.line("FAILED", "probe.http", "an answer that is no right HTTP: invalid content-length parsed");
}
