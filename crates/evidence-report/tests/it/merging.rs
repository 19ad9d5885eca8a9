//! `merge`: the records of shards become one, or it is said which does not fit.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use assert_cmd::cargo::cargo_bin;
use evidence_report::{
    document::{self, Verification, render_v1},
    record::{Decimal, Measurement, Report, v1::Record},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixture;

/// What one of three shards saw: the first an expired certificate, the others nothing bad.
fn shard(index: u32) -> Report {
    let mut report = fixture::report();
    report.run.facts = vec![
        ("shard".into(), format!("{index}/3")),
        ("targets_sha256".into(), "ab".repeat(32)),
        ("hosts".into(), format!("host-{index}")),
        ("trusted".into(), "the system's roots".into()),
    ];
    let minutes = jiff::SignedDuration::from_mins(i64::from(index));
    report.run.started += minutes;
    report.run.finished += minutes;
    report.run.valid_until += minutes;
    report.run.host = format!("node-{}", index % 2);
    report.measurements = vec![
        Measurement::new("certificates_seen", Decimal::from(u64::from(index * 100)), "certificates"),
        Measurement::new("earliest_expiry_days_left", Decimal::new(f64::from(index) + 0.25, 2), "days"),
    ];
    report.findings = (0..300).map(|n| fixture::LIFETIME.passed(format!("{index}-{n}:443"))).collect();
    if index == 1 {
        report.findings.push(fixture::LIFETIME.failed("bad:443").observed("expired"));
    }
    report.sort();
    report
}

/// A file, how its record is changed, and what is said of it.
type Case<'c> = (&'c str, &'c dyn Fn(&mut Record), &'c [&'c str]);

fn write(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).unwrap();
}

/// Two evidence files, and one output of `--format json`.
fn shards(folder: &TempDir) -> [&'static str; 3] {
    write(folder, "one.md", &render_v1(&Record::of(&shard(1))));
    write(folder, "two.json", &Record::whole(&shard(2)).pretty());
    write(folder, "three.md", &render_v1(&Record::of(&shard(3))));
    ["one.md", "two.json", "three.md"]
}

fn merge(folder: &TempDir, files: &[&str]) -> Output {
    Command::new(cargo_bin("evidence-report"))
        .current_dir(folder)
        .env("OPS_SMOKE_RUN_BASE", folder.path().join("runs"))
        .env_remove("GITHUB_ACTIONS")
        .arg("merge")
        .args(files)
        .args(["--evidence", "whole.md", "--format", "json", "--format", "text=whole.txt"])
        .output()
        .unwrap()
}

fn merged(folder: &TempDir, files: &[&str], code: i32) -> Value {
    let output = merge(folder, files);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Nothing is written where something does not fit.
#[track_caller]
fn refused(folder: &TempDir, files: &[&str], words: &[&str]) {
    let output = merge(folder, files);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said}");
    assert!(!folder.path().join("whole.md").exists());
}

fn count(record: &Value, check: &str) -> Value {
    record["counts"].as_array().unwrap().iter().find(|count| count["check"] == check).unwrap().clone()
}

#[test]
fn all_shards_become_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let files = shards(&folder);
    let record = merged(&folder, &files, 2);
    assert_eq!(
        (&record["tool"]["name"], &record["title"]),
        (&"fixture-smoke".into(), &"Fixture | report".into())
    );
    let lifetime = count(&record, "tls.lifetime");
    assert_eq!((&lifetime["failed"], &lifetime["passed"]), (&1.into(), &900.into()), "counts add up");
    assert_eq!(record["findings"][0]["subject"], "bad:443", "the worst of all first");
    assert_eq!(record["started"], "2026-11-23T12:00:00Z", "the earliest");
    assert_eq!(record["finished"], "2026-11-23T12:03:00Z", "the latest");
    assert_eq!(record["valid_until"], "2026-12-23T12:01:00Z", "the earliest");
    assert_eq!(record["host"], "node-0, node-1");
    let measured = |index: usize| record["measurements"][index]["value"].clone();
    assert_eq!((measured(0), measured(1)), ("600".into(), "1.25".into()));
    assert_eq!(count(&record, "merge.complete")["passed"], 1);
    assert_eq!(record["attachments"][1]["name"], "shard 2/3: two.json");
    let evidence = fs::read_to_string(folder.path().join("whole.md")).unwrap();
    let Verification::Consistent(kept) = document::verify(&evidence) else { panic!("{evidence}") };
    assert_eq!(kept.findings.len(), 200);
    assert_eq!(kept.findings.len() as u64 + kept.findings_omitted, 902);
    let text = fs::read_to_string(folder.path().join("whole.txt")).unwrap();
    assert!(text.starts_with("FAILED: Fixture | report: 1 failed, 901 passed. bad:443: expired."), "{text}");
}

#[test]
fn the_order_of_the_files_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, three] = shards(&folder);
    let written = |files: &[&str]| {
        merged(&folder, files, 2);
        let evidence = fs::read_to_string(folder.path().join("whole.md")).unwrap();
        fs::remove_file(folder.path().join("whole.md")).unwrap();
        fs::remove_dir_all(folder.path().join("history")).unwrap();
        evidence
    };
    assert_eq!(written(&[one, two, three]), written(&[three, one, two]));
}

