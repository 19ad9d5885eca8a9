//! For each check that makes a run of a tool pass: had its observation been withheld, the run would not have passed.
//!
//! A run says in its record which checks it owes; the library gives no pass, and verifies none, where one of them is
//! missing. Here every tool makes runs that pass, and each check of them is owed. The self-tests ask the same of every
//! fault, and of what is sound.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
};

use serde_json::Value;
use testbed::tls_farm::{Farm, write_sample};

use crate::{
    programs::{run, tool},
    repository::Repository,
};

fn record(path: &Path) -> Value {
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

fn owed(record: &Value) -> BTreeSet<String> {
    let owed = record["owed"].as_array().cloned().unwrap_or_default();
    owed.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Each check that was made is owed, and so cannot be missing unseen; and the library takes none away.
fn withheld(record: &Value, scratch: &Path) {
    assert_eq!(record["verdict"], "passed", "{record:#}");
    let owed = owed(record);
    assert!(!owed.is_empty(), "{record:#}");
    for count in record["counts"].as_array().unwrap() {
        let check = count["check"].as_str().unwrap();
        assert!(count["passed"] == 0 || owed.contains(check), "{check} may be missing without a word");
    }
    for check in &owed {
        let mut without = record.clone();
        let keep = |values: &mut Value| {
            values.as_array_mut().unwrap().retain(|value| value["check"].as_str() != Some(check));
        };
        keep(&mut without["counts"]);
        keep(&mut without["findings"]);
        let path = scratch.join("without.json");
        fs_err::write(&path, without.to_string()).unwrap();
        let said = run(tool("evidence-report", scratch).arg("diff").arg(&path).arg(&path)).exits(3);
        assert!(said.stderr.contains("it claims PASSED, its counts come to INCONCLUSIVE"), "{}", said.stderr);
    }
}

#[test]
fn a_scan_of_certificates_owes_what_makes_it_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let farm = Farm::start().unwrap();
    let certificates = scratch.path().join("farm");
    write_sample(&farm, &certificates).unwrap();
    let targets = fs_err::read_to_string(certificates.join("targets.txt")).unwrap();
    let server = targets.lines().find(|line| line.starts_with("127.0.0.1")).unwrap();
    let json = scratch.path().join("scan.json");
    let mut scan = tool("cert-expiry-check", scratch.path());
    scan.args(["scan", "--evidence", "none", server.trim()]).arg(certificates.join("good-90-days.pem"));
    scan.arg("--roots").arg(certificates.join("ca.pem")).arg(format!("--format=json={}", json.display()));
    run(&mut scan).exits(0);
    withheld(&record(&json), scratch.path());
}

#[test]
fn a_rehearsal_owes_what_makes_it_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let json = scratch.path().join("rehearsal.json");
    let mut rehearse = tool("backup-restore-smoke", scratch.path());
    rehearse.args(["rehearse", "--embedded", "--embedded-size", "3MB", "--rto", "30m", "--evidence", "none"]);
    run(rehearse.arg(format!("--format=json={}", json.display()))).exits(0);
    withheld(&record(&json), scratch.path());
}

#[test]
fn a_policy_owes_what_makes_it_pass() {
    let scratch = tempfile::tempdir().unwrap();
    for name in ["shop-1.dump", "shop-2.dump"] {
        fs_err::write(scratch.path().join(name), [b'x'; 600]).unwrap();
    }
    let pattern = scratch.path().join("shop-*.dump").display().to_string();
    let json = scratch.path().join("policy.json");
    let mut policy = tool("backup-restore-smoke", scratch.path());
    policy.args(["policy", "--files", &pattern, "--newest-age", "1h", "--interval", "24h", "--rpo", "25h"]);
    policy.args(["--evidence", "none"]);
    run(policy.arg(format!("--format=json={}", json.display()))).exits(0);
    let record = record(&json);
    withheld(&record, scratch.path());
    assert!(
        owed(&record).contains("recovery.exposure") && owed(&record).contains("policy.archive"),
        "{record:#}"
    );
}

