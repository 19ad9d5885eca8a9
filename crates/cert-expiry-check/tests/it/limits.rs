//! Bounds: how many at a time, how long each, how long in all; and what is said of what was cut off.

use std::{
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};

use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime, Stand};

use crate::support::{Bench, Outcome};

/// Many targets that are one port: 127.0.0.1, 127.0.0.2, …
fn many(stand: &Stand, count: u8) -> Vec<String> {
    (1..=count).map(|last| format!("127.0.0.{last}:{}", stand.address.port())).collect()
}

fn tarpit(farm: &Farm) -> Stand {
    farm.open_on("0.0.0.0".parse().unwrap(), Behaviour::Tarpit).unwrap()
}

#[test]
fn no_more_targets_are_under_way_than_allowed() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = tarpit(&farm);
    let list = bench.write("targets.txt", many(&stand, 12).join("\n"));
    let began = Instant::now();
    let outcome = bench.scan(&["--targets", &list, "--concurrency", "4", "--handshake-timeout", "300ms"]);
    let took = began.elapsed();
    assert_eq!(outcome.of("tls.handshake").len(), 12);
    assert!(stand.most_open() >= 3, "they were looked at one after the other: {}", stand.most_open());
    // The server may see an old connection's end a moment after the next one's beginning.
    assert!(stand.most_open() <= 4 + 4, "{}", stand.most_open());
    assert!(took >= Duration::from_millis(900), "three rounds of 300 ms cannot take {took:?}");
}

#[test]
fn few_open_files_make_the_scan_slower_and_not_wrong() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = tarpit(&farm);
    let list = bench.write("targets.txt", many(&stand, 60).join("\n"));
    let scan = bench.scan_command(&["--targets", &list, "--handshake-timeout", "100ms"]);
    let mut limited = bench.limited_to_open_files(&scan, 48);
    let outcome = Outcome::read(&limited.output().unwrap());
    assert_eq!((outcome.code, outcome.of("tls.handshake").len()), (2, 60), "{:#?}", outcome.not_passed());
    assert_eq!(outcome.not_passed(), ["tls.handshake"]);
}

#[test]
fn targets_that_wait_are_waited_for_side_by_side() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = tarpit(&farm);
    let list = bench.write("targets.txt", many(&stand, 100).join("\n"));
    let began = Instant::now();
    let outcome = bench.scan(&["--targets", &list, "--handshake-timeout", "1s"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!((outcome.code, outcome.of("tls.handshake").len()), (2, 100));
}

#[test]
fn what_the_deadline_cuts_off_is_not_checked_and_the_run_inconclusive() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let identity = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
    let good = farm.open(Behaviour::Tls(identity)).unwrap();
    let stand = tarpit(&farm);
    let list = bench.write("targets.txt", many(&stand, 6).join("\n"));
    let began = Instant::now();
    let arguments = [
        &good.target(),
        "--targets",
        &list,
        "--roots",
        &roots,
        "--concurrency",
        "3",
        "--timeout",
        "1s",
        "--handshake-timeout",
        "60s",
    ];
    let outcome = bench.scan(&arguments);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(outcome.code, 3, "{:#?}", outcome.findings());
    outcome.expect("tls.trust", &good.target(), "passed", "");
    for target in many(&stand, 6) {
        let found = outcome.one("tls.handshake", &target);
        assert_eq!(found.outcome, "not_checked", "{found:#?}");
        assert!(found.observed.contains("deadline of 1 s"), "{found:#?}");
    }
    let evidence = std::fs::read_to_string(bench.evidence()).ok();
    let elsewhere = std::fs::read_dir(bench.path("")).unwrap().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("evidence") && name.ends_with(".md")
    });
    assert!(evidence.is_some() || elsewhere, "what is known is still written");
    bench.assert_nothing_left();
}

