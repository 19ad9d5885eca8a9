//! What changed from one run to another.

use std::{
    fs,
    process::{Command, Output},
};

use assert_cmd::cargo::cargo_bin;
use evidence_report::{
    document::render_v1,
    record::{Decimal, Measurement, Objective, Report, v1::Record},
};

use crate::fixture::{self, CONTENT, ISOLATED, LIFETIME};

fn run(finished: &str, change: impl Fn(&mut Report)) -> String {
    let mut report = fixture::report();
    report.run.finished = finished.parse().unwrap();
    report.findings = vec![
        CONTENT.passed("public.orders").expected("10 rows").observed("10 rows"),
        LIFETIME.passed("shop.example:443").observed("in 80 d"),
        ISOLATED.passed("scratch").observed("no route"),
    ];
    report.measurements.clear();
    change(&mut report);
    report.sort();
    render_v1(&Record::of(&report))
}

fn seconds(metric: &str, seconds: f64, at_most: u64) -> Measurement {
    Measurement::seconds(metric, seconds).objective(Objective::AtMost(Decimal::from(at_most)))
}

fn before() -> String {
    run("2026-11-22T12:00:00Z", |report| {
        report.findings.push(LIFETIME.warned("old.example:443").observed("in 12 d"));
        report.findings.push(LIFETIME.failed("gone.example:443").observed("expired"));
        report.measurements = vec![
            seconds("recovery_time_seconds", 8.0, 10),
            seconds("dump_seconds", 8.0, 10),
            Measurement::new("rows", Decimal::from(10), "rows"),
        ];
    })
}

fn after() -> String {
    run("2026-11-23T12:00:00Z", |report| {
        report.findings.retain(|finding| finding.check.id != ISOLATED.id);
        report.findings[0] = CONTENT.failed("public.orders").expected("10 rows").observed("9 rows");
        report.findings.push(LIFETIME.failed("old.example:443").observed("expired 1 d ago"));
        report.measurements = vec![
            seconds("recovery_time_seconds", 12.5, 10),
            seconds("dump_seconds", 7.5, 10),
            Measurement::new("rows", Decimal::from(9), "rows"),
            Measurement::new("tables", Decimal::from(1), "tables"),
        ];
    })
}

fn diff(one: &str, other: &str, more: &[&str]) -> (String, i32) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.md"), one).unwrap();
    fs::write(folder.path().join("b.md"), other).unwrap();
    let Output { status, stdout, stderr } = Command::new(cargo_bin("evidence-report"))
        .args([&["diff", "a.md", "b.md"], more].concat())
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (text, status.code().unwrap())
}

#[test]
fn what_became_worse_stands_first() {
    let (text, code) = diff(&before(), &after(), &[]);
    assert_eq!(code, 2, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_worse_exits_0_whichever_way_it_went() {
    let (text, code) = diff(&after(), &before(), &[]);
    assert!(code == 2 && text.contains("gone.example:443"), "one that is new again: {text}");
    let (text, code) = diff(&before(), &before(), &[]);
    assert!(
        code == 0
            && text.starts_with(
                "FAILED as before: Fixture | report: 0 new, 0 changed, 0 resolved, 2 as before."
            ),
        "{text}"
    );
    let clean = run("2026-11-24T12:00:00Z", |_| {});
    let (text, code) = diff(&before(), &clean, &[]);
    assert!(
        code == 0 && text.starts_with("PASSED, was FAILED: Fixture | report: 0 new, 0 changed, 2 resolved"),
        "{text}"
    );
    let warned = run("2026-11-24T12:00:00Z", |report| report.findings.push(LIFETIME.warned("a:443")));
    assert_eq!(diff(&clean, &warned, &[]).1, 1);
    let fewer = run("2026-11-24T12:00:00Z", |report| report.findings.truncate(1));
    let (text, code) = diff(&clean, &fewer, &[]);
    assert!(
        code == 3 && text.contains("No longer made: restore.isolated, tls.lifetime"),
        "a pass of less: {text}"
    );
}

#[test]
fn json_tells_the_same_and_other_formats_are_refused() {
    let (text, code) = diff(&before(), &after(), &["--format", "json"]);
    assert_eq!(code, 2);
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["schema"], "evidence-diff/v1");
    assert_eq!(told["worse"], "failed");
    assert_eq!(told["new"][0]["subject"], "public.orders");
    assert_eq!(told["measurements"][0]["direction"], "worse");
    assert_eq!(told["measurements"][0]["was_met"], true);
    assert_eq!(diff(&before(), &after(), &["--format", "junit"]).1, 3);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let (text, code) = diff(&before(), &after().replacen("**FAILED", "**PASSED", 1), &[]);
    assert!(code == 3 && text.contains("has been altered: line 3: verdict altered"), "{text}");
    let (text, code) = diff(&before(), "# By hand\n", &[]);
    assert!(code == 3 && text.contains("holds no record"), "{text}");
    let mut record = Record::of(&fixture::report());
    record.tool.name = "another".into();
    let (text, code) = diff(&before(), &record.pretty(), &[]);
    assert!(code == 3 && text.contains("two tools, fixture-smoke and another"), "{text}");
}

#[test]
fn what_the_record_left_out_is_said() {
    let many = run("2026-11-24T12:00:00Z", |report| {
        report.findings = (0..300).map(|n| LIFETIME.failed(format!("{n}.example:443"))).collect();
    });
    let (text, _) = diff(&many, &many, &[]);
    assert!(text.contains("lists its worst findings only"), "{text}");
}