#[test]
fn a_comparison_owes_what_makes_it_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let kept = scratch.path().join("sample.json");
    let (kept, json) = (kept.display().to_string(), scratch.path().join("compare.json"));
    let mut fingerprint = tool("backup-restore-smoke", scratch.path());
    fingerprint.args(["fingerprint", "--embedded", "--embedded-size", "1MB", "-o", &kept]);
    run(fingerprint.arg(format!("--format=json={}", json.display()))).exits(0);
    assert!(owed(&record(&json)).contains("source.readable"));
    let mut compare = tool("backup-restore-smoke", scratch.path());
    compare.args(["compare", &kept, &kept]);
    run(compare.arg(format!("--format=json={}", json.display()))).exits(0);
    withheld(&record(&json), scratch.path());
}

/// A service that is well, for as long as somebody asks.
fn healthy_service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut wire in listener.incoming().flatten() {
            let mut asked = [0; 2048];
            let _ = wire.read(&mut asked);
            let metrics = "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total 3\n";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";
            let _ = write!(wire, "{head}Content-Length: {}\r\n\r\n{metrics}", metrics.len());
        }
    });
    address
}

#[test]
fn a_smoke_of_observability_owes_what_makes_it_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let service = healthy_service();
    let config = scratch.path().join("observability.yaml");
    let text = format!(
        "http:\n  - {{name: api, url: 'http://{service}/healthz', latency: 5s}}\nmetrics:\n  - name: api\n    \
         url: 'http://{service}/metrics'\n    series: [{{name: jobs_total}}, {{name: legacy_total, absent: true}}]\n"
    );
    fs_err::write(&config, text).unwrap();
    let json = scratch.path().join("smoke.json");
    let mut smoke = tool("observability-smoke", scratch.path());
    smoke.arg("--config").arg(&config).args(["run", "--evidence", "none"]);
    run(smoke.arg(format!("--format=json={}", json.display()))).exits(0);
    withheld(&record(&json), scratch.path());
}

#[test]
fn an_exposition_and_reviewed_rules_owe_what_makes_them_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let rules = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n    \
                 labels: {severity: critical}\n    annotations: {summary: it is down}\n";
    fs_err::write(scratch.path().join("rules.yml"), rules).unwrap();
    let metrics = "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total 3\n";
    fs_err::write(scratch.path().join("metrics.txt"), metrics).unwrap();
    for words in [["metrics", "metrics.txt"], ["rules", "rules.yml"]] {
        let json = scratch.path().join("report.json");
        let mut look = tool("observability-smoke", scratch.path());
        look.current_dir(scratch.path()).args(words).arg(format!("--format=json={}", json.display()));
        run(&mut look).exits(0);
        withheld(&record(&json), scratch.path());
    }
}

#[test]
fn a_drill_owes_what_makes_it_pass() {
    let scratch = tempfile::tempdir().unwrap();
    let repository = Repository::new(scratch.path());
    let manifest = "doc/operations/evidence/alert_rule_manifest_baseline.yaml";
    repository.rewrite(manifest, |text| text.replace("for: 15s", "for: 1s"));
    let json = scratch.path().join("drill.json");
    let mut drill = repository.tool("observability-smoke");
    drill.args(["--config", "ops/observability.yaml", "drill", "--embedded", "--rules", manifest]);
    drill.args(["--alert", "ApiProbeFailing", "--evidence", "none"]);
    run(drill.arg(format!("--format=json={}", json.display()))).exits(0);
    let record = record(&json);
    withheld(&record, scratch.path());
    // A drill owes every check of its own; that a hook has ended its fault, where there is one.
    let explained =
        run(tool("observability-smoke", scratch.path()).args(["--explain", "all"])).exits(0).stdout;
    let own = explained.lines().filter_map(|line| line.strip_prefix("## alert.")?.split_once(':'));
    let own = own.filter(|(name, _)| *name != "fault_ended");
    let own: BTreeSet<_> = own.map(|(name, _)| format!("alert.{name}")).collect();
    assert!(!own.is_empty() && own.is_subset(&owed(&record)), "{own:?}");
}
