//! The other outputs, whole.

use evidence_report::formats::{self, Format, Setting};

use crate::fixture;

fn setting() -> Setting {
    Setting {
        evidence: Some("doc/evidence.md".into()),
        last_success: Some(1_700_000_000),
        ..Setting::default()
    }
}

#[test]
fn text_says_first_what_is_wrong_how_bad_and_what_now() {
    insta::assert_snapshot!(Format::Text.render(&fixture::report(), &setting()));
}

#[test]
fn a_pass_says_in_its_first_line_how_long_there_is_peace() {
    let mut report = fixture::report();
    report.findings = vec![
        fixture::LIFETIME
            .passed("later")
            .observed("in 90 d")
            .hurts_at("2027-02-21T00:00:00Z".parse().unwrap()),
        fixture::LIFETIME
            .passed("sooner")
            .observed("in 60 d")
            .hurts_at("2027-01-22T00:00:00Z".parse().unwrap()),
    ];
    let text = Format::Text.render(&report, &setting());
    assert_eq!(text.lines().next(), Some("PASSED: Fixture | report: 2 passed. Soonest: sooner: in 60 d."));
}

#[test]
fn junit_looks_like_this() {
    insta::assert_snapshot!(Format::Junit.render(&fixture::report(), &setting()));
}

#[test]
fn github_annotations_look_like_this() {
    insta::assert_snapshot!(Format::Github.render(&fixture::report(), &setting()));
}

#[test]
fn textfile_keeps_the_last_success_of_a_run_that_failed() {
    let text = Format::Textfile.render(&fixture::report(), &setting());
    insta::assert_snapshot!(text);
    assert_eq!(formats::last_success(&text), Some(1_700_000_000));
}

#[test]
fn json_is_a_record_with_every_finding() {
    let mut report = fixture::report();
    report.findings.extend((0..500).map(|n| fixture::LIFETIME.passed(format!("host-{n}"))));
    let value: serde_json::Value = serde_json::from_str(&Format::Json.render(&report, &setting())).unwrap();
    assert_eq!(value["schema"], "evidence-report/v1");
    assert_eq!(value["findings"].as_array().unwrap().len(), report.findings.len());
    assert_eq!(value["findings_omitted"], 0);
}

#[test]
fn more_than_ten_annotations_say_what_was_left_out() {
    let mut report = fixture::report();
    report.findings.extend((0..30).map(|n| fixture::CONTENT.failed(format!("table {n}"))));
    let text = formats::annotations(&report);
    assert_eq!(text.lines().filter(|line| line.starts_with("::error")).count(), 10);
    assert!(text.contains("are left out here"));
}
