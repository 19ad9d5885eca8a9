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
