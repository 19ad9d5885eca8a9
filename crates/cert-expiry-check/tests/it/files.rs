//! Files, folders and patterns.

use std::{collections::BTreeSet, os::unix::fs::symlink};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, DistinguishedName, DnType, IsCa, SanType};
use rustls::pki_types::CertificateDer;
use testbed::tls_farm::{Authority, Lifetime};

use crate::{
    pki::{Somebody, pem},
    support::{Bench, Outcome, text},
};

struct Pems {
    bench: Bench,
    authority: Authority,
}

impl Pems {
    fn new() -> Self {
        Self { bench: Bench::new(), authority: Authority::new().unwrap() }
    }

    fn pem(&self, lifetime: Lifetime) -> String {
        self.authority.issue(&["shop.example"], lifetime).unwrap().leaf_only().pem()
    }

    fn good(&self) -> String {
        self.pem(Lifetime::days_left(90, 60))
    }
}

#[test]
fn pem_der_and_bundles_are_judged_certificate_by_certificate() {
    let pems = Pems::new();
    let identity = pems.authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let pem = pems.bench.write("good.pem", identity.leaf_only().pem());
    let der = pems.bench.write("good.der", &identity.chain[0]);
    let expired = pems.pem(Lifetime::expired(90, 3));
    let bundle = pems.bench.write("bundle.crt", format!("some text\n{}\n{expired}", identity.pem()));
    let outcome = pems.bench.scan(&[&pem, &der, &bundle]);
    assert_eq!(outcome.code, 2);
    outcome.expect("file.lifetime", &pem, "passed", "in 60 d");
    outcome.expect("file.lifetime", &der, "passed", "in 60 d");
    outcome.expect("file.readable", &bundle, "passed", "3 certificates");
    outcome.expect("file.lifetime", &format!("{bundle} #1"), "passed", "in 60 d");
    let issuer = outcome.one("file.lifetime", &format!("{bundle} #2"));
    assert!(issuer.expected.contains("180 d"), "an issuer is judged as one: {issuer:#?}");
    let found = outcome.one("file.lifetime", &format!("{bundle} #3"));
    assert_eq!(found.outcome, "failed");
    assert!(found.observed.contains("3 d ago"), "{found:#?}");
    let line = 1 + std::fs::read_to_string(&bundle)
        .unwrap()
        .lines()
        .take_while(|line| *line != "-----BEGIN CERTIFICATE-----")
        .count();
    assert_eq!(outcome.one("file.lifetime", &format!("{bundle} #1")).location, format!("{bundle}:{line}"));
}

/// What clients will refuse is told before anybody serves it.
#[test]
fn a_weak_key_or_signature_is_told_wherever_it_lies() {
    let Pems { bench, authority } = Pems::new();
    let life = || Lifetime::days_left(90, 60);
    let short_pair = authority.issue_for_short_key(&["shop.example"], life()).unwrap();
    let (short, short_key) = (short_pair.leaf_only().pem(), BASE64_STANDARD.encode(short_pair.key_pem()));
    let old = authority.issue_over_sha1(&["old.example"], life()).unwrap().leaf_only().pem();
    let good = authority.issue(&["shop.example"], life()).unwrap().pem();
    let [short_file, both] = [("tls/short.pem", short.clone()), ("tls/both.pem", format!("{good}{old}"))]
        .map(|(name, pem)| bench.write(name, pem));
    bench.write("le/archive/shop/cert1.pem", &short);
    let data = BASE64_STANDARD.encode(&short);
    let kubeconfig = bench.write(
        "config",
        format!(
            "kind: Config\nusers:\n- name: admin\n  user: {{client-certificate-data: {data}, client-key-data: {short_key}}}\n"
        ),
    );
    let secret = format!(
        r#"{{"kind":"Secret","type":"kubernetes.io/tls","metadata":{{"name":"a","namespace":"shop"}},"data":{{"tls.crt":"{data}"}}}}"#
    );
    let (secret, folders) =
        (bench.write("secret.json", secret), ["tls", "le"].map(|name| text(&bench.path(name))));
    let outcome = bench.scan(&[&folders[0], &folders[1], &kubeconfig, "--kubernetes", &secret]);
    let said = ["tls.key", "tls.signature"].map(|check| {
        let found = outcome.of(check).into_iter().filter(|found| found.outcome == "failed");
        found.map(|found| (found.subject, found.observed)).collect::<Vec<_>>()
    });
    let places =
        [short_file.clone(), format!("{kubeconfig}, user admin"), "secret shop/a, tls.crt".to_owned()];
    assert_eq!(
        said[0].iter().map(|(place, _)| place).collect::<BTreeSet<_>>(),
        places.iter().collect(),
        "{said:#?}"
    );
    assert!(said[0].iter().all(|(_, seen)| seen == "RSA, 1024 bits: fewer than 2048"), "{said:#?}");
    assert_eq!(said[1], [(format!("{both} #3"), "SHA-1 with RSA".to_owned())]);
    assert_eq!(outcome.one("tls.key", &short_file).location, format!("{short_file}:1"));
    // The short key is nobody's: another one stands beside its certificate.
    assert_eq!(outcome.not_passed(), ["key.match", "tls.key", "tls.signature"], "{:#?}", outcome.findings());
    outcome.expect("tls.key", "certificates in files and objects", "passed", "4 of them");
}

