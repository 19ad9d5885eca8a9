//! `--rate`: connections are opened no faster than asked for. Bounds are from below only: a slow machine makes
//! a scan slower, never faster.

use std::time::{Duration, Instant};

use testbed::tls_farm::{Behaviour, Farm};

use crate::support::Bench;

#[test]
fn connections_are_opened_no_faster_than_the_rate() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = farm.open_on("0.0.0.0".parse().unwrap(), Behaviour::Close).unwrap();
    let port = stand.address.port();
    let targets: Vec<_> = (1..=6).map(|last| format!("127.79.0.{last}:{port}")).collect();
    let list = bench.write("targets.txt", targets.join("\n"));
    let began = Instant::now();
    let outcome = bench.scan(&["--targets", &list, "--rate", "10/s"]);
    let took = began.elapsed();
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.of("tls.handshake").len(), 6);
    // Six targets at least; what is asked a second time waits for its turn too.
    let connections = u32::try_from(stand.connections()).unwrap();
    assert!(connections >= 6);
    let soonest = Duration::from_millis(100) * (connections - 1);
    assert!(took >= soonest, "{connections} connections in {took:?}");
}

#[test]
fn waiting_for_a_turn_is_no_timeout_of_the_target() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let (dead, _guard) = farm.dead_port().unwrap();
    let aliases = ["127.0.0.1", "localhost", "127.1.0.1"].map(|host| format!("{host}:{}", dead.port()));
    let list = bench.write("targets.txt", aliases.join("\n"));
    let outcome = bench.scan(&["--targets", &list, "--rate", "4/s", "--connect-timeout", "200ms"]);
    for target in &aliases {
        outcome.expect("tls.reachable", target, "failed", "refused");
    }
}

#[test]
fn a_rate_stands_in_the_configuration_and_the_flag_outweighs_it() {
    let bench = Bench::new();
    let config = bench.write("config.yaml", "targets: [127.0.0.1:1]\nrate: 30/min\n");
    let plan = |arguments: &[&str]| {
        let output = bench
            .run(&[&["--config", &config, "scan", "--dry-run", "--evidence", "none"], arguments].concat());
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["rate"].clone()
    };
    assert_eq!(plan(&[]), "30/min");
    assert_eq!(plan(&["--rate", "50/s"]), "50/s");
    bench.write("config.yaml", "targets: [127.0.0.1:1]\nrate: fast\n");
    let output = bench.run(&["--config", &config, "scan", "--evidence", "none"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("rate in the configuration: 'fast' is no rate"));
}
