//! The other outputs, whole.

use evidence_report::{
    formats::{self, Format, Setting},
    record::{Outcome, Requirement, Unlisted},
};

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
    assert_eq!(
        text.lines().next(),
        Some("PASSED: Fixture | report: 2 passed; next expiry 2027-01-22 00:00 UTC, in 59 d 12 h (sooner).")
    );
}

#[test]
fn what_hurts_already_is_not_what_ends_next() {
    let mut report = fixture::report();
    report.findings = vec![
        fixture::LIFETIME
            .failed("future")
            .observed("not valid before 2027-03-01")
            .hurts_at(report.run.judged_at),
        fixture::LIFETIME
            .passed("later")
            .observed("in 90 d")
            .hurts_at("2027-02-21T00:00:00Z".parse().unwrap()),
    ];
    let text = Format::Text.render(&report, &setting());
    assert!(text.lines().next().unwrap().contains("next expiry 2027-02-21 00:00 UTC"), "{text}");
}

#[test]
fn the_first_line_does_not_say_the_same_date_twice() {
    let mut report = fixture::report();
    report.findings = vec![
        fixture::LIFETIME
            .warned("a:443")
            .observed("expires 2026-12-05 20:20 UTC, in 12 d")
            .hurts_at("2026-12-05T20:20:00Z".parse().unwrap()),
    ];
    let text = Format::Text.render(&report, &setting());
    let first = "WARNED: Fixture | report: 1 warned. a:443: expires 2026-12-05 20:20 UTC, in 12 d. Renew the certificate.";
    assert_eq!(text.lines().next(), Some(first));
}

#[test]
fn the_first_line_says_the_line_of_a_file_that_is_named() {
    let mut report = fixture::report();
    let at = |subject: &str| fixture::CONTENT.failed(subject).observed("no number").at("r.yml", Some(6));
    for (subject, said) in [
        ("r.yml", " r.yml:6: no number."),
        ("r.yml #2", " r.yml:6 #2: no number."),
        // The file behind a rule stands in the lines below.
        ("Disk full", " Disk full: no number."),
    ] {
        report.findings = vec![at(subject)];
        let text = Format::Text.render(&report, &setting());
        assert!(text.lines().next().unwrap().contains(said), "{text}");
    }
}

#[test]
fn what_is_waived_is_an_annotation_too_with_who_until_when_and_why() {
    let mut report = fixture::report();
    let finding = fixture::LIFETIME.failed("a:443").observed("3 d left");
    report.findings = vec![finding.waive("Ada", "OPS-17", "2026-12-31T23:59:59Z".parse().unwrap())];
    let notes = Format::Github.render(&report, &setting());
    assert!(notes.starts_with("::notice "), "{notes}");
    assert!(notes.contains("3 d left (FAILED; waived by Ada until 2026-12-31: OPS-17)"), "{notes}");
}

#[test]
fn findings_of_one_subject_stand_together_where_its_worst_stands() {
    let mut report = fixture::report();
    report.findings = vec![
        fixture::LIFETIME.warned("mild:443").observed("mild"),
        fixture::CONTENT.warned("bad:443").observed("also this"),
        fixture::LIFETIME.failed("bad:443").observed("worst"),
    ];
    report.sort();
    let text = Format::Text.render(&report, &setting());
    let order: Vec<_> = ["worst [", "also WARNED also this [", "mild ["].map(|w| text.rfind(w)).into();
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{text}");
}

#[test]
fn what_was_not_checked_says_once_how_it_could_be() {
    let mut report = fixture::report();
    let store = |name| fixture::CONTENT.not_checked(Requirement::Required, name, "needs a password");
    report.findings = ["a.p12", "b.p12"].map(|name| store(name).remedy("Give its password.")).into();
    report.findings.push(store("c.p12"));
    let text = Format::Text.render(&report, &setting());
    assert_eq!(text.matches("→ Give its password.").count(), 1, "{text}");
    assert_eq!(text.matches('→').count(), 1, "the check's own advice is for what failed: {text}");
}

#[test]
fn forty_are_listed_and_the_rest_is_told() {
    let mut report = fixture::report();
    report.findings = (0..30).map(|n| fixture::LIFETIME.failed(format!("{n}:443"))).collect();
    report.findings.extend((0..30).map(|n| fixture::CONTENT.failed(format!("{n}:443"))));
    report.findings.extend((0..20).map(|_| fixture::CONTENT.failed("0")));
    report.sort();
    let brief = Format::Text.render(&report, &setting());
    assert!(brief.contains("and 13 more of it (--verbose lists all)"), "{brief}");
    assert!(brief.contains("  … and 40 more (--verbose lists all)"), "{brief}");
    let all = Format::Text.render(&report, &Setting { verbose: true, ..setting() });
    assert_eq!(all.matches("FAILED ").count(), 80, "{all}");
}

#[test]
fn what_is_only_counted_is_said_everywhere() {
    let mut report = fixture::report();
    let passed = report.number(Outcome::Passed);
    report.unlisted = vec![Unlisted { check: &fixture::LIFETIME, outcome: Outcome::Passed, number: 100_000 }];
    let text = Format::Text.render(&report, &Setting { verbose: true, ..setting() });
    assert!(text.contains(&format!("{} passed", passed + 100_000)), "{text}");
    assert!(text.contains("… and 100000 more, none worse, which are counted only"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&Format::Json.render(&report, &setting())).unwrap();
    assert_eq!(json["findings_omitted"], 100_000);
    assert!(Format::Junit.render(&report, &setting()).contains("100000 more, none worse"));
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
fn nagios_looks_like_this() {
    insta::assert_snapshot!(Format::Nagios.render(&fixture::report(), &setting()));
}

#[test]
fn sarif_looks_like_this() {
    insta::assert_snapshot!(Format::Sarif.render(&fixture::report(), &setting()));
}

#[test]
fn a_calendar_looks_like_this() {
    insta::assert_snapshot!(Format::Ics.render(&fixture::report(), &setting()).replace('\r', "␍"));
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
