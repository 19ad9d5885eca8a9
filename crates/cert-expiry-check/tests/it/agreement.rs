//! Disk and wire in one run.

use std::{net::IpAddr, sync::Arc, time::Duration};

use cert_expiry_check::{
    assess::{Basis, chain::Roots, name::Host},
    certificate::Certificate,
    scan::nodes::look_at_addresses,
    targets::Endpoint,
    wire::{Approach, Pace, Timeouts},
};
use evidence_report::record::Outcome;
use jiff::Timestamp;
use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime};

use crate::support::{Bench, eventually, text};

#[test]
fn a_renewed_file_with_the_old_certificate_still_served_is_found() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let issue = |left| authority.issue(&["127.0.0.1"], Lifetime::days_left(90, left)).unwrap();
    let (old, new) = (issue(30), issue(85));
    let folder = text(&bench.path("tls"));
    bench.write("tls/shop.pem", new.pem());
    let stale = farm.open(Behaviour::Tls(old)).unwrap();
    let outcome = bench.scan(&[&stale.target(), &folder, "--roots", &roots]);
    assert_eq!((outcome.code, outcome.not_passed()), (1, vec!["tls.agreement".to_owned()]));
    outcome.expect("tls.agreement", &stale.target(), "warned", "tls/shop.pem was renewed 4 d 23 h ago");
    outcome.expect(
        "tls.agreement",
        &stale.target(),
        "warned",
        "the old certificate is still served, which expires",
    );
    assert!(outcome.one("tls.agreement", &stale.target()).expected.contains("tls/shop.pem"));

    let reloaded = farm.open(Behaviour::Tls(new)).unwrap();
    let outcome = bench.scan(&[&reloaded.target(), &folder, "--roots", &roots]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("tls.agreement", &reloaded.target(), "passed", "serves it");
}

/// What was found at these addresses of `shop.example`: check, outcome, subject, observed.
fn at_addresses(
    port: u16,
    last: &[u8],
    authority: &Authority,
) -> Vec<(&'static str, Outcome, String, String)> {
    let endpoint = Endpoint::new(Host::Name("shop.example".to_owned()), port);
    let root = Certificate::read_only(authority.root()).unwrap();
    let basis = Arc::new(Basis::new(Timestamp::now(), Roots::new("the test's root", [Arc::new(root)])));
    let timeouts = Timeouts { connect: Duration::from_secs(5), handshake: Duration::from_secs(10) };
    let addresses = last.iter().map(|last| IpAddr::from([127, 0, 0, *last]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let judged = runtime.block_on(look_at_addresses(
        &endpoint,
        addresses,
        &Arc::new(Approach { timeouts, identity: None, pace: Pace::default(), ask_http: false }),
        &basis,
    ));
    let findings = judged.findings.into_iter();
    findings.map(|found| (found.check.id, found.outcome, found.subject, found.observed)).collect()
}

#[test]
fn every_address_behind_a_name_is_judged_for_itself_and_compared() {
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let serve =
        |left| Behaviour::Tls(authority.issue(&["shop.example"], Lifetime::days_left(90, left)).unwrap());
    let first = farm.open(serve(60)).unwrap();
    let port = first.address.port();
    let _forgotten = farm.open_at(([127, 0, 0, 2], port).into(), serve(12)).unwrap();
    let found = at_addresses(port, &[1, 2, 3], &authority);
    let one = |check: &str, subject: &str| {
        let subject = format!("shop.example:{port}{subject}");
        let found: Vec<_> = found.iter().filter(|found| found.0 == check && found.2 == subject).collect();
        assert_eq!(found.len(), 1, "{check} {subject}: {found:#?}");
        found[0]
    };
    assert_eq!(one("tls.lifetime", " at 127.0.0.1").1, Outcome::Passed);
    assert_eq!(one("tls.lifetime", " at 127.0.0.2").1, Outcome::Warned);
    assert_eq!(one("tls.name", " at 127.0.0.2").1, Outcome::Passed, "asked under its name");
    assert_eq!(one("tls.reachable", " at 127.0.0.3").1, Outcome::Failed);
    let compared = one("tls.nodes", "");
    assert_eq!(compared.1, Outcome::Warned);
    assert!(compared.3.starts_with("they differ: the one at 127.0.0.2 expires "), "{compared:?}");
    eventually(|| first.server_names().contains(&Some("shop.example".to_owned())));
    assert!(
        at_addresses(port, &[1], &authority).iter().all(|found| found.0 != "tls.nodes"),
        "nothing to compare"
    );
}

#[test]
fn every_address_is_looked_at_only_when_asked() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let identity = authority.issue(&["localhost"], Lifetime::days_left(90, 60)).unwrap();
    let stand = farm.open(Behaviour::Tls(identity)).unwrap();
    let target = format!("localhost:{}", stand.address.port());
    let outcome = bench.scan(&[&target, "--every-address", "--roots", &roots]);
    outcome.expect("tls.name", &format!("{target} at 127.0.0.1"), "passed", "covered by localhost");
    let usual = bench.scan(&[&target, "--roots", &roots]);
    usual.expect("tls.name", &target, "passed", "covered by localhost");
}
