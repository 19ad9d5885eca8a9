//! The sample repository is whole: what its tracker names is there, and the parts fit each other.

use std::{collections::BTreeSet, path::PathBuf};

use crate::programs::{program, project, run, tool};

const TRACKER: &str = "doc/operations/parallel_ops_track.md";
const MANIFEST: &str = "doc/operations/evidence/alert_rule_manifest_baseline.yaml";

fn root() -> PathBuf {
    project().join("examples/parallel-ops-track")
}

fn read(path: &str) -> String {
    fs_err::read_to_string(root().join(path)).unwrap()
}

/// The code spans of a line.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Everything in backticks under an `Evidence:` bullet: paths and commands.
fn named_evidence(tracker: &str) -> BTreeSet<&str> {
    let mut within = false;
    let mut named = BTreeSet::new();
    for line in tracker.lines() {
        within = match line {
            "- Evidence:" => true,
            _ => within && line.starts_with("  - "),
        };
        if within {
            named.extend(spans(line));
        }
    }
    named
}

/// The names of the alerts, in the order of the manifest.
fn alerts(manifest: &str) -> Vec<&str> {
    manifest.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect()
}

#[test]
fn every_artefact_that_the_tracker_names_exists() {
    let tracker = read(TRACKER);
    let named = named_evidence(&tracker);
    let (commands, paths): (Vec<&str>, Vec<&str>) = named.iter().partition(|name| name.contains(' '));
    assert_eq!(commands, ["make ops-parallel-evidence-check"]);
    assert_eq!(paths.len(), 30, "29 of the platform's tracker, and the certificate report: {paths:#?}");
    for path in paths {
        let found = match path.strip_suffix("/*") {
            Some(folder) => fs_err::read_dir(root().join(folder)).unwrap().count() > 0,
            None => root().join(path).is_file(),
        };
        assert!(found, "{path} is missing");
    }
}

#[test]
fn tracker_has_eleven_items_and_two_gate_rules() {
    let tracker = read(TRACKER);
    let items: Vec<_> =
        tracker.lines().filter_map(|line| line.strip_prefix("## ")?.split_once(") ")).collect();
    let numbers: Vec<_> = items.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]);
    let (_, gating) = tracker.split_once("## Launch Gating\n").unwrap();
    assert_eq!(gating.lines().filter(|line| line.starts_with("- ")).count(), 2);
}

#[test]
fn make_knows_the_target_that_the_tracker_names() {
    let scratch = tempfile::tempdir().unwrap();
    let said =
        run(program("make", scratch.path()).current_dir(root()).args(["-n", "ops-parallel-evidence-check"]));
    assert!(said.exits(0).stdout.contains(&format!("evidence-report check {TRACKER}")));
}

#[test]
fn alert_rules_are_accepted_by_prometheus_and_cover_every_family() {
    let scratch = tempfile::tempdir().unwrap();
    run(program("promtool", scratch.path()).current_dir(root()).args(["check", "rules", MANIFEST])).exits(0);
    let manifest = read(MANIFEST);
    let alerts = alerts(&manifest);
    assert!(alerts.len() >= 14, "{alerts:?}");
    for family in ["Api", "Queue", "Worker", "Billing", "Provisioning", "Webhook"] {
        assert!(alerts.iter().any(|alert| alert.starts_with(family)), "no alert for {family}");
    }
}

#[test]
fn every_alert_leads_to_a_runbook_and_stands_in_the_index() {
    let manifest = read(MANIFEST);
    let index = read("doc/operations/SRE_Runbook_Index.md");
    let runbooks: Vec<_> =
        manifest.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")).collect();
    assert_eq!(runbooks.len(), alerts(&manifest).len());
    for runbook in runbooks {
        assert!(root().join(runbook).is_file(), "{runbook} is missing");
    }
    for alert in alerts(&manifest) {
        assert!(index.contains(&format!("`{alert}`")), "{alert} is not in the index");
    }
}

#[test]
fn network_policies_begin_with_default_deny_and_open_flows_one_by_one() {
    let manifest = read("doc/operations/evidence/network_policy_baseline.yaml");
    let policies: Vec<serde_json::Value> =
        manifest.split("\n---\n").map(|policy| serde_saphyr::from_str(policy).unwrap()).collect();
    assert!(policies.len() > 10);
    for policy in &policies {
        assert_eq!(policy["apiVersion"], "networking.k8s.io/v1");
        assert_eq!(policy["kind"], "NetworkPolicy");
        assert_eq!(policy["metadata"]["namespace"], "platform");
    }
    let spec = &policies[0]["spec"];
    assert_eq!(spec["podSelector"], serde_json::json!({}));
    assert_eq!(spec["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
    assert!(spec["ingress"].is_null() && spec["egress"].is_null(), "default-deny allows something");
    for policy in &policies[1..] {
        let opens = ["ingress", "egress"].iter().any(|way| policy["spec"][way].is_array());
        assert!(opens, "{} opens nothing", policy["metadata"]["name"]);
    }
}

#[test]
fn check_finds_the_one_item_without_evidence_and_the_gate_is_closed() {
    let scratch = tempfile::tempdir().unwrap();
    // On the day of its rotations, reviews and drills: what has a cadence is over some day.
    let ask = |what: &[&str]| {
        let root = root();
        let tracker = root.join(TRACKER);
        let mut command = tool("evidence-report", scratch.path());
        command.current_dir(&root).args(what).arg(tracker).arg("--root").arg(&root);
        run(command.args(["--as-of", "2026-11-27T12:00:00Z"]))
    };
    let check = ask(&["check"]).exits(2);
    assert_eq!(reasons(&check.stdout), [10]);
    let gate = ask(&["gate", "--gate", "public-launch"]).exits(2);
    assert!(gate.stdout.contains("CLOSED"), "{}", gate.stdout);
    assert_eq!(reasons(&gate.stdout), [1, 2, 3, 4, 5, 10]);
}

/// The items that the output's failures are about. Each has to name a line of the item's own section.
fn reasons(stdout: &str) -> Vec<u32> {
    let tracker = read(TRACKER);
    let failures = stdout.lines().filter(|line| line.starts_with("  FAILED "));
    let about = failures.map(|failure| {
        let (_, place) = failure.split_once(&format!("{TRACKER}:")).unwrap();
        let (line, subject) = place.split_once(": item ").unwrap();
        let line: usize = line.parse().unwrap();
        let headings: Vec<_> =
            tracker.lines().take(line).filter_map(|line| line.strip_prefix("## ")).collect();
        let (section, _) = headings.last().unwrap().split_once(')').unwrap();
        assert_eq!(subject.split(' ').next(), Some(section), "{failure}");
        section.parse().unwrap()
    });
    about.collect()
}

#[test]
fn no_page_has_gaps_left_in_it() {
    let mut pages = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { pages.push(path) }
        }
    }
    assert!(pages.len() > 30);
    for page in pages {
        let text = fs_err::read_to_string(&page).unwrap();
        for gap in ["TBD", "???", "lorem ipsum", "<fill in>"] {
            assert!(!text.contains(gap), "{} has {gap}", page.display());
        }
        assert!(text.len() > 100 && text.ends_with('\n'), "{}", page.display());
    }
}
