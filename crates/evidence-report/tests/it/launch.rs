//! What somebody is told who asks "may we launch?": when an open gate closes by itself, what it lets through because
//! somebody decided so, and what it did not ask for.

use std::{fs, path::Path, process::Command};

use jiff::{Timestamp, ToSpan as _, fmt::strtime};

use crate::place::{Place, command, git, write};

const TRACKER: &str = "doc/operations/parallel_ops_track.md";
const TODAY: &str = "2026-11-27T12:00:00Z";

/// The sample, with every item done and its rules alone in the policy: a gate for each item.
fn done() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/parallel-ops-track/.");
    assert!(Command::new("cp").arg("-R").arg(sample).arg(folder.path()).status().unwrap().success());
    let tracker = fs::read_to_string(folder.path().join(TRACKER)).unwrap();
    let lines = tracker.lines().filter(|line| !line.starts_with("  - Pending"));
    let tracker = lines.collect::<Vec<_>>().join("\n").replace("`in_progress`", "`done`");
    write(&folder, TRACKER, tracker);
    let text = fs::read_to_string(folder.path().join("ops/tracker-policy.yaml")).unwrap();
    let mut policy = String::from("gates:\n");
    for item in [2, 4, 7, 8, 9, 11] {
        policy += &format!("  item-{item}: [{{ items: {item}, status: done }}]\n");
    }
    let items = text.split_once("\nitems:\n").unwrap().1;
    policy += "items:\n";
    let mut in_evidence = false;
    for line in items.lines() {
        match line {
            "    evidence:" | "    scope:" => in_evidence = true,
            "    rules:" => in_evidence = false,
            line if line.starts_with("  ") && !line.starts_with("   ") => in_evidence = false,
            _ => {}
        }
        if !in_evidence {
            policy += &format!("{line}\n");
        }
    }
    // Items of which nothing is left.
    write(
        &folder,
        "ops/tracker-policy.yaml",
        policy.replace("  1:\n", "  1: {}\n").replace("  3:\n", "  3: {}\n"),
    );
    folder
}

#[test]
fn a_gate_closes_in_the_minute_that_explain_tells_and_not_before() {
    let folder = done();
    let (code, told) = command(&folder, &["explain", TRACKER, "--as-of", TODAY]);
    assert!(code <= 1, "{told}");
    let why = "closes on 2027-02-16 13:08 UTC: item 11 (Terminal Gateway Ingress (Option C)): terminal-gateway@sha-4be01c7 → \
               terminal-gateway@sha-19fd2a0: it is 90 d old; 90 d are allowed.";
    assert!(told.contains(why), "{told}");
    let mut closing = Vec::new();
    for part in told.split("The item-").skip(1) {
        let gate = format!("item-{}", part.split_once(' ').unwrap().0);
        let (_, rest) = part.split_once("By itself it closes on ").unwrap_or_else(|| panic!("{part}"));
        let (minute, _) = rest.split_once(" UTC: ").unwrap();
        let minute = strtime::parse("%Y-%m-%d %H:%M %z", format!("{minute} +0000")).unwrap();
        let minute = minute.to_timestamp().unwrap();
        let ask =
            |at: Timestamp| command(&folder, &["gate", TRACKER, "--gate", &gate, "--as-of", &at.to_string()]);
        let (code, before) = ask(minute);
        assert!(code <= 1, "{gate}, before {minute}: {before}");
        let (code, after) = ask(minute + 1.minute());
        assert_eq!(code, 2, "{gate}, after {minute}: {after}");
        closing.push(format!("{gate} {}", minute.strftime("%F")));
    }
    // A drill's age, a calendar's next day, a cadence, the age of a scan, the end of an approval, an export's cadence.
    assert_eq!(
        closing,
        [
            "item-11 2027-02-16",
            "item-2 2026-12-09",
            "item-4 2026-12-03",
            "item-7 2026-12-03",
            "item-8 2027-01-31",
            "item-9 2026-12-05"
        ]
    );
}

