//! `check` and `gate` look at the chain of runs beside the evidence: what was put back, taken out or rewritten there is
//! no evidence, however consistent the file is.

use std::fs;

use crate::place::Place;

const TRACKER: &str = "# Track

## 1) Load
- Status: `done`
- Owner: `Performance`
- Target: `Before beta`
- Evidence:
  - Report: `doc/evidence/load.md`

## Launch Gating
- Public launch requires items 1-1 to be `done`.
";

const FILE: &str = "doc/evidence/load.md";
const HISTORY: &str = "doc/evidence/history/load.jsonl";

fn measured(place: &Place, command: &str) {
    let capture = ["capture", "--check", "capacity.load", "--evidence", FILE, "--", "sh", "-c", command];
    place.run(&capture);
}

#[test]
fn older_evidence_that_was_put_back_closes_the_gate() {
    let place = Place::new();
    place.write("doc/track.md", TRACKER);
    measured(&place, "exit 0");
    let (code, printed) = place.run(&["gate", "doc/track.md"]);
    assert_eq!(code, 0, "{printed}");
    let passed = place.read(FILE);
    measured(&place, "exit 1");
    fs::write(place.path(FILE), &passed).unwrap();
    let (code, printed) = place.run(&["check", "doc/track.md"]);
    assert_eq!(code, 2, "{printed}");
    assert!(
        printed.contains("run 2 was there since: older evidence was put back [history.newest]"),
        "{printed}"
    );
    let (code, printed) = place.run(&["gate", "doc/track.md"]);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("older evidence was put back"), "{printed}");
    let policy = "items:\n  1:\n    evidence:\n      - { file: doc/evidence/load.md, max_age: 30d }\n";
    place.write("ops/tracker-policy.yaml", policy);
    let (_, printed) = place.run(&["check", "doc/track.md"]);
    assert!(printed.contains("[evidence.required]") && printed.contains("put back"), "{printed}");
}

#[test]
fn a_history_that_was_rewritten_or_cut_fails_and_none_at_all_is_left_to_git() {
    let place = Place::new();
    place.write("doc/track.md", TRACKER);
    (0..3).for_each(|_| measured(&place, "exit 0"));
    let whole = place.read(HISTORY);
    let lines: Vec<_> = whole.lines().collect();
    for (history, words) in [
        (whole.replacen("\"passed\":1", "\"passed\":9", 1), "rewritten: line 1"),
        (format!("{}\n{}\n", lines[0], lines[2]), "cut: line 2 is run 3"),
        (format!("{}\n", lines[0]), "the history does not know it"),
    ] {
        place.write(HISTORY, history);
        let (code, printed) = place.run(&["check", "doc/track.md"]);
        assert_eq!(code, 2, "{words}: {printed}");
        assert!(printed.contains(words), "{words}: {printed}");
    }
    place.write(HISTORY, &whole);
    let (code, printed) = place.run(&["check", "doc/track.md"]);
    assert_eq!(code, 0, "{printed}");
    fs::remove_file(place.path(HISTORY)).unwrap();
    let (code, printed) = place.run(&["check", "doc/track.md"]);
    assert_eq!(code, 0, "{printed}");
}
