//! Servers that speak TLS: what they present is captured and judged, however bad it is.

use std::time::Duration;

use testbed::tls_farm::{Authority, Behaviour, Farm, Identity, Lifetime, Stand};

use crate::support::{Bench, Outcome, eventually};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];
const HOUR: u64 = 3600;

/// A farm with one authority, whose root is given to the scan.
struct Scene {
    bench: Bench,
    farm: Farm,
    authority: Authority,
    roots: String,
}

impl Scene {
    fn new() -> Self {
        Self::under(Authority::new().unwrap())
    }

    fn under(authority: Authority) -> Self {
        let bench = Bench::new();
        let roots = bench.write("ca.pem", authority.root_pem());
        Self { bench, farm: Farm::start().unwrap(), authority, roots }
    }

    fn identity(&self, lifetime: Lifetime) -> Identity {
        self.authority.issue(&NAMES, lifetime).unwrap()
    }

    fn serve(&self, lifetime: Lifetime) -> Stand {
        self.farm.open(Behaviour::Tls(self.identity(lifetime))).unwrap()
    }

    fn scan(&self, stands: &[&Stand]) -> Outcome {
        let targets: Vec<_> = stands.iter().map(|stand| stand.target()).collect();
        let mut arguments: Vec<&str> = targets.iter().map(String::as_str).collect();
        arguments.extend(["--roots", &self.roots]);
        self.bench.scan(&arguments)
    }
}

fn good() -> Lifetime {
    Lifetime::days_left(90, 60)
}

