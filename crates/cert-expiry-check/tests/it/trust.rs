//! Chains of every shape, served on loopback, against one store of roots or several.

use std::{
    process::Command,
    sync::{Arc, LazyLock},
    time::Duration,
};

use cert_expiry_check::{
    assess::{
        Basis,
        chain::{self, Roots},
        endpoint,
        name::Host,
        shape::{self, Place},
        threshold::Thresholds,
        trust::Trust,
        validity_cap,
    },
    certificate::Certificate,
    targets::Endpoint,
    wire::{Afterwards, Capture, ClientCertificate, Observation, Protocol},
};
use evidence_report::record::{Finding, Outcome as Came};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use testbed::tls_farm::{Behaviour, Farm, Lifetime, Stand};

use crate::{
    openssl::Server,
    pki::{Somebody, long, pem},
    support::{Bench, Outcome},
};

/// A root, an intermediate and a server; further certificates are made where they are needed.
struct Scene {
    bench: Bench,
    farm: Farm,
    root: Somebody,
    intermediate: Somebody,
    server: Somebody,
    roots: String,
}

impl Scene {
    fn new() -> Self {
        Self::with_server(Somebody::server())
    }

    fn with_server(server: Somebody) -> Self {
        let (bench, root) = (Bench::new(), Somebody::issuer("Old Root"));
        let roots = bench.write("ca.pem", pem(&[&root.by_itself()]));
        let intermediate = Somebody::issuer("Issuing CA");
        Self { bench, farm: Farm::start().unwrap(), root, intermediate, server, roots }
    }

    fn leaf(&self) -> CertificateDer<'static> {
        self.server.by(&self.intermediate)
    }

    fn middle(&self) -> CertificateDer<'static> {
        self.intermediate.by(&self.root)
    }

    fn serve(&self, chain: &[&CertificateDer<'static>]) -> Stand {
        self.farm.open(Behaviour::Tls(self.server.presenting(chain))).unwrap()
    }

    fn scan(&self, stand: &Stand, arguments: &[&str]) -> Outcome {
        self.bench.scan(&[&[stand.target().as_str()], arguments].concat())
    }

    /// With the one root that they all have.
    fn look_at(&self, stand: &Stand) -> Outcome {
        self.scan(stand, &["--roots", &self.roots])
    }
}

#[test]
fn a_chain_in_order_passes_everything() {
    let scene = Scene::new();
    let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
    let outcome = scene.look_at(&stand);
    assert_eq!((outcome.code, outcome.not_passed()), (0, vec![]), "{:#?}", outcome.findings());
    outcome.expect("tls.chain", &stand.target(), "passed", "2 certificates in order");
    outcome.expect("tls.key", &stand.target(), "passed", "P-256");
    outcome.expect("tls.signature", &stand.target(), "passed", "SHA-256 with ECDSA");
    assert!(outcome.of("tls.validity_cap").is_empty(), "a private CA is not bound");
}

