//! Our verdict "Prometheus would ingest it" against a real Prometheus that scrapes the same texts.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use observability_smoke::exposition::{Reader, Release, Syntax, Taken};

use crate::support::{Prometheus, Server, corpora};

/// Texts that the two verdicts, or two readers, might see differently.
pub(crate) const TEXTS: [&str; 73] = [
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
    "a{x=\"1\n2\"} 1\nb 2\n",
    "a{x=\"1\r\n\n2\",y=\"z\"} 1\n",
    "a{x=\"1\n2\n",
    "a{x=\"1\\\n2\"} 1\n",
    "a{x=\"1} 1\nb{y=\"2\"} 2\n",
    "a{x=\"\",x=\"\"} 1\n",
    "a{x=\"\",x=\"1\"} 1\n",
    "a{x=\"\",x=\"1\",x=\"2\"} 1\n",
    "a{__name__=\"b\"} 1\n",
    "a{__name__=\"\"} 1\n",
    "a 1\n\0\n-\n",
    "-\n\0\n",
    "a{x=\"\0\"} 1\n",
    "# HELP a#x\na 1\n",
    "# HELP a\u{e4} x\na 1\n",
    "# TYPE a#counter\na 1\n",
    "# TYPE a#gage\na 1\n",
    "# HELP \"a b\" x\n{\"a b\"} 1\n",
    "{\"a b\"} 1\na 1\na 2\n",
    "a 1\nb 1\na 2\n",
    "  {\"a b\"} 1\n",
    "{\"a b\",x=\"1\n2\"} 1\n",
];

#[test]
fn a_real_prometheus_ingests_exactly_what_we_say_it_would() {
    let texts = TEXTS.map(|text| text.as_bytes().to_vec());
    let wrong = disagreements(
        &installed(),
        Release::Older,
        Syntax::Prometheus,
        "text/plain; version=0.0.4",
        texts.to_vec(),
    );
    println!("{} texts compared with a real Prometheus", TEXTS.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_real_prometheus_ingests_texts_with_a_few_changes_as_we_say() {
    let changed = |syntax| changed(syntax, 150, Release::Older);
    let (text, openmetrics) = (changed(Syntax::Prometheus), changed(Syntax::OpenMetrics));
    let mut wrong =
        disagreements(&installed(), Release::Older, Syntax::Prometheus, "text/plain; version=0.0.4", text);
    let named = "application/openmetrics-text; version=1.0.0";
    wrong.extend(disagreements(&installed(), Release::Older, Syntax::OpenMetrics, named, openmetrics));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is changed: everything that an exposition can hold.
const SEEDS: [&str; 6] = [
    "# HELP a some \\\\ text\n# TYPE a_total counter\na_total{x=\"1\",y=\"z\\n\\\"\"} 1\na_total{x=\"2\"} 2.5e3\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
    "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 3\n",
    "a { x = \"1\" , y = \"2\" , } 3\n# a comment\n\nu 5\n",
    "# TYPE c counter\n# UNIT c_seconds seconds\nc_total{x=\"1\"} 1 # {t=\"1\"} 1 123.5\nc_created 5\n",
    "a 1\nb{c=\"\u{e4} \u{20ac}\"} NaN\na{b=\"c\"} 2\na 3\n",
];

/// What is put in.
const PIECES: [&str; 32] = [
    " ", "\t", "\n", "\r", "\"", "\\", "{", "}", ",", "=", "#", "# ", "1", "-", "+", ".", "e", ":", "_",
    "\u{e4}", "# EOF\n", "# TYPE ", "# HELP ", "# UNIT ", "NaN", "+Inf", "0x1", "1_0", "\\x", ";",
    "\u{feff}", "\n\n",
];

/// Texts with one to three changes, the same ones in every run.
pub(crate) fn changed(syntax: Syntax, count: usize, release: Release) -> Vec<Vec<u8>> {
    let mut state = if release == Release::Older { 42_u64 } else { 3 };
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let mut texts = std::collections::BTreeSet::new();
    while texts.len() < count {
        let mut text: Vec<char> = SEEDS[random(SEEDS.len())].chars().collect();
        if syntax == Syntax::OpenMetrics {
            text.extend("# EOF\n".chars());
        }
        for _ in 0..=random(3) {
            let at = random(text.len());
            match random(3) {
                0 => drop(text.remove(at)),
                1 => drop(text.splice(at..at, PIECES[random(PIECES.len())].chars())),
                _ => drop(text.splice(at..=at, PIECES[random(PIECES.len())].chars())),
            }
        }
        let text = text.into_iter().collect::<String>();
        let mut reader = Reader::new(syntax);
        reader.feed(text.as_bytes(), &mut |_| {});
        let problems = reader.finish(&mut |_| {}).problems;
        // A label without a value ends Prometheus 3.5 itself, not only the scrape.
        if !problems.iter().any(|problem| problem.message.starts_with("an equals sign must follow")) {
            texts.insert(text.into_bytes());
        }
    }
    texts.into_iter().collect()
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
        Release::Older,
        Syntax::OpenMetrics,
        "application/openmetrics-text; version=1.0.0",
        texts,
    );
    println!("{count} official cases compared with a real Prometheus");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn installed() -> PathBuf {
    PathBuf::from("prometheus")
}

/// Lets a real Prometheus of this release scrape the texts, and names those of which it thinks otherwise than we do.
pub(crate) fn disagreements(
    program: &Path,
    release: Release,
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
        let ours = reader.finish(&mut |_| {}).taken(release).0 != Taken::Refused;
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
