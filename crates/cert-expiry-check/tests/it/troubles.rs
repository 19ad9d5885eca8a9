//! Ports that are not what they should be: each fault has a name, and none takes the others with it.

use std::time::{Duration, Instant};

use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime};

use crate::support::Bench;

#[test]
fn every_lying_server_is_named_and_none_hides_the_good_one() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let good = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
    let good = farm.open(Behaviour::Tls(good)).unwrap();
    let table = [
        (Behaviour::Tarpit, "accepted the connection, then said nothing for 1 s"),
        (Behaviour::HalfRecord, "sent 6 bytes and did not end the handshake within 1 s"),
        (Behaviour::Drip(Duration::from_millis(50)), "did not end the handshake within 1 s"),
        (Behaviour::Reset, "reset the connection during the handshake"),
        (Behaviour::Close, "closed the connection without a TLS answer"),
        (Behaviour::PlainHttp, "no TLS: it speaks plain HTTP (\"HTTP/1.1 400 Bad Request\")"),
        (Behaviour::Banner(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "no TLS: it speaks SSH"),
        (Behaviour::Banner(b"220 mail.example ESMTP ready\r\n"), "no TLS: it speaks SMTP or FTP without TLS"),
        (Behaviour::Banner(b"\x4a\0\0\0\x0a5.7.44\0"), "no TLS: it speaks MySQL without TLS"),
        (Behaviour::Banner(b"\xff\x00\x17\x80\x01\x02"), "no TLS: it speaks something else (bytes ff 00 17"),
        (Behaviour::EndlessBanner, "no TLS: it speaks something else (\"welcome welcome"),
        // A fatal alert: handshake_failure.
        (Behaviour::Banner(&[21, 3, 3, 0, 2, 2, 40]), "refused with the TLS alert HandshakeFailure"),
        // A fatal alert: protocol_version, as servers of TLS 1.0 send it.
        (Behaviour::Banner(&[21, 3, 1, 0, 2, 2, 70]), "speaks neither TLS 1.2 nor TLS 1.3"),
    ];
    let stands: Vec<_> =
        table.into_iter().map(|(behaviour, words)| (farm.open(behaviour).unwrap(), words)).collect();
    let mut arguments: Vec<String> = stands.iter().map(|(stand, _)| stand.target()).collect();
    arguments.push(good.target());
    arguments.extend(["--roots", &roots, "--handshake-timeout", "1s"].map(str::to_owned));
    let began = Instant::now();
    let outcome = bench.scan(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(began.elapsed() < Duration::from_secs(8), "they were not looked at side by side");
    assert_eq!(outcome.code, 2);
    for (stand, words) in &stands {
        outcome.expect("tls.reachable", &stand.target(), "passed", "answered");
        outcome.expect("tls.handshake", &stand.target(), "failed", words);
    }
    outcome.expect("tls.trust", &good.target(), "passed", "");
    bench.assert_nothing_left();
}

#[test]
fn a_dead_port_and_a_deaf_one_fail_apart() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (dead, _dead) = farm.dead_port().unwrap();
    let (deaf, _deaf) = farm.deaf_port().unwrap();
    let (dead, deaf) = (dead.to_string(), deaf.to_string());
    let outcome = bench.scan(&[&dead, &deaf, "--connect-timeout", "700ms", "--handshake-timeout", "60s"]);
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.findings().len(), 2, "what cannot be reached is not judged further");
    outcome.expect("tls.reachable", &dead, "failed", "connection refused");
    outcome.expect("tls.reachable", &deaf, "failed", "no answer within 0.7 s");
}

#[test]
fn what_a_server_says_cannot_steer_the_terminal() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = farm.open(Behaviour::Banner(b"hello \x1b]0;owned\x07\x1b[2J there, everyone\r\n")).unwrap();
    let output = bench.run(&["scan", &stand.target(), "--evidence", "none"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stdout.contains(&0x1b) && !output.stdout.contains(&7), "{:?}", output.stdout);
}
