//! Kubernetes objects, as `kubectl get … -o json` prints them.

use std::{
    io::Write,
    process::{Child, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use testbed::tls_farm::{Authority, Behaviour, Farm, Identity, Lifetime};

use crate::support::{Bench, Outcome};

fn base64(text: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(text)
}

/// A Secret of the type kubernetes.io/tls, with its keys in the order in which kubectl prints them.
fn tls_secret(namespace: &str, name: &str, pem: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "data": { "tls.crt": base64(pem) },
        "kind": "Secret",
        "metadata": { "name": name, "namespace": namespace, "annotations": { "note": "hunter2" } },
        "type": "kubernetes.io/tls",
    })
}

/// The same with the certificate's own key.
fn tls_secret_with_key(namespace: &str, name: &str, identity: &Identity) -> Value {
    let mut secret = tls_secret(namespace, name, &identity.pem());
    let key = base64(identity.key().secret_der());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
    secret["data"]["tls.key"] = base64(pem).into();
    secret
}

fn list(items: &[Value]) -> String {
    json!({ "apiVersion": "v1", "items": items, "kind": "List", "metadata": {} }).to_string()
}

fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = bench.scan_command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn scan_piped(bench: &Bench, arguments: &[&str], text: &str) -> Outcome {
    let mut child = start(bench, arguments);
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Outcome::read(&child.wait_with_output().unwrap())
}

fn good(authority: &Authority) -> Identity {
    authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap()
}

#[test]
fn secrets_config_maps_and_bundles_are_judged_by_name() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let expired = authority.issue(&["old.example"], Lifetime::expired(90, 3)).unwrap().leaf_only().pem();
    let text = list(&[
        tls_secret_with_key("shop", "shop-tls", &good(&authority)),
        tls_secret("shop", "old", &expired),
        tls_secret("shop", "two", &(good(&authority).leaf_only().pem() + &expired)),
        json!({ "kind": "ConfigMap", "metadata": { "name": "root", "namespace": "shop" }, "data": { "ca.crt": authority.root_pem() } }),
        json!({ "kind": "MutatingWebhookConfiguration", "metadata": { "name": "hook" },
            "webhooks": [{ "name": "a.hook", "clientConfig": { "caBundle": base64(authority.root_pem()) } }, { "name": "b.hook", "clientConfig": { "caBundle": "Cg==" } }] }),
        json!({ "kind": "Pod", "metadata": { "name": "p", "namespace": "shop" }, "spec": {} }),
    ]);
    let outcome = scan_piped(&bench, &["--kubernetes", "-"], &text);
    assert_eq!(outcome.code, 2);
    outcome.expect(
        "kubernetes.readable",
        "standard input",
        "passed",
        "7 certificates in 5 of 6 objects; kinds that are not looked into: Pod 1",
    );
    outcome.expect("kubernetes.lifetime", "secret shop/shop-tls, tls.crt", "passed", "in 60 d");
    outcome.expect("kubernetes.lifetime", "secret shop/old, tls.crt", "failed", "3 d ago");
    let remedy = outcome.one("kubernetes.lifetime", "secret shop/old, tls.crt").remedy;
    assert!(remedy.contains("at once, put it into secret shop/old, tls.crt"), "{remedy}");
    outcome.expect("kubernetes.lifetime", "secret shop/two, tls.crt #2", "failed", "3 d ago");
    outcome.expect(
        "kubernetes.certificate",
        "mutatingwebhookconfiguration hook, webhook b.hook",
        "failed",
        "it is empty",
    );
    let issuers: Vec<_> = outcome
        .of("kubernetes.lifetime")
        .into_iter()
        .filter(|found| found.subject.starts_with("issuer"))
        .collect();
    assert_eq!(issuers.len(), 2, "each issuer once: {issuers:#?}");
    let root = issuers.iter().find(|found| found.subject.contains("Root")).unwrap();
    assert!(
        root.observed
            .ends_with("in configmap shop/root, ca.crt; mutatingwebhookconfiguration hook, webhook a.hook"),
        "{root:#?}"
    );
}