#[test]
fn a_good_chain_passes_over_either_version_of_tls() {
    let scene = Scene::new();
    let old = scene.farm.open(Behaviour::Tls12(scene.identity(good()))).unwrap();
    let new = scene.farm.open(Behaviour::Tls13(scene.identity(good()))).unwrap();
    let outcome = scene.scan(&[&old, &new]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("tls.handshake", &old.target(), "passed", "TLS 1.2, 2 certificates");
    outcome.expect("tls.handshake", &new.target(), "passed", "TLS 1.3, 2 certificates");
    for stand in [&old, &new] {
        outcome.expect("tls.lifetime", &stand.target(), "passed", "in 60 d");
        outcome.expect("tls.name", &stand.target(), "passed", "covered by 127.0.0.1");
        outcome.expect(
            "tls.trust",
            &stand.target(),
            "passed",
            "over 1 intermediate to the root 'Farm Root CA'",
        );
    }
    scene.bench.assert_nothing_left();
}

#[test]
fn lifetimes_from_a_day_to_ten_years_come_out_right_unconfigured() {
    let scene = Scene::new();
    let left = |total: u64, left: u64| Lifetime::left(Duration::from_secs(total), Duration::from_secs(left));
    let day = 24 * HOUR;
    let table = [
        (left(day, 7 * HOUR), "passed"),
        (left(day, 5 * HOUR), "warned"),
        (left(day, 2 * HOUR), "failed"),
        (left(6 * day, 40 * HOUR), "passed"),
        (left(6 * day, 30 * HOUR), "warned"),
        (left(6 * day, 10 * HOUR), "failed"),
        (left(90 * day, 22 * day), "passed"),
        (left(90 * day, 20 * day), "warned"),
        (left(90 * day, 6 * day), "failed"),
        (left(398 * day, 22 * day), "passed"),
        (left(398 * day, 8 * day), "warned"),
        (left(398 * day, 6 * day), "failed"),
        (left(3650 * day, 22 * day), "passed"),
        (left(3650 * day, 20 * day), "warned"),
        (left(3650 * day, 6 * day), "failed"),
        (Lifetime::expired(90, 3), "failed"),
        (Lifetime::begins_in(90, 3), "failed"),
    ];
    let stands: Vec<_> = table.iter().map(|(lifetime, _)| scene.serve(*lifetime)).collect();
    let outcome = scene.scan(&stands.iter().collect::<Vec<_>>());
    assert_eq!(outcome.code, 2);
    for ((_, expected), stand) in table.iter().zip(&stands) {
        outcome.expect("tls.lifetime", &stand.target(), expected, "");
        // One fault, one failure: neither the name nor the path is any worse for it.
        outcome.expect("tls.name", &stand.target(), "passed", "");
        outcome.expect("tls.trust", &stand.target(), "passed", "");
    }
    let [.., expired, future] = &stands[..] else { unreachable!() };
    outcome.expect("tls.lifetime", &expired.target(), "failed", "3 d ago");
    outcome.expect("tls.lifetime", &future.target(), "failed", "not valid before");
}

#[test]
fn the_worst_comes_first_and_the_first_line_names_the_earliest_end() {
    let scene = Scene::new();
    let (fine, expired, expiring) = (
        scene.serve(good()),
        scene.serve(Lifetime::expired(90, 3)),
        scene.serve(Lifetime::days_left(90, 12)),
    );
    let targets = [fine.target(), expiring.target(), expired.target()];
    let output = scene.bench.run(&[
        "scan",
        &targets[0],
        &targets[1],
        &targets[2],
        "--roots",
        &scene.roots,
        "--evidence",
        "evidence.md",
    ]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(output.status.code(), Some(2));
    assert!(lines[0].starts_with("FAILED") && lines[0].contains("3 d ago"), "{stdout}");
    let position = |target: &str| lines.iter().skip(1).position(|line| line.contains(target));
    assert!(position(&expired.target()) < position(&expiring.target()), "{stdout}");
    let evidence = std::fs::read_to_string(scene.bench.evidence()).unwrap();
    assert!(
        evidence.contains("# Certificate expiry report") && evidence.contains("Expiry timeline"),
        "{evidence}"
    );
}

#[test]
fn a_missing_intermediate_is_named() {
    let scene = Scene::new();
    let stand = scene.farm.open(Behaviour::Tls(scene.identity(good()).leaf_only())).unwrap();
    let outcome = scene.scan(&[&stand]);
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.not_passed(), ["tls.trust"]);
    outcome.expect(
        "tls.trust",
        &stand.target(),
        "failed",
        "missing intermediate: 'localhost' was issued by 'Farm Intermediate CA', which the server does not present",
    );
}

#[test]
fn a_self_signed_certificate_is_captured_and_judged() {
    let scene = Scene::new();
    let identity = Identity::self_signed(&NAMES, Lifetime::days_left(90, 12)).unwrap();
    let own = scene.bench.write("own.pem", identity.pem());
    let stand = scene.farm.open(Behaviour::Tls(identity)).unwrap();
    let outcome = scene.scan(&[&stand]);
    outcome.expect("tls.trust", &stand.target(), "failed", "self-signed, and not among the roots in");
    outcome.expect("tls.lifetime", &stand.target(), "warned", "in 12 d");
    let trusted = scene.bench.scan(&[&stand.target(), "--roots", &own]);
    trusted.expect("tls.trust", &stand.target(), "passed", "the certificate itself is one of them");
    assert_eq!(trusted.code, 1);
}

#[test]
fn a_chain_to_a_root_that_is_not_trusted_names_the_root() {
    let scene = Scene::new();
    let (long, namesake) = (Lifetime::days_left(3650, 3000), Authority::new().unwrap());
    let other = Authority::named("Other", long, long).unwrap();
    let identity = other.issue(&NAMES, good()).unwrap();
    let whole = [identity.chain.clone(), vec![other.root().clone()]].concat();
    let stand = scene.farm.open(Behaviour::Tls(identity.with_chain(whole))).unwrap();
    let outcome = scene.scan(&[&stand]);
    outcome.expect(
        "tls.trust",
        &stand.target(),
        "failed",
        "the chain ends at the root 'Other Root CA', which is not among",
    );
    let identity = namesake.issue(&NAMES, good()).unwrap();
    let mixed = identity.with_chain(vec![identity.chain[0].clone(), scene.authority.intermediate().clone()]);
    let stand = scene.farm.open(Behaviour::Tls(identity)).unwrap();
    let outcome = scene.scan(&[&stand]);
    outcome.expect("tls.trust", &stand.target(), "failed", "a root of that name is among");
    let stand = scene.farm.open(Behaviour::Tls(mixed)).unwrap();
    let outcome = scene.scan(&[&stand]);
    outcome.expect(
        "tls.trust",
        &stand.target(),
        "failed",
        "'localhost' says that 'Farm Intermediate CA' issued it; the one that the server presents has another key",
    );
}

#[test]
fn a_certificate_for_another_name_fails_and_sni_asks_for_that_name() {
    let scene = Scene::new();
    let identity = scene.authority.issue(&["shop.example", "*.api.example"], good()).unwrap();
    let stand = scene.farm.open(Behaviour::Tls(identity)).unwrap();
    let outcome = scene.scan(&[&stand]);
    assert_eq!(outcome.not_passed(), ["tls.name"]);
    outcome.expect("tls.name", &stand.target(), "failed", "good for shop.example, *.api.example");
    for (name, expected) in
        [("shop.example", "passed"), ("v1.api.example", "passed"), ("a.b.api.example", "failed")]
    {
        let outcome = scene.bench.scan(&[&stand.target(), "--roots", &scene.roots, "--sni", name]);
        outcome.expect("tls.name", &format!("{} as {name}", stand.target()), expected, "");
    }
    eventually(|| stand.handshakes() == 4);
    let asked: Vec<_> = stand.server_names().into_iter().map(Option::unwrap_or_default).collect();
    assert_eq!(
        asked,
        ["", "shop.example", "v1.api.example", "a.b.api.example"],
        "an address is not sent as SNI"
    );
}

#[test]
fn a_name_is_resolved_and_every_address_is_tried() {
    let scene = Scene::new();
    let stand = scene.serve(good());
    // Where localhost is ::1 first, that address refuses, and the next one answers.
    let target = format!("localhost:{}", stand.address.port());
    let outcome = scene.bench.scan(&[&target, "--roots", &scene.roots]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("tls.reachable", &target, "passed", &stand.target());
    outcome.expect("tls.name", &target, "passed", "covered by localhost");
}

#[test]
fn ipv6_endpoints_are_captured() {
    let scene = Scene::new();
    let identity = scene.authority.issue(&["::1"], good()).unwrap();
    let stand = scene.farm.open_on("::1".parse().unwrap(), Behaviour::Tls(identity)).unwrap();
    let outcome = scene.scan(&[&stand]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("tls.name", &stand.target(), "passed", "covered by ::1");
}

#[test]
fn the_certificate_of_a_port_that_demands_a_client_certificate_is_judged() {
    let scene = Scene::new();
    let expiring = || scene.identity(Lifetime::days_left(90, 12));
    let old = scene.farm.open(Behaviour::Tls12DemandsClientCertificate(expiring())).unwrap();
    let new = scene.farm.open(Behaviour::Tls13DemandsClientCertificate(expiring())).unwrap();
    let outcome = scene.scan(&[&old, &new]);
    assert_eq!(outcome.code, 1, "{:#?}", outcome.findings());
    for (stand, version) in [(&old, "TLS 1.2"), (&new, "TLS 1.3")] {
        let words = format!("{version}, 2 certificates; demands a client certificate");
        outcome.expect("tls.handshake", &stand.target(), "passed", &words);
        outcome.expect("tls.lifetime", &stand.target(), "warned", "in 12 d");
        outcome.expect("tls.trust", &stand.target(), "passed", "");
        assert_eq!(stand.handshakes(), 0, "nobody was let in");
    }
}

#[test]
fn a_port_that_only_asks_for_a_client_certificate_is_told_apart() {
    let scene = Scene::new();
    let stand = scene.farm.open(Behaviour::AsksForClientCertificate(scene.identity(good()))).unwrap();
    let outcome = scene.scan(&[&stand]);
    let words = "asks for a client certificate, and does not insist in the handshake";
    outcome.expect("tls.handshake", &stand.target(), "passed", words);
    assert_eq!((outcome.code, stand.application_bytes()), (0, 0));
}

#[test]
fn a_machine_without_trusted_roots_is_inconclusive() {
    let scene = Scene::new();
    let stand = scene.serve(good());
    let mut command = scene.bench.scan_command(&[&stand.target()]);
    let output = command.env("SSL_CERT_FILE", scene.bench.write("none.pem", "")).output().unwrap();
    let outcome = Outcome::read(&output);
    assert_eq!(outcome.code, 3);
    assert_eq!(outcome.not_passed(), ["tls.trust"]);
    outcome.expect("tls.trust", &stand.target(), "inconclusive", "this machine has no trusted roots");
    let mut command = scene.bench.scan_command(&[&stand.target()]);
    let outcome = Outcome::read(&command.env("SSL_CERT_FILE", &scene.roots).output().unwrap());
    outcome.expect("tls.trust", &stand.target(), "passed", "");
}

#[test]
fn a_server_without_the_certificates_key_fails_and_its_chain_is_still_judged() {
    let scene = Scene::new();
    let stand = scene
        .farm
        .open(Behaviour::WrongKey(scene.identity(Lifetime::expired(90, 3)), scene.identity(good())))
        .unwrap();
    let outcome = scene.scan(&[&stand]);
    outcome.expect(
        "tls.handshake",
        &stand.target(),
        "failed",
        "does not prove that it holds the certificate's key",
    );
    outcome.expect("tls.lifetime", &stand.target(), "failed", "3 d ago");
}

#[test]
fn an_expired_root_fails_although_the_path_verifies() {
    let ten_years = Lifetime::days_left(1825, 900);
    let scene = Scene::under(Authority::with_lifetimes(Lifetime::expired(3650, 5), ten_years).unwrap());
    let stand = scene.serve(good());
    let outcome = scene.scan(&[&stand]);
    assert_eq!(outcome.not_passed(), ["tls.trust"]);
    outcome.expect("tls.trust", &stand.target(), "failed", "the root 'Farm Root CA', which expired");
    let soon = Scene::under(Authority::with_lifetimes(Lifetime::days_left(3650, 100), ten_years).unwrap());
    let stand = soon.serve(good());
    let outcome = soon.scan(&[&stand]);
    outcome.expect("tls.trust", &stand.target(), "warned", "which expires");
    assert_eq!(outcome.code, 1);
}

#[test]
fn an_issuer_presented_by_many_is_judged_once_and_says_by_whom() {
    let root = Lifetime::days_left(3650, 3000);
    let scene = Scene::under(Authority::with_lifetimes(root, Lifetime::days_left(1825, 100)).unwrap());
    let stands: Vec<_> = (0..5).map(|_| scene.serve(good())).collect();
    let outcome = scene.scan(&stands.iter().collect::<Vec<_>>());
    assert_eq!(outcome.code, 1);
    let warned: Vec<_> =
        outcome.of("tls.lifetime").into_iter().filter(|found| found.outcome == "warned").collect();
    assert_eq!(warned.len(), 1, "{warned:#?}");
    assert!(warned[0].subject.starts_with("issuer 'Farm Intermediate CA', serial "));
    assert!(
        warned[0].observed.contains("presented by 127.0.0.1:") && warned[0].observed.ends_with("and 2 more")
    );
}

#[test]
fn an_expired_intermediate_fails_the_path_and_itself() {
    let root = Lifetime::days_left(3650, 3000);
    let scene = Scene::under(Authority::with_lifetimes(root, Lifetime::expired(1825, 1)).unwrap());
    let stand = scene.serve(good());
    let outcome = scene.scan(&[&stand]);
    assert_eq!(outcome.not_passed(), ["tls.lifetime", "tls.trust"]);
    outcome.expect(
        "tls.trust",
        &stand.target(),
        "failed",
        "'Farm Intermediate CA' between the server's certificate and the root has expired",
    );
}

#[test]
fn rubbish_in_the_chain_is_named_and_does_not_hide_the_rest() {
    let scene = Scene::new();
    let identity = scene.identity(good());
    let rubbish = vec![identity.chain[0].clone(), b"rubbish".to_vec().into(), identity.chain[1].clone()];
    let stand = scene.farm.open(Behaviour::Tls(identity.with_chain(rubbish))).unwrap();
    let outcome = scene.scan(&[&stand]);
    assert_eq!(outcome.not_passed(), ["tls.certificate"]);
    outcome.expect(
        "tls.certificate",
        &format!("{}, element 2", stand.target()),
        "failed",
        "no X.509 certificate",
    );
    outcome.expect("tls.trust", &stand.target(), "passed", "");
}

#[test]
fn no_application_data_is_ever_sent() {
    let scene = Scene::new();
    let (old, new) = (
        scene.farm.open(Behaviour::Tls12(scene.identity(good()))).unwrap(),
        scene.farm.open(Behaviour::Tls13(scene.identity(good()))).unwrap(),
    );
    let outcome = scene.scan(&[&old, &new]);
    assert_eq!(outcome.code, 0);
    for stand in [&old, &new] {
        eventually(|| stand.handshakes() == 1);
        assert_eq!((stand.handshakes(), stand.application_bytes(), stand.connections()), (1, 0, 1));
    }
}

#[test]
fn the_same_target_twice_is_looked_at_once() {
    let scene = Scene::new();
    let stand = scene.serve(good());
    let target = stand.target();
    let url = format!("https://{target}/path?token=hunter2");
    let outcome = scene.bench.scan(&[&target, &url, &target, "--roots", &scene.roots]);
    assert_eq!((outcome.code, stand.connections()), (0, 1));
    assert!(!outcome.stdout.contains("hunter2"), "the query of a URL is no one's business");
}
