//! `self-test` catches every fault, and would say so if it did not.

use std::{collections::BTreeSet, process::ExitCode};

use cert_expiry_check::{
    checks::TOOL,
    self_test::{
        fault::Fault,
        faults::{FAULTS, SOUND},
        run_faults,
    },
};
use evidence_report::{record::Outcome, run::SharedFlags};

use crate::support::Bench;

/// Checks that no fault proves, and why.
const UNPROVEN: [(&str, &str); 2] = [
    (
        "tls.validity_cap",
        "it judges publicly trusted certificates only, and nobody on loopback can make one; unit tests hold its table",
    ),
    ("run.waiver", "it judges the configuration, not the world; tests/it/waivers.rs proves it"),
];

/// Runs faults in this process, and gives back the exit code.
fn code_of(faults: &[&Fault], extra: &[&str]) -> String {
    let shared = SharedFlags { evidence: Some("none".into()), quiet: true, ..SharedFlags::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    format!("{:?}", runtime.block_on(run_faults(faults, extra, &shared)).unwrap())
}

fn exits(code: u8) -> String {
    format!("{:?}", ExitCode::from(code))
}

fn titled(title: &str) -> &'static Fault {
    FAULTS.iter().find(|fault| fault.title == title).unwrap()
}

#[test]
fn every_fault_is_caught_and_nothing_is_left_behind() {
    let bench = Bench::new();
    let output = bench.run(&["self-test"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let caught = said.lines().filter(|line| line.starts_with("caught ")).count();
    assert_eq!(caught, FAULTS.len(), "{said}");
    for fault in FAULTS {
        assert!(
            said.contains(&format!("caught {}: {}: ", fault.proves.id, fault.title)),
            "{}: {said}",
            fault.title
        );
    }
    assert_eq!(said.lines().filter(|line| line.starts_with("quiet ")).count(), SOUND.len());
    bench.assert_nothing_left();
    assert!(!bench.evidence().exists());
    let left: Vec<_> =
        std::fs::read_dir(bench.path("")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["runs"], "it writes no evidence unless asked");
}

#[test]
fn evidence_and_formats_are_written_when_asked() {
    let bench = Bench::new();
    let evidence = bench.evidence().display().to_string();
    let output =
        bench.run(&["self-test", "--evidence", &evidence, "--format", "junit=proofs.xml", "--quiet"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"");
    assert!(std::fs::read_to_string(bench.evidence()).unwrap().contains("Self-test of cert-expiry-check"));
    assert!(std::fs::read_to_string(bench.path("proofs.xml")).unwrap().contains("self-test: tarpit"));
    let output = bench.run(&["self-test", "--config", "some.yaml"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_fault_that_nobody_sees_fails_the_self_test() {
    let expiring = titled("nearly expired certificate");
    assert_eq!(code_of(&[expiring], &[]), exits(0));
    // With the thresholds off it slips through.
    assert_eq!(code_of(&[expiring], &["--warning", "1s", "--critical", "1s"]), exits(2));
    // A fault that is none.
    let none = Fault { title: "none", build: SOUND[0].build, ..*expiring };
    assert_eq!(code_of(&[&none], &[]), exits(2));
    // Caught by another check, with other words, as something milder: that does not count.
    let other = Fault { title: "other check", proves: SOUND[1].proves, ..*expiring };
    let words = Fault { title: "other words", says: "never heard", ..*expiring };
    let milder = Fault { title: "milder", outcome: Outcome::Warned, ..*expiring };
    for fault in [other, words, milder] {
        assert_eq!(code_of(&[&fault], &[]), exits(2), "{}", fault.title);
    }
}

#[test]
fn a_tool_that_always_complains_fails_the_self_test() {
    assert_eq!(code_of(&SOUND, &[]), exits(0));
    assert_eq!(code_of(&SOUND, &["--warning", "80d"]), exits(2));
}

#[test]
fn a_fault_that_cannot_be_made_is_inconclusive() {
    let broken = Fault { title: "broken", build: |_| Err("no key".to_owned().into()), ..*FAULTS[0] };
    assert_eq!(code_of(&[&broken], &[]), exits(3));
}

#[test]
fn every_check_is_proven_or_excused() {
    let known: BTreeSet<_> = TOOL.checks.iter().map(|check| check.id).collect();
    let proven: BTreeSet<_> = FAULTS.iter().map(|fault| fault.proves.id).collect();
    let excused: BTreeSet<_> = UNPROVEN.iter().map(|(id, _)| *id).collect();
    assert!(UNPROVEN.iter().all(|(_, why)| why.len() > 20), "an excuse has a reason");
    let neither: Vec<_> = known.iter().filter(|id| !proven.contains(*id) && !excused.contains(*id)).collect();
    assert!(
        neither.is_empty(),
        "add a fault to src/self_test/faults, or a reason to UNPROVEN, for {neither:?}"
    );
    let stale: Vec<_> = excused.iter().filter(|id| proven.contains(*id) || !known.contains(*id)).collect();
    assert!(stale.is_empty(), "proven, or no check any more: {stale:?}");
}

#[test]
fn every_fault_has_a_title_of_its_own() {
    let titles: BTreeSet<_> = FAULTS.iter().chain(&SOUND).map(|fault| fault.title).collect();
    assert_eq!(titles.len(), FAULTS.len() + SOUND.len());
}
