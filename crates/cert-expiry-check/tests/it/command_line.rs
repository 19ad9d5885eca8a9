//! What is typed and configured, and what is refused with a word.

use testbed::tls_farm::{Authority, Lifetime};

use crate::support::Bench;

#[test]
fn what_cannot_be_followed_exits_3_and_says_what_to_type() {
    let bench = Bench::new();
    bench.write("list", "shop.example:443\nshop.example:0\n");
    bench.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    bench.write("typo.yaml", "targets: [a.example]\nroot: ca.pem\n");
    bench.write("limits.yaml", "targets: [a.example]\nthresholds: {leaf: {warning: soon}}\n");
    let table: [(&[&str], &str); 13] = [
        (&["scan"], "nothing to scan; name a target"),
        (&[], "Usage"),
        (&["scan", "shop.example:0"], "the port is no number from 1 to 65535"),
        (&["scan", "gopher://mail.example"], "with STARTTLS there are smtp, submission"),
        (&["scan", "--targets", "list"], "list:2:1: 'shop.example:0' is no target"),
        (&["scan", "--targets", "no-such-list"], "reading the target list no-such-list"),
        (&["scan", "localhost", "--roots", "no-such.pem"], "reading the roots from no-such.pem"),
        (&["scan", "localhost", "--roots", "key.pem"], "it holds only PRIVATE KEY"),
        (&["scan", "localhost", "-w", "3d"], "would never be seen"),
        (&["scan", "localhost", "-w", "soon"], "write 90s, 10m, 2h or 21d, or 25% of the lifetime"),
        (&["scan", "localhost", "--concurrency", "0"], "1..=4096"),
        (&["scan", "--config", "typo.yaml"], "root"),
        (&["scan", "--config", "limits.yaml"], "thresholds.leaf.warning in the configuration"),
    ];
    for (arguments, words) in table {
        let mut whole = arguments.to_vec();
        if !arguments.is_empty() {
            whole.extend(["--evidence", "none"]);
        }
        let output = bench.run(&whole);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?} wrote to standard output");
        bench.assert_nothing_left();
    }
}

#[test]
fn an_empty_list_is_no_pass() {
    let bench = Bench::new();
    bench.write("list", "# nothing yet\n");
    let outcome = bench.scan(&["--targets", "list"]);
    assert_eq!(outcome.code, 3);
    outcome.expect("targets.named", "list", "inconclusive", "names none");
    let outcome = bench.scan(&["--targets", "-"]);
    outcome.expect("targets.named", "standard input", "inconclusive", "names none");
}

#[test]
fn a_dry_run_prints_the_plan_and_does_nothing() {
    let bench = Bench::new();
    let output =
        bench.run(&["scan", "shop.example", "certs/*.pem", "--dry-run", "--evidence", "evidence.md"]);
    assert_eq!(output.status.code(), Some(0));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let group = &plan["groups"][0];
    assert_eq!(group["targets"][0]["endpoint"], "shop.example:443");
    assert_eq!(group["targets"][1]["pattern"], "certs/*.pem");
    assert_eq!(group["thresholds"]["leaf_warned_below"], "21 d or 25 % of the lifetime, the smaller");
    assert_eq!(plan["timeouts"]["handshake"], "10 s");
    assert!(!bench.evidence().exists() && !bench.path("runs").exists());
}

