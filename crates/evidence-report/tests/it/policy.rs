//! The policy, as its users meet it: what items need, gates by name, waivers, any day judged anew, and why.

use std::{fs, path::Path};

use evidence_report::{
    document::render_v1,
    history::{Came, Chain},
    record::{
        Environment, Verdict,
        v1::{Label, Record},
    },
};

use crate::{
    fixture,
    place::{command, write},
};

const TRACKER: &str = "# Track

## 1) Restore
- Status: `done`
- Owner: `DBA`
- Target: `Before beta`
- Scope:
  - Rehearsal with its time.
  - Retention of backups.
- Evidence:
  - Page: `doc/page.md`

## 2) Cost
- Status: `in_progress`
- Owner: `FinOps`
- Target: `Before beta`
- Evidence:
  - Page: `doc/page.md`
";

const POLICY: &str = "milestones:
  Before beta: 2026-12-31
environments:
  staging:
    facts: { system identifier: '741*' }
items:
  1:
    evidence:
      - file: doc/evidence/restore.md
        tool: fixture-smoke
        checks: [restore.content]
        environment: staging
        max_age: 14d
    pages:
      - { file: doc/page.md, sections: [Schedule] }
    scope:
      - { bullet: Rehearsal, covered_by: [doc/evidence/restore.md] }
      - { bullet: Retention, covered_by: [doc/page.md] }
gates:
  beta:
    - { items: 1, status: done }
    - { items: 2, status: in_progress, needs: [owner, dated_target, evidence_link] }
  later:
    - { items: 1-2, status: done }
";

/// A run of 2026-11-23 that passed in staging.
fn record(change: impl Fn(&mut Record)) -> Record {
    let mut report = fixture::report();
    report.findings.retain(|finding| finding.outcome.verdict() == Some(Verdict::Passed));
    let mut record = Record::of(&report);
    record.valid_until = "2999-01-01T00:00:00Z".into();
    change(&mut record);
    record
}

fn repository(record: &Record) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    write(folder.path(), "doc/track.md", TRACKER);
    write(folder.path(), "doc/page.md", "# Page\n\n## Schedule\n\nNightly.\n");
    write(folder.path(), "ops/tracker-policy.yaml", POLICY);
    write(folder.path(), "doc/evidence/restore.md", &(render_v1(record) + "\n## Notes\n\n"));
    folder
}

fn gate(folder: &Path, day: &str) -> (i32, String) {
    command(folder, &["gate", "doc/track.md", "--gate", "beta", "--as-of", day])
}

#[test]
fn a_gate_is_open_while_everything_that_it_stands_on_holds() {
    let folder = repository(&record(|_| {}));
    let cases = [
        ("2026-11-24", 0, "The beta gate is OPEN"),
        // Fourteen days are over, whatever the record itself promises.
        (
            "2026-12-07T11:59:59Z",
            1,
            "met, with a warning: doc/evidence/restore.md: not for long: valid until 2026-12-07T12:00:00Z",
        ),
        ("2026-12-07T12:00:00Z", 2, "no longer: valid until 2026-12-07T12:00:00Z"),
        // Before there was any.
        ("2026-11-22", 2, "its first known run ended on 2026-11-23T12:00:00Z, later"),
    ];
    for (day, code, told) in cases {
        let (exit, printed) = gate(folder.path(), day);
        assert_eq!(exit, code, "{day}: {printed}");
        assert!(printed.contains(told), "{day}: {printed}");
    }
    let (_, printed) = gate(folder.path(), "2027-01-01");
    assert!(
        printed.contains("doc/track.md:16: item 2 (Cost): overdue: 'Before beta' was 2026-12-31"),
        "{printed}"
    );
}

#[test]
fn evidence_that_is_not_what_the_policy_asks_for_closes_the_gate() {
    let fact = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
    type Change<'c> = &'c dyn Fn(&mut Record);
    let cases: [(Change<'_>, &str); 6] = [
        (&|record| record.tool.name = "other".into(), "it is of other, not of fixture-smoke"),
        (&|record| record.environment = Environment::Local, "it is of local only"),
        (
            &|record| record.facts = vec![fact("system identifier", "8")],
            "it claims staging, and saw system identifier '8'",
        ),
        (&|record| record.facts.clear(), "it claims staging, and saw nothing that shows it"),
        (
            &|record| record.counts.retain(|count| count.check != "restore.content"),
            "it did not make and pass restore.content",
        ),
        (
            &|record| record.valid_until = "2026-11-23T13:00:00Z".into(),
            "no longer: valid until 2026-11-23T13:00:00Z",
        ),
    ];
    for (change, told) in cases {
        let folder = repository(&record(change));
        let (code, printed) = gate(folder.path(), "2026-11-24");
        assert_eq!(code, 2, "{told}: {printed}");
        assert!(printed.contains(told), "{told}: {printed}");
        assert!(printed.contains("ops/tracker-policy.yaml:"), "{told}: {printed}");
    }
}

#[test]
fn pages_and_scope_that_lack_something_close_the_gate() {
    let folder = repository(&record(|_| {}));
    write(folder.path(), "doc/page.md", "# Page\n\n## Schedule\n\n## Other\n\nwords\n");
    let (code, printed) = gate(folder.path(), "2026-11-24");
    assert_eq!(code, 2, "{printed}");
    assert!(
        printed.contains("doc/page.md:3") && printed.contains("the section 'Schedule' is empty"),
        "{printed}"
    );
    let folder = repository(&record(|_| {}));
    write(
        folder.path(),
        "doc/track.md",
        TRACKER.replace("  - Retention", "  - Key rotation.\n  - Retention"),
    );
    let (code, printed) = gate(folder.path(), "2026-11-24");
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("Key rotation.: no evidence covers it"), "{printed}");
}

