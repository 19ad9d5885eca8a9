//! Evidence that was made elsewhere comes home, or it is said why not; and nothing is lost on the way.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use assert_cmd::cargo::cargo_bin;
use evidence_report::{
    document::{read, render_v1},
    history::{Came, Chain, Standing},
    record::{Environment, v1::Record},
};

use crate::fixture;

/// A repository at home, and a folder of what was made elsewhere.
struct Bench {
    folder: tempfile::TempDir,
}

const FACT: &str = "system identifier=7412345678901234567";

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(bench.path("home/.git")).unwrap();
        fs::create_dir_all(bench.path("pod")).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Evidence of staging, as it was made in the pod.
    fn made(&self, change: impl Fn(&mut Record)) -> Record {
        let mut record = Record::of(&fixture::report());
        record.previous = None;
        change(&mut record);
        fs::write(self.path("pod/rehearsal.md"), format!("{}\n## Notes\n\n", render_v1(&record))).unwrap();
        record
    }

    fn said(&self, arguments: &[&str]) -> (String, i32) {
        let Output { status, stdout, stderr } = Command::new(cargo_bin("evidence-report"))
            .args(arguments)
            .current_dir(self.path("home"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("OPS_SMOKE_RUN_BASE", self.path("runs"))
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        (text, status.code().unwrap())
    }

    fn accept(&self, more: &[&str]) -> (String, i32) {
        self.said(&[&["accept", "../pod/rehearsal.md", "-v"], more].concat())
    }

    fn home(&self) -> PathBuf {
        self.path("home/doc/operations/evidence/rehearsal.md")
    }

    fn chain(&self) -> Chain {
        let path = self.path("home/doc/operations/evidence/history/rehearsal.jsonl");
        Chain::read(&fs::read_to_string(path).unwrap_or_default())
    }
}

#[test]
fn evidence_of_a_pod_comes_home_verified_bound_and_into_the_chain() {
    let bench = Bench::new();
    let record = bench.made(|_| {});
    let (text, code) = bench.accept(&["--environment", "staging", "--fact", FACT]);
    assert_eq!(code, 0, "{text}");
    for words in [
        "consistent (unsigned)",
        "staging: it saw system identifier '7412345678901234567'",
        "none stands there yet",
        "in doc/operations/evidence/rehearsal.md, run 1 of its history",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let home = read(&fs::read_to_string(bench.home()).unwrap()).unwrap();
    assert_eq!(home.record, record);
    let chain = bench.chain();
    assert_eq!(chain.standing("rehearsal.md", &record), Standing::Newest { number: 1 });
    assert_eq!(chain.runs().next().unwrap().came, Came::Accepted);
    // Once more is no second run.
    let (text, code) = bench.accept(&["--fact", FACT]);
    assert!(code == 0 && text.contains("stands in doc/operations/evidence/rehearsal.md already"), "{text}");
    assert_eq!(bench.chain(), chain);
}

#[test]
fn the_policy_at_home_says_what_binds_an_environment() {
    let bench = Bench::new();
    bench.made(|_| {});
    fs::create_dir(bench.path("home/ops")).unwrap();
    let policy = |value: &str| {
        let text = format!("environments:\n  staging:\n    facts: {{ system identifier: '{value}' }}\n");
        fs::write(bench.path("home/ops/tracker-policy.yaml"), text).unwrap();
    };
    policy("8*");
    let (text, code) = bench.accept(&["--environment", "staging"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("it claims staging, and saw system identifier '7412345678901234567'"), "{text}");
    assert!(!bench.home().exists());
    policy("7412345678901234567");
    let (text, code) = bench.accept(&["--environment", "staging"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("staging: it saw what ops/tracker-policy.yaml asks for"), "{text}");
}

#[test]
fn what_is_in_doubt_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    bench.made(|_| {});
    assert_eq!(bench.accept(&["--fact", FACT]).1, 0);
    let before = (fs::read_to_string(bench.home()).unwrap(), bench.chain());
    let later = |record: &mut Record| record.finished = "2026-11-24T12:00:00Z".into();
    let as_of = |text: &str| text.to_owned();
    let refused = |name: &str, more: &[&str], code: i32, words: &str| {
        let (text, exit) = bench.accept(more);
        assert_eq!(exit, code, "{name}: {text}");
        assert!(text.contains(words), "{name}: {text}");
        assert!(text.contains("nothing was written"), "{name}: {text}");
        let after = (fs::read_to_string(bench.home()).unwrap(), bench.chain());
        assert_eq!(after, before, "{name}");
    };
    let fact = ["--fact", FACT];

    bench.made(|record| {
        later(record);
        record.tool.name = "another-smoke".into();
    });
    refused("another tool's", &fact, 2, "is evidence of fixture-smoke");
    bench.made(|record| record.finished = "2026-11-22T12:00:00Z".into());
    refused("older", &fact, 2, "it ended on 2026-11-22T12:00:00Z; run 1 there ended on 2026-11-23T12:00:00Z");
    bench.made(|record| record.operator = as_of("somebody"));
    refused("of the same moment", &fact, 2, "run 1 there ended on 2026-11-23T12:00:00Z");
    bench.made(|record| record.finished = "2999-01-01T00:00:00Z".into());
    refused("from the future", &fact, 2, "which is yet to come");
    bench.made(later);
    refused(
        "of another system",
        &["--fact", "system identifier=1"],
        2,
        "it saw system identifier '7412345678901234567'",
    );
    refused("without the fact", &["--fact", "cluster=blue"], 2, "holds no fact 'cluster'");
    refused(
        "of another environment",
        &["--environment", "production", "--fact", FACT],
        2,
        "it is of staging",
    );
    refused("bound by nothing", &[], 3, "it claims staging; nothing was named");
    let pod = bench.path("pod/rehearsal.md");
    let made = fs::read_to_string(&pod).unwrap();
    fs::write(&pod, made.replacen("**FAILED", "**PASSED", 1)).unwrap();
    refused("altered", &fact, 2, "line 3: verdict altered");
    fs::write(&pod, "# By hand\n").unwrap();
    refused("by hand", &fact, 3, "holds no record");
    fs::write(&pod, [0xff, 0xfe]).unwrap();
    refused("no text", &fact, 2, "not UTF-8");
    fs::File::create(&pod).unwrap().set_len(17 << 20).unwrap();
    refused("far too large", &fact, 3, "evidence has at most");
    fs::remove_file(&pod).unwrap();
    refused("not there", &fact, 3, "rehearsal.md");
    bench.made(later);
    fs::write(bench.path("home/allowed"), "").unwrap();
    refused("unsigned", &["--fact", FACT, "--allowed-signers", "allowed"], 2, "unsigned");
}

#[test]
fn a_pass_that_has_been_replaced_does_not_come_back() {
    let bench = Bench::new();
    bench.made(|_| {});
    let first = fs::read_to_string(bench.path("pod/rehearsal.md")).unwrap();
    assert_eq!(bench.accept(&["--fact", FACT]).1, 0);
    bench.made(|record| record.finished = "2026-11-24T12:00:00Z".into());
    assert_eq!(bench.accept(&["--fact", FACT]).1, 0);
    fs::write(bench.path("pod/rehearsal.md"), first).unwrap();
    let (text, code) = bench.accept(&["--fact", FACT]);
    assert!(
        code == 2 && text.contains("it was here as run 1 already, and has been replaced since"),
        "{text}"
    );
}

#[test]
fn words_at_home_are_kept_and_those_from_elsewhere_added() {
    let bench = Bench::new();
    fs::create_dir_all(bench.home().parent().unwrap()).unwrap();
    fs::write(bench.home(), "# Rehearsal\n\nBy hand, in May.\n").unwrap();
    bench.made(|_| {});
    let pod = bench.path("pod/rehearsal.md");
    fs::write(&pod, fs::read_to_string(&pod).unwrap() + "Seen by the pod's people.\n").unwrap();
    assert_eq!(bench.accept(&["--fact", FACT]).1, 0);
    let notes = read(&fs::read_to_string(bench.home()).unwrap()).unwrap().notes;
    assert!(notes.contains("By hand, in May.\n"), "{notes}");
    assert!(
        notes.contains("Notes that came with `../pod/rehearsal.md`:\n\nSeen by the pod's people.\n"),
        "{notes}"
    );
    bench.made(|record| record.finished = "2026-11-24T12:00:00Z".into());
    assert_eq!(bench.accept(&["--fact", FACT]).1, 0);
    assert_eq!(read(&fs::read_to_string(bench.home()).unwrap()).unwrap().notes, notes);
}

#[test]
fn evidence_of_a_lower_environment_goes_beside_the_required_file() {
    let bench = Bench::new();
    bench.made(|_| {});
    assert_eq!(bench.accept(&["--fact", FACT]).1, 0);
    let required = fs::read_to_string(bench.home()).unwrap();
    bench.made(|record| {
        record.environment = Environment::Development;
        record.finished = "2026-11-24T12:00:00Z".into();
    });
    let (text, code) = bench.accept(&[]);
    assert!(code == 0 && text.contains("rehearsal.development.md, run 2 of its history"), "{text}");
    assert_eq!(fs::read_to_string(bench.home()).unwrap(), required);
}

#[test]
fn it_asks_for_a_place_where_there_is_none() {
    let bench = Bench::new();
    bench.made(|_| {});
    fs::remove_dir(bench.path("home/.git")).unwrap();
    let (text, code) = bench.accept(&["--fact", FACT]);
    assert!(code != 0 && text.contains("name its place with --evidence PATH"), "{code}: {text}");
    let (text, code) = bench.accept(&["--fact", FACT, "--evidence", "here.md"]);
    assert_eq!(code, 0, "{text}");
    assert!(bench.path("home/here.md").exists() && bench.path("home/history/here.jsonl").exists());
    assert_eq!(bench.accept(&["--fact", "nonsense"]).1, 3);
}

#[test]
fn a_fact_of_ones_own_choice_does_not_stand_in_for_the_policys() {
    let bench = Bench::new();
    bench.made(|_| {});
    let policy = "environments:\n  staging:\n    facts:\n      cluster: blue\n";
    fs::create_dir_all(bench.path("home/ops")).unwrap();
    fs::write(bench.path("home/ops/tracker-policy.yaml"), policy).unwrap();
    let (text, code) = bench.accept(&["--environment", "staging", "--fact", FACT]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("what tells staging, by ops/tracker-policy.yaml"), "{text}");
    assert!(!bench.home().exists());
}
