//! The rules of a policy over the sample repository's files, as users of `check` and `gate` meet them. Only rules
//! without a cadence: what the sample shows grows old.

use std::{fs, path::Path, process::Command};

use assert_cmd::cargo::cargo_bin;

const TRACKER: &str = "doc/operations/parallel_ops_track.md";

const POLICY: &str = "items:
  2:
    rules:
      - rule: roster
        file: doc/operations/evidence/oncall_roster_and_escalation.md
  5:
    rules:
      - &policies
        rule: network-policy
        manifests: [doc/operations/evidence/network_policy_*.yaml]
        flows: doc/operations/evidence/network_flows.yaml
  10:
    rules:
      - rule: cost
        file: doc/operations/Cost_Guardrails.md
  11:
    rules:
      - *policies
";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of the sample, with a policy.
fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/parallel-ops-track"), folder.path());
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    folder
}

fn change(folder: &tempfile::TempDir, path: &str, from: &str, to: &str) {
    let path = folder.path().join(path);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn ask(folder: &tempfile::TempDir, what: &str) -> (i32, String) {
    let base = tempfile::tempdir().unwrap();
    let mut command = Command::new(cargo_bin("evidence-report"));
    command.current_dir(folder.path()).args([what, TRACKER, "--root", ".", "--policy", "policy.yaml"]);
    command.env("OPS_SMOKE_RUN_BASE", base.path().join("b"));
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CI"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), printed)
}

#[test]
fn check_runs_the_rules_and_names_file_line_and_remedy() {
    let folder = sample();
    let (code, printed) = ask(&folder, "check");
    assert_eq!(code, 2, "item 10 names no evidence: {printed}");
    assert!(printed.starts_with("FAILED: Check of the tracker's evidence: 1 failed, "), "{printed}");

    let roster = "doc/operations/evidence/oncall_roster_and_escalation.md";
    change(&folder, roster, "| SRE on-call |", "| Platform on-call |");
    let manifest = "doc/operations/evidence/network_policy_baseline.yaml";
    change(
        &folder,
        manifest,
        "policyTypes: [Ingress, Egress]",
        "policyTypes: [Ingress, Egress]\n  egress: [{}]",
    );
    let (code, printed) = ask(&folder, "check");
    assert_eq!(code, 2, "{printed}");
    for line in [
        format!(
            "{roster}:7: Platform: both are Platform on-call [oncall.roster] (expected: a primary, and somebody else as secondary)\n               → Name a primary and a different secondary."
        ),
        format!(
            "{manifest}:10: default-deny (platform), egress: the rule names no peer and no port: it allows everything, and undoes the default deny [network.allow_all]"
        ),
    ] {
        assert_eq!(printed.matches(&line).count(), 1, "'{line}' in {printed}");
    }
}

#[test]
fn the_gate_counts_the_rules_of_items_that_must_be_done() {
    let folder = sample();
    change(&folder, "doc/operations/Cost_Guardrails.md", "| Egress |", "| Other |");
    let before = ask(&folder, "gate").1;
    assert!(!before.contains("Cost_Guardrails"), "item 10 need not be done: {before}");
    fs::remove_file(folder.path().join("doc/operations/evidence/network_flows.yaml")).unwrap();
    let (code, printed) = ask(&folder, "gate");
    assert_eq!(code, 2, "{printed}");
    let told = "doc/operations/evidence/network_flows.yaml: item 5 (East/West Security and Certificate Lifecycle): nothing there [gate.item]";
    assert!(printed.contains(told), "{printed}");
}

#[test]
fn a_policy_that_cannot_be_used_is_told_and_nothing_is_judged() {
    let folder = sample();
    for (text, told) in [
        ("items: {2: {rules: [{rule: rooster}]}}\n", "line 1"),
        ("items: {2: {rules: [{rule: roster, file: a, fil: b}]}}\n", "fil"),
        ("items: {99: {rules: []}}\n", "item 99"),
        ("itmes: {}\n", "itmes"),
        ("items: [\n", "line"),
    ] {
        fs::write(folder.path().join("policy.yaml"), text).unwrap();
        let (code, printed) = ask(&folder, "check");
        assert!(code == 3 && printed.contains(told), "{text}: {code} {printed}");
    }
    fs::remove_file(folder.path().join("policy.yaml")).unwrap();
    let (code, printed) = ask(&folder, "gate");
    assert!(code == 3 && printed.contains("policy.yaml"), "{printed}");
}