/// A server's chain whose issuer has a short key; and the same issuer where nobody serves it.
#[test]
fn a_weak_issuer_is_told_where_it_lies_to_be_served() {
    let bench = Bench::new();
    let openssl = |line: &str| {
        let made =
            std::process::Command::new("openssl").args(line.split(' ')).current_dir(bench.path("")).output();
        assert!(made.unwrap().status.success(), "openssl {line}");
    };
    bench.write("ca.cnf", "basicConstraints=critical,CA:TRUE\n");
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=Root -days 3650");
    openssl("req -newkey rsa:1024 -nodes -keyout weak.key -out weak.csr -subj /CN=Weak");
    openssl(
        "x509 -req -in weak.csr -CA root.pem -CAkey root.key -CAcreateserial -days 3000 -extfile ca.cnf -out weak.crt",
    );
    openssl("req -newkey rsa:2048 -nodes -keyout shop.key -out shop.csr -subj /CN=shop.example");
    openssl("x509 -req -in shop.csr -CA weak.crt -CAkey weak.key -CAcreateserial -days 90 -out shop.crt");
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    let chain = bench.write("chain.pem", read("shop.crt") + &read("weak.crt"));
    let object = |name: &str| {
        let data = BASE64_STANDARD.encode(read(name));
        format!(
            r#"{{"kind":"Secret","type":"kubernetes.io/tls","metadata":{{"name":"a","namespace":"shop"}},"data":{{"tls.crt":"{data}"}}}}"#
        )
    };
    let secret = bench.write("secret.json", object("chain.pem"));
    let outcome = bench.scan(&[&chain, "--kubernetes", &secret]);
    assert_eq!(
        (outcome.code, outcome.not_passed()),
        (2, vec!["tls.key".to_owned()]),
        "{:#?}",
        outcome.findings()
    );
    for place in [format!("{chain} #2"), "secret shop/a, tls.crt #2".to_owned()] {
        outcome.expect("tls.key", &place, "failed", "RSA, 1024 bits");
    }
    let store = bench.write("trusted.pem", read("root.pem") + &read("weak.crt"));
    assert_eq!(bench.scan(&[&store]).code, 0, "whom to trust is no chain");
}

