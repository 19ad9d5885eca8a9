//! Disk and wire in one run.

use std::{net::IpAddr, sync::Arc, time::Duration};

use cert_expiry_check::{
    assess::{Basis, chain::Roots, name::Host},
    certificate::Certificate,
    scan::nodes::look_at_addresses,
    targets::Endpoint,
    wire::{Approach, Keys, Pace, Timeouts},
};
use evidence_report::record::Outcome;
use jiff::Timestamp;
use rcgen::{BasicConstraints, IsCa};
use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime};

use crate::{
    pki::{Somebody, pem},
    support::{Bench, eventually, text},
};

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
        &Arc::new(Approach {
            timeouts,
            identity: None,
            pace: Pace::default(),
            ask_http: false,
            keys: Keys::FirstPresented,
        }),
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

#[test]
fn certbots_archive_is_history_and_a_node_that_was_forgotten_is_told_the_way() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let issue = |left| authority.issue(&["shop.example"], Lifetime::days_left(90, left)).unwrap();
    let (old, new) = (issue(5), issue(65));
    for (number, identity) in [(1, &old), (2, &new)] {
        bench.write(&format!("le/archive/shop/cert{number}.pem"), identity.leaf_only().pem());
        bench.write(&format!("le/archive/shop/privkey{number}.pem"), identity.key_pem());
    }
    std::fs::create_dir_all(bench.path("le/live/shop")).unwrap();
    std::os::unix::fs::symlink("../../archive/shop/cert2.pem", bench.path("le/live/shop/cert.pem")).unwrap();
    let folder = text(&bench.path("le"));
    let fresh = farm.open(Behaviour::Tls(new)).unwrap();
    let port = fresh.address.port();
    let _stale = farm.open_at(([127, 0, 0, 2], port).into(), Behaviour::Tls(old)).unwrap();
    let nodes = [1, 2].map(|last| format!("shop.example:{port}@127.0.0.{last}"));
    let outcome = bench.scan(&[&nodes[0], &nodes[1], &folder, "--roots", &roots]);

    let (good, stale) =
        (format!("shop.example:{port} at 127.0.0.1"), format!("shop.example:{port} at 127.0.0.2"));
    outcome.expect("tls.agreement", &stale, "failed", "le/archive/shop/cert2.pem was renewed 24 d 23 h ago");
    outcome.expect("tls.agreement", &good, "passed", "serves it");
    let ending = outcome.one("tls.lifetime", &stale);
    assert!(ending.observed.contains("; the node at 127.0.0.1 serves a newer one until"), "{ending:#?}");
    assert!(ending.remedy.contains("at 127.0.0.2 too, and reload"), "{ending:#?}");
    outcome.expect("tls.nodes", &format!("shop.example:{port}"), "warned", "the one at 127.0.0.2 expires");
    let archived = text(&bench.path("le/archive/shop/cert1.pem"));
    outcome.expect("file.lifetime", &archived, "not_checked_optional", "only kept in an archive, where");
    for number in [1, 2] {
        let key = text(&bench.path(&format!("le/archive/shop/privkey{number}.pem")));
        outcome.expect("key.match", &key, "passed", "fits the certificate beside it");
    }
    // The old one alone is no history.
    let alone = bench.scan(&[&archived, "--roots", &roots]);
    alone.expect("file.lifetime", &archived, "failed", "in 5 d");
}

#[test]
fn a_secret_that_was_renewed_is_held_against_the_pods() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let issue = |left| authority.issue(&["127.0.0.1"], Lifetime::days_left(90, left)).unwrap();
    let (old, new) = (issue(40), issue(80));
    let data = |certificate: &str, key: &str| {
        let encode = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
        format!(
            r#"{{"kind":"Secret","type":"kubernetes.io/tls","metadata":{{"name":"shop-tls","namespace":"shop"}},"data":{{"tls.crt":"{}","tls.key":"{}"}}}}"#,
            encode(certificate),
            encode(key)
        )
    };
    let secret = bench.write("secret.json", data(&new.pem(), &new.key_pem()));
    let mixed = bench.write("mixed.json", data(&new.pem(), &old.key_pem()));
    let pods = farm.open(Behaviour::Tls(old)).unwrap();
    let outcome = bench.scan(&[&pods.target(), "--kubernetes", &secret, "--roots", &roots]);
    let found = outcome.one("tls.agreement", &pods.target());
    assert_eq!(found.outcome, "warned", "{found:#?}");
    assert!(
        found.observed.starts_with("Secret shop/shop-tls, tls.crt was renewed 9 d 23 h ago"),
        "{found:#?}"
    );
    assert!(found.observed.contains("the pods still serve the old one, which expires"), "{found:#?}");
    assert!(found.remedy.contains("Restart the pods"), "{found:#?}");
    outcome.expect("key.match", "secret shop/shop-tls, tls.key", "passed", "fits the certificate beside it");
    let outcome = bench.scan(&["--kubernetes", &mixed, "--roots", &roots]);
    let words = "does not belong to the certificate in secret shop/shop-tls";
    outcome.expect("key.match", "secret shop/shop-tls, tls.key", "failed", words);
}