const ITEM: &str =
    "## 1) Backups\n- Status: `done`\n- Owner: DBA\n- Target: Beta\n- Evidence:\n  - `doc/page.md`\n";
const GATE: &str = "gates: {launch: [{items: 1, status: done}]}\n";

#[test]
fn what_somebody_decided_to_live_with_is_told_by_the_open_gate() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "track.md", ITEM);
    write(&folder, "doc/page.md", "# Backups\n\nSee [the schedule](schedule.md).\n");
    let (today, later) = (Timestamp::now(), Timestamp::now() + (20 * 24).hours());
    let waiver = format!(
        "waivers: [{{check: page.links, subject: '*', reason: it moves, approver: Security lead, starts: {}, expires: {}}}]\n",
        today.strftime("%F"),
        later.strftime("%F")
    );
    write(&folder, "ops/tracker-policy.yaml", format!("{GATE}{waiver}"));
    let (code, said) = command(&folder, &["gate", "track.md"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("PASSED: The launch gate is OPEN: 1 waived, 2 passed."), "{said}");
    let told =
        "doc/page.md:3: item 1 (Backups): schedule.md: nothing there (FAILED; waived by Security lead until";
    assert!(said.contains(told), "{said}");
}

#[test]
fn a_gate_says_that_it_had_no_policy_and_that_git_lacks_what_it_stands_on() {
    let folder = tempfile::tempdir().unwrap();
    git(&folder, &["init", "--quiet"]);
    write(&folder, "track.md", format!("{ITEM}\n## Launch Gating\n- Items 1 `done`\n"));
    write(&folder, "doc/page.md", "# Backups\n\nNightly.\n");
    let (code, said) = command(&folder, &["gate", "track.md"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("met, with a warning: doc/page.md: git does not track it"), "{said}");
    assert!(
        said.contains("not checked  policy: there is none (ops/tracker-policy.yaml): nobody asked"),
        "{said}"
    );
    git(&folder, &["add", "--all"]);
    write(&folder, "ops/tracker-policy.yaml", GATE);
    let (code, said) = command(&folder, &["gate", "track.md"]);
    assert_eq!((code, said.contains("not checked")), (0, false), "{said}");
    fs::rename(folder.path().join("ops/tracker-policy.yaml"), folder.path().join("ops/tracker-policy.yml"))
        .unwrap();
    let (code, said) = command(&folder, &["gate", "track.md"]);
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("ops/tracker-policy.yml would not be read: the policy is ops/tracker-policy.yaml"),
        "{said}"
    );
}

#[test]
fn a_page_of_nothing_but_blanks_is_empty_and_an_item_with_an_open_box_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "ops/tracker-policy.yaml", GATE);
    write(&folder, "doc/page.md", "\u{feff}\r\n \r\n\t\r\n");
    write(&folder, "track.md", format!("{ITEM}  - [ ] the restore of a large table\n  - TODO: retention\n"));
    let (code, said) = command(&folder, &["gate", "track.md"]);
    assert_eq!(code, 2, "{said}");
    for told in [
        "doc/page.md is empty",
        "track.md:7: item 1 (Backups): done, and still pending: the restore of a large table",
        "track.md:8: item 1 (Backups): done, and still pending: retention",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
}

#[test]
fn evidence_that_knows_a_run_before_it_is_told_without_its_history() {
    let place = Place::new();
    let capture = ["capture", "--check", "a.b", "--evidence", "doc/page.md", "--", "true"];
    place.write("track.md", ITEM);
    place.write("ops/tracker-policy.yaml", GATE);
    for (runs, is_told) in [(1, false), (2, true)] {
        assert_eq!(place.run(&capture).0, 0);
        let history = place.path("doc/history/page.jsonl");
        let kept = fs::read(&history).unwrap();
        fs::remove_file(&history).unwrap();
        let (code, said) = place.run(&["check", "track.md"]);
        assert_eq!(code, 0, "{runs}: {said}");
        let told = "doc/page.md: its history is not beside it, and it goes on from a run before";
        assert_eq!(said.contains(told), is_told, "{said}");
        fs::write(&history, kept).unwrap();
    }
}
