//! Trackers and repositories that would talk a gate open. Each stands beside one that may open.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use evidence_report::{
    document::render_v1,
    history::{Came, Chain},
    record::{Verdict, v1::Record},
};

use crate::{
    fixture,
    place::{command, git, write},
};

/// The part in braces is replaced.
const TRACKER: &str = "# Track

## 1) Alerts
- Status: `done`
- Owner: `SRE`
- Target: `Before beta`
- Evidence:
  - Report: `doc/report.md`
  - Page: `doc/page.md`
{}
## 2) Cost
- Status: `open`
- Evidence:
  - Page: `doc/page.md`

## Launch Gating
";

const RULE: &str = "- Public launch requires items 1-1 to be `done`.\n";

/// A run of 2026-11-23T12:00Z that passed.
fn record(change: impl Fn(&mut Record)) -> Record {
    let mut report = fixture::report();
    report.findings.retain(|finding| finding.outcome.verdict() == Some(Verdict::Passed));
    let mut record = Record::of(&report);
    record.valid_until = "2999-01-01T00:00:00Z".into();
    change(&mut record);
    record
}

fn page(record: &Record) -> String {
    render_v1(record) + "\n## Notes\n\n"
}

fn repository(evidence: &str, rules: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "Makefile", "check:\n\ttrue\n");
    write(root, "doc/report.md", page(&record(|_| {})));
    write(root, "doc/page.md", "# Page\n\nWords.\n");
    write(root, "doc/track.md", TRACKER.replace("{}\n", evidence) + rules);
    git(root, &["init", "-q"]);
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "all"]);
    folder
}

#[test]
fn what_an_item_names_or_leaves_pending_keeps_the_gate_shut_however_it_is_written() {
    let cases = [
        ("", 0, "The launch gate is OPEN: 2 passed"),
        ("- Pending: staging\n", 2, "doc/track.md:10: item 1 (Alerts): done, and still pending: staging"),
        ("  - **Pending** (staging): x\n", 2, "done, and still pending: (staging): x"),
        ("\t- Pending: x\n", 2, "doc/track.md:10: item 1 (Alerts): done, and still pending: x"),
        (
            "  - Pending:\n    - `doc/not_yet.md`\n",
            2,
            "doc/track.md:11: item 1 (Alerts): done, and still pending",
        ),
        ("<!--\n  - Pending: y\n-->\n", 0, "OPEN"),
        ("- Status: `open`\n", 3, "line 10: item 1 has a second status; the first is in line 4"),
        ("  - Gone: `doc/gone.md`\n", 2, "done, and doc/gone.md: nothing there"),
        ("  - Empty: `doc/empty.yaml`\n", 2, "done, and doc/empty.yaml: doc/empty.yaml is empty"),
        ("  - Broken: `doc/broken.yaml`\n", 2, "doc/broken.yaml:1: item 1 (Alerts): done, and "),
        ("  - Loop: `doc/loop.md`\n", 3, "done, and doc/loop.md: "),
        ("  - Run: `make check`\n", 0, "OPEN"),
        ("  - Run: `make gone`\n", 2, "done, and make gone: no such target in Makefile"),
        ("  - Run: `make $(X)`\n", 3, "done, and make $(X): not understood"),
        ("  - Script: `doc/run.sh`\n", 2, "done, and not executable"),
        ("  - Draft: `doc/draft.md`\n", 2, "doc/draft.md:3: item 1 (Alerts): done, and TODO in line 3"),
    ];
    for (evidence, code, told) in cases {
        let folder = repository(evidence, RULE);
        write(folder.path(), "doc/empty.yaml", "");
        write(folder.path(), "doc/broken.yaml", "a: [1\n");
        write(folder.path(), "doc/run.sh", "#!/bin/sh\n");
        write(folder.path(), "doc/draft.md", "# Draft\n\nTODO\n");
        symlink("loop.md", folder.path().join("doc/loop.md")).unwrap();
        let (exit, printed) = command(folder.path(), &["gate", "doc/track.md"]);
        assert!(exit == code && printed.contains(told), "{evidence}: {exit}: {printed}");
    }
}

#[test]
fn half_of_a_sentence_is_no_rule_of_a_gate() {
    let cases = [
        ("- Items 1 must be `done` and items 2 as well.\n", 3),
        ("- Items 1 (and 2) to be `done`.\n", 3),
        ("- Items 1 & 2 to be `done`.\n", 3),
        ("- Items 1 to 2 to be `done`.\n", 3),
        ("- Items 1 to be `done` before 2027-01-01.\n", 3),
        ("- Item 2 must have an owner and be `open`.\n", 3),
        ("- Items 1-4000000000 must be `done`.\n", 3),
        ("- Items 1 must be `done`.\n\nItems 2 must be `done`, too.\n", 3),
        ("Items 1 and 2 must be `done`.\n", 2),
        ("Only what follows counts.\n\n- Terminal cutover requires item 1 to be at least `done`.\n", 0),
    ];
    for (rules, code) in cases {
        let folder = repository("", rules);
        let (exit, printed) = command(folder.path(), &["gate", "doc/track.md"]);
        assert_eq!(exit, code, "{rules}: {printed}");
    }
}