/// As `openssl req -x509` makes them: what a CA has issued since is not served yet.
#[test]
fn a_server_that_is_its_own_ca_is_held_against_what_was_issued_for_it() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let own = Somebody::server().with(|own| own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let certificate = own.by_itself();
    let stand = farm.open(Behaviour::Tls(own.presenting(&[&certificate]))).unwrap();
    let issued = Somebody::server().lasting(Lifetime::days_left(90, 85)).by(&Somebody::issuer("Our CA"));
    let roots = bench.write("roots.pem", pem(&[&certificate]));
    bench.write("tls/shop.pem", pem(&[&issued]));
    let outcome = bench.scan(&[&stand.target(), "tls", "--roots", &roots]);
    outcome.expect("tls.agreement", &stand.target(), "warned", "tls/shop.pem was renewed 4 d 23 h ago");
}

/// What nginx refuses with "key values mismatch".
#[test]
fn a_key_that_belongs_to_a_later_certificate_of_its_file_is_told() {
    let bench = Bench::new();
    let (root, old, new) = (Somebody::issuer("Our Root"), Somebody::server(), Somebody::server());
    let (issuer, before, after) = (root.by_itself(), old.by(&root), new.by(&root));
    let key_of = |somebody: &Somebody| somebody.presenting(&[]).key_pem();
    let renewed = pem(&[&after, &before, &issuer]);
    let folder = |name: &str, chain: &str, key: String| {
        bench.write(&format!("{name}/fullchain.pem"), chain);
        bench.write(&format!("{name}/privkey.pem"), key);
        (format!("{name}/privkey.pem"), name.to_owned())
    };
    let (prepended, in_folder) = folder("prepended", &renewed, key_of(&old));
    let (of_issuer, beside_leaf) = folder("issuer", &pem(&[&after, &issuer]), key_of(&root));
    let (good, in_order) = folder("good", &renewed, key_of(&new));
    let bundle = bench.write("bundle.pem", renewed.clone() + &key_of(&old));
    let pairs = bench.write("pairs.pem", key_of(&new) + &renewed + &key_of(&old));
    let outcome = bench.scan(&[&in_folder, &beside_leaf, &in_order, &bundle, &pairs]);
    for (key, name) in [(&prepended, "localhost"), (&of_issuer, "Our Root"), (&bundle, "localhost")] {
        let found = outcome.one("key.match", key);
        assert_eq!(found.outcome, "failed", "{found:#?}");
        assert!(found.observed.starts_with(&format!("it belongs to '{name}', issued ")), "{found:#?}");
        assert!(found.observed.contains("which stands behind 'localhost', issued "), "{found:#?}");
        assert!(found.remedy.contains("with its certificate first"), "{found:#?}");
    }
    outcome.expect("key.match", &good, "passed", "fits the certificate beside it");
    let of_pairs = outcome.of("key.match").into_iter().filter(|found| found.subject.starts_with(&pairs));
    assert_eq!(of_pairs.map(|found| found.outcome).collect::<Vec<_>>(), ["passed", "passed"]);

    let encode = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
    let data = [("tls.crt", pem(&[&after])), ("ca.crt", pem(&[&issuer])), ("tls.key", key_of(&root))];
    let data = data.map(|(name, value)| format!(r#""{name}":"{}""#, encode(&value))).join(",");
    let metadata = r#""metadata":{"name":"web","namespace":"shop"}"#;
    let secret = format!(r#"{{"kind":"Secret","type":"kubernetes.io/tls",{metadata},"data":{{{data}}}}}"#);
    let outcome = bench.scan(&["--kubernetes", &bench.write("secret.json", secret)]);
    let words = "does not belong to the certificate in secret shop/web, tls.crt";
    outcome.expect("key.match", "secret shop/web, tls.key", "failed", words);
    outcome.expect(
        "key.match",
        "secret shop/web, tls.key",
        "failed",
        "'Our Root' in secret shop/web, ca.crt",
    );
}
