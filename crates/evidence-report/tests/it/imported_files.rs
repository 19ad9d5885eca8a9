//! `import`, and the files that people name in practice: of PowerShell, the same one twice, with secrets in the
//! messages, and of a newer k6.

use evidence_report::{
    command::import::{Said, k6},
    record::Verdict,
};

use crate::place::{Place, record};

const SUITE: &str = r#"<testsuite name="s"><testcase name="a"/></testsuite>"#;

#[test]
fn utf16_is_told_with_what_makes_it_readable() {
    let place = Place::new();
    for (name, bytes) in [
        ("little.xml", SUITE.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
        ("big.xml", SUITE.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        (
            "marked.xml",
            [&[0xFF, 0xFE][..], &SUITE.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()]
                .concat(),
        ),
    ] {
        place.write(name, bytes);
        let (code, printed) = place.run(&["import", "junit", name, "--evidence", "none"]);
        assert_eq!(code, 3, "{printed}");
        assert!(printed.contains("it is UTF-16") && printed.contains("iconv"), "{printed}");
    }
}

#[test]
fn the_same_report_named_twice_counts_once_and_is_told() {
    let place = Place::new();
    place.write("a.xml", SUITE);
    place.write("copy.xml", SUITE);
    let arguments = ["import", "junit", "a.xml", "copy.xml", "a.xml", "--evidence", "e.md"];
    let (code, printed) = place.run(&arguments);
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("copy.xml: it is a.xml once more, to the letter: counted once"), "{printed}");
    let record = record(&place.path("e.md"));
    let results = record.counts.iter().find(|count| count.check == "import.result").unwrap();
    assert_eq!((record.verdict, results.passed, record.attachments.len()), (Verdict::Warned, 1, 1));
}

#[test]
fn what_failed_tests_print_is_kept_without_secrets() {
    let place = Place::new();
    place.write(
        "a.xml",
        r#"<testsuite name="s"><testcase name="a"><failure message="login with token=swordfish9 and ghp_0123456789abcdefghijABCDEFGHIJ"/></testcase></testsuite>"#,
    );
    let (code, printed) = place.run(&["import", "junit", "a.xml", "--evidence", "e.md"]);
    assert_eq!(code, 2, "{printed}");
    for text in [printed, place.read("e.md")] {
        assert!(!text.contains("swordfish9") && !text.contains("ghp_0123"), "{text}");
    }
}

#[test]
fn a_newer_summary_of_k6_tells_checks_and_numbers_and_decides_nothing() {
    let summary = r#"{"version":"1.0.0","config":{"duration":1.5,"execution":"local"},
        "metadata":{"k6Version":"2.2.0","generatedAt":"2026-11-27T09:00:00Z"},
        "results":{"checks":{"metrics":[],"results":[{"name":"status 200","passes":9,"fails":1}]},
        "metrics":[{"name":"http_req_duration","type":"trend","contains":"time","values":{"avg":3.1,"p(95)":9.5}},
                   {"name":"iterations","type":"counter","contains":"default","values":{"count":10}}]}}"#;
    let mut told = Vec::new();
    let account = k6::read(summary.as_bytes(), &mut |one| told.push((one.said, one.subject))).unwrap();
    assert_eq!(told, [(Said::Warned, "check status 200".to_owned())]);
    assert_eq!(account.tool.as_deref(), Some("k6 2.2.0"));
    assert_eq!(account.made_at.unwrap().to_string(), "2026-11-27T09:00:00Z");
    assert!(account.gaps[0].contains("tells no thresholds"), "{:?}", account.gaps);
    let numbers: Vec<_> = account.measurements.iter().map(|one| one.metric.as_str()).collect();
    assert_eq!(numbers, ["k6_http_req_duration", "k6_iterations"]);
}