#[test]
fn merged_again_is_the_same_run_and_not_a_second_one() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, three] = shards(&folder);
    let state = |files: &[&str]| {
        merged(&folder, files, 2);
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        (text("whole.md"), text("history/whole.jsonl"))
    };
    let first = state(&[one, two, three]);
    assert_eq!(first.1.lines().count(), 1);
    assert_eq!(state(&[two, one, three]), first);
}

#[test]
fn a_missing_shard_makes_the_whole_inconclusive_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let [_, two, three] = shards(&folder);
    let record = merged(&folder, &[three, two], 3);
    let finding = &record["findings"][0];
    assert_eq!((&finding["check"], &finding["subject"]), (&"merge.complete".into(), &"shard 1/3".into()));
    assert!(finding["remedy"].as_str().unwrap().contains("--shard 1/3"));
}

#[test]
fn a_shard_that_was_cut_off_makes_the_whole_inconclusive() {
    let folder = tempfile::tempdir().unwrap();
    let [_, two, three] = shards(&folder);
    let mut first = shard(1);
    first.findings.retain(|finding| finding.subject != "bad:443");
    first.run.interrupted = Some("SIGTERM".into());
    write(&folder, "cut.json", &Record::whole(&first).pretty());
    let record = merged(&folder, &["cut.json", two, three], 3);
    assert_eq!(record["interrupted"], "SIGTERM in shard 1/3");
    assert!(folder.path().join("whole.staging.md").exists() && !folder.path().join("whole.md").exists());
}

#[test]
fn what_does_not_belong_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two, three] = shards(&folder);
    refused(&folder, &[one, two, two], &["two.json and two.json", "both of shard 2/3"]);
    refused(&folder, &[one, two, "nowhere.md"], &["nowhere.md"]);
    write(&folder, "page.md", "# A page by hand\n");
    refused(&folder, &[one, two, "page.md"], &["page.md", "holds no record"]);
    let turned = fs::read_to_string(folder.path().join(one)).unwrap().replacen("FAILED", "PASSED", 1);
    write(&folder, "turned.md", &turned);
    refused(&folder, &["turned.md", two, three], &["turned.md has been altered", "line 3"]);

    let changed = |name: &str, change: &dyn Fn(&mut Record)| {
        let mut record = Record::whole(&shard(3));
        change(&mut record);
        write(&folder, name, &record.pretty());
    };
    let fact = |record: &mut Record, at: usize, value: &str| record.facts[at].value = value.to_owned();
    let cases: [Case; 8] = [
        (
            "list.json",
            &|record| fact(record, 1, "cd"),
            &["list.json does not belong to", "whole list", "'cd'"],
        ),
        ("of.json", &|record| fact(record, 0, "3/4"), &["of.json", "number of shards is '4', not '3'"]),
        ("no.json", &|record| drop(record.facts.remove(0)), &["no.json", "holds no fact 'shard'"]),
        ("odd.json", &|record| fact(record, 0, "4/3"), &["odd.json", "'4/3' is no shard"]),
        ("version.json", &|record| record.tool.version = "9".into(), &["version.json", "version is '9'"]),
        (
            "verdict.json",
            &|record| record.counts[0].failed = 1,
            &["verdict.json has been altered", "its counts come to FAILED"],
        ),
        (
            "less.json",
            &|record| drop(record.findings.pop()),
            &["less.json has been altered", "it counts 300 findings"],
        ),
        (
            "more.json",
            &|record| record.findings[0].check = "tls.name".into(),
            &["more.json has been altered", "tls.name"],
        ),
    ];
    for (name, change, words) in cases {
        changed(name, change);
        refused(&folder, &[one, two, name], words);
    }
    write(
        &folder,
        "doubled.json",
        &Record::whole(&shard(3)).pretty().replacen("{", "{\"schema\": \"x\",", 1),
    );
    refused(&folder, &[one, two, "doubled.json"], &["doubled.json", "schema"]);
}

#[test]
fn a_waiver_is_of_no_use_only_where_no_shard_had_a_use_for_it() {
    use evidence_report::{record::Requirement, run::WAIVER};
    let folder = tempfile::tempdir().unwrap();
    let unused = "matches nothing that failed or warned in the part that was seen";
    let files: Vec<PathBuf> = (1..=3)
        .map(|index| {
            let mut report = shard(index);
            report.findings.retain(|finding| finding.subject != "bad:443");
            report.tool = WITH_WAIVERS;
            report.findings.push(WAIVER.not_checked(Requirement::Optional, "nowhere", unused));
            if index == 2 {
                report.findings.push(WAIVER.not_checked(Requirement::Optional, "of use to others", unused));
            }
            report.sort();
            let name = format!("{index}.json");
            write(&folder, &name, &Record::whole(&report).pretty());
            Path::new(&name).to_owned()
        })
        .collect();
    let files: Vec<_> = files.iter().map(|path| path.to_str().unwrap()).collect();
    let record = merged(&folder, &files, 1);
    let told: Vec<_> =
        record["findings"].as_array().unwrap().iter().filter(|f| f["check"] == "run.waiver").collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!((&told[0]["subject"], &told[0]["outcome"]), (&"nowhere".into(), &"warned".into()));
}

static WITH_WAIVERS: &evidence_report::record::Tool = &evidence_report::record::Tool {
    name: "fixture-smoke",
    version: "1.2.3",
    checks: &[&fixture::LIFETIME, &evidence_report::run::WAIVER],
};