/// As `openssl req -x509` makes them.
#[test]
fn a_server_that_is_its_own_ca_is_judged_as_a_server() {
    let bench = Bench::new();
    let server = Somebody::server().lasting(Lifetime::days_left(365, 60));
    let server = server.with(|server| server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let path = bench.write("server.pem", pem(&[&server.by_itself()]));
    let outcome = bench.scan(&[&path]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let issuer = Somebody::issuer("Our CA").lasting(Lifetime::days_left(365, 60));
    let path = bench.write("ca.pem", pem(&[&issuer.by_itself()]));
    assert_eq!(bench.scan(&[&path]).code, 1);
}

/// As `fullchain.pem` was when DST Root CA X3 ended: a server that presents it is warned of for it, not failed.
#[test]
fn an_expired_cross_sign_in_a_chain_file_is_warned_of_where_its_root_is_trusted() {
    let bench = Bench::new();
    let (root, old) = (Somebody::issuer("Our Root"), Somebody::issuer("Old Root"));
    let cross = root.by_lasting(&old, Lifetime::expired(3650, 3));
    let roots = bench.write("roots.pem", pem(&[&root.by_itself()]));
    let leaf = Somebody::server().by(&root);
    let chain = bench.write("fullchain.pem", pem(&[&leaf, &cross]));
    let outcome = bench.scan(&[&chain, "--roots", &roots]);
    assert_eq!((outcome.code, outcome.not_passed()), (1, vec!["file.lifetime".to_owned()]));
    let found = outcome.one("file.lifetime", &format!("{chain} #2"));
    assert!(found.observed.contains("3 d ago") && found.observed.contains("no path needs it"), "{found:#?}");
    assert!(found.remedy.contains(&format!("Take it out of {chain}")), "{found:#?}");
    // For those who do not trust the root itself it is needed; and by itself it is what somebody trusts.
    let others = bench.write("others.pem", pem(&[&old.by_itself()]));
    assert_eq!(bench.scan(&[&chain, "--roots", &others]).code, 2);
    let alone = bench.write("cross.pem", pem(&[&cross]));
    assert_eq!(bench.scan(&[&alone, "--roots", &roots]).code, 2);
}

/// As Debian's ca-certificates: a root that has ended lies among a hundred, and nobody's chain leads to it.
#[test]
fn a_root_that_has_ended_among_many_is_warned_of() {
    let bench = Bench::new();
    let roots: Vec<_> =
        (0..20).map(|number| Somebody::issuer(&format!("Root {number}")).by_itself()).collect();
    let ended = Somebody::issuer("Ended Root").lasting(Lifetime::expired(3650, 400)).by_itself();
    let of = |count: usize, last: &[&CertificateDer<'static>]| {
        pem(&[&roots[..count].iter().collect::<Vec<_>>()[..], last].concat())
    };
    let store = bench.write("store.pem", of(19, &[&ended]));
    let outcome = bench.scan(&[&store]);
    let found = outcome.one("file.lifetime", &format!("{store} #20"));
    assert_eq!((outcome.code, found.outcome.as_str()), (1, "warned"), "{found:#?}");
    assert!(found.observed.contains("400 d ago") && found.observed.contains("one of 20 roots"), "{found:#?}");
    // The same root in a file of its own, where such a store is trusted; and where it is not.
    let alone = bench.write("alone.pem", pem(&[&ended]));
    assert_eq!(bench.scan(&[&alone, "--roots", &store]).code, 1);
    assert_eq!(bench.scan(&[&alone, "--roots", &bench.write("few.pem", of(3, &[&ended]))]).code, 2);
    assert_eq!(bench.scan(&[&bench.write("some.pem", of(18, &[&ended]))]).code, 2);
    // What names hosts serves somebody, in whatever company.
    let server = Somebody::server().lasting(Lifetime::expired(90, 3)).by_itself();
    assert_eq!(bench.scan(&[&bench.write("mixed.pem", of(20, &[&server]))]).code, 2);
}

/// Clients and services have no host for a name.
#[test]
fn the_certificate_of_another_client_or_service_is_no_successor() {
    let bench = Bench::new();
    let authority = Somebody::issuer("Our CA");
    let client = |name: &str, uri: Option<&str>| {
        Somebody::server().with(|client| {
            client.distinguished_name = DistinguishedName::new();
            match uri {
                Some(uri) => client.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())],
                None => client.subject_alt_names.clear(),
            }
            client.distinguished_name.push(DnType::OrganizationalUnitName, name);
        })
    };
    let (alice, bob) = (client("alice", None), client("bob", None));
    let [shop, stock] = ["shop", "stock"].map(|name| client("mesh", Some(&format!("spiffe://td/{name}"))));
    for (folder, old, other) in [("people", &alice, &bob), ("services", &shop, &stock)] {
        let life = |left| Lifetime::days_left(90, left);
        let old_place =
            bench.write(&format!("{folder}/old.pem"), pem(&[&old.by_lasting(&authority, life(22))]));
        bench.write(&format!("{folder}/other.pem"), pem(&[&other.by_lasting(&authority, life(85))]));
        let path = text(&bench.path(folder));
        bench.scan(&[&path]).expect("tls.renewal", &old_place, "warned", "renewal stalled");
        // Its own successor, with the key kept.
        bench.write(&format!("{folder}/new.pem"), pem(&[&old.by_lasting(&authority, life(85))]));
        let outcome = bench.scan(&[&path]);
        assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
        let shared = outcome.of("key.shared");
        assert_eq!((shared.len(), shared[0].outcome.as_str()), (1, "passed"), "{shared:#?}");
    }
}

