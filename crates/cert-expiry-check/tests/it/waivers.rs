//! What the configuration sets aside: told, not counted, and never in silence.

use testbed::tls_farm::{Identity, Lifetime};

use crate::support::{Bench, Outcome};

/// Scans one expired certificate with these entries of `run.waivers`.
fn scan(bench: &Bench, waivers: &str) -> std::process::Output {
    let expired = Identity::self_signed(&["a.example"], Lifetime::expired(90, 3)).unwrap();
    bench.write("tls/expired.pem", expired.pem());
    let good = Identity::self_signed(&["b.example"], Lifetime::days_left(90, 60)).unwrap();
    bench.write("tls/good.pem", good.pem());
    bench.write("tool.yaml", format!("run:\n  waivers:\n{waivers}"));
    let mut command = bench.scan_command(&["tls"]);
    command.args(["--config", "tool.yaml"]).output().unwrap()
}

fn entry(check: &str, subject: &str, expires: &str) -> String {
    format!(
        "    - check: {check}\n      subject: '{subject}'\n      reason: switched off soon, OPS-17\n      approver: Security lead\n      expires: {expires}\n"
    )
}

fn in_days(days: i64) -> String {
    let day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    day.strftime("%Y-%m-%d").to_string()
}

#[test]
fn what_is_waived_is_told_with_who_why_and_until_when_and_does_not_count() {
    let bench = Bench::new();
    let outcome = Outcome::read(&scan(&bench, &entry("file.lifetime", "tls/exp*.pem", &in_days(30))));
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("file.lifetime", "tls/expired.pem", "waived", "expired");
    let findings = outcome.record["findings"].as_array().unwrap();
    let waived = findings.iter().find(|finding| finding["outcome"] == "waived").unwrap();
    assert_eq!(waived["waiver"]["was"], "failed");
    assert_eq!(waived["waiver"]["approver"], "Security lead");
    assert_eq!(waived["waiver"]["reason"], "switched off soon, OPS-17");
    assert_eq!(waived["waiver"]["until"], format!("{}T23:59:59Z", in_days(30)));
    let counts = outcome.record["counts"].as_array().unwrap();
    let of_check = counts.iter().find(|count| count["check"] == "file.lifetime").unwrap();
    assert_eq!((&of_check["failed"], &of_check["waived"]), (&0.into(), &1.into()));
    let evidence = std::fs::read_to_string(bench.evidence()).unwrap();
    assert!(evidence.contains("**PASSED") && evidence.contains("| WAIVED |"), "{evidence}");
    assert!(evidence.contains("waived by Security lead until"), "{evidence}");
}

#[test]
fn a_waiver_that_is_over_or_of_no_use_is_told() {
    let bench = Bench::new();
    let over = Outcome::read(&scan(&bench, &entry("file.lifetime", "tls/expired.pem", "2026-01-31")));
    assert_eq!(over.code, 2, "it counts again");
    over.expect("run.waiver", "file.lifetime of tls/expired.pem", "warned", "expired 2026-01-31");
    let two = entry("file.lifetime", "*", &in_days(1)) + &entry("tls.name", "nobody:443", &in_days(1));
    let unused = Outcome::read(&scan(&bench, &two));
    assert_eq!(
        (unused.code, unused.not_passed()),
        (1, vec!["file.lifetime".to_owned(), "run.waiver".to_owned()])
    );
    unused.expect("run.waiver", "tls.name of nobody:443", "warned", "matches nothing that failed or warned");
    assert_eq!(unused.one("run.waiver", "tls.name of nobody:443").location, "tool.yaml:8");
}

#[test]
fn what_was_not_seen_cannot_be_waived() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("empty")).unwrap();
    bench.write("tool.yaml", format!("run:\n  waivers:\n{}", entry("files.found", "empty", &in_days(9))));
    let mut command = bench.scan_command(&["empty"]);
    let outcome = Outcome::read(&command.args(["--config", "tool.yaml"]).output().unwrap());
    assert_eq!(outcome.code, 3, "{:#?}", outcome.findings());
    outcome.expect("run.waiver", "files.found of empty", "warned", "what was not seen cannot be set aside");
}

#[test]
fn a_waiver_that_cannot_be_followed_is_refused_with_its_place() {
    let bench = Bench::new();
    let without = |key: &str| {
        let lines = entry("file.lifetime", "a", &in_days(9));
        let kept: String =
            lines.lines().filter(|line| !line.contains(key)).map(|line| format!("{line}\n")).collect();
        kept
    };
    for (waivers, words) in [
        (entry("file.lifetime", "a", &in_days(92)), &["line 7", "column", "90 days at most"][..]),
        (entry("file.lifetme", "a", &in_days(9)), &["line 3", "there is no check 'file.lifetme'"]),
        (entry("run.waiver", "a", &in_days(9)), &["line 3", "cannot be waived"]),
        (entry("file.lifetime", "a", "soon"), &["line 7", "'soon' is no day"]),
        (entry("file.lifetime", " ", &in_days(9)), &["line 4", "needs words"]),
        (without("reason"), &["missing field `reason`", "line"]),
        (without("approver"), &["missing field `approver`", "line"]),
        (without("expires"), &["missing field `expires`", "line"]),
        (entry("file.lifetime", "a", &in_days(9)) + "      ticket: 1\n", &["ticket", "line 8"]),
    ] {
        let output = scan(&bench, &waivers);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{waivers}{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said}");
        assert!(!bench.evidence().exists());
    }
}
