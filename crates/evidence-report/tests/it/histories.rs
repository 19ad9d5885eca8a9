//! What is found of a history that somebody touched, what is shown of it, and what may be taken out.

use std::{fs, path::Path, process::Output};

use assert_cmd::cargo::cargo_bin;
use evidence_report::{
    document::render_v1,
    history::{Came, Chain, Keep, Standing, Trouble, prune},
    record::{Decimal, Environment, Measurement, Objective, Verdict, v1::Record},
};
use proptest::prelude::*;

use crate::fixture;

/// The records of so many runs, a day apart, each naming the line before it; and their history.
fn runs(number: usize) -> (Vec<Record>, String) {
    let mut lines = String::new();
    let mut records = Vec::new();
    for index in 0..number {
        let mut report = fixture::report();
        let days = jiff::SignedDuration::from_hours(24 * i64::try_from(index).unwrap());
        report.run.finished += days;
        report.measurements = vec![
            Measurement::new("rows", Decimal::from(index as u64 * 10), "rows"),
            Measurement::seconds("recovery_time_seconds", [3.0, 4.0, 12.5, 5.0][index % 4])
                .objective(Objective::AtMost(Decimal::from(10))),
        ];
        let chain = Chain::read(&lines);
        report.run.previous = chain.head().map(str::to_owned);
        if index % 4 != 2 {
            report.findings.retain(|finding| finding.outcome.verdict() == Some(Verdict::Passed));
        }
        let record = Record::of(&report);
        lines += &(chain.next(&record, "rehearsal.md", Came::Published).text() + "\n");
        records.push(record);
    }
    (records, lines)
}

/// Evidence of the last run, with its history.
fn folder(number: usize) -> (tempfile::TempDir, Vec<Record>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (records, lines) = runs(number);
    fs::create_dir(folder.path().join("history")).unwrap();
    fs::write(folder.path().join("history/rehearsal.jsonl"), &lines).unwrap();
    fs::write(folder.path().join("rehearsal.md"), render_v1(&records[number - 1])).unwrap();
    (folder, records, lines)
}

fn evidence_report(folder: &Path, arguments: &[&str]) -> Output {
    std::process::Command::new(cargo_bin("evidence-report"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("OPS_SMOKE_RUN_BASE", folder.join("runs"))
        .output()
        .unwrap()
}

/// What it prints and its exit code.
fn said(folder: &Path, arguments: &[&str]) -> (String, i32) {
    let output = evidence_report(folder, arguments);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (text, output.status.code().unwrap())
}

fn changed(folder: &tempfile::TempDir, lines: &[&str]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join("history/rehearsal.jsonl"), text).unwrap();
}

#[test]
fn a_chain_that_is_whole_passes_and_says_what_anchors_it() {
    let (folder, ..) = folder(4);
    for command in [&["verify", "rehearsal.md", "-v"][..], &["history", "verify", "rehearsal.md", "-v"]] {
        let (text, code) = said(folder.path(), command);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("4 runs, whole; unsigned: that it was not written anew"), "{text}");
        assert!(text.contains("run 4"), "{text}");
    }
}

#[test]
fn a_signature_anchors_the_runs_up_to_its_own() {
    let (folder, ..) = folder(4);
    let key = folder.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    assert_eq!(said(folder.path(), &["sign", "rehearsal.md", "--key", "key"]).1, 0);
    for command in [&["verify", "rehearsal.md", "-v"][..], &["history", "verify", "rehearsal.md", "-v"]] {
        let (text, code) = said(folder.path(), command);
        assert!(code == 0 && text.contains("4 runs, whole; up to run 4 anchored by the signature"), "{text}");
    }
}

#[test]
fn whatever_was_done_to_a_history_is_told_by_name() {
    let (folder, _, lines) = folder(5);
    let lines: Vec<&str> = lines.lines().collect();
    let better = lines[2].replace("\"verdict\":\"failed\"", "\"verdict\":\"passed\"");
    assert_ne!(better, lines[2]);
    let last = lines[4].replace("\"warned\":0", "\"warned\":1");
    assert_ne!(last, lines[4]);
    let fork = lines[3].replace("operator", "x").replace("\"passed\":13", "\"passed\":14");
    assert_ne!(fork, lines[3]);
    let cases: [(&str, Vec<&str>, &str); 8] = [
        (
            "a verdict turned",
            vec![lines[0], lines[1], &better, lines[3], lines[4]],
            "rewritten: line 3 is not the line that line 4 went on from",
        ),
        (
            "the last line turned",
            vec![lines[0], lines[1], lines[2], lines[3], &last],
            "rewritten: line 5 does not say what the record",
        ),
        (
            "a run taken out",
            vec![lines[0], lines[1], lines[3], lines[4]],
            "cut: line 3 is run 4; run 3 should stand there",
        ),
        ("the beginning cut off", lines[2..].to_vec(), "cut: line 1 is run 3; run 1 should stand there"),
        ("the end cut off", lines[..3].to_vec(), "the history does not know it"),
        (
            "two branches joined",
            vec![lines[0], lines[1], lines[2], lines[3], &fork, lines[4]],
            "forked: line 5 goes on from line 3, as line 4 does already",
        ),
        ("a merge left standing", vec![lines[0], "<<<<<<< HEAD", lines[1]], "line 2 cannot be read"),
        ("everything gone", vec![], "0 runs"),
    ];
    for (name, lines, words) in cases {
        changed(&folder, &lines);
        let (text, code) = said(folder.path(), &["verify", "rehearsal.md"]);
        assert_eq!(code, 2, "{name}: {text}");
        assert!(text.contains(words), "{name}: {text}");
        let (text, code) = said(folder.path(), &["history", "verify", "history/rehearsal.jsonl"]);
        assert_eq!(code, 2, "{name}: {text}");
    }
}

