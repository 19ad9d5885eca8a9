//! `drill`, as somebody on call meets it: processes that are killed, two people at once, torn lines.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Child, Stdio},
};

use evidence_report::{
    command::drill::entry::{History, What},
    record::Verdict,
};

use crate::place::{Place, record, said, wait_for};

const REPORT: &str = "doc/operations/evidence/incident_drill_reports.md";

fn log(place: &Place) -> PathBuf {
    let folder = fs::read_dir(place.path("doc/operations/evidence/drills")).unwrap();
    let mut logs: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    logs.sort();
    logs.pop().unwrap()
}

fn history(place: &Place) -> History {
    History::read(&fs::read(log(place)).unwrap())
}

fn notes(history: &History) -> Vec<String> {
    let text = |what: &What| match what {
        What::Note { text, .. } => Some(text.clone()),
        _ => None,
    };
    history.entries.iter().filter_map(|entry| text(&entry.what)).collect()
}

#[test]
fn a_drill_from_its_start_to_its_report() {
    let place = Place::new();
    place.write(REPORT, "# Incident drill reports\n\nThe calendar, by hand.\n");
    let start =
        ["drill", "start", "Lost", "primary", "--kind", "restore", "--within", "30m", "--role", "lead=SRE"];
    let (code, printed) = place.run(&start);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("the drill \"Lost primary\" (restore) has begun"), "{printed}");
    assert_eq!(place.run(&["drill", "note", "pager", "rang", "--by", "DBA"]).0, 0);
    assert_eq!(place.run(&["drill", "note", "--role", "scribe=DBA", "-m", "recovered"]).0, 0);
    let (code, shown) = place.run(&["drill", "show"]);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.starts_with("OPEN: drill \"Lost primary\" (restore)"), "{shown}");
    assert!(shown.contains("DBA: pager rang") && shown.contains("roles: lead SRE, scribe DBA"), "{shown}");
    let (code, refused) = place.run(&["drill", "finish"]);
    assert_eq!((code, refused.contains("--outcome achieved")), (3, true), "{refused}");
    let finish = ["drill", "finish", "--outcome", "achieved", "--follow-up", "alert on lag; DBA; 2026-12-24"];
    let (code, printed) = place.run(&finish);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with("PASSED: Incident drill report: Lost primary: 6 passed."), "{printed}");
    let record = record(&place.path(REPORT));
    assert_eq!(record.tracker_items, [2]);
    let measured = record.measurements.iter().find(|one| one.metric == "drill_recovered_seconds").unwrap();
    assert_eq!(measured.met, Some(true));
    assert_eq!(record.timeline.unwrap().stages.len(), 5);
    assert_eq!(record.charts[0].lines, ["2026-12-24  DBA: alert on lag"]);
    assert!(place.read(REPORT).contains("The calendar, by hand."), "words by hand are kept");
}

#[test]
fn the_ten_drills_before_stand_in_the_report_one_line_each() {
    let place = Place::new();
    for number in 0..12 {
        assert_eq!(place.run(&["drill", "start", &format!("drill {number:02}"), "--role", "lead=SRE"]).0, 0);
        assert_eq!(place.run(&["drill", "note", "x"]).0, 0);
        let outcome = if number % 2 == 0 { "achieved" } else { "missed" };
        let (code, printed) = place.run(&["drill", "finish", "--outcome", outcome]);
        assert_eq!(code, if number % 2 == 0 { 0 } else { 2 }, "{printed}");
    }
    let record = record(&place.path(REPORT));
    let lines = &record.charts[0].lines;
    assert_eq!(lines.len(), 11, "{lines:?}");
    assert!(lines[0].contains("drill 10") && lines[0].contains("achieved"), "{lines:?}");
    assert!(lines[9].contains("drill 01") && lines[9].contains("missed"), "{lines:?}");
    assert!(lines[10].contains("and 1 more"), "{lines:?}");
    let (_, all) = place.run(&["drill", "show", "--all"]);
    assert_eq!(all.lines().count(), 12, "{all}");
}