#[test]
fn the_configuration_is_followed_and_flags_outweigh_it() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let leaf = |lifetime| authority.issue(&["shop.example"], lifetime).unwrap().leaf_only().pem();
    bench.write("tls/shop.pem", leaf(Lifetime::days_left(90, 40)));
    bench.write("other.pem", leaf(Lifetime::days_left(90, 40)));
    let config = "run:\n  evidence: from-config.md\n  owner: Platform\ntargets: [tls]\nthresholds:\n  leaf: {warning: 50d, critical: 10d}\n";
    bench.write("check.yaml", config);
    let run = |arguments: &[&str]| {
        bench.run(&[&["scan", "--config", "check.yaml"], arguments].concat()).status.code()
    };
    assert_eq!(run(&[]), Some(1), "40 days are less than the configured 50");
    assert!(bench.path("from-config.md").exists());
    assert_eq!(run(&["-w", "30d"]), Some(0), "a flag outweighs the file");
    assert_eq!(run(&["-w", "50%", "-c", "45d"]), Some(2));
    assert_eq!(
        run(&["other.pem", "--fail-on", "failure"]),
        Some(0),
        "targets on the command line take the place"
    );
    let evidence = std::fs::read_to_string(bench.path("from-config.md")).unwrap();
    assert!(evidence.contains("other.pem") && !evidence.contains("tls/shop.pem"), "{evidence}");
}

#[test]
fn a_forecast_judges_for_its_day_and_is_no_evidence() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(398, 300)).unwrap();
    bench.write("shop.pem", identity.leaf_only().pem());
    let day = |days: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        at.strftime("%Y-%m-%d").to_string()
    };
    for (days, expected) in [(0, 0), (270, 0), (285, 1), (297, 2), (310, 2)] {
        let output = bench.run(&["scan", "shop.pem", "--as-of", &day(days)]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(expected), "in {days} days: {stdout}");
        assert!(
            stdout.contains(&format!("Certificate expiry forecast for {} 00:00 UTC", day(days))),
            "{stdout}"
        );
    }
    let moment = bench.run(&["scan", "shop.pem", "--as-of", "2020-01-01T12:00:00Z"]);
    assert_eq!(moment.status.code(), Some(2), "not valid before it began");
    let output = bench.run(&["scan", "shop.pem", "--as-of", &day(1), "--evidence", "evidence.md"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!bench.evidence().exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no evidence of this one"));
    let output = bench.run(&["scan", "shop.pem", "--as-of", "tomorrow"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_tool_explains_itself() {
    let bench = Bench::new();
    let output = bench.run(&["--explain", "tls.lifetime"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("What to do: Renew the certificate"));
    let schema: serde_json::Value = serde_json::from_slice(&bench.run(&["--print-schema"]).stdout).unwrap();
    assert!(schema["properties"]["thresholds"].is_object(), "{schema}");
    let swept = bench.run(&["sweep"]);
    assert_eq!(swept.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&swept.stdout).contains("nothing left behind"));
}

#[test]
fn quiet_is_silent_on_a_pass() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, 40)).unwrap();
    bench.write("shop.pem", identity.pem());
    let output = bench.run(&["scan", "shop.pem", "--quiet", "--evidence", "none"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// In a large repository git takes longer than a scan.
#[test]
fn git_is_asked_for_the_commit_only_where_it_is_written() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let file = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let file = bench.write("shop.pem", file.pem());
    let (id, asked) = ("0123456789abcdef0123456789abcdef01234567", bench.path("asked"));
    let git = format!(
        "#!/bin/sh\necho \"$3\" >> '{}'\nif [ \"$3\" = rev-parse ]; then echo {id}; fi\n",
        asked.display()
    );
    let git = bench.write("bin/git", git);
    std::fs::set_permissions(&git, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (format, is_asked) in [
        ("text", false),
        ("nagios", false),
        ("textfile", false),
        ("sarif", false),
        ("json", true),
        ("ctrf", true),
    ] {
        let mut command = bench.command(&["scan", &file, "--evidence", "none", "--format", format]);
        let output = command.env("PATH", bench.path("bin")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(std::fs::remove_file(&asked).is_ok(), is_asked, "{format}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).contains(id), is_asked, "{format}");
    }
    let mut command = bench.command(&["scan", &file, "--evidence", "page.md"]);
    assert!(command.env("PATH", bench.path("bin")).output().unwrap().status.success());
    assert!(std::fs::read_to_string(bench.path("page.md")).unwrap().contains(&id[..7]));
}