#[test]
fn evidence_of_a_later_day_is_none_and_the_run_before_it_counts() {
    let folder = repository("", RULE);
    let gate = |day: &str| command(folder.path(), &["gate", "doc/track.md", "--as-of", day]);
    assert_eq!(gate("2026-11-23").0, 0);
    let (code, printed) = gate("2026-11-22");
    assert_eq!(code, 2, "{printed}");
    assert!(
        printed.contains("done, and doc/report.md: its first known run ended on 2026-11-23T12:00:00Z, later"),
        "{printed}"
    );
    // A later run failed; on the day before it the one before it counts, and only that of the same file.
    let later = record(|record| {
        record.finished = "2026-12-10T12:00:00Z".into();
        record.verdict = Verdict::Failed;
        record.counts[0].failed = 1;
    });
    let mut chain = String::new();
    for (name, of) in [("report.local.md", &later), ("report.md", &record(|_| {})), ("report.md", &later)] {
        chain += &(Chain::read(&chain).next(of, name, Came::Accepted).text() + "\n");
    }
    write(folder.path(), "doc/history/report.jsonl", &chain);
    write(folder.path(), "doc/report.md", page(&later));
    assert_eq!(gate("2026-12-09").0, 0);
    let (code, printed) = gate("2026-12-10");
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("done, and doc/report.md: FAILED in staging"), "{printed}");
    assert_eq!(gate("2026-11-22").0, 2);
    let (_, printed) = command(folder.path(), &["check", "doc/track.md", "--as-of", "2026-11-22"]);
    assert!(printed.contains("its first known run ended on 2026-12-10T12:00:00Z, later"), "{printed}");
}

#[test]
fn a_byte_that_is_no_text_makes_no_page_by_hand_of_a_record() {
    let folder = repository("", RULE);
    let mut bytes = page(&record(|_| {})).into_bytes();
    let at = bytes.windows(6).position(|six| six == b"PASSED").unwrap();
    bytes[at] = 0xff;
    write(folder.path(), "doc/report.md", bytes);
    for what in ["check", "gate"] {
        let (code, printed) = command(folder.path(), &[what, "doc/track.md"]);
        assert_eq!(code, 2, "{printed}");
        assert!(printed.contains("ALTERED: line 3: verdict altered"), "{printed}");
    }
}

#[test]
fn a_tracker_of_another_system_is_read_and_what_is_no_text_is_refused_with_its_line() {
    let folder = repository("", RULE);
    let text = fs::read_to_string(folder.path().join("doc/track.md")).unwrap();
    write(folder.path(), "doc/track.md", format!("\u{feff}{}", text.replace('\n', "\r\n")));
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md"]);
    assert_eq!(code, 0, "{printed}");
    let mut bytes = text.into_bytes();
    bytes.extend(b"\xff\n");
    write(folder.path(), "doc/track.md", bytes);
    assert!(Command::new("mkfifo").arg(folder.path().join("doc/pipe")).status().unwrap().success());
    fs::File::create(folder.path().join("doc/huge.md")).unwrap().set_len(1 << 32).unwrap();
    for (tracker, told) in [
        ("doc/track.md", "line 17 is not UTF-8"),
        ("doc/pipe", "no regular file"),
        ("/dev/zero", "no regular file"),
        ("doc/huge.md", "larger than 16 MiB"),
    ] {
        let (code, printed) = command(folder.path(), &["gate", tracker]);
        assert!(code == 3 && printed.contains(told), "{tracker}: {code}: {printed}");
    }
}

#[test]
fn files_of_a_submodule_are_tracked_and_without_git_nobody_says_that_they_are() {
    let other = tempfile::tempdir().unwrap();
    write(other.path(), "shared.md", "# Shared\n\nWords.\n");
    git(other.path(), &["init", "-q"]);
    git(other.path(), &["add", "."]);
    git(other.path(), &["commit", "-qm", "all"]);
    let folder = repository("  - Shared: `shared/shared.md`\n", RULE);
    git(folder.path(), &["submodule", "add", "-q", &other.path().display().to_string(), "shared"]);
    let check = || command(folder.path(), &["check", "doc/track.md", "--verbose"]).1;
    let printed = check();
    assert!(printed.contains("shared/shared.md") && !printed.contains("does not track"), "{printed}");
    fs::write(folder.path().join(".git/HEAD"), "nonsense").unwrap();
    let printed = check();
    assert!(printed.contains("there is no git repository [tracker.artefact_in_git]"), "{printed}");
    fs::remove_dir_all(folder.path().join(".git")).unwrap();
    let printed = check();
    assert!(printed.contains("there is no git repository [tracker.artefact_in_git]"), "{printed}");
}

