//! kubeconfig files, named and found.

use base64::{Engine, prelude::BASE64_STANDARD};
use testbed::tls_farm::{Authority, Identity, Lifetime};

use crate::support::Bench;

fn base64(text: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(text)
}

fn key_pem(identity: &Identity) -> String {
    let digits = base64(identity.key().secret_der());
    format!("-----BEGIN PRIVATE KEY-----\n{digits}\n-----END PRIVATE KEY-----\n")
}

fn client(authority: &Authority, days: u64) -> Identity {
    authority.issue(&["admin"], Lifetime::days_left(365, days)).unwrap().leaf_only()
}

/// One cluster, and one user with this certificate and this key.
fn config(authority: &Authority, user: &Identity, key: &Identity) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters:\n- name: prod\n  cluster:\n    server: https://api.example:6443\n    \
         certificate-authority-data: {}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n\
         - name: robot\n  user:\n    token: hunter2\n",
        base64(authority.root_pem()),
        base64(user.pem()),
        base64(key_pem(key)),
    )
}

#[test]
fn clusters_and_users_of_a_kubeconfig_are_judged() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let user = client(&authority, 3);
    let path = bench.write(".kube/config", config(&authority, &user, &user));
    let folder = bench.path(".kube").display().to_string();
    for target in [&path, &folder] {
        let outcome = bench.scan(&[target]);
        assert_eq!(outcome.code, 2);
        outcome.expect("file.readable", &path, "passed", "a kubeconfig with 2 certificates");
        outcome.expect("file.lifetime", &format!("{path}, user admin"), "failed", "in 3 d");
        let remedy = outcome.one("file.lifetime", &format!("{path}, user admin")).remedy;
        assert!(remedy.ends_with(&format!("put it and its key into {path}, user admin.")), "{remedy}");
        outcome.expect("file.lifetime", &format!("{path}, cluster prod"), "passed", "");
        assert!(outcome.one("file.lifetime", &format!("{path}, cluster prod")).expected.contains("180 d"));
        for written in [&outcome.stdout, &outcome.stderr, &std::fs::read_to_string(bench.evidence()).unwrap()]
        {
            assert!(!written.contains("hunter2") && !written.contains(&base64(key_pem(&user))[60..120]));
        }
    }
}

#[test]
fn a_key_that_belongs_to_another_certificate_is_found() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let (user, other) = (client(&authority, 300), client(&authority, 300));
    let path = bench.write("config", config(&authority, &user, &other));
    let outcome = bench.scan(&[&path]);
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.not_passed(), ["key.match"]);
    let path = bench.write("config", config(&authority, &user, &user));
    let outcome = bench.scan(&[&path]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    assert_eq!(outcome.of("key.match").len(), 1);
}

/// Clients refuse a user whose certificate has no key.
#[test]
fn a_user_with_a_certificate_needs_a_key() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let user = client(&authority, 300);
    bench.write("junk.key", "junk");
    bench.write("user.key", key_pem(&user));
    std::fs::create_dir(bench.path("closed.key")).unwrap();
    let certificate = base64(user.pem());
    for (key, outcome, observed) in [
        ("", "failed", "there is neither client-key-data nor client-key"),
        ("client-key-data: anVuaw==", "failed", "it is text without a PEM certificate"),
        ("client-key-data: '!'", "failed", "its base64 is damaged"),
        ("client-key: gone.key", "failed", "gone.key: there is no such file"),
        ("client-key: junk.key", "failed", "junk.key: it is text without a PEM certificate"),
        ("client-key: closed.key", "not_checked_optional", "closed.key: cannot be read"),
        ("client-key: user.key", "", ""),
    ] {
        let lines = format!(
            "kind: Config\nusers:\n- name: u\n  user:\n    client-certificate-data: {certificate}\n    {key}\n"
        );
        let path = bench.write("config", lines);
        let found = bench.scan(&[&path]);
        let subject = format!("{path}, user u, client key");
        if outcome.is_empty() {
            assert_eq!(found.code, 0, "{:#?}", found.findings());
            assert_eq!(found.one("key.match", &subject).outcome, "passed");
            continue;
        }
        assert_eq!(found.code, if outcome == "failed" { 2 } else { 0 }, "{key}: {:#?}", found.findings());
        found.expect("file.readable", &subject, outcome, observed);
    }
}

#[test]
fn files_that_a_kubeconfig_refers_to_are_read_from_beside_it() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let user = client(&authority, 300);
    bench.write("kube/pki/user.crt", user.pem());
    bench.write("kube/pki/user.key", key_pem(&user));
    let yaml = "kind: Config\nclusters:\n- name: c\n  cluster: {certificate-authority: pki/gone.crt}\n\
                users:\n- name: u\n  user: {client-certificate: pki/user.crt, client-key: pki/user.key}\n";
    let path = bench.write("kube/config", yaml);
    let outcome = bench.scan(&[&path]);
    assert_eq!(outcome.code, 2);
    outcome.expect("file.lifetime", &format!("{path}, user u"), "passed", "in 300 d");
    assert_eq!(outcome.of("key.match").len(), 1, "{:#?}", outcome.findings());
    outcome.expect(
        "file.readable",
        &format!("{path}, cluster c"),
        "failed",
        "pki/gone.crt: there is no such file",
    );
}

#[test]
fn a_broken_kubeconfig_is_told_by_its_place_and_without_its_words() {
    let bench = Bench::new();
    let path = bench.write("config", "kind: Config\nusers:\n- name: a\n  user: {token: hunter2]\n");
    let outcome = bench.scan(&[&path]);
    assert_eq!(outcome.code, 2);
    outcome.expect("file.readable", &path, "failed", "line 4, column");
    assert!(outcome.one("file.readable", &path).location.ends_with(":4"));
    let damaged = bench
        .write("damaged", "kind: Config\nusers:\n- name: a\n  user: {client-certificate-data: hunter2!}\n");
    let found = bench.scan(&[&damaged]);
    found.expect("file.certificate", &format!("{damaged}, user a"), "failed", "its base64 is damaged");
    for written in [outcome.stdout, outcome.stderr, found.stdout, found.stderr] {
        assert!(!written.contains("hunter2"), "{written}");
    }
}

#[test]
fn a_kubeconfig_without_certificates_is_no_pass_when_it_is_named() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let path = bench.write("kube/config", "kind: Config\nusers:\n- name: a\n  user: {token: hunter2}\n");
    bench.write("kube/good.pem", client(&authority, 300).pem());
    let outcome = bench.scan(&[&path]);
    assert_eq!(outcome.code, 3);
    outcome.expect("file.readable", &path, "not_checked", "without a certificate");
    let folder = bench.path("kube").display().to_string();
    assert_eq!(bench.scan(&[&folder]).code, 0, "it merely lies there");
}

#[test]
fn the_environments_kubeconfig_is_not_read_unasked() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let path =
        bench.write("secret/config", config(&authority, &client(&authority, 3), &client(&authority, 3)));
    let good = bench.write("good.pem", client(&authority, 300).pem());
    let mut scan = bench.scan_command(&[&good]);
    let outcome = crate::support::Outcome::read(
        &scan.env("KUBECONFIG", &path).env("HOME", bench.path("")).output().unwrap(),
    );
    assert_eq!(outcome.code, 0);
    let spoken_of = ["certificates in files", "certificates in files and objects", &good];
    assert!(
        outcome.findings().iter().all(|found| spoken_of.contains(&found.subject.as_str())),
        "{:#?}",
        outcome.findings()
    );
}