#[test]
fn what_a_later_run_replaced_counts_by_its_history() {
    let first = record(|_| {});
    let later = record(|record| {
        record.finished = "2026-12-10T12:00:00Z".into();
        record.verdict = Verdict::Failed;
        record.counts[0].failed = 1;
    });
    let folder = repository(&later);
    let line =
        |chain: &str, record: &Record| Chain::read(chain).next(record, "restore.md", Came::Accepted).text();
    let one = line("", &first) + "\n";
    let chain = format!("{one}{}\n", line(&one, &later));
    write(folder.path(), "doc/evidence/history/restore.jsonl", &chain);
    let policy = POLICY.replace("        checks: [restore.content]\n", "");
    write(folder.path(), "ops/tracker-policy.yaml", &policy);
    assert_eq!(gate(folder.path(), "2026-11-30").0, 0);
    let (code, printed) = gate(folder.path(), "2026-12-11");
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("its run failed"), "{printed}");
    // A history keeps no single checks: with one asked for nobody can tell.
    write(folder.path(), "ops/tracker-policy.yaml", POLICY);
    let (code, printed) = gate(folder.path(), "2026-11-30");
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("The beta gate is UNDECIDABLE"), "{printed}");
}

#[test]
fn a_waiver_opens_the_gate_for_its_days_and_is_named() {
    let folder = repository(&record(|record| record.environment = Environment::Local));
    let waiver = "waivers:\n  - check: evidence.required\n    subject: doc/evidence/restore.md*\n    reason: staging is rebuilt\n    approver: Release manager\n    starts: 2026-11-24\n    expires: 2026-11-26\n";
    write(folder.path(), "ops/tracker-policy.yaml", format!("{POLICY}{waiver}"));
    for (day, code) in [("2026-11-23", 2), ("2026-11-24", 0), ("2026-11-26", 0), ("2026-11-27", 2)] {
        let (exit, printed) = gate(folder.path(), day);
        assert_eq!(exit, code, "{day}: {printed}");
    }
    let (_, printed) = command(
        folder.path(),
        &["gate", "doc/track.md", "--gate", "beta", "--as-of", "2026-11-25", "--verbose"],
    );
    assert!(printed.contains("by Release manager until 2026-11-26: staging is rebuilt"), "{printed}");
    // Check tells the one that is of no use.
    write(
        folder.path(),
        "ops/tracker-policy.yaml",
        format!("{POLICY}{}", waiver.replace("restore.md*", "nothing")),
    );
    let (_, printed) = command(folder.path(), &["check", "doc/track.md", "--as-of", "2026-11-25"]);
    assert!(printed.contains("evidence.required of doc/evidence/nothing"), "{printed}");
}

#[test]
fn several_gates_are_told_apart_and_an_unknown_one_is_refused() {
    let folder = repository(&record(|_| {}));
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md", "--as-of", "2026-11-24"]);
    assert_eq!(code, 2);
    assert!(printed.starts_with("FAILED: Gates: beta is OPEN, later is CLOSED"), "{printed}");
    assert!(printed.contains("later: item 2 (Cost): in_progress"), "{printed}");
    let (code, printed) = command(folder.path(), &["gate", "doc/track.md", "--gate", "alpha"]);
    assert_eq!(
        (code, printed.contains("there is no gate 'alpha'; there are: beta, later")),
        (3, true),
        "{printed}"
    );
}

#[test]
fn explain_says_why_and_when_the_gate_closes_by_itself() {
    let folder = repository(&record(|_| {}));
    let explain = |gate: &str| {
        command(
            folder.path(),
            &["explain", "doc/track.md", "--gate", gate, "--as-of", "2026-11-24T08:00:00Z"],
        )
    };
    let (code, printed) = explain("beta");
    assert_eq!(code, 0, "{printed}");
    assert_eq!(
        printed,
        "The beta gate is OPEN as of 2026-11-24 08:00 UTC: nothing stands in its way.

Rule in ops/tracker-policy.yaml, line 21: items 1: done
  ✓ item 1 (Restore), done; DBA; Before beta (2026-12-31)

Rule in ops/tracker-policy.yaml, line 22: items 2: in_progress
  ✓ item 2 (Cost), in_progress; FinOps; Before beta (2026-12-31)

By itself it closes on 2026-12-07 12:00 UTC: the evidence doc/evidence/restore.md ends.
"
    );
    let (code, printed) = explain("later");
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("  ✕ item 2 (Cost), in_progress; FinOps; Before beta (2026-12-31)\n      ✕ doc/track.md:14: in_progress"), "{printed}");
    assert!(printed.contains("What would open it:\n  1. Show what is pending"), "{printed}");
}

#[test]
fn what_an_unfinished_item_lacks_warns_in_check() {
    let folder = repository(&record(|record| record.environment = Environment::Local));
    write(folder.path(), "doc/track.md", TRACKER.replacen("`done`", "`in_progress`", 1));
    let (_, printed) = command(folder.path(), &["check", "doc/track.md", "--as-of", "2026-11-24"]);
    assert!(printed.contains("WARNED") && printed.contains("it is of local only"), "{printed}");
    assert!(!printed.contains("FAILED "), "{printed}");
}

#[test]
fn a_policy_for_another_tracker_is_refused() {
    let folder = repository(&record(|_| {}));
    write(folder.path(), "ops/tracker-policy.yaml", "items:\n  9: {}\n");
    let (code, printed) = command(folder.path(), &["check", "doc/track.md"]);
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("speaks of item 9, which doc/track.md does not have"), "{printed}");
}
