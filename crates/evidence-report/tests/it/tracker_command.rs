//! `verify`, `check` and `gate`, as their users meet them.

use std::fs;

use evidence_report::{
    document::render_v1,
    record::{Verdict, v1::Record},
};

use crate::{
    fixture,
    place::{command, git, write},
};

const TRACKER: &str = "# Track

## 1) Alerts
- Status: `done`
- Owner: `SRE`
- Target: `Before beta`
- Evidence:
  - Command: `make evidence-check`
  - Report: `doc/report.md`

## 2) Runbooks
- Status: `in_progress`
- Owner: `SRE`
- Target: `Before beta`
- Evidence:
  - Runbooks: `doc/runbooks/*`
  - Pending: executed drills.

## 3) Cost
- Status: `in_progress`
- Owner: `FinOps`
- Target: `Before beta`
- Evidence:
  - Pending: dashboard links.

## Launch Gating
- Public launch requires items 1-2 to be `done`.
- Item 3 must be at least `in_progress` with owners, timeline, and evidence links.
";

/// A repository with a tracker that holds what it says, but for item 3.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "Makefile", "VERSION := 1\nevidence-check: build\n\ttrue\n");
    write(&folder, "doc/report.md", evidence(|_| {}));
    write(&folder, "doc/runbooks/api.md", "# API\n");
    write(&folder, "doc/track.md", TRACKER);
    git(&folder, &["init", "-q"]);
    git(&folder, &["add", "."]);
    folder
}

/// An evidence file that passed, is valid for a long time, and is then changed.
fn evidence(change: impl Fn(&mut Record)) -> String {
    let mut report = fixture::report();
    report.findings.retain(|finding| finding.outcome.verdict() == Some(Verdict::Passed));
    let mut record = Record::of(&report);
    record.valid_until = "2999-01-01T00:00:00Z".into();
    change(&mut record);
    render_v1(&record) + "\n## Notes\n\n"
}

#[test]
fn check_finds_the_item_without_evidence_and_passes_the_rest() {
    let folder = repository();
    let (code, printed) = command(folder.path(), &["check", "doc/track.md"]);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.starts_with("FAILED: Check of the tracker's evidence: 1 failed, "), "{printed}");
    assert!(
        printed.contains("doc/track.md:19: item 3 (Cost): no path and no link under Evidence"),
        "{printed}"
    );
}

