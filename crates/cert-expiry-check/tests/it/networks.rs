//! Networks with ports: what answers is judged, what does not is counted.

use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime, Stand};

use crate::support::Bench;

/// A server at each of these addresses of 127.0.0.0/8, all at one port.
fn serve(farm: &Farm, authority: &Authority, last: &[u8], days_left: u64) -> Vec<Stand> {
    let mut port = 0;
    let open = |last: &u8| {
        let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, days_left)).unwrap();
        let stand = farm.open_at(([127, 77, 0, *last], port).into(), Behaviour::Tls(identity)).unwrap();
        port = stand.address.port();
        stand
    };
    last.iter().map(open).collect()
}

#[test]
fn what_answers_is_judged_and_what_does_not_is_counted() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let stands = serve(&farm, &authority, &[1, 6], 60);
    let port = stands[0].address.port();
    let network = format!("127.77.0.0/29:{port}");
    let outcome = bench.scan(&[&network, "--roots", &roots]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("network.found", &network, "passed", "2 answered of 6");
    for stand in &stands {
        outcome.expect("tls.trust", &stand.target(), "passed", "");
        outcome.expect("tls.lifetime", &stand.target(), "passed", "in 60 d");
        outcome.expect("tls.name", &stand.target(), "not_checked_optional", "good for shop.example");
    }
    assert_eq!(outcome.of("tls.reachable").len(), 2, "the silent ones have no finding of their own");
    let outcome = bench.scan(&[&network, "--roots", &roots, "--sni", "shop.example"]);
    assert_eq!(outcome.code, 0);
    outcome.expect("tls.name", &format!("{} as shop.example", stands[1].target()), "passed", "");
    let outcome = bench.scan(&[&network, "--roots", &roots, "--sni", "other.example"]);
    assert_eq!(outcome.code, 2);
    outcome.expect("tls.name", &format!("{} as other.example", stands[1].target()), "failed", "shop.example");
}

#[test]
fn an_answer_that_is_bad_fails_as_at_any_endpoint() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let stands = serve(&farm, &authority, &[1], 3);
    let http = farm.open_at(([127, 77, 0, 2], 0).into(), Behaviour::PlainHttp).unwrap();
    let ports = format!("{},{}", stands[0].address.port(), http.address.port());
    let outcome = bench.scan(&[&format!("127.77.0.0/30:{ports}"), "--roots", &roots]);
    assert_eq!(outcome.code, 2);
    outcome.expect("network.found", &format!("127.77.0.0/30:{ports}"), "passed", "2 answered of 4");
    outcome.expect("tls.lifetime", &stands[0].target(), "failed", "in 3 d");
    outcome.expect("tls.handshake", &http.target(), "failed", "no TLS");
}

#[test]
fn a_network_in_which_nobody_answers_is_inconclusive_and_says_so_once() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (dead, _guard) = farm.dead_port().unwrap();
    let network = format!("127.0.0.0/30:{}", dead.port());
    let outcome = bench.scan(&[&network]);
    assert_eq!(outcome.code, 3);
    outcome.expect("network.found", &network, "inconclusive", "0 answered of 2");
    assert_eq!(outcome.findings().len(), 1);
}

#[test]
fn a_network_that_the_deadline_cuts_off_is_one_finding() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = farm.open_on("0.0.0.0".parse().unwrap(), Behaviour::Tarpit).unwrap();
    let network = format!("127.78.0.0/24:{}", stand.address.port());
    let outcome = bench.scan(&[&network, "--timeout", "1s", "--concurrency", "8"]);
    assert_eq!(outcome.code, 3);
    outcome.expect("network.found", &network, "not_checked", "254 of 254 were cut off by the run's deadline");
    assert_eq!(outcome.findings().len(), 1, "{:#?}", outcome.findings());
}

#[test]
fn a_network_that_is_too_large_is_refused_with_its_size() {
    let bench = Bench::new();
    for network in ["10.0.0.0/8:443", "[2001:db8::]/64:443"] {
        let output = bench.run(&["scan", network]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3));
        assert!(
            words.contains(network) && words.contains("at most 65536") && words.contains("--targets"),
            "{words}"
        );
    }
}