#[test]
fn the_days_left_do_not_jump_when_a_certificate_ends() {
    let pems = Pems::new();
    let days = |outcome: &Outcome| -> f64 {
        let measured = outcome.record["measurements"].as_array().unwrap();
        let days = measured.iter().find(|one| one["metric"] == "earliest_expiry_days_left").unwrap();
        days["value"].as_str().unwrap().parse().unwrap()
    };
    pems.bench.write("live/good.pem", pems.good());
    pems.bench.write("archive/shop/cert1.pem", pems.pem(Lifetime::expired(90, 30)));
    pems.bench.write("archive/shop/cert2.pem", pems.good());
    let outcome = pems.bench.scan(&["live", "archive"]);
    assert_eq!((outcome.code, days(&outcome).round()), (0, 60.0), "an archive is history");
    pems.bench.write("live/old.pem", pems.pem(Lifetime::expired(90, 3)));
    let outcome = pems.bench.scan(&["live", "archive"]);
    assert_eq!((outcome.code, days(&outcome).round()), (2, -3.0));
}

#[test]
fn what_was_put_aside_is_not_judged_once_its_successor_lies_there() {
    let Pems { bench, authority } = Pems::new();
    let issue = |lifetime| authority.issue(&["shop.example"], lifetime).unwrap().pem();
    let places = ["tls/old/shop.pem", "tls/shop.pem.bak"];
    for place in places {
        bench.write(place, issue(Lifetime::expired(90, 5)));
    }
    let alone = bench.scan(&["tls"]);
    for place in places {
        alone.expect("file.lifetime", &format!("{place} #1"), "failed", "5 d ago");
    }
    bench.write("tls/shop.pem", issue(Lifetime::days_left(90, 60)));
    let outcome = bench.scan(&["tls"]);
    assert_eq!((outcome.code, outcome.not_passed()), (0, vec!["file.lifetime".to_owned()]));
    let words = "its path says that it is only kept for the record, and tls/shop.pem #1 followed it";
    for place in places {
        outcome.expect("file.lifetime", &format!("{place} #1"), "not_checked_optional", words);
    }
    let measured = outcome.record["measurements"].as_array().unwrap();
    let days = measured.iter().find(|one| one["metric"] == "earliest_expiry_days_left").unwrap();
    let days: f64 = days["value"].as_str().unwrap().parse().unwrap();
    assert_eq!(days.round(), 60.0);
    // Another service's, in a folder of that name.
    let other = authority.issue(&["b.example"], Lifetime::expired(90, 5)).unwrap().pem();
    bench.write("tls/old/other.pem", other);
    let outcome = bench.scan(&["tls"]);
    assert_eq!(outcome.code, 2);
    outcome.expect("file.lifetime", "tls/old/other.pem #1", "failed", "5 d ago");
}