#[test]
fn check_tells_what_is_missing_empty_untracked_altered_failed_and_expired() {
    type Damage<'d> = &'d dyn Fn(&tempfile::TempDir);
    let cases: [(&str, Damage<'_>, &str); 9] = [
        (
            "missing file",
            &|f| fs::remove_file(f.path().join("doc/report.md")).unwrap(),
            "doc/report.md, item 1 (Alerts): nothing there",
        ),
        (
            "empty glob",
            &|f| fs::remove_file(f.path().join("doc/runbooks/api.md")).unwrap(),
            "doc/runbooks/*, item 2 (Runbooks): nothing there",
        ),
        ("empty file", &|f| write(f, "doc/runbooks/api.md", ""), "is empty"),
        ("untracked", &|f| write(f, "doc/runbooks/new.md", "# New\n"), "git does not track it"),
        ("make target", &|f| write(f, "Makefile", "other:\n\ttrue\n"), "no such target"),
        (
            "altered",
            &|f| write(f, "doc/report.md", evidence(|_| {}).replacen("PASSED", "WARNED", 1)),
            "line 3: verdict altered",
        ),
        (
            "failed",
            &|f| {
                write(
                    f,
                    "doc/report.md",
                    evidence(|r| {
                        r.counts[0].failed = 1;
                        r.verdict = Verdict::Failed;
                    }),
                )
            },
            "FAILED in staging",
        ),
        (
            "expired",
            &|f| write(f, "doc/report.md", evidence(|r| r.valid_until = "2026-01-01T00:00:00Z".into())),
            "no longer: valid until 2026-01-01",
        ),
        (
            "done and pending",
            &|f| {
                write(
                    f,
                    "doc/track.md",
                    TRACKER.replacen("  - Report", "  - Pending: load test\n  - Report", 1),
                )
            },
            "done, and pending: load test",
        ),
    ];
    for (name, damage, told) in cases {
        let folder = repository();
        damage(&folder);
        let (code, printed) = command(folder.path(), &["check", "doc/track.md"]);
        assert_eq!(code, 2, "{name}: {printed}");
        assert!(printed.contains(told), "{name}: {printed}");
    }
}

#[test]
fn a_page_by_hand_is_present_and_unverified() {
    let folder = repository();
    let (_, printed) = command(folder.path(), &["check", "doc/track.md"]);
    assert!(printed.contains("doc/runbooks/api.md: present, unverified"), "{printed}");
}

#[test]
fn the_gate_is_closed_with_every_reason_and_its_line() {
    let folder = repository();
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md"]);
    assert_eq!(code, 2, "{printed}");
    assert!(
        printed
            .starts_with("FAILED: The launch gate is CLOSED: 2 failed, 2 passed, 1 not checked (optional)."),
        "{printed}"
    );
    assert!(
        printed.contains("doc/track.md:12: item 2 (Runbooks): in_progress; pending: executed drills"),
        "{printed}"
    );
    assert!(printed.contains("doc/track.md:19: item 3 (Cost): no evidence link"), "{printed}");
}

#[test]
fn the_gate_opens_when_all_rules_are_met_and_closes_on_evidence_that_does_not_hold() {
    let folder = repository();
    let open = TRACKER
        .replacen("in_progress", "done", 1)
        .replace("  - Pending: executed drills.\n", "")
        .replace("  - Pending: dashboard links.", "  - Report: `doc/report.md`");
    write(&folder, "doc/track.md", &open);
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md"]);
    assert!(
        printed.starts_with("PASSED: The launch gate is OPEN: 4 passed, 1 not checked (optional)."),
        "{printed}"
    );
    assert_eq!(code, 0);

    write(&folder, "doc/report.md", evidence(|record| record.valid_until = "2026-01-01T00:00:00Z".into()));
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md"]);
    assert_eq!(code, 2);
    assert!(printed.contains("item 1 (Alerts): done, and doc/report.md: no longer"), "{printed}");
}

#[test]
fn a_rule_that_is_not_understood_leaves_the_gate_undecidable() {
    let folder = repository();
    let unclear = TRACKER.split("- Public").next().unwrap().to_owned()
        + "- Item 3 must be at least `open` with cake.\n";
    write(&folder, "doc/track.md", &unclear);
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md"]);
    assert_eq!(code, 3, "{printed}");
    assert!(printed.starts_with("INCONCLUSIVE: The launch gate is UNDECIDABLE"), "{printed}");
    assert!(printed.contains("doc/track.md:27"), "{printed}");
}

#[test]
fn verify_exits_2_names_the_line_and_leaves_notes_alone() {
    let folder = repository();
    let path = folder.path().join("doc/report.md");
    assert_eq!(command(folder.path(), &["verify", "doc/report.md"]).0, 0);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}PASSED, says the owner. FAILED, says nobody.\n")).unwrap();
    assert_eq!(command(folder.path(), &["verify", "doc/report.md"]).0, 0);
    fs::write(&path, text.replacen("PASSED", "FAILED", 1)).unwrap();
    let (code, printed) = command(folder.path(), &["verify", "doc/report.md", "doc/runbooks/api.md"]);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("line 3: verdict altered"), "{printed}");
    let (code, printed) = command(folder.path(), &["verify", "doc/nothing.md"]);
    assert_eq!(code, 3, "{printed}");
}

#[test]
fn a_tracker_that_cannot_be_used_is_told() {
    let folder = repository();
    for (arguments, told) in [
        (["check", "doc/none.md"], "doc/none.md"),
        (["check", "doc"], "is a folder"),
        (["gate", "doc/runbooks/api.md"], "no item"),
    ] {
        let (code, printed) = command(folder.path(), &arguments);
        assert_eq!(code, 3, "{printed}");
        assert!(printed.contains(told), "{printed}");
    }
}
