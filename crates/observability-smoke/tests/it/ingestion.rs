//! Our verdict "Prometheus would ingest it" against a real Prometheus that scrapes the same texts.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use observability_smoke::exposition::{Ingestion, Reader, Syntax};

use crate::support::{Prometheus, Server, corpora};

/// Texts that the two verdicts, or two readers, might see differently.
pub(crate) const TEXTS: [&str; 51] = [
    "a 1\n",
    "a 1",
    "a{} 1\n",
    "a{x=\"1\",} 1\n",
    "a{x=\"1\",,} 1\n",
    "a{,} 1\n",
    "a { x = \"1\" } 1\n",
    "a{x=\"1\"}1\n",
    "  a\t1  \n",
    "\n\na 1\n\n",
    "a 1\r\n",
    "a 1 5 6\n",
    "a 1 1.5\n",
    "a 1 -5\n",
    "a 1 +5\n",
    "a 1 -0\n",
    "a 1 99999999999999999999\n",
    "a 0x1p-2\n",
    "a 1_000\n",
    "a 1e400\n",
    "a +Inf\n",
    "a -infinity\n",
    "a nan\n",
    "a +NaN\n",
    "a .5\n",
    "a\n",
    "1a 1\n",
    "a-b 1\n",
    "a-3\n",
    "a.5 7\n",
    "a+Inf\n",
    "a:b 1\n",
    "a-3x\n",
    "a{x=\"\\t\"} 1\n",
    "a{x=\"1} 1\n",
    "a{x=\"1\" y=\"2\"} 1\n",
    "a{x=\"1\"y=\"2\"} 1\n",
    "a{x=\"1\";y=\"2\"} 1\n",
    "  # TYPE a gauge\na 1\n",
    "   \na 1\n",
    "a{x=1} 1\n",
    "a{x=\"1\",x=\"2\"} 1\n",
    "a{1=\"1\"} 1\n",
    "# HELP a x\\y\na 1\n",
    "# HELP\na 1\n",
    "# HELP \na 1\n",
    "# TYPE a gage\na 1\n",
    "# TYPE a  gauge\na 1\n",
    "# TYPE a gauge \na 1\n",
    "# TYPE a gauge\n# TYPE a counter\na 1\na 1\n",
    "#TYPE a gage\n# a comment\na 1\n",
];

#[test]
fn a_real_prometheus_ingests_exactly_what_we_say_it_would() {
    let texts = TEXTS.map(|text| text.as_bytes().to_vec());
    let wrong =
        disagreements(&installed(), &OLDER, Syntax::Prometheus, "text/plain; version=0.0.4", texts.to_vec());
    println!("{} texts compared with a real Prometheus", TEXTS.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_real_prometheus_ingests_the_official_openmetrics_cases_as_we_say() {
    let Some(folder) = corpora() else {
        println!("skipped: OPS_SMOKE_CORPORA names no folder with the official OpenMetrics cases");
        return;
    };
    let cases = std::fs::read_dir(folder.join("openmetrics")).unwrap();
    let texts: Vec<_> =
        cases.map(|case| std::fs::read(case.unwrap().path().join("metrics")).unwrap()).collect();
    let count = texts.len();
    let wrong = disagreements(
        &installed(),
        &OLDER,
        Syntax::OpenMetrics,
        "application/openmetrics-text; version=1.0.0",
        texts,
    );
    println!("{count} official cases compared with a real Prometheus");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is no refusal of 2.42.
const OLDER: [Ingestion; 2] = [Ingestion::Whole, Ingestion::SampleDropped];

fn installed() -> PathBuf {
    PathBuf::from("prometheus")
}

/// Lets a real Prometheus scrape the texts, and names those of which it thinks otherwise than we do: `taken` are our
/// verdicts that mean that it takes the scrape.
pub(crate) fn disagreements(
    program: &Path,
    taken: &[Ingestion],
    syntax: Syntax,
    content_type: &'static str,
    texts: Vec<Vec<u8>>,
) -> Vec<String> {
    let served = texts.clone();
    let server = Server::start(move |request, wire| {
        let index = request.path.trim_start_matches('/').parse::<usize>().unwrap_or(usize::MAX);
        match served.get(index) {
            Some(text) => wire.bytes(content_type, text),
            None => wire.answer("404 Not Found", "", ""),
        }
    });
    let mut config = "global: {scrape_interval: 1s}\nscrape_configs:\n".to_owned();
    for index in 0..texts.len() {
        let target = server.address;
        let _ = writeln!(
            config,
            "  - {{job_name: 'text-{index}', metrics_path: '/{index}', static_configs: [{{targets: ['{target}']}}]}}"
        );
    }
    let prometheus = Prometheus::start_program(program, &config, "", &[]);
    let all_scraped = |answer: &str| {
        answer.matches("\"health\":\"up\"").count() + answer.matches("\"health\":\"down\"").count()
            == texts.len()
    };
    let answer = prometheus.wait_for("/api/v1/targets?state=active", all_scraped);
    let body = answer.find("\r\n\r\n").map(|at| &answer[at..]).unwrap();
    let targets: serde_json::Value = serde_json::from_str(&dechunk(body)).unwrap();
    let mut wrong = Vec::new();
    for target in targets["data"]["activeTargets"].as_array().unwrap() {
        let job = target["labels"]["job"].as_str().unwrap();
        let text = &texts[job.trim_start_matches("text-").parse::<usize>().unwrap()];
        let mut reader = Reader::new(syntax);
        reader.feed(text, &mut |_| {});
        let ours = taken.contains(&reader.finish(&mut |_| {}).ingestion);
        let theirs = target["health"] == "up";
        if ours != theirs {
            let text = String::from_utf8_lossy(text);
            wrong.push(format!("{text:?}: ours {ours}, Prometheus {theirs}: {}", target["lastError"]));
        }
    }
    wrong
}

/// Puts the chunks of a chunked body together; any other body comes back as it is.
pub(crate) fn dechunk(body: &str) -> String {
    let mut rest = body.trim_start_matches("\r\n");
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        if size == 0 || size > after.len() {
            break;
        }
        whole.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    if whole.is_empty() { rest.to_owned() } else { whole }
}