#[test]
fn every_broken_file_is_named_and_none_hides_the_good_one() {
    let pems = Pems::new();
    let good = pems.good();
    let noise: Vec<u8> = (0..4000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let damaged = good.replacen("MII", "M*I", 1);
    let table = [
        ("truncated.pem", good.as_bytes()[..good.len() / 2].to_vec(), "file.certificate", "it is truncated"),
        ("damaged.pem", damaged.into_bytes(), "file.certificate", "its base64 is damaged"),
        (
            "one-line.pem",
            good.trim().replace('\n', "\\n").into_bytes(),
            "file.certificate",
            "its line ends were lost",
        ),
        ("empty.pem", Vec::new(), "file.readable", "the file is empty"),
        ("noise.bin", noise, "file.readable", "neither PEM nor DER"),
        ("words.txt", b"nothing here".to_vec(), "file.readable", "text without a PEM certificate"),
        (
            "cut.p12",
            b"\x30\x82\x01\x00\x02\x01\x03\x30\x00".to_vec(),
            "file.certificate",
            "a damaged PKCS#12 store",
        ),
        ("cut.jks", b"\xfe\xed\xfe\xed\x00\x00".to_vec(), "file.certificate", "a damaged Java key store"),
        (
            "cut.p7b",
            b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02".to_vec(),
            "file.certificate",
            "a damaged PKCS#7 message",
        ),
        (
            "key.pem",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec(),
            "file.readable",
            "it holds only PRIVATE KEY",
        ),
    ];
    let mut arguments = vec![pems.bench.write("good.pem", &good)];
    for (name, content, ..) in &table {
        arguments.push(pems.bench.write(name, content));
    }
    let outcome = pems.bench.scan(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(outcome.code, 2);
    outcome.expect("file.lifetime", &arguments[0], "passed", "");
    for (name, _, check, words) in table {
        outcome.expect(check, &text(&pems.bench.path(name)), "failed", words);
    }
}

#[test]
fn what_cannot_be_looked_at_is_not_taken_for_a_pass() {
    let pems = Pems::new();
    let missing = text(&pems.bench.path("missing.pem"));
    let outcome = pems.bench.scan(&[&missing]);
    assert_eq!(outcome.code, 2);
    outcome.expect("file.readable", &missing, "failed", "there is no such file");
    // A file that opens, and cannot be read.
    let outcome = pems.bench.scan(&["/proc/self/mem"]);
    assert_eq!(outcome.code, 3);
    outcome.expect("file.readable", "/proc/self/mem", "inconclusive", "cannot be read");
    let outcome = pems.bench.scan(&["/dev/null"]);
    assert_eq!(outcome.code, 3);
    outcome.expect("file.readable", "/dev/null", "inconclusive", "a device, not a file");
    let huge = ["huge.pem", "huge.p12", "huge.jks", "huge.p7b", "huge.crl"].map(|name| {
        std::fs::File::create(pems.bench.path(name)).unwrap().set_len(1 << 30).unwrap();
        text(&pems.bench.path(name))
    });
    let outcome = pems.bench.scan(&huge.each_ref().map(String::as_str));
    assert_eq!(outcome.code, 3);
    for path in &huge {
        outcome.expect("file.readable", path, "not_checked", "larger than 64 MiB");
    }
}

#[test]
fn a_folder_is_searched_to_the_bottom_and_other_files_are_passed_over() {
    let pems = Pems::new();
    pems.bench.write("tls/a/b/deep.pem", pems.good());
    pems.bench.write("tls/README.md", "not a certificate");
    pems.bench.write("tls/key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    symlink(pems.bench.path("tls"), pems.bench.path("tls/a/b/up")).unwrap();
    let folder = text(&pems.bench.path("tls"));
    let outcome = pems.bench.scan(&[&folder]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("files.found", &folder, "passed", "1 file, 2 files of other kinds");
    assert_eq!(outcome.of("file.lifetime").len(), 1);
    pems.bench.write("tls/a/tls.crt", "");
    let outcome = pems.bench.scan(&[&folder]);
    outcome.expect("file.readable", &format!("{folder}/a/tls.crt"), "failed", "the file is empty");
}

#[test]
fn a_pattern_is_expanded_and_one_that_yields_nothing_is_inconclusive() {
    let pems = Pems::new();
    pems.bench.write("a/one.pem", pems.good());
    pems.bench.write("b/two.pem", pems.good());
    pems.bench.write("b/two.txt", "");
    let outcome = pems.bench.scan(&["*/*.pem"]);
    assert_eq!((outcome.code, outcome.of("file.lifetime").len()), (0, 2), "{:#?}", outcome.findings());
    outcome.expect("files.found", "*/*.pem", "passed", "2 files");
    std::fs::create_dir(pems.bench.path("empty")).unwrap();
    for (target, words) in [("*.crt", "none"), ("empty", "none"), ("b/*.txt", "none, 1 file of another kind")]
    {
        let outcome = pems.bench.scan(&[target, "a/one.pem"]);
        assert_eq!(outcome.code, 3, "{target}");
        outcome.expect("files.found", target, "inconclusive", words);
    }
}

#[test]
fn a_file_that_several_targets_lead_to_is_looked_at_once() {
    let pems = Pems::new();
    let pem = pems.bench.write("tls/shop.pem", pems.good());
    let empty = pems.bench.write("tls/empty.txt", "");
    let folder = text(&pems.bench.path("tls"));
    let outcome = pems.bench.scan(&[&folder, &pem, "tls", "tls/*.pem"]);
    assert_eq!((outcome.code, outcome.of("file.lifetime").len()), (0, 1), "{:#?}", outcome.findings());
    let outcome = pems.bench.scan(&[&folder, &empty]);
    assert_eq!(outcome.code, 2, "a file that is named is judged as such");
    outcome.expect("file.readable", &empty, "failed", "the file is empty");
}

#[test]
fn a_pipe_in_a_folder_does_not_hold_up_the_run_and_a_named_one_is_read() {
    let pems = Pems::new();
    pems.bench.write("tls/good.pem", pems.good());
    let pipe = pems.bench.path("tls/pipe.pem");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let folder = text(&pems.bench.path("tls"));
    let outcome = pems.bench.scan(&[&folder]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let (writer, pem) = (pipe.clone(), pems.good());
    let writing = std::thread::spawn(move || std::fs::write(writer, pem).unwrap());
    let outcome = pems.bench.scan(&[&text(&pipe)]);
    writing.join().unwrap();
    outcome.expect("file.lifetime", &text(&pipe), "passed", "");
    // Nobody writes into it: the deadline ends the wait.
    let outcome = pems.bench.scan(&[&text(&pipe), "--timeout", "1s"]);
    assert_eq!(outcome.code, 3);
    outcome.expect("file.readable", &text(&pipe), "not_checked", "deadline");
}

/// OpenSSL says of each what servers would.
#[test]
fn what_openssl_refuses_is_no_pass() {
    let pems = Pems::new();
    let good = loop {
        let good = pems.good();
        if good.contains('=') {
            break good;
        }
    };
    let table = [
        ("good", good.clone(), "passed", ""),
        ("vertical-tabs", good.replace('\n', "\u{b}\n"), "passed", ""),
        ("no-break-spaces", good.replace('\n', "\u{a0}\n"), "passed", ""),
        ("macintosh", good.replace('\n', "\r"), "failed", "a carriage return alone"),
        ("unpadded", good.replace('=', ""), "failed", "the = at the end of its base64 is missing"),
        ("header", good.replacen("\n", "\nComment: x\n", 1), "warned", "headers stand before its base64"),
        ("headers", good.replacen("\n", "\nComment: x\n\n", 1), "warned", "headers stand before its base64"),
        ("colon", good.replace("\n-----END", "\nfoo: bar\n-----END"), "failed", "a line with a colon"),
        ("blanks", good.replace(" CERT", "  CERT"), "failed", "blanks too many"),
        ("blank", good.replace("E--", "E --"), "failed", "blanks too many"),
        ("four-dashes", good.replacen("E-----", "E----", 1), "failed", "does not end in five dashes"),
    ];
    for (name, content, outcome, observed) in table {
        let path = pems.bench.write(&format!("{name}/shop.pem"), content);
        let read = std::process::Command::new("openssl").args(["x509", "-noout", "-in", &path]).output();
        assert_eq!(read.unwrap().status.success(), outcome == "passed", "{name}");
        let found = pems.bench.scan(&[&path]);
        match outcome {
            "passed" => assert_eq!(found.code, 0, "{name}: {:#?}", found.findings()),
            _ => found.expect("file.certificate", &path, outcome, observed),
        }
    }
}

/// A folder is searched for what the names of its files promise.
#[test]
fn a_certificate_with_a_misspelt_label_is_not_passed_over() {
    let pems = Pems::new();
    pems.bench.write("tls/good.pem", pems.good());
    pems.bench.write("tls/dh.pem", "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n");
    pems.bench.write("tls/notes.txt", pems.good().replace("CERTIFICATE", "CERT"));
    assert_eq!(pems.bench.scan(&["tls"]).code, 0);
    for label in ["CERT", "PKCS12"] {
        pems.bench.write("tls/bad.pem", pems.good().replace("CERTIFICATE", label));
        let outcome = pems.bench.scan(&["tls"]);
        assert_eq!(outcome.code, 2, "{label}");
        outcome.expect("file.readable", "tls/bad.pem", "failed", &format!("it holds only {label}"));
    }
}

#[test]
fn a_key_that_no_server_reads_is_told_beside_its_certificate() {
    let pems = Pems::new();
    let identity = pems.authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    pems.bench.write("tls/shop.crt", identity.leaf_only().pem());
    let key = identity.key_pem();
    for (content, observed) in [
        (String::new(), "the file is empty"),
        ("junk".to_owned(), "it is text"),
        (key.lines().map(|line| format!("  {line}\n")).collect(), "blanks stand before its BEGIN"),
        (key.replace('\n', "\r"), "a carriage return alone"),
        (identity.leaf_only().pem(), "it holds a certificate and no key"),
    ] {
        let path = pems.bench.write("tls/shop.key", content);
        let outcome = pems.bench.scan(&["tls"]);
        assert_eq!(outcome.code, 2, "{observed}");
        let subject =
            path.strip_prefix(&format!("{}/", text(&pems.bench.path("")).trim_end_matches('/'))).unwrap();
        outcome.expect("key.match", subject, "failed", observed);
    }
    for content in [key, "$ANSIBLE_VAULT;1.1;AES256\n6162\n".to_owned()] {
        pems.bench.write("tls/shop.key", content);
        let outcome = pems.bench.scan(&["tls"]);
        assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    }
    pems.bench.write("tls/other.key", "a token of another service");
    assert_eq!(pems.bench.scan(&["tls"]).code, 0, "no certificate lies beside it");
}

#[test]
fn what_servers_do_not_read_is_told_although_we_read_it() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let made = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
    let (leaf, chain) = (made.leaf_only().pem(), made.pem());
    let joined = bench.write("joined.pem", format!("{}{chain}", leaf.trim_end()));
    let indented = bench.write("indented.pem", leaf.replace('\n', "\n  ").replacen("--", "  --", 1));
    let blank = bench.write("blank.crt", leaf.replace("-----END", "\n-----END"));
    let yaml = bench.write("values.yaml", format!("tls: |\n  {}", leaf.trim_end().replace('\n', "\n  ")));
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(leaf.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let utf16 = bench.write("utf16.pem", utf16);
    let twice = bench.write("twice.pem", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\n");
    let outcome = bench.scan(&[&joined, &indented, &blank, &yaml, &utf16, &twice]);
    let words = "a line end is missing between two blocks";
    let damaged = outcome.of("file.certificate");
    assert!(damaged.iter().any(|found| found.subject.starts_with(&joined) && found.observed.contains(words)));
    outcome.expect("file.certificate", &indented, "failed", "OpenSSL (nginx, Apache, curl) and Go");
    outcome.expect("file.certificate", &blank, "warned", "a blank line stands in its base64");
    outcome.expect("file.readable", &utf16, "failed", "UTF-16, as PowerShell writes it");
    outcome.expect("file.readable", &twice, "failed", "decode it with `base64 -d`");
    // Its lifetime is judged all the same; in YAML, blanks are no fault.
    for path in [&indented, &blank, &yaml] {
        outcome.expect("file.lifetime", path, "passed", "lifetime 90 d");
    }
    assert!(damaged.iter().all(|found| !found.subject.starts_with(&yaml)), "{damaged:#?}");
}
