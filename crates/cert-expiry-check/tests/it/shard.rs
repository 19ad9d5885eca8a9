//! `--shard`: several runs share a list, and each target is looked at by exactly one of them.

use std::collections::BTreeSet;

use serde_json::Value;
use testbed::tls_farm::{Behaviour, Farm};

use crate::support::{Bench, Outcome};

fn fact(outcome: &Outcome, name: &str) -> String {
    let facts = outcome.record["facts"].as_array().unwrap();
    let found = facts.iter().find(|fact| fact["name"] == name);
    found.and_then(|fact: &Value| fact["value"].as_str()).unwrap_or_default().to_owned()
}

fn subjects(outcome: &Outcome, check: &str) -> Vec<String> {
    outcome.of(check).into_iter().map(|found| found.subject).collect()
}

#[test]
fn the_shards_of_a_list_make_up_the_whole_whatever_its_order() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = farm.open_on("0.0.0.0".parse().unwrap(), Behaviour::Close).unwrap();
    let port = stand.address.port();
    let mut targets: Vec<_> = (1..=12).map(|last| format!("127.80.0.{last}:{port}")).collect();
    let mut seen = Vec::new();
    let mut digests = BTreeSet::new();
    let mut own = 0;
    for shard in ["1/3", "2/3", "3/3"] {
        // Each of them is given the list in another order.
        targets.rotate_left(5);
        let list = bench.write("targets.txt", targets.join("\n"));
        let outcome = bench.scan(&["--targets", &list, "--shard", shard]);
        assert_eq!(fact(&outcome, "shard"), shard);
        digests.insert(fact(&outcome, "targets_sha256"));
        let count = fact(&outcome, "targets");
        outcome.expect("targets.named", &format!("shard {shard}"), "passed", &count);
        own += count.strip_suffix(" of 12").unwrap().parse::<usize>().unwrap();
        seen.extend(subjects(&outcome, "tls.handshake"));
    }
    assert_eq!((seen.len(), own), (12, 12), "none twice");
    assert_eq!(
        seen.into_iter().collect::<BTreeSet<_>>(),
        targets.iter().cloned().collect(),
        "and all of them"
    );
    assert_eq!((digests.len(), digests.first().unwrap().len()), (1, 64));
    let list = bench.write("targets.txt", targets[1..].join("\n"));
    let other = bench.scan(&["--targets", &list, "--shard", "1/3"]);
    assert!(!digests.contains(&fact(&other, "targets_sha256")), "another list is another list");
    let whole = bench.scan(&[&targets[0]]);
    assert_eq!(fact(&whole, "shard") + &fact(&whole, "targets_sha256") + &fact(&whole, "targets"), "");
}

#[test]
fn a_network_is_shared_address_by_address() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let stand = farm.open_on("0.0.0.0".parse().unwrap(), Behaviour::Close).unwrap();
    let network = format!("127.81.0.0/28:{}", stand.address.port());
    let (mut seen, mut answered) = (Vec::new(), 0);
    for shard in ["1/2", "2/2"] {
        let outcome = bench.scan(&[&network, "--shard", shard]);
        seen.extend(subjects(&outcome, "tls.handshake"));
        let found = outcome.one("network.found", &network);
        answered += found.observed.split(' ').next().unwrap().parse::<usize>().unwrap();
        assert!(fact(&outcome, "targets").ends_with(" of 14"));
    }
    assert_eq!((seen.len(), answered), (14, 14));
    let (dead, _guard) = farm.dead_port().unwrap();
    let network = format!("127.0.0.0/28:{}", dead.port());
    let outcome = bench.scan(&[&network, "--shard", "1/2"]);
    assert_eq!(
        outcome.code,
        0,
        "one shard alone cannot tell that nobody is there: {:#?}",
        outcome.findings()
    );
    outcome.expect("network.found", &network, "not_checked_optional", "only all shards together");
}

#[test]
fn a_shard_without_a_target_is_no_failure_and_says_so() {
    let bench = Bench::new();
    let shards: Vec<_> = (1..=40).map(|index| format!("{index}/40")).collect();
    let empty = shards
        .iter()
        .map(|shard| bench.scan(&["/nowhere.pem", "--shard", shard]))
        .find(|outcome| outcome.code == 0);
    let outcome = empty.unwrap();
    assert_eq!(outcome.findings().len(), 1);
    outcome.expect("targets.named", &format!("shard {}", fact(&outcome, "shard")), "passed", "none of 1");
}

#[test]
fn an_indexed_job_says_which_shard_by_the_environment() {
    let bench = Bench::new();
    let scan = |index: Option<&str>| {
        let mut command = bench.scan_command(&["/nowhere.pem", "--shard", "index/8"]);
        match index {
            Some(index) => command.env("JOB_COMPLETION_INDEX", index),
            None => command.env_remove("JOB_COMPLETION_INDEX"),
        };
        command.output().unwrap()
    };
    assert_eq!(fact(&Outcome::read(&scan(Some("0"))), "shard"), "1/8");
    assert_eq!(fact(&Outcome::read(&scan(Some("7"))), "shard"), "8/8");
    for (index, words) in [(None, "is not set"), (Some("8"), "from 0 to 7"), (Some("x"), "it is 'x'")] {
        let output = scan(index);
        assert_eq!(output.status.code(), Some(3));
        let words_seen = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words_seen.contains(words), "{words_seen}");
    }
    let unasked = bench.scan_command(&["/nowhere.pem"]).env("JOB_COMPLETION_INDEX", "3").output().unwrap();
    assert_eq!(fact(&Outcome::read(&unasked), "shard"), "", "not without being asked for");
}