#[test]
fn one_missing_line_is_a_stopped_run_and_warns() {
    let (folder, _, lines) = folder(5);
    changed(&folder, &lines.lines().take(4).collect::<Vec<_>>());
    let (text, code) = said(folder.path(), &["verify", "rehearsal.md"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("its line is missing"), "{text}");
}

#[test]
fn older_evidence_that_was_put_back_is_found() {
    let (folder, records, _) = folder(5);
    fs::write(folder.path().join("rehearsal.md"), render_v1(&records[1])).unwrap();
    let (text, code) = said(folder.path(), &["verify", "rehearsal.md"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("run 2; run 5 was there since: older evidence was put back"), "{text}");
}

#[test]
fn a_line_of_a_newer_version_is_never_called_altered() {
    let (folder, _, lines) = folder(2);
    let lines: Vec<&str> = lines.lines().chain(["{\"rehearsed\":{}}"]).collect();
    changed(&folder, &lines);
    let (text, code) = said(folder.path(), &["verify", "rehearsal.md"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("'rehearsed'") && text.contains("upgrade it"), "{text}");
}

#[test]
fn the_runs_and_their_trends_are_shown_for_people() {
    let (folder, ..) = folder(6);
    let (text, code) = said(folder.path(), &["history", "rehearsal.md"]);
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!(text.replace(&folder.path().display().to_string(), "[folder]"));
    let (text, _) = said(folder.path(), &["history", "rehearsal.md", "--last", "2", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["runs"].as_array().unwrap().len(), 2);
    assert_eq!(shown["runs_total"], 6);
    assert_eq!(shown["trends"][0]["metric"], "recovery_time_seconds");
    assert_eq!(shown["trends"][0]["points"][1]["run"], 6);
    assert_eq!(said(folder.path(), &["history", "none.md"]).1, 3);
    assert_eq!(said(folder.path(), &["history", "rehearsal.md", "--format", "junit"]).1, 3);
}

#[test]
fn old_runs_go_only_by_name_and_what_is_left_is_verified() {
    let (folder, ..) = folder(6);
    let path = folder.path().join("history/rehearsal.jsonl");
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(said(folder.path(), &["history", "prune", "rehearsal.md"]).1, 3, "keep what?");
    let (text, _) = said(folder.path(), &["history", "prune", "rehearsal.md", "--keep", "2", "--dry-run"]);
    assert!(text.starts_with("would take 4 runs out of"), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let (text, code) = said(folder.path(), &["history", "prune", "rehearsal.md", "--keep", "2"]);
    assert!(text.starts_with("took 4 runs out of") && code == 0, "{text}");
    let (text, code) = said(folder.path(), &["verify", "rehearsal.md", "-v"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 runs, whole, from run 5 on (taken out until 2026-11-26T12:00:00Z)"), "{text}");
    // The checkpoint is verified, too.
    let forged = fs::read_to_string(&path).unwrap().replacen("\"number\":4", "\"number\":3", 1);
    fs::write(&path, forged).unwrap();
    assert_eq!(said(folder.path(), &["verify", "rehearsal.md"]).1, 2);
    let (text, code) = said(folder.path(), &["history", "prune", "rehearsal.md", "--keep", "1"]);
    assert!(code == 3 && text.contains("nothing was taken out"), "{text}");
}

#[test]
fn retention_keeps_what_was_asked_for_and_never_nothing() {
    let (_, lines) = runs(5);
    let chain = Chain::read(&lines);
    let now = "2026-12-01T00:00:00Z".parse().unwrap();
    let left = |keep| prune(&chain, keep, now).map_or(5, |pruning| pruning.left);
    assert_eq!([0, 1, 4, 5, 9].map(|number| left(Keep::Newest(number))), [1, 1, 4, 5, 5]);
    // The runs ended at noon of 23 to 27 November.
    let since = |text: &str| left(Keep::Since(text.parse().unwrap()));
    assert_eq!(since("2026-11-25T12:00:00Z"), 3, "the very moment stays");
    assert_eq!(since("2026-11-25T12:00:01Z"), 2);
    assert_eq!((since("2026-01-01T00:00:00Z"), since("2027-01-01T00:00:00Z")), (5, 1));
    let once = prune(&chain, Keep::Newest(3), now).unwrap();
    let twice = prune(&Chain::read(&once.text), Keep::Newest(2), now).unwrap();
    assert_eq!(Chain::read(&twice.text).troubles(), []);
    assert_eq!(Chain::read(&twice.text).runs().map(|run| run.number).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_number_that_was_measured_elsewhere_has_a_trend_of_its_own() {
    let (_, lines) = runs(3);
    let chain = Chain::read(&lines);
    let mut all: Vec<_> = chain.runs().cloned().collect();
    all[1].environment = Environment::Local;
    all[2].interrupted = true;
    let trends = evidence_report::history::trends(&all);
    let seen: Vec<_> = trends.iter().map(|trend| (trend.environment, trend.points.len())).collect();
    assert_eq!(
        seen,
        [
            (Environment::Staging, 1),
            (Environment::Staging, 1),
            (Environment::Local, 1),
            (Environment::Local, 1)
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_changed_character_of_a_history_is_found(position in any::<prop::sample::Index>(), new in any::<char>()) {
        let (records, lines) = runs(4);
        let (at, old) = lines.char_indices().nth(position.index(lines.chars().count())).unwrap();
        prop_assume!(new != old);
        let changed = format!("{}{new}{}", &lines[..at], &lines[at + old.len_utf8()..]);
        let chain = Chain::read(&changed);
        let standing = chain.standing("rehearsal.md", &records[3]);
        let newest = matches!(standing, Standing::Newest { number: 4 });
        prop_assert!(!chain.troubles().is_empty() || !newest, "{old:?} became {new:?} at {at}");
    }

    #[test]
    fn whatever_stands_in_a_history_it_is_read(text in any::<String>()) {
        let chain = Chain::read(&text);
        prop_assert!(chain.runs().count() == 0);
        prop_assert!(text.is_empty() || !chain.troubles().is_empty());
    }
}

#[test]
fn other_line_ends_break_nothing() {
    let (records, lines) = runs(3);
    let chain = Chain::read(&lines.replace('\n', "\r\n"));
    assert_eq!(chain, Chain::read(&lines));
    assert!(matches!(chain.standing("rehearsal.md", &records[2]), Standing::Newest { number: 3 }));
}

#[test]
fn a_history_that_ends_in_the_middle_of_a_line_is_told() {
    let (_, lines) = runs(2);
    let chain = Chain::read(&lines[..lines.len() - 10]);
    assert!(matches!(chain.troubles(), [Trouble::Torn { at: 2 }]), "{:?}", chain.troubles());
}

/// Writes `tests/corpus/history` anew, when a line of a history has changed its form.
#[test]
fn the_corpus_of_histories_is_made_of_lines_as_they_are_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/history");
    let (_, whole) = runs(4);
    let lines: Vec<&str> = whole.lines().collect();
    let pruned =
        prune(&Chain::read(&whole), Keep::Newest(2), "2026-12-01T00:00:00Z".parse().unwrap()).unwrap();
    let cases = [
        ("whole.jsonl", whole.clone()),
        ("pruned.jsonl", pruned.text.clone()),
        ("empty.jsonl", String::new()),
        ("torn.jsonl", whole[..whole.len() - 20].to_owned()),
        ("gap.jsonl", format!("{}\n{}\n", lines[0], lines[2])),
        ("forked.jsonl", format!("{whole}{}\n", lines[3].replace("\"passed\":13", "\"passed\":14"))),
        ("rewritten.jsonl", whole.replacen("\"passed\":13", "\"passed\":14", 1)),
        (
            "merge-left-standing.jsonl",
            format!("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n", lines[0], lines[0]),
        ),
        ("newer.jsonl", "{\"rehearsed\":{}}\n".to_owned()),
        ("checkpoint-in-the-middle.jsonl", format!("{whole}{}", pruned.text)),
        ("key-twice.jsonl", whole.replacen("\"number\":1", "\"number\":1,\"number\":1", 1)),
        ("with-blanks.jsonl", whole.replacen("\"number\":1", "\"number\": 1", 1)),
        ("number-beyond.jsonl", whole.replacen("\"number\":1", "\"number\":18446744073709551615", 1)),
        ("deep.jsonl", format!("{}\n", "[".repeat(400))),
    ];
    for (name, text) in cases {
        let path = folder.join(name);
        if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap_or_default(),
            text,
            "{name}: INSTA_UPDATE=always writes it anew"
        );
    }
}
