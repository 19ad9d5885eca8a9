//! The demonstration in small: each tool writes its evidence into a copy of the sample repository, and nobody can
//! turn what it says.

use std::path::{Path, PathBuf};

use testbed::tls_farm::{Farm, write_sample};

use crate::{
    programs::{Said, run, tool},
    repository::Repository,
};

/// Verdict words, and what somebody would like to turn them into.
const TURNS: [(&str, &str); 2] = [("FAILED", "PASSED"), ("WARNED", "PASSED")];

fn verify(file: &Path, scratch: &Path) -> Said {
    run(tool("evidence-report", scratch).arg("verify").arg(file))
}

/// The first byte behind what the tools manage.
fn notes_begin(text: &str) -> usize {
    let marker = "<!-- evidence-report:end v1 -->\n";
    text.find(marker).unwrap() + marker.len()
}

/// Every verdict outside of the record turned to PASSED, one at a time; a file in which everything passed has its
/// verdicts turned the other way. Returns how many were turned.
fn every_turned_verdict_is_caught(file: &Path, scratch: &Path) -> usize {
    let original = fs_err::read_to_string(file).unwrap();
    let managed = &original[..notes_begin(&original)];
    let record = managed.find("```evidence-report/v1").unwrap();
    let turns: &[(&str, &str)] =
        if managed[..record].contains("FAILED") { &TURNS } else { &[("PASSED", "FAILED")] };
    let mut turned = 0;
    for (from, to) in turns {
        for (at, _) in original[..record].match_indices(from) {
            let line = original[..at].matches('\n').count() + 1;
            let altered = format!("{}{to}{}", &original[..at], &original[at + from.len()..]);
            fs_err::write(file, altered).unwrap();
            let said = verify(file, scratch).exits(2);
            assert!(said.stdout.contains("ALTERED"), "{}", said.stdout);
            assert!(said.stdout.contains(&format!("line {line}")), "line {line} of\n{}", said.stdout);
            turned += 1;
        }
    }
    fs_err::write(file, &original).unwrap();
    turned
}

fn notes_are_free(file: &Path, scratch: &Path) {
    let original = fs_err::read_to_string(file).unwrap();
    fs_err::write(file, format!("{original}\nThe verdict is FAILED, PASSED, and | disputed |.\n")).unwrap();
    let said = verify(file, scratch).exits(0);
    assert!(said.stdout.starts_with("PASSED"), "{}", said.stdout);
    fs_err::write(file, original).unwrap();
}

/// What holds for every evidence file that a tool wrote over a page by hand.
fn holds_and_cannot_be_turned(file: &Path, scratch: &Path, old_words: &str) {
    verify(file, scratch).exits(0);
    let text = fs_err::read_to_string(file).unwrap();
    assert!(text[notes_begin(&text)..].contains(old_words), "the old page is lost\n{text}");
    assert!(every_turned_verdict_is_caught(file, scratch) > 0);
    notes_are_free(file, scratch);
}

#[test]
fn expired_certificate_fails_its_evidence_the_tracker_and_the_gate() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let farm = Farm::start().unwrap();
    let certificates = scratch.path().join("farm");
    write_sample(&farm, &certificates).unwrap();
    let said = run(repository
        .tool("cert-expiry-check")
        .args(["--config", "ops/cert-expiry.yaml", "scan", "--targets"])
        .arg(certificates.join("targets.txt"))
        .arg("--roots")
        .arg(certificates.join("ca.pem")))
    .exits(2);
    assert!(said.stdout.starts_with("FAILED"), "{}", said.stdout);
    let evidence = repository.evidence("cert_expiry_report.md");
    holds_and_cannot_be_turned(&evidence, scratch.path(), "Open: ask the wire, not the team.");

    let tracker = "doc/operations/parallel_ops_track.md";
    let check = run(repository.tool("evidence-report").args(["check", tracker])).exits(2);
    let wanted = format!("{tracker}:91: doc/operations/evidence/cert_expiry_report.md: FAILED");
    assert!(check.stdout.contains(&wanted), "{}", check.stdout);

    // Somebody who sets everything to done does not get past it.
    repository.rewrite(tracker, |text| text.replace("`in_progress`", "`done`"));
    let gate = run(repository.tool("evidence-report").args(["gate", tracker])).exits(2);
    assert!(gate.stdout.contains("CLOSED"), "{}", gate.stdout);
    assert!(gate.stdout.contains("cert_expiry_report.md: FAILED"), "{}", gate.stdout);
}

#[test]
fn rehearsal_replaces_the_page_by_hand() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let rehearse = ["rehearse", "--embedded", "--embedded-size", "3MB", "--rto", "30m"];
    run(repository.tool("backup-restore-smoke").args(rehearse)).exits(0);
    let evidence = repository.evidence("backup_restore_rehearsal_report.md");
    holds_and_cannot_be_turned(&evidence, scratch.path(), "Open: time to recovery was not taken");
}

#[test]
fn missed_recovery_time_fails() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let rehearse = ["rehearse", "--embedded", "--embedded-size", "3MB", "--rto", "1ms"];
    let said = run(repository.tool("backup-restore-smoke").args(rehearse)).exits(2);
    assert!(said.stdout.contains("recovery.time"), "{}", said.stdout);
    let evidence = repository.evidence("backup_restore_rehearsal_report.md");
    holds_and_cannot_be_turned(&evidence, scratch.path(), "Open: time to recovery was not taken");
}

#[test]
fn silent_platform_fails_the_observability_smoke() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    // A port that was free a moment ago: nobody answers there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    repository.rewrite("ops/observability.yaml", |text| {
        text.replace("127.0.0.1:8080", &free).replace("127.0.0.1:9090", &free)
    });
    let smoke = ["--config", "ops/observability.yaml", "run"];
    let said = run(repository.tool("observability-smoke").args(smoke)).exits(2);
    assert!(said.stdout.starts_with("FAILED"), "{}", said.stdout);
    let evidence = repository.evidence("observability_local_smoke_report.md");
    holds_and_cannot_be_turned(&evidence, scratch.path(), "nobody has compared the series");
}

#[test]
fn drill_of_the_sample_rules_is_evidence() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let manifest = "doc/operations/evidence/alert_rule_manifest_baseline.yaml";
    // The drill waits for every `for` in full; the sample's 15 s are for people to see.
    repository.rewrite(manifest, |text| text.replace("for: 15s", "for: 1s"));
    run(repository.tool("observability-smoke").args([
        "--config",
        "ops/observability.yaml",
        "drill",
        "--embedded",
        "--rules",
        manifest,
        "--alert",
        "ApiProbeFailing",
    ]))
    .exits(0);
    let evidence: PathBuf = repository.evidence("alert_simulation_report.md");
    holds_and_cannot_be_turned(&evidence, scratch.path(), "Open: times, resolution, the other families.");
}