#[test]
fn a_policy_reads_nothing_outside_of_the_repository() {
    let outer = tempfile::tempdir().unwrap();
    write(outer.path(), "outside.md", "# Plan\n\n## Schedule\n\nNightly.\n");
    let folder = repository("", RULE);
    symlink(outer.path().join("outside.md"), folder.path().join("doc/way-out.md")).unwrap();
    symlink("loop.md", folder.path().join("doc/loop.md")).unwrap();
    let outside = outer.path().join("outside.md").display().to_string();
    let cases = [
        (outside.as_str(), "it is not there", 2),
        ("../outside.md", "the path leads out of the repository", 2),
        ("doc/way-out.md", "the path leads out of the repository", 2),
        ("doc/loop.md", "doc/loop.md", 3),
    ];
    for (page, told, code) in cases {
        let policy =
            format!("items:\n  1:\n    pages:\n      - {{ file: '{page}', sections: [Schedule] }}\n");
        write(folder.path(), "ops/tracker-policy.yaml", policy);
        let (exit, printed) = command(folder.path(), &["gate", "doc/track.md"]);
        assert!(exit == code && printed.contains(told), "{page}: {exit}: {printed}");
    }
    write(folder.path(), "ops/tracker-policy.yaml", "items:\n  1:\n    page: []\n");
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md"]);
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("`evidence-report policy-schema` prints what may stand in it"), "{printed}");
}

#[test]
fn a_cut_history_says_neither_that_a_commit_leads_here_nor_that_it_does_not() {
    let folder = repository("", RULE);
    let root = folder.path();
    let head = |of: &str| {
        let said = Command::new("git").current_dir(root).args(["rev-parse", of]).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    };
    let first = head("HEAD");
    let from = |commit: &str| {
        let commit = commit.to_owned();
        page(&record(move |record| {
            record.commit.as_mut().unwrap().id.clone_from(&commit);
            record.commit.as_mut().unwrap().dirty = false;
        }))
    };
    git(root, &["checkout", "-qb", "side"]);
    git(root, &["commit", "-q", "--allow-empty", "-m", "side"]);
    let side = head("HEAD");
    git(root, &["checkout", "-q", "-"]);
    let policy = "items:\n  1:\n    evidence:\n      - { file: doc/report.md, from_ancestor: true }\n";
    write(root, "ops/tracker-policy.yaml", policy);
    let gate = |root: &Path| command(root, &["gate", "doc/track.md"]);
    write(root, "doc/report.md", from(&first));
    assert_eq!(gate(root).0, 0);
    write(root, "doc/report.md", from(&side));
    let (code, printed) = gate(root);
    assert!(code == 2 && printed.contains("does not lead to the current one"), "{printed}");
    write(root, "doc/report.md", from(&"f".repeat(40)));
    let (code, printed) = gate(root);
    assert!(code == 3 && printed.contains("fetch the whole history"), "{printed}");
    // A clone that knows both commits, and not how they are joined.
    write(root, "doc/report.md", from(&first));
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "two"]);
    let clone = tempfile::tempdir().unwrap();
    let from = format!("file://{}", root.display());
    git(clone.path(), &["clone", "-q", "--depth", "1", &from, "."]);
    git(clone.path(), &["fetch", "-q", "--depth", "1", &from, "side"]);
    let (code, printed) = gate(clone.path());
    assert!(code == 3 && printed.contains("fetch the whole history"), "{printed}");
}

#[test]
fn the_notes_behind_a_record_are_searched_like_a_page_by_hand() {
    let folder = repository("", RULE);
    let text = page(&record(|_| {}));
    let line = text.lines().count() + 1;
    write(folder.path(), "doc/report.md", format!("{text}TODO, see [the plan](gone.md)\n"));
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md"]);
    assert_eq!(code, 2, "{printed}");
    for told in [
        format!("doc/report.md:{line}: item 1 (Alerts): done, and "),
        format!("done, and TODO in line {line}"),
        "done, and gone.md: nothing there".to_owned(),
    ] {
        assert!(printed.contains(&told), "{told}: {printed}");
    }
    write(folder.path(), "doc/report.md", format!("{text}Seen, see [the page](page.md).\n"));
    assert_eq!(command(folder.path(), &["gate", "doc/track.md"]).0, 0);
}