#[test]
fn two_people_writing_at_once_lose_no_line() {
    let place = Place::new();
    assert_eq!(place.run(&["drill", "start", "Busy"]).0, 0);
    let writers: Vec<Child> = (0..8)
        .map(|writer| {
            let mut command = place.command(&["drill", "note", "--by", &format!("writer {writer}")]);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            let lines: String = (0..10).map(|line| format!("{writer}-{line}\n")).collect();
            input.write_all(lines.as_bytes()).unwrap();
            child
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let history = history(&place);
    assert_eq!(history.damage, Vec::<String>::new());
    let mut notes = notes(&history);
    assert_eq!(notes.len(), 80);
    let of_one: Vec<_> = notes.iter().filter(|note| note.starts_with("3-")).cloned().collect();
    assert_eq!(
        of_one,
        (0..10).map(|line| format!("3-{line}")).collect::<Vec<_>>(),
        "each writer's own order"
    );
    notes.sort();
    notes.dedup();
    assert_eq!(notes.len(), 80);
    assert_eq!(history.entries.iter().map(|entry| entry.n).collect::<Vec<_>>(), (1..=81).collect::<Vec<_>>());
}

#[test]
fn a_writer_that_is_killed_loses_nothing_that_it_had_said() {
    let place = Place::new();
    assert_eq!(place.run(&["drill", "start", "Killed"]).0, 0);
    let mut said_so = 0;
    for round in 0..6_usize {
        let mut command = place.command(&["drill", "note"]);
        let mut writer = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = writer.stdin.take().unwrap();
        let lines: String = (0..200).map(|line| format!("{round}-{line}\n")).collect();
        let feeder = std::thread::spawn(move || drop(input.write_all(lines.as_bytes())));
        let before = notes(&history(&place)).len();
        wait_for("some notes", || (notes(&history(&place)).len() > before + round * 3).then_some(()));
        writer.kill().unwrap();
        let output = writer.wait_with_output().unwrap();
        feeder.join().unwrap();
        said_so += String::from_utf8_lossy(&output.stdout).matches(" note, ").count();
    }
    assert_eq!(place.run(&["drill", "note", "still", "here"]).0, 0);
    let history = history(&place);
    let notes = notes(&history);
    assert!(notes.len() > said_so, "{} notes stand, {said_so} were said to", notes.len());
    assert_eq!(notes.last().unwrap(), "still here");
    assert!(!history.damage.iter().any(|damage| damage.contains("does not follow")), "{:?}", history.damage);
}

#[test]
fn a_torn_line_is_told_and_a_changed_one_fails() {
    let place = Place::new();
    assert_eq!(place.run(&["drill", "start", "Torn", "--role", "lead=SRE"]).0, 0);
    assert_eq!(place.run(&["drill", "note", "before"]).0, 0);
    let path = log(&place);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(br#"{"n":3,"at":"2026-11"#).unwrap();
    let (code, printed) = place.run(&["drill", "note", "after"]);
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = place.run(&["drill", "finish", "--outcome", "achieved"]);
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("line 3 is torn"), "{printed}");

    let changed = fs::read_to_string(&path).unwrap().replacen("before", "nothing", 1);
    fs::write(&path, changed).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (code, printed) = place.run(&["drill", "finish", "--drill", &name]);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("does not follow the line before it"), "{printed}");
}

#[test]
fn a_rollback_keeps_its_contract_or_fails() {
    let place = Place::new();
    for (change, verdict) in [(false, Verdict::Passed), (true, Verdict::Failed)] {
        place.write("api.yaml", "openapi: 3.1.0\n");
        let start = ["drill", "start", "Back", "--kind", "rollback", "--role", "lead=SRE"];
        let named = ["--from-revision", "v42", "--to-revision", "v41", "--contract", "api.yaml"];
        assert_eq!(place.run(&[&start[..], &named].concat()).0, 0);
        assert_eq!(place.run(&["drill", "note", "rolled back"]).0, 0);
        if change {
            place.write("api.yaml", "openapi: 3.0.0\n");
        }
        place.run(&["drill", "finish", "--outcome", "achieved"]);
        let record = record(&place.path("doc/operations/evidence/rollback_drill_report.md"));
        assert_eq!((record.tracker_items.as_slice(), record.verdict), (&[2, 11][..], verdict));
    }
    assert_eq!(place.run(&["drill", "start", "Unnamed", "--kind", "rollback"]).0, 0);
    assert_eq!(place.run(&["drill", "note", "x"]).0, 0);
    let (code, printed) = place.run(&["drill", "finish", "--outcome", "achieved"]);
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("--from-revision"), "{printed}");
}

#[test]
fn nothing_open_a_second_one_and_a_finished_one_are_told_with_what_to_type() {
    let place = Place::new();
    let (code, printed) = place.run(&["drill", "note", "hello"]);
    assert_eq!(code, 3);
    assert!(printed.contains("no drill is open") && printed.contains("drill start"), "{printed}");
    assert_eq!(place.run(&["drill", "start", "One"]).0, 0);
    let (code, printed) = place.run(&["drill", "start", "Two"]);
    assert_eq!((code, printed.contains("\"One\" is open")), (3, true), "{printed}");
    assert_eq!(place.run(&["drill", "start", "Two", "--alongside"]).0, 0);
    assert_eq!(place.run(&["drill", "note", "for the second"]).0, 0);
    assert_eq!(notes(&history(&place)), ["for the second"], "the last open drill is meant");
    let (code, printed) = place.run(&["drill", "finish", "--outcome", "missed"]);
    assert_eq!(code, 2, "{printed}");
    let name = log(&place).file_stem().unwrap().to_string_lossy().into_owned();
    let (code, printed) = place.run(&["drill", "note", "too late", "--drill", &name]);
    assert_eq!((code, printed.contains("has been finished")), (3, true), "{printed}");
}