#[test]
fn a_signal_ends_the_run_in_good_order() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = tarpit(&farm);
    let child = bench
        .scan_command(&[&stand.target(), "--handshake-timeout", "60s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    while stand.connections() == 0 {
        assert!(Instant::now() < patience, "the scan never connected");
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    let outcome = Outcome::read(&child.wait_with_output().unwrap());
    assert_eq!(outcome.code, 3);
    assert!(outcome.one("tls.handshake", &stand.target()).observed.contains("SIGTERM"), "{}", outcome.stderr);
    bench.assert_nothing_left();
}

#[test]
fn a_long_list_is_read_at_once_and_an_error_says_its_line() {
    let bench = Bench::new();
    let lines: String = (0..100_000).map(|number| format!("host{number}.example:443 # shop\n")).collect();
    let list = bench.write("targets.txt", &lines);
    let plan = bench.run(&["scan", "--targets", &list, "--dry-run", "--evidence", "none"]);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["groups"][0]["targets"].as_array().unwrap().len(), 100_000);
    let huge = "x".repeat(33 * 1024 * 1024);
    for (wrong, words) in [
        (b"two words\n".to_vec(), ":100001:1: 'two words' is no target: a blank stands in it"),
        (b"a\xffb\n".to_vec(), "line 100001, column 2 is no text in UTF-8"),
        (b"\x1b[31m:443\n".to_vec(), ":100001:1: '\\u{1b}[31m:443' is no target"),
        ([b"x".repeat(5000), b"\n".to_vec()].concat(), ":100001:1: 'xxx"),
        (huge.into_bytes(), "larger than 32 MiB"),
    ] {
        let list = bench.write("targets.txt", [lines.as_bytes(), &wrong].concat());
        let output = bench.run(&["scan", "--targets", &list, "--evidence", "none"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3));
        assert!(said.contains(words) && said.len() < 1000, "{said}");
    }
}

#[test]
fn a_list_comes_from_standard_input() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (dead, _guard) = farm.dead_port().unwrap();
    let mut child = bench
        .scan_command(&["--targets", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let list = format!("# a comment\n\n{dead}   # dead\n");
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let outcome = Outcome::read(&child.wait_with_output().unwrap());
    assert_eq!(outcome.code, 2);
    outcome.expect("tls.reachable", &dead.to_string(), "failed", "refused");
}

/// So many addresses of 127.0.0.0/8, with this port.
pub(crate) fn thousands(port: u16, count: u32) -> Vec<String> {
    let first = u32::from(std::net::Ipv4Addr::LOCALHOST);
    (first..first + count).map(|address| format!("{}:{port}", std::net::Ipv4Addr::from(address))).collect()
}

/// Runs a scan to its end, and gives back its exit code and the most memory that it ever held, in KiB.
pub(crate) fn peak(bench: &Bench, arguments: &[&str]) -> (Option<i32>, u64) {
    let mut child = bench.command(&[&["scan"], arguments].concat()).stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(now.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            return (ended.code(), most);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_good_targets() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let stand = farm.open_on("0.0.0.0".parse().unwrap(), Behaviour::Tls(identity)).unwrap();
    let needed = |count| {
        let targets = thousands(stand.address.port(), count).join("\n");
        let list = bench.write(&format!("{count}.txt"), targets);
        let sni = ["--sni", "shop.example", "--evidence", "none", "--handshake-timeout", "60s"];
        let (code, peak) = peak(&bench, &[&["--targets", &list, "--roots", &roots], &sni[..]].concat());
        assert_eq!(code, Some(0), "{count} targets");
        peak
    };
    let (few, many) = (needed(200), needed(2000));
    assert!(stand.connections() >= 2200);
    // Six findings a target and its certificate would be 8 MiB and more.
    assert!(many < few + 6 * 1024, "200 targets: {few} KiB, 2000 targets: {many} KiB");
}

#[test]
fn thousands_of_dead_targets_are_each_told_and_cost_little() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (dead, _guard) = farm.dead_port().unwrap();
    let list = bench.write("targets.txt", thousands(dead.port(), 4000).join("\n"));
    let junit = bench.path("all.xml").display().to_string();
    let format = format!("junit={junit}");
    let (code, peak) = peak(&bench, &["--targets", &list, "--evidence", "none", "--format", &format]);
    assert_eq!(code, Some(2));
    let told = std::fs::read_to_string(junit).unwrap();
    assert_eq!(told.matches("<failure").count(), 4000, "the formats get every one");
    assert!(peak < 64 * 1024, "{peak} KiB");
}

#[test]
fn a_deadline_ends_a_run_over_thousands_that_never_answer() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (deaf, _guard) = farm.deaf_port_on("0.0.0.0".parse().unwrap()).unwrap();
    let list = bench.write("targets.txt", thousands(deaf.port(), 3000).join("\n"));
    let arguments = ["--targets", &list, "--timeout", "2s", "--connect-timeout", "10m"];
    let outcome = bench.scan(&arguments);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let counts = &outcome.record["counts"];
    assert!(counts.to_string().contains("3000"), "every one is said to be unchecked: {counts}");
    assert_eq!(outcome.not_passed(), ["tls.handshake"]);
    assert!(outcome.findings().iter().all(|found| found.observed.contains("deadline of 2 s")));
    bench.assert_nothing_left();
}
