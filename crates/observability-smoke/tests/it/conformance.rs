//! The reader against texts that nobody here wrote, and against the parser that it replaces.

use observability_smoke::exposition::{Ingestion, Reader, Reading, Syntax, Weight};

use crate::support::corpora;

fn read(syntax: Syntax, text: &[u8]) -> Reading {
    let mut reader = Reader::new(syntax);
    reader.feed(text, &mut |_| {});
    reader.finish(&mut |_| {})
}

/// What prometheus-parse makes of a text: the number of samples, or its error.
fn prometheus_parse(text: &str) -> Result<usize, String> {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    prometheus_parse::Scrape::parse(lines)
        .map(|scrape| scrape.samples.len())
        .map_err(|error| error.to_string())
}

#[test]
fn the_official_openmetrics_cases_come_out_right() {
    let Some(folder) = corpora() else {
        println!("skipped: OPS_SMOKE_CORPORA names no folder with the official OpenMetrics cases");
        return;
    };
    let (mut accepted, mut rejected, mut wrong, mut parse_accepts_bad) = (0, 0, Vec::new(), 0);
    for entry in std::fs::read_dir(folder.join("openmetrics")).unwrap() {
        let case = entry.unwrap().path();
        let text = std::fs::read(case.join("metrics")).unwrap();
        let described: serde_json::Value =
            serde_json::from_slice(&std::fs::read(case.join("test.json")).unwrap()).unwrap();
        let should_parse = described["shouldParse"].as_bool().unwrap();
        let reading = read(Syntax::OpenMetrics, &text);
        match (should_parse, reading.is_valid()) {
            (true, true) => accepted += 1,
            (false, false) => rejected += 1,
            _ => wrong.push(format!("{}: {:?}", case.display(), reading.problems)),
        }
        if !should_parse && prometheus_parse(&String::from_utf8_lossy(&text)).is_ok() {
            parse_accepts_bad += 1;
        }
    }
    println!(
        "{accepted} of 44 accepted, {rejected} of 167 rejected; prometheus-parse accepts {parse_accepts_bad} of the 167"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!((accepted, rejected), (44, 167));
    assert_eq!(parse_accepts_bad, 167);
}

#[test]
fn every_beginning_of_every_official_case_is_read_without_panic() {
    let Some(folder) = corpora() else {
        println!("skipped: OPS_SMOKE_CORPORA names no folder with the official OpenMetrics cases");
        return;
    };
    let mut texts = 0;
    for entry in std::fs::read_dir(folder.join("openmetrics")).unwrap() {
        let text = std::fs::read(entry.unwrap().path().join("metrics")).unwrap();
        for end in 0..text.len() {
            let whole = text[..end].ends_with(b"# EOF") || text[..end].ends_with(b"# EOF\n");
            let reading = read(Syntax::OpenMetrics, &text[..end]);
            assert!(!reading.is_valid() || whole, "cut at {end}: {}", String::from_utf8_lossy(&text));
            read(Syntax::Prometheus, &text[..end]);
            texts += 1;
        }
    }
    println!("{texts} beginnings read");
}

#[test]
fn the_real_output_of_node_exporter_is_accepted() {
    let Some(folder) = corpora() else {
        println!("skipped: OPS_SMOKE_CORPORA names no folder with real expositions");
        return;
    };
    let mut cases = 0;
    for entry in std::fs::read_dir(folder.join("metrics")).unwrap() {
        let path = entry.unwrap().path();
        let reading = read(Syntax::Prometheus, &std::fs::read(&path).unwrap());
        assert!(reading.is_valid(), "{}: {:#?}", path.display(), reading.problems);
        assert_eq!(reading.ingestion, Ingestion::Whole);
        assert!(reading.samples > 100, "{}", path.display());
        println!("{}: {} samples in {} families", path.display(), reading.samples, reading.families);
        cases += 1;
    }
    println!("{cases} real expositions accepted");
    assert!(cases > 0);
}

/// Why the project has a reader of its own: what the crate in its place takes for a success.
#[test]
fn prometheus_parse_takes_garbage_for_a_success_and_ours_refuses_it() {
    for garbage in [
        "<html><body>502 Bad Gateway</body></html>\n",
        "{\"error\": \"not found\"}\n",
        "queue depth is 7\n",
        "queue_depth{queue=\"mail\" 7\n",
        "queue_depth seven\n",
        "queue_depth{queue=\"a\",queue=\"b\"} 7\n",
        "# TYPE queue_depth gage\nqueue_depth 7\n",
        "queue_depth 7\nqueue_depth 8\n",
    ] {
        assert!(prometheus_parse(garbage).is_ok(), "prometheus-parse has learnt to refuse {garbage}");
        let reading = read(Syntax::Prometheus, garbage.as_bytes());
        assert!(!reading.is_valid(), "{garbage}");
        assert!(reading.ingestion != Ingestion::Whole, "{garbage}");
    }
    // And what it loses without a word.
    let recorded = "job:queue_depth:sum 7\n";
    assert_eq!(prometheus_parse(recorded), Ok(0));
    assert_eq!(read(Syntax::Prometheus, recorded.as_bytes()).samples, 1);
}

#[test]
fn both_readers_find_the_same_samples_in_plain_text() {
    let text: String = (0..500).map(|i| format!("queue_depth{{queue=\"q{i}\"}} {i}\n")).collect();
    let reading = read(Syntax::Prometheus, text.as_bytes());
    assert_eq!(reading.count(Weight::Invalid), 0);
    assert_eq!(prometheus_parse(&text), Ok(500));
    assert_eq!(reading.samples, 500);
}