#[test]
fn notes_hold_no_secrets_and_no_control_characters() {
    let place = Place::new();
    assert_eq!(place.run(&["drill", "start", "Secrets"]).0, 0);
    let mut note = place.command(&["drill", "note"]);
    let mut note = note.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    note.stdin.take().unwrap().write_all(b"psql password=swordfish9 \x1b[31mred\xff\n\n").unwrap();
    let (code, printed) = said(&note.wait_with_output().unwrap());
    assert_eq!(code, 0);
    assert!(!printed.contains("swordfish9") && !printed.contains('\u{1b}'), "{printed}");
    assert_eq!(notes(&history(&place)).len(), 1, "an empty line is no note");
    assert!(!fs::read_to_string(log(&place)).unwrap().contains("swordfish9"));
}

#[test]
fn a_full_disk_leaves_the_log_as_it_was() {
    let place = Place::new();
    assert_eq!(place.run(&["drill", "start", "Full"]).0, 0);
    let before = fs::read(log(&place)).unwrap();
    // A file may not grow beyond 512 bytes: the line does not fit, and is written in part.
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    let mut note = std::process::Command::new("dash");
    note.args(["-c", script, "sh", env!("CARGO_BIN_EXE_evidence-report"), "drill", "note", &"x".repeat(900)]);
    let (code, printed) = said(&note.current_dir(place.path("")).output().unwrap());
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("writing to"), "{printed}");
    assert_eq!(fs::read(log(&place)).unwrap(), before);
    assert_eq!(place.run(&["drill", "note", "again"]).0, 0);
    assert_eq!(history(&place).damage, Vec::<String>::new());
}

#[test]
fn a_read_only_folder_is_told_and_nothing_is_half_written() {
    let place = Place::new();
    assert_eq!(place.run(&["drill", "start", "Full"]).0, 0);
    let before = fs::read(log(&place)).unwrap();
    // Root writes into read-only folders: a file where the folder should be stops everybody.
    let blocked = place.write("blocked", "");
    let (code, printed) = place.run(&["drill", "start", "x", "--drills", blocked.to_str().unwrap()]);
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("blocked"), "{printed}");
    assert_eq!(fs::read(log(&place)).unwrap(), before);
}

#[test]
fn what_was_noted_later_counts_from_when_it_happened_and_never_from_before_the_start() {
    let place = Place::new();
    assert_eq!(place.run(&["drill", "start", "Late", "--within", "1h", "--role", "lead=SRE"]).0, 0);
    let (code, printed) = place.run(&["drill", "note", "--ago", "2h", "the pager rang"]);
    assert_eq!((code, printed.contains("--ago reaches back to before it")), (3, true), "{printed}");
    let begun = std::time::Instant::now();
    wait_for("two seconds of the drill", || (begun.elapsed().as_secs() >= 2).then_some(()));
    let (code, printed) =
        place.run(&["drill", "note", "--ago", "2s", "-m", "recovered", "orders go through"]);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("(noted 00:00:02 later)"), "{printed}");
    let (_, printed) = place.run(&["drill", "show"]);
    assert!(
        printed.contains("running for 00:00:0") && printed.contains("within 01:00:00: recovered"),
        "{printed}"
    );
    assert_eq!(place.run(&["drill", "finish", "--outcome", "achieved"]).0, 0);
    let record = record(&place.path("doc/operations/evidence/incident_drill_reports.md"));
    let recovery = record.findings.iter().find(|finding| finding.check == "drill.recovery").unwrap();
    assert!(recovery.observed.ends_with(", noted 00:00:02 later"), "{}", recovery.observed);
}

#[test]
fn a_contract_is_found_again_from_another_folder() {
    let place = Place::new();
    place.write("api/openapi.yaml", "openapi: 3.1.0\n");
    let start = ["drill", "start", "Back", "--kind", "rollback", "--role", "lead=SRE"];
    let named = ["--from-revision", "v42", "--to-revision", "v41", "--contract", "openapi.yaml"];
    let mut begin = place.command(&[&start[..], &named].concat());
    assert_eq!(said(&begin.current_dir(place.path("api")).output().unwrap()).0, 0);
    assert_eq!(place.run(&["drill", "note", "rolled back"]).0, 0);
    let (code, printed) = place.run(&["drill", "finish", "--outcome", "achieved"]);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("Rollback drill report: Back"), "{printed}");
}