#[test]
fn a_renewed_secret_and_an_endpoint_that_was_not_reloaded_disagree() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let old = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 5)).unwrap();
    let new = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 80)).unwrap();
    let stand = farm.open(Behaviour::Tls(old)).unwrap();
    let document = bench.write("secrets.json", tls_secret_with_key("shop", "shop-tls", &new).to_string());
    let outcome = bench.scan(&[&stand.target(), "--kubernetes", &document, "--roots", &roots]);
    assert_eq!(outcome.code, 2);
    outcome.expect("tls.agreement", &stand.target(), "failed", "still serve the old one");
    let found = outcome.one("tls.agreement", &stand.target());
    assert!(found.expected.contains("secret shop/shop-tls, tls.crt"), "{found:#?}");
}

/// A PKCS#12 store with a password, as cert-manager writes one beside the certificate.
fn closed_store(bench: &Bench, identity: &Identity) -> Vec<u8> {
    let certificate = bench.write("store.crt", identity.leaf_only().pem());
    let out = bench.path("store.p12");
    let made = std::process::Command::new("openssl")
        .args(["pkcs12", "-export", "-nokeys", "-in", &certificate, "-passout", "pass:hunter2", "-out"])
        .arg(&out)
        .status();
    assert!(made.unwrap().success());
    std::fs::read(out).unwrap()
}

#[test]
fn a_store_that_stays_closed_matters_only_where_nothing_shows_the_certificate() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let identity = good(&authority);
    let store = base64(closed_store(&bench, &identity));
    let mut beside = tls_secret("shop", "beside", &identity.pem());
    beside["data"]["keystore.p12"] = store.clone().into();
    let alone = json!({ "kind": "Secret", "type": "Opaque", "metadata": { "name": "alone", "namespace": "shop" }, "data": { "keystore.p12": store } });
    let outcome = scan_piped(&bench, &["--kubernetes", "-"], &beside.to_string());
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    let subject = "secret shop/beside, keystore.p12";
    outcome.expect(
        "kubernetes.certificate",
        subject,
        "not_checked_optional",
        "the certificates beside it are judged",
    );
    let outcome = scan_piped(&bench, &["--kubernetes", "-"], &alone.to_string());
    assert_eq!(outcome.code, 3);
    outcome.expect("kubernetes.certificate", "secret shop/alone, keystore.p12", "not_checked", "");
    let passwords = bench.write("passwords", "hunter2\n");
    let outcome =
        scan_piped(&bench, &["--kubernetes", "-", "--store-password-file", &passwords], &alone.to_string());
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    assert_eq!(outcome.of("kubernetes.lifetime").len(), 1);
}

#[test]
fn a_key_that_belongs_to_another_certificate_is_found_in_a_secret() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let mut secret = tls_secret_with_key("shop", "mixed", &good(&authority));
    secret["data"]["tls.crt"] = base64(good(&authority).pem()).into();
    let outcome = scan_piped(&bench, &["--kubernetes", "-"], &secret.to_string());
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.one("key.match", "secret shop/mixed, tls.key").outcome, "failed");
}

#[test]
fn a_self_signed_server_certificate_in_a_secret_stands_for_its_server() {
    let bench = Bench::new();
    let folder = bench.path("");
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "90",
            "-subj",
            "/CN=shop",
        ])
        .args(["-addext", "subjectAltName=DNS:shop.example", "-keyout", "k.pem", "-out", "c.pem"])
        .current_dir(&folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let pem = std::fs::read_to_string(folder.join("c.pem")).unwrap();
    let outcome = scan_piped(&bench, &["--kubernetes", "-"], &tls_secret("shop", "own", &pem).to_string());
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    assert!(outcome.one("kubernetes.lifetime", "secret shop/own, tls.crt").expected.contains("21 d"));
}

