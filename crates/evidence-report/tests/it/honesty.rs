//! The mutation of honesty: of every check of the command, had nothing come of its observation, the verdict would not
//! stay a pass. Runs of every command make all of them; what was found wrong or worth a warning is then taken for
//! right, and each observation is withheld, one after the other, from the record that decides.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use evidence_report::{
    document::render_v1,
    record::{
        Outcome,
        v1::{CheckCount, Record},
    },
    self_test::{Expected, Proof, could_be_lost},
};

use crate::{
    fixture,
    place::{Place, command, git, write},
};

/// Checks that may be missing unseen, and why that is honest.
const FREE: [(&str, &str); 1] = [(
    "run.waiver",
    "it warns of a waiver that is of no use: what a waiver sets aside is told by the finding itself, and no fault is \
     hidden where that warning is lost",
)];

/// What runs made, so far.
#[derive(Default)]
struct Matrix {
    withheld: BTreeSet<String>,
}

impl Matrix {
    /// Runs the command in a folder, and withholds each of its observations.
    #[track_caller]
    fn run(&mut self, folder: impl AsRef<Path>, arguments: &[&str]) -> Record {
        let scratch = tempfile::tempdir().unwrap();
        let report = scratch.path().join("report.json");
        let format = format!("json={}", report.display());
        let (_, said) = command(folder, &[&["--format", &format], arguments].concat());
        let text = fs::read(&report).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"));
        let record: Record = serde_json::from_slice(&text).unwrap();
        let calm = calm(&record);
        let mut lost = could_be_lost(&calm);
        lost.retain(|check| FREE.iter().all(|(free, _)| free != check));
        assert_eq!(
            lost, [""; 0],
            "{arguments:?}: it would pass, had nothing come of their observation: {said}"
        );
        self.withheld.extend(record.counts.iter().map(|count| count.check.clone()));
        record
    }
}

/// The record, had everything been right that was seen.
fn calm(record: &Record) -> Record {
    let mut calm = record.clone();
    for CheckCount { passed, warned, failed, inconclusive, not_checked, .. } in &mut calm.counts {
        *passed += *warned + *failed + *inconclusive + *not_checked;
        (*warned, *failed, *inconclusive, *not_checked) = (0, 0, 0, 0);
    }
    calm
}

/// The sample repository, with a git history of its own.
fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/parallel-ops-track/.");
    assert!(Command::new("cp").arg("-R").arg(sample).arg(folder.path()).status().unwrap().success());
    for arguments in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "-m", "sample"]] {
        git(&folder, arguments);
    }
    folder
}

#[test]
fn no_check_of_the_command_can_be_lost_unseen() {
    let mut matrix = Matrix::default();
    of_trackers(&mut matrix);
    of_a_done_item(&mut matrix);
    of_evidence(&mut matrix);
    of_other_tools(&mut matrix);
    of_drills(&mut matrix);
    let (code, explained) = command(".", &["--explain", "all"]);
    assert_eq!(code, 0, "{explained}");
    let ids = explained.lines().filter_map(|line| Some(line.strip_prefix("## ")?.split_once(':')?.0));
    let uncovered: Vec<_> = ids.filter(|id| !matrix.withheld.contains(*id)).collect();
    assert!(uncovered.is_empty(), "no run here withholds {uncovered:?}");
}

#[test]
fn what_nobody_owes_can_be_lost_and_slips_through_a_self_test() {
    use fixture::{CONTENT, LIFETIME};
    let mut report = fixture::report();
    report.findings = vec![CONTENT.passed("public.orders"), LIFETIME.passed("one.example:443")];
    report.unlisted.clear();
    report.run.interrupted = None;
    for (owed, lost) in [
        (vec![&CONTENT, &LIFETIME], vec![]),
        (vec![&CONTENT], vec![LIFETIME.id]),
        (vec![], vec![CONTENT.id, LIFETIME.id]),
    ] {
        report.owed = owed;
        let record = Record::of(&report);
        let mut seen = could_be_lost(&record);
        seen.sort_unstable_by_key(|id| *id != CONTENT.id);
        assert_eq!(seen, lost);
        let sound = Expected { check: &CONTENT, outcome: Outcome::Passed, says: &[] };
        assert_eq!(Proof::Quiet.and_nothing_lost(&record, &sound).is_good(), lost.is_empty());
        // Of a fault only the check that caught it matters.
        let fault = Expected { check: &CONTENT, outcome: Outcome::Warned, says: &[] };
        let caught = Proof::Caught(String::new()).and_nothing_lost(&record, &fault);
        assert_eq!(caught.is_good(), !lost.contains(&CONTENT.id), "{caught:?}");
    }
}