#[test]
fn several_stores_are_compared_and_all_of_them_have_to_trust() {
    let scene = Scene::new();
    let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
    let other = scene.bench.write("other.pem", pem(&[&Somebody::issuer("Other Root").by_itself()]));
    let both = scene.bench.write(
        "both.pem",
        [&scene.roots, &other].map(|path| std::fs::read_to_string(path).unwrap()).concat(),
    );

    let outcome = scene.scan(&stand, &["--trust", &scene.roots, "--trust", &both]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let words = format!("trusted by the roots in {} and the roots in {both}: leads over 1", scene.roots);
    outcome.expect("tls.trust", &stand.target(), "passed", &words);

    let outcome = scene.scan(&stand, &["--trust", &scene.roots, "--trust", &other, "--trust", "mozilla"]);
    assert_eq!((outcome.code, outcome.not_passed()), (2, vec!["tls.trust".to_owned()]));
    let found = outcome.one("tls.trust", &stand.target());
    let begins =
        format!("trusted by the roots in {}, not by the roots in {other} and Mozilla's 1", scene.roots);
    assert!(found.observed.starts_with(&begins), "{found:#?}");
    assert!(found.observed.ends_with("roots: the root 'Old Root' is not among them"), "{found:#?}");

    // Files of --roots are one store together, which stands beside those of --trust.
    let outcome = scene.scan(&stand, &["--roots", &other, "--roots", &scene.roots]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let outcome = scene.scan(&stand, &["--roots", &scene.roots, "--trust", &other]);
    assert_eq!(outcome.code, 2);
}

#[test]
fn the_configuration_names_stores_for_each_group() {
    let scene = Scene::new();
    let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
    let other = scene.bench.write("other.pem", pem(&[&Somebody::issuer("Other Root").by_itself()]));
    let config = |trust: &str| {
        let target = stand.target();
        let groups =
            format!("trust: ['{other}']\ngroups:\n  - name: shop\n    targets: ['{target}']\n    {trust}\n");
        scene.bench.write("config.yaml", groups)
    };
    let scan = |config: &str| scene.bench.scan(&["--config", config]);
    assert_eq!(scan(&config(&format!("trust: ['{}']", scene.roots))).code, 0);
    assert_eq!(scan(&config(&format!("roots: '{}'", scene.roots))).code, 0);
    assert_eq!(scan(&config("names: []")).code, 2, "what the group does not say, the keys above it say");
}

#[test]
fn a_root_that_is_sent_too_costs_bytes_and_is_no_fault() {
    let scene = Scene::new();
    let stand = scene.serve(&[&scene.leaf(), &scene.middle(), &scene.root.by_itself()]);
    let outcome = scene.look_at(&stand);
    assert_eq!((outcome.code, outcome.not_passed()), (0, vec![]));
    outcome.expect("tls.chain", &stand.target(), "passed", "the root 'Old Root' is sent too: not wrong, but");
}

#[test]
fn order_duplicates_and_strangers_are_warned_of_by_name() {
    let scene = Scene::new();
    let upper = Somebody::issuer("Upper CA");
    let (leaf, middle) = (scene.leaf(), scene.intermediate.by(&upper));
    let upper = upper.by(&scene.root);
    let stranger = Somebody::issuer("Stranger CA").by(&Somebody::issuer("Elsewhere"));
    let expired_stranger = Somebody::issuer("Stranger CA")
        .lasting(Lifetime::expired(3650, 3))
        .by(&Somebody::issuer("Elsewhere"));
    for (chain, words) in [
        (vec![&leaf, &upper, &middle], "wrong order: 'Upper CA' stands before 'Issuing CA', which it issued"),
        (vec![&leaf, &middle, &middle, &upper], "'Issuing CA' is sent twice"),
        (vec![&leaf, &leaf, &middle, &upper], "'localhost' is sent twice"),
        ([vec![&leaf, &middle, &upper], vec![&middle; 100]].concat(), "'Issuing CA' is sent 101 times"),
        (vec![&leaf, &middle, &upper, &stranger], "'Stranger CA' (issued by 'Elsewhere') belongs to no path"),
        (
            vec![&leaf, &expired_stranger, &middle, &upper],
            "'Stranger CA' (issued by 'Elsewhere') belongs to no path",
        ),
    ] {
        let stand = scene.serve(&chain);
        let outcome = scene.look_at(&stand);
        assert_eq!(
            (outcome.code, outcome.not_passed()),
            (1, vec!["tls.chain".to_owned()]),
            "{words}: {:#?}",
            outcome.findings()
        );
        outcome.expect("tls.chain", &stand.target(), "warned", words);
    }
}

#[test]
fn what_is_sent_twice_is_judged_once() {
    let scene = Scene::with_server(Somebody::server().lasting(Lifetime::days_left(90, 3)));
    let (leaf, middle) = (scene.leaf(), scene.middle());
    let stand = scene.serve(&[&leaf, &leaf, &middle, &middle]);
    let outcome = scene.look_at(&stand);
    let found = outcome.one("tls.lifetime", &stand.target());
    assert_eq!(found.outcome, "failed");
    assert!(!found.observed.contains("more endpoint"), "{found:#?}");
}

/// What broke many in September 2021: browsers had the new root, and others followed the old path.
#[test]
fn an_expired_cross_sign_is_warned_of_although_another_path_works() {
    let scene = Scene::new();
    let new = Somebody::issuer("New Root");
    let roots = scene.bench.write("new.pem", pem(&[&new.by_itself()]));
    let (leaf, middle) = (scene.leaf(), scene.intermediate.by(&new));
    for (lifetime, outcome_of_chain, words) in [
        (
            Lifetime::expired(3650, 3),
            "warned",
            "the cross-sign 'New Root' by 'Old Root', which our path does not need, expired",
        ),
        (Lifetime::days_left(3650, 12), "warned", "in 12 d: from then on clients"),
        (long(), "passed", "3 certificates in order"),
    ] {
        let cross = new.by_lasting(&scene.root, lifetime);
        let stand = scene.serve(&[&leaf, &middle, &cross]);
        let outcome = scene.scan(&stand, &["--roots", &roots]);
        outcome.expect("tls.chain", &stand.target(), outcome_of_chain, words);
        outcome.expect("tls.trust", &stand.target(), "passed", "over 1 intermediate to the root 'New Root'");
        let code = i32::from(outcome_of_chain == "warned");
        assert_eq!(outcome.code, code, "only tls.chain speaks: {:#?}", outcome.findings());
    }
    // For a client that has only the old root, the cross-sign is what the path needs.
    let cross = new.by_lasting(&scene.root, Lifetime::expired(3650, 3));
    let stand = scene.serve(&[&leaf, &middle, &cross]);
    let outcome = scene.look_at(&stand);
    outcome.expect(
        "tls.trust",
        &stand.target(),
        "failed",
        "'New Root' between the server's certificate and the root has expired",
    );
}

#[test]
fn an_expired_root_fails_unless_another_path_leads_past_it() {
    let scene = Scene::new();
    let expired = Somebody::issuer("Gone Root").lasting(Lifetime::expired(3650, 3));
    let new = Somebody::issuer("New Root");
    let gone = scene.bench.write("gone.pem", pem(&[&expired.by_itself()]));
    let both = scene.bench.write("both.pem", pem(&[&expired.by_itself(), &new.by_itself()]));
    let (leaf, middle, cross) = (scene.leaf(), scene.intermediate.by(&new), new.by(&expired));
    let stand = scene.serve(&[&leaf, &middle, &cross]);
    let outcome = scene.scan(&stand, &["--roots", &gone]);
    assert_eq!(outcome.code, 2);
    outcome.expect("tls.trust", &stand.target(), "failed", "to the root 'Gone Root', which expired");
    let outcome = scene.scan(&stand, &["--roots", &both]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("tls.trust", &stand.target(), "passed", "to the root 'New Root'");
}

#[test]
fn an_expired_certificate_below_an_issuer_that_began_later_is_one_fault() {
    let scene = Scene::with_server(Somebody::server().lasting(Lifetime::expired(90, 20)));
    let renewed = scene.intermediate.by_lasting(&scene.root, Lifetime::days_left(3650, 3640));
    let stand = scene.serve(&[&scene.leaf(), &renewed]);
    let outcome = scene.look_at(&stand);
    assert_eq!(outcome.code, 2);
    let said =
        "the certificate ended before its issuer's began, so that no path can be judged: see tls.lifetime";
    outcome.expect("tls.trust", &stand.target(), "not_checked_optional", said);
    outcome.expect("tls.lifetime", &stand.target(), "failed", "expired");
    assert_eq!(outcome.not_passed(), ["tls.lifetime", "tls.trust"], "{:#?}", outcome.findings());

    // Where no signature leads to a trusted root, that is a fault of its own.
    let other = scene.bench.write("other.pem", pem(&[&Somebody::issuer("Other Root").by_itself()]));
    let outcome = scene.scan(&stand, &["--roots", &other]);
    outcome.expect("tls.trust", &stand.target(), "failed", "");
    let forged = Somebody::issuer("Issuing CA").by_lasting(&scene.root, Lifetime::days_left(3650, 3640));
    let stand = scene.serve(&[&scene.leaf(), &forged]);
    scene.look_at(&stand).expect("tls.trust", &stand.target(), "failed", "are never valid at the same time");
}

#[test]
fn an_expired_root_that_is_sent_too_is_one_fault() {
    let mut scene = Scene::new();
    let gone = Somebody::issuer("Gone Root").lasting(Lifetime::expired(3650, 3));
    let (itself, leaf, middle) = (gone.by_itself(), scene.leaf(), scene.intermediate.by(&gone));
    let stand = scene.serve(&[&leaf, &middle, &itself]);
    for (roots, words) in [
        (scene.roots.clone(), "the chain ends at the root 'Gone Root', which is not among the roots in"),
        (scene.bench.write("gone.pem", pem(&[&itself])), "to the root 'Gone Root', which expired"),
    ] {
        scene.roots = roots;
        let outcome = scene.look_at(&stand);
        assert_eq!((outcome.code, outcome.not_passed()), (2, vec!["tls.trust".to_owned()]), "{words}");
        outcome.expect("tls.trust", &stand.target(), "failed", words);
        outcome.expect("tls.trust", &stand.target(), "failed", ", 3 d ago");
    }
}

#[test]
fn a_certificate_that_is_not_for_servers_is_named() {
    for (purposes, code, words) in [
        (
            vec![ExtendedKeyUsagePurpose::ClientAuth],
            2,
            "for clients (clientAuth), not for servers (serverAuth)",
        ),
        (vec![ExtendedKeyUsagePurpose::CodeSigning], 2, "for something else, not for servers"),
        (vec![ExtendedKeyUsagePurpose::Any], 1, "says only \"anything\""),
        (vec![], 0, ""),
    ] {
        let scene =
            Scene::with_server(Somebody::server().with(|server| server.extended_key_usages = purposes));
        let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
        let outcome = scene.look_at(&stand);
        assert_eq!(outcome.code, code, "{words}: {:#?}", outcome.findings());
        if code == 0 {
            assert_eq!(outcome.of("tls.usage").len(), 1, "of all servers together");
        } else {
            assert_eq!(outcome.not_passed(), ["tls.usage"], "one fault, one failure");
            assert!(outcome.one("tls.usage", &stand.target()).observed.contains(words));
        }
    }
    let no_handshake = |server: &mut CertificateParams| server.key_usages = vec![KeyUsagePurpose::CrlSign];
    let scene = Scene::with_server(Somebody::server().with(no_handshake));
    let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
    let outcome = scene.look_at(&stand);
    outcome.expect("tls.usage", &stand.target(), "failed", "its key usage allows no handshake");
}

#[test]
fn an_issuer_that_may_not_issue_breaks_the_path() {
    let mut scene = Scene::new();
    scene.intermediate =
        scene.intermediate.with(|issuer| issuer.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
    let outcome = scene.look_at(&stand);
    assert_eq!(outcome.not_passed(), ["tls.trust"]);
    outcome.expect(
        "tls.trust",
        &stand.target(),
        "failed",
        "'Issuing CA' may not issue certificates: its key usage lacks keyCertSign",
    );
}

#[test]
fn a_root_that_clients_refuse_breaks_the_path() {
    type Change = fn(&mut CertificateParams);
    let table: [(Change, &str); 6] = [
        (|root| root.is_ca = IsCa::ExplicitNoCa, "it is no CA (basic constraints with CA:FALSE)"),
        (|root| (root.is_ca, root.key_usages) = (IsCa::NoCa, vec![]), "it has no basic constraints"),
        (|root| root.key_usages = vec![KeyUsagePurpose::CrlSign], "its key usage lacks keyCertSign"),
        (
            |root| root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)),
            "may have 0 issuers below it (path length), and this path has 1",
        ),
        (
            |root| root.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            "may not issue certificates for servers (extended key usage)",
        ),
        (
            |root| {
                let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
                extension.set_criticality(true);
                root.custom_extensions.push(extension);
            },
            "has a critical extension (1.2.3.4)",
        ),
    ];
    let scene = Scene::new();
    for (change, words) in table {
        let sound = Somebody::issuer("Sound Root");
        let flawed = Somebody::issuer("Flawed Root").with(change);
        let (leaf, by_flawed, by_sound) =
            (scene.leaf(), scene.intermediate.by(&flawed), scene.intermediate.by(&sound));
        let only = scene.bench.write("flawed.pem", pem(&[&flawed.by_itself()]));
        let both = scene.bench.write("both.pem", pem(&[&flawed.by_itself(), &sound.by_itself()]));
        let stand = scene.serve(&[&leaf, &by_flawed, &by_sound]);
        let outcome = scene.scan(&stand, &["--roots", &only]);
        outcome.expect("tls.trust", &stand.target(), "failed", words);
        outcome.expect("tls.trust", &stand.target(), "failed", "the root 'Flawed Root'");
        let outcome = scene.scan(&stand, &["--roots", &both]);
        outcome.expect("tls.trust", &stand.target(), "passed", "to the root 'Sound Root'");
    }
}

#[test]
fn of_two_certificates_of_a_root_the_sound_one_counts() {
    let scene = Scene::new();
    let sound = scene.root.by_itself();
    let Scene { bench, farm, root, intermediate, server, .. } = scene;
    let (leaf, middle) = (server.by(&intermediate), intermediate.by(&root));
    let flawed = root.with(|root| root.is_ca = IsCa::ExplicitNoCa).by_itself();
    let roots = bench.write("both.pem", pem(&[&flawed, &sound]));
    let stand = farm.open(Behaviour::Tls(server.presenting(&[&leaf, &middle]))).unwrap();
    let outcome = bench.scan(&[&stand.target(), "--roots", &roots]);
    outcome.expect("tls.trust", &stand.target(), "passed", "to the root 'Old Root'");
}

/// Runs `openssl` in a folder, which it leaves with what it wrote.
fn openssl(bench: &Bench, words: &str) {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(bench.path("")).output().unwrap();
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A scan of a server whose certificate the root in `root.pem` signed.
fn below_root(bench: &Bench) -> (Outcome, String) {
    bench.write("leaf.ext", "subjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth\n");
    openssl(
        bench,
        "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=shop -keyout leaf.key -out leaf.csr",
    );
    openssl(
        bench,
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -days 90 -extfile leaf.ext -out leaf.pem",
    );
    let server = Server::start(bench, &["-cert", "leaf.pem", "-key", "leaf.key"]);
    (bench.scan(&[&server.1, "--roots", "root.pem"]), server.1.clone())
}

#[test]
fn a_root_of_version_1_is_taken() {
    let bench = Bench::new();
    openssl(
        &bench,
        "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=First_Root -keyout root.key -out root.csr",
    );
    openssl(&bench, "x509 -req -in root.csr -signkey root.key -days 900 -out root.pem");
    let (outcome, target) = below_root(&bench);
    outcome.expect("tls.trust", &target, "passed", "leads directly to the root 'First_Root'");
}

#[test]
fn a_weak_root_is_called_weak() {
    let bench = Bench::new();
    openssl(
        &bench,
        "req -x509 -nodes -newkey rsa:1024 -days 900 -subj /CN=Weak_Root -keyout root.key -out root.pem",
    );
    let (outcome, target) = below_root(&bench);
    let words = "the key of the issuer 'Weak_Root' is too weak: RSA, 1024 bits";
    outcome.expect("tls.trust", &target, "failed", words);
}

#[test]
fn a_servers_own_certificate_needs_not_be_a_ca_to_be_trusted() {
    let (bench, farm) = (Bench::new(), Farm::start().unwrap());
    let server = Somebody::server().with(|server| server.is_ca = IsCa::ExplicitNoCa);
    let itself = server.by_itself();
    let roots = bench.write("itself.pem", pem(&[&itself]));
    let stand = farm.open(Behaviour::Tls(server.presenting(&[&itself]))).unwrap();
    let outcome = bench.scan(&[&stand.target(), "--roots", &roots]);
    outcome.expect("tls.trust", &stand.target(), "passed", "the certificate itself is one of them");
}

#[test]
fn an_issuer_that_is_named_in_another_encoding_is_not_called_missing() {
    let scene = Scene::new();
    let named = |value: DnValue| {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, value);
        name
    };
    let printable = DnValue::PrintableString("Issuing CA".try_into().unwrap());
    let (leaf, middle) = (scene.leaf(), scene.middle());
    let Scene { bench, farm, root, intermediate, server, roots } = scene;
    let renamed = intermediate.with(|issuer| issuer.distinguished_name = named(printable));
    let otherwise = renamed.by(&root);
    let words = "writes the name of its issuer 'Issuing CA' in another way than the issuer itself";
    let trusted = bench.write("middle.pem", pem(&[&otherwise]));
    for (chain, roots) in [(vec![&leaf, &otherwise], &roots), (vec![&leaf], &trusted)] {
        let stand = farm.open(Behaviour::Tls(server.presenting(&chain))).unwrap();
        let outcome = bench.scan(&[&stand.target(), "--roots", roots]);
        outcome.expect("tls.trust", &stand.target(), "failed", words);
        assert_eq!(outcome.not_passed(), ["tls.trust"], "nobody is told to take the issuer out");
    }
    let stand = farm.open(Behaviour::Tls(server.presenting(&[&leaf, &otherwise, &middle]))).unwrap();
    let outcome = bench.scan(&[&stand.target(), "--roots", &roots]);
    outcome.expect("tls.trust", &stand.target(), "passed", "leads over 1 intermediate");
}

#[test]
fn required_names_have_to_be_covered() {
    let scene = Scene::new();
    let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
    let with =
        |arguments: &[&str]| scene.scan(&stand, &[&["--roots", scene.roots.as_str()], arguments].concat());
    let outcome = with(&["--require-name", "localhost"]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let outcome = with(&[
        "--require-name",
        "localhost",
        "--require-name",
        "api.shop.example",
        "--require-name",
        "*.shop.example",
    ]);
    assert_eq!((outcome.code, outcome.not_passed()), (2, vec!["tls.name".to_owned()]));
    outcome.expect(
        "tls.name",
        &stand.target(),
        "failed",
        "required names are missing: api.shop.example, *.shop.example;",
    );
    let refused = scene.bench.run(&["scan", &stand.target(), "--require-name", "no host"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("required name 'no host'"));
}

#[test]
fn a_stalled_renewal_is_warned_of_before_the_lifetime_is() {
    let day = 24 * 3600;
    let left = |total: u64, left: u64| Lifetime::left(Duration::from_secs(total), Duration::from_secs(left));
    for (lifetime, expected) in [
        (left(90 * day, 26 * day), "passed"),
        (left(90 * day, 25 * day), "warned"),
        (left(day, 8 * 3600), "passed"),
        (left(day, 7 * 3600), "warned"),
    ] {
        let scene = Scene::with_server(Somebody::server().lasting(lifetime));
        let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
        let outcome = scene.look_at(&stand);
        outcome.expect("tls.renewal", &stand.target(), expected, "");
        outcome.expect("tls.lifetime", &stand.target(), "passed", "");
        assert_eq!(outcome.code, i32::from(expected == "warned"), "{:#?}", outcome.findings());
    }
    // What somebody renews by hand once a year has no such finding.
    let scene = Scene::with_server(Somebody::server().lasting(left(398 * day, 30 * day)));
    let stand = scene.serve(&[&scene.leaf(), &scene.middle()]);
    assert!(scene.look_at(&stand).of("tls.renewal").is_empty());
}

/// What this endpoint presents, judged where this root is one that browsers ship.
fn judged_as_public(root: &CertificateDer<'static>, chain: Vec<CertificateDer<'static>>) -> Vec<Finding> {
    let roots = || {
        let root = Certificate::read_only(root).unwrap();
        Arc::new(Roots::new("the test's roots", [Arc::new(root)]))
    };
    let basis = Basis::new(Timestamp::now(), Trust::new(vec![roots()], roots()));
    let observation = Observation::Reached(Capture {
        address: "127.0.0.1:443".parse().unwrap(),
        protocol: Some(Protocol::Tls13),
        chain,
        stapled: Vec::new(),
        client_certificate: ClientCertificate::NotAsked,
        afterwards: Afterwards::Nothing,
        is_confirmed: false,
        trouble: None,
    });
    let host = Host::Name("localhost".to_owned());
    endpoint::judge(&Endpoint::new(host, 443), &observation, &basis).findings
}

#[test]
fn what_browsers_trust_is_bound_by_their_caps() {
    let (root, issuer) = (Somebody::issuer("Public Root"), Somebody::issuer("Public CA"));
    let day = Duration::from_secs(86_400);
    let cap = validity_cap::cap_at(Timestamp::now() - SignedDuration::from_hours(24)).unwrap().days;
    let days_allowed = u32::try_from(cap).unwrap();
    let table =
        [(20, 1, "passed"), (days_allowed, 1, "passed"), (days_allowed, 0, "failed"), (825, 1, "failed")];
    for (days, second, expected) in table {
        let total = day * days - Duration::from_secs(second);
        let server = Somebody::server().lasting(Lifetime::left(total, total - day));
        let findings = judged_as_public(&root.by_itself(), vec![server.by(&issuer), issuer.by(&root)]);
        let found: Vec<_> =
            findings.iter().filter(|finding| finding.check.id == "tls.validity_cap").collect();
        let [finding] = found[..] else { panic!("{findings:#?}") };
        let outcome = if finding.outcome == Came::Passed { "passed" } else { "failed" };
        assert_eq!(outcome, expected, "{days} days less {second} s: {finding:#?}");
        let words = format!("{cap} days at most");
        assert!(finding.expected.starts_with(&words), "{finding:#?}");
    }
}

#[test]
fn a_chain_is_verified_once_and_an_issuer_read_once() {
    let (root, issuer) = (Somebody::issuer("Root"), Somebody::issuer("Issuing CA"));
    let read = |der: &CertificateDer<'static>| Arc::new(Certificate::read_only(der).unwrap());
    let basis = Basis::new(Timestamp::now(), Roots::new("the test's roots", [read(&root.by_itself())]));
    let (leaf, middle) = (Somebody::server().by(&issuer), issuer.by(&root));
    let verdict = |chain: &[&CertificateDer<'static>]| {
        let chain: Vec<_> = chain.iter().map(|der| read(der)).collect();
        basis.trust.verdict(&chain, basis.now)
    };
    assert!(Arc::ptr_eq(&verdict(&[&leaf, &middle]), &verdict(&[&leaf, &middle])));
    assert!(!Arc::ptr_eq(&verdict(&[&leaf, &middle]), &verdict(&[&leaf])), "another chain, another verdict");
    assert!(Arc::ptr_eq(&basis.issuer(&middle).unwrap(), &basis.issuer(&middle).unwrap()));
    assert!(basis.issuer(b"no certificate").is_err());
}

/// One tower of certificates, made once: proptest asks often.
static TOWER: LazyLock<Vec<Arc<Certificate>>> = LazyLock::new(|| {
    let people: Vec<_> = (0..5).map(|level| Somebody::issuer(&format!("CA {level}"))).collect();
    let mut chain = vec![Somebody::server().by(&people[4])];
    chain.extend((1..5).rev().map(|level| people[level].by(&people[level - 1])));
    chain.push(people[0].by_itself());
    chain.iter().map(|der| Arc::new(Certificate::read_only(der).unwrap())).collect()
});

proptest! {
    /// However a chain is shuffled, cut and repeated, the path does not care, and what it needs is never called
    /// spare.
    #[test]
    fn a_shuffled_chain_has_the_same_path(mut order in Just((1_usize..5).collect::<Vec<_>>()).prop_shuffle(), repeated in proptest::collection::vec(1_usize..6, 0..4)) {
        order.insert(0, 0);
        order.extend(repeated);
        let chain: Vec<_> = order.iter().map(|&index| Arc::clone(&TOWER[index])).collect();
        let roots = Roots::new("the test's roots", [Arc::clone(&TOWER[5])]);
        let now = Timestamp::now();
        let path = chain::judge(&chain, &roots, now).unwrap();
        let places = shape::places(&chain, &[&path]);
        prop_assert!(places[..5].iter().all(|place| *place == Place::Needed), "{:?}", places);
        prop_assert!(places[5..].iter().all(|place| matches!(place, Place::Duplicate | Place::Root)), "{:?}", places);
        let finding = shape::judge("it", &chain, &places, &[&path], now, &Thresholds::default().issuer).unwrap();
        let in_order = order[..5] == [0, 1, 2, 3, 4] && !places.contains(&Place::Duplicate);
        prop_assert_eq!(finding.outcome == Came::Passed, in_order, "{:?}", finding);
    }
}