#[test]
fn nothing_of_a_key_or_of_another_secret_is_written_anywhere() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let mut secret = tls_secret_with_key("shop", "shop-tls", &good(&authority));
    let key = secret["data"]["tls.key"].as_str().unwrap()[80..140].to_owned();
    secret["data"]["other.key"] =
        base64("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n").into();
    let opaque = json!({ "kind": "Secret", "type": "Opaque", "metadata": { "name": "db", "namespace": "shop" },
        "data": { "password": base64("hunter2"), "broken": "hunter2", "odd": ["hunter2"] } });
    for text in [
        list(&[secret.clone(), opaque.clone()]),
        format!("{secret}{opaque}hunter2"),
        format!("{secret}\n\"hunter2\""),
        format!("{secret}{{\"items\":\"hunter2\"}}"),
    ] {
        let outcome =
            scan_piped(&bench, &["--kubernetes", "-", "--verbose", "--format", "text=out.txt"], &text);
        let evidence: String = std::fs::read_dir(bench.path(""))
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
            .collect();
        assert!(evidence.contains("kubernetes.lifetime"));
        let written = format!("{}{}{evidence}", outcome.stdout, outcome.stderr);
        for hidden in ["hunter2", &base64("hunter2"), "BEGIN", "LS0tLS1CRUdJTiBQUk", &key] {
            assert!(!written.contains(hidden), "{hidden} in {written}");
        }
    }
}

#[test]
fn what_cannot_be_read_or_holds_nothing_is_no_pass() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let secret = tls_secret("shop", "a", &good(&authority).pem()).to_string();
    for (text, words) in [
        (String::new(), "no object at all"),
        (list(&[]), "no object at all"),
        ("Error from server (Forbidden)".to_owned(), "line 1, column 1: expected value"),
        (
            format!("{{\n\"items\":[\n{secret},\n{}", &secret[..100]),
            "line 4, column 100: it ends in the middle; what came before it was looked at: 1 object",
        ),
    ] {
        let outcome = scan_piped(&bench, &["--kubernetes", "-"], &text);
        assert_eq!(outcome.code, 3, "{text}");
        outcome.expect("kubernetes.readable", "standard input", "inconclusive", words);
    }
    let missing = bench.path("missing.json").display().to_string();
    let outcome = bench.scan(&["--kubernetes", &missing]);
    assert_eq!(outcome.code, 2);
    outcome.expect("kubernetes.readable", &missing, "failed", "there is no such file");
    let both = bench.run(&["scan", "--kubernetes", "-", "--targets", "-"]);
    assert_eq!(both.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&both.stderr).contains("read once"));
}

#[test]
fn whoever_never_ends_the_list_is_cut_off_by_the_deadline() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let mut child = start(&bench, &["--kubernetes", "-", "--timeout", "1s"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(tls_secret("shop", "a", &good(&authority).pem()).to_string().as_bytes()).unwrap();
    let outcome = Outcome::read(&child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(outcome.code, 3);
    outcome.expect("kubernetes.readable", "standard input", "not_checked", "deadline");
    outcome.expect("kubernetes.lifetime", "secret shop/a, tls.crt", "passed", "");
}

#[test]
fn ten_thousand_secrets_need_little_more_memory_than_one() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let mut secret = tls_secret("shop", "a", &good(&authority).leaf_only().pem());
    secret["metadata"]["annotations"]["filler"] = "x".repeat(5000).into();
    let secret = secret.to_string();
    let mut child = start(&bench, &["--kubernetes", "-"]);
    let mut stdin = std::io::BufWriter::new(child.stdin.take().unwrap());
    stdin.write_all(b"{\"items\":[").unwrap();
    for _ in 0..10_000 {
        stdin.write_all(secret.as_bytes()).unwrap();
        stdin.write_all(b",").unwrap();
    }
    stdin.write_all(secret.as_bytes()).unwrap();
    stdin.flush().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    stdin.write_all(b"]}").unwrap();
    drop(stdin);
    let outcome = Outcome::read(&child.wait_with_output().unwrap());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let counts = outcome.record["counts"].as_array().unwrap();
    let lifetimes = counts.iter().find(|count| count["check"] == "kubernetes.lifetime").unwrap();
    assert_eq!(lifetimes["passed"], 10_001);
    let document = secret.len() * 10_001 / 1024;
    assert!(peak < 32 * 1024 && document > 50 * 1024, "{peak} KiB for a document of {document} KiB");
}