fn of_trackers(matrix: &mut Matrix) {
    const TRACKER: &str = "doc/operations/parallel_ops_track.md";
    let folder = sample();
    let day = ["--as-of", "2026-11-27T12:00:00Z"];
    matrix.run(&folder, &[&["check", TRACKER], &day[..]].concat());
    matrix.run(&folder, &[&["gate", TRACKER], &day[..]].concat());
    // A waiver that nothing needs is told, and scripts that cannot be started are mended.
    let policy = folder.path().join("ops/tracker-policy.yaml");
    let waiver = "{check: page.links, subject: nothing, reason: x, approver: x, starts: 2026-11-01, expires: 2026-12-31}";
    let text = fs::read_to_string(&policy).unwrap();
    let waived = match text.contains("\nwaivers:\n") {
        true => text.replacen("\nwaivers:\n", &format!("\nwaivers:\n  - {waiver}\n"), 1),
        false => format!("{text}\nwaivers:\n  - {waiver}\n"),
    };
    fs::write(&policy, waived).unwrap();
    let tracker = fs::read_to_string(folder.path().join(TRACKER)).unwrap();
    fs::write(folder.path().join("scripts/extra"), "#!/bin/sh\n").unwrap();
    let mended = tracker.replacen("Evidence:\n", "Evidence:\n  - `scripts/extra`\n", 1);
    assert_ne!(mended, tracker);
    fs::write(folder.path().join(TRACKER), mended).unwrap();
    matrix.run(&folder, &[&["check", "--fix", TRACKER], &day[..]].concat());
}

/// What is asked of an item that is done: nothing pending, evidence with a record, a page with its sections.
fn of_a_done_item(matrix: &mut Matrix) {
    let folder = tempfile::tempdir().unwrap();
    let item =
        "## 1) Backups\n- Status: `done`\n- Owner: DBA\n- Target: Beta\n- Evidence:\n  - `doc/run.md`\n";
    write(&folder, "track.md", item);
    write(&folder, "doc/run.md", render_v1(&Record::of(&fixture::report())) + "\n## Notes\n");
    write(&folder, "doc/page.md", "# Backups\n\n## Risks\n\nNone.\n");
    let pages = "items: {1: {pages: [{file: doc/page.md, sections: [Risks]}]}}\n";
    write(
        &folder,
        "ops/tracker-policy.yaml",
        format!("gates: {{launch: [{{items: 1, status: done}}]}}\n{pages}"),
    );
    matrix.run(&folder, &["check", "track.md"]);
    matrix.run(&folder, &["gate", "track.md"]);
}

fn of_evidence(matrix: &mut Matrix) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &key]).status().unwrap();
    assert!(made.success());
    let public = fs::read_to_string(format!("{key}.pub")).unwrap();
    write(&folder, "signers", format!("ada namespaces=\"evidence-report\" {public}"));
    write(&folder, "home/.git/HEAD", "");
    write(&folder, "pod/rehearsal.md", render_v1(&Record::of(&fixture::report())) + "\n## Notes\n");
    let file = "pod/rehearsal.md";
    matrix.run(&folder, &["sign", file, "--key", &key]);
    matrix.run(&folder, &["verify", file]);
    matrix.run(&folder, &["verify", file, "--allowed-signers", "signers"]);
    let accept = [
        "accept",
        "../pod/rehearsal.md",
        "--environment",
        "staging",
        "--fact",
        "system identifier=7412345678901234567",
    ];
    matrix.run(folder.path().join("home"), &accept);
    let home = "home/doc/operations/evidence/rehearsal.md";
    matrix.run(&folder, &["history", "verify", home]);
    for shard in ["1", "2"] {
        let mut report = fixture::report();
        report.owed = vec![&fixture::LIFETIME];
        report.findings = vec![fixture::LIFETIME.passed(format!("host-{shard}:443"))];
        report.unlisted.clear();
        report.run.facts =
            vec![("shard".into(), format!("{shard}/2")), ("targets_sha256".into(), "ab".repeat(32))];
        write(&folder, &format!("shard-{shard}.json"), Record::whole(&report).pretty());
    }
    matrix.run(&folder, &["merge", "shard-1.json", "shard-2.json", "--evidence", "none"]);
}

fn of_other_tools(matrix: &mut Matrix) {
    let place = Place::new();
    let folder = place.path("");
    place.write("load.js", "script");
    let capture =
        ["capture", "--check", "capacity.load", "--objective", "duration<=1m", "--artefact", "load.js"];
    matrix.run(&folder, &[&capture[..], &["--", "true"]].concat());
    place.write("unit.xml", "<testsuite tests=\"1\" failures=\"0\"><testcase name=\"a\"/></testsuite>");
    matrix.run(&folder, &["import", "junit", "unit.xml"]);
}

fn of_drills(matrix: &mut Matrix) {
    let place = Place::new();
    let folder = place.path("");
    let restore =
        ["drill", "start", "Lost", "--kind", "restore", "--within", "30m", "--role", "lead=first on call"];
    assert_eq!(place.run(&restore).0, 0);
    assert_eq!(place.run(&["drill", "note", "-m", "recovered"]).0, 0);
    let finish = ["drill", "finish", "--outcome", "achieved"];
    matrix.run(&folder, &[&finish[..], &["--follow-up", "alert on lag; DBA; 2030-12-24"]].concat());
    let place = Place::new();
    place.write("api.yaml", "openapi: 3.1.0\n");
    let rollback = [
        "drill",
        "start",
        "Back",
        "--kind",
        "rollback",
        "--role",
        "lead=first on call",
        "--contract",
        "api.yaml",
    ];
    let (code, said) =
        place.run(&[&rollback[..], &["--from-revision", "v42", "--to-revision", "v41"]].concat());
    assert_eq!(code, 0, "{said}");
    assert_eq!(place.run(&["drill", "note", "-m", "recovered"]).0, 0);
    matrix.run(place.path(""), &finish);
}
