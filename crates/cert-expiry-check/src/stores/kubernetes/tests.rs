//! Lists, single objects and rows of documents; every kind that keeps certificates; whatever breaks.

use std::io::{self, Read};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use proptest::prelude::*;

use super::*;

fn pem() -> String {
    let made = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()]).unwrap();
    let digits = BASE64.encode(made.cert.der());
    format!("-----BEGIN CERTIFICATE-----\n{digits}\n-----END CERTIFICATE-----\n")
}

/// Every object as `place: name=what, …`, and how the reading ended.
fn shown(json: &str) -> (Vec<String>, Option<String>) {
    let mut objects = Vec::new();
    let ended = read(json.as_bytes(), &Passwords::default(), &mut |object| {
        let values = object.values.iter().map(|value| {
            let what = match &value.content {
                Content::Holds(contents) => {
                    let all = contents.certificates.len();
                    let good = contents.certificates.iter().filter(|entry| entry.certificate.is_ok()).count();
                    match (&contents.closed, contents.keys.len()) {
                        (Some(_), _) => format!("closed{}", if value.is_copy { ", a copy" } else { "" }),
                        (None, 1) => "a key".to_owned(),
                        (None, _) => format!("{good} of {all}"),
                    }
                }
                Content::Nothing(why) => why.clone(),
            };
            format!("{}={what}", value.name)
        });
        objects.push(format!("{}: {}", object.place, values.collect::<Vec<_>>().join(", ")));
        true
    });
    (objects, ended.err().map(|broken| broken.to_string()))
}

fn tls_secret(namespace: &str, name: &str, pem: &str) -> String {
    let (certificate, key) =
        (BASE64.encode(pem), BASE64.encode("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    format!(
        r#"{{"apiVersion":"v1","data":{{"tls.crt":"{certificate}","tls.key":"{key}"}},"kind":"Secret",
        "metadata":{{"annotations":{{"x":"y"}},"name":"{name}","namespace":"{namespace}"}},"type":"kubernetes.io/tls"}}"#
    )
}

#[test]
fn lists_objects_and_documents_in_a_row_are_read() {
    let (a, b) = (tls_secret("shop", "a", &pem()), tls_secret("shop", "b", &(pem() + &pem())));
    let wanted =
        ["secret shop/a: tls.crt=1 of 1, tls.key=a key", "secret shop/b: tls.crt=2 of 2, tls.key=a key"];
    for json in [
        format!(r#"{{"apiVersion":"v1","items":[{a},{b}],"kind":"List","metadata":{{}}}}"#),
        format!("{a}\n{b}\n"),
        format!("[{a},{b}]"),
        format!(r#"{{"items":[{a}]}} {{"items":null}} {b}"#),
    ] {
        assert_eq!(shown(&json), (wanted.map(str::to_owned).to_vec(), None), "{json}");
    }
    // As the API server itself answers: only the list says what its elements are.
    let bare = a.replace(r#""kind":"Secret","#, "");
    let list = format!(r#"{{"kind":"SecretList","apiVersion":"v1","items":[{bare}]}}"#);
    assert_eq!(shown(&list).0, [wanted[0]]);
    assert_eq!(shown(" \n"), (vec![], None));
    assert_eq!(shown(&format!("\u{feff}{a}")).0, [wanted[0]]);
}

#[test]
fn every_place_where_kubernetes_keeps_certificates_is_looked_at() {
    let bundle = BASE64.encode(pem());
    let text = serde_json::to_string(&pem()).unwrap();
    for (json, wanted) in [
        (
            format!(
                r#"{{"kind":"Secret","type":"Opaque","metadata":{{"name":"s","namespace":"n"}},"data":{{"password":"aHVudGVyMg==","any":"{bundle}","ca.crt":"{bundle}"}}}}"#
            ),
            "secret n/s: any=1 of 1, ca.crt=1 of 1",
        ),
        (
            format!(
                r#"{{"kind":"ConfigMap","metadata":{{"name":"c","namespace":"n"}},"data":{{"ca":{text},"x.pem":"none"}},"binaryData":{{"b":"{bundle}"}}}}"#
            ),
            "configmap n/c: ca=1 of 1, b=1 of 1",
        ),
        (
            format!(
                r#"{{"kind":"ValidatingWebhookConfiguration","metadata":{{"name":"v"}},"webhooks":[{{"name":"w","clientConfig":{{"caBundle":"{bundle}"}}}},{{"clientConfig":{{"caBundle":"Cg=="}}}},{{"name":"u","clientConfig":{{"url":"https://x"}}}}]}}"#
            ),
            "validatingwebhookconfiguration v: webhook w=1 of 1, webhook (no name)=it is empty",
        ),
        (
            format!(
                r#"{{"kind":"APIService","metadata":{{"name":"v1.x"}},"spec":{{"caBundle":"{bundle}"}}}}"#
            ),
            "apiservice v1.x: caBundle=1 of 1",
        ),
        (
            format!(
                r#"{{"kind":"CustomResourceDefinition","metadata":{{"name":"x"}},"spec":{{"conversion":{{"strategy":"Webhook","webhook":{{"clientConfig":{{"caBundle":"{bundle}"}}}}}}}}}}"#
            ),
            "customresourcedefinition x: conversion webhook=1 of 1",
        ),
        (
            r#"{"kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"containers":[]}}"#.to_owned(),
            "pod n/p: ",
        ),
        (r#"{"spec":3}"#.to_owned(), " (no name): "),
    ] {
        assert_eq!(shown(&json), (vec![wanted.to_owned()], None));
    }
}

#[test]
fn a_value_that_is_broken_does_not_hide_the_others() {
    let store = BASE64.encode(b"\x30\x82\x01\x00\x02\x01\x03\x30\x00");
    let bundle = BASE64.encode(pem());
    let cut = BASE64.encode(&pem()[..200]);
    for (data, wanted) in [
        (r#"{"tls.crt":"***"}"#.to_owned(), "tls.crt=its base64 is damaged"),
        (r#"{"tls.crt":""}"#.to_owned(), "tls.crt=it is empty"),
        (r#"{"tls.crt":null}"#.to_owned(), "tls.crt=it is no text"),
        ("{}".to_owned(), "tls.crt=it is missing"),
        ("null".to_owned(), "tls.crt=it is missing"),
        ("[1]".to_owned(), "tls.crt=it is missing"),
        (format!(r#"{{"tls.crt":"{cut}","other":"{bundle}"}}"#), "tls.crt=0 of 1, other=1 of 1"),
        (
            format!(r#"{{"keystore.p12":"{store}","tls.crt":"{bundle}"}}"#),
            "keystore.p12=0 of 1, tls.crt=1 of 1",
        ),
    ] {
        let json = format!(
            r#"{{"kind":"Secret","type":"kubernetes.io/tls","metadata":{{"name":"s","namespace":"n"}},"data":{data}}}"#
        );
        assert_eq!(shown(&json), (vec![format!("secret n/s: {wanted}")], None));
    }
}

#[test]
fn texts_that_only_speak_of_certificates_are_passed_over_and_what_they_hold_is_not() {
    let good = pem();
    let lines: Vec<_> = good.lines().map(|line| format!("    {line}\n")).collect();
    let example = "-----BEGIN CERTIFICATE-----\nMIID...\n-----END CERTIFICATE-----\n";
    let escaped = good.replace('\n', "\\n");
    let damaged = good.replacen("MII", "M*I", 1);
    let kubeconfig = format!(
        "kind: Config\nclusters:\n- name: c\n  cluster: {{certificate-authority-data: {}}}\nusers:\n- name: u\n  user: {{client-certificate: u.crt}}\n",
        BASE64.encode(&good)
    );
    for (name, text, wanted) in [
        ("init.sh", "grep -q -- \"-----BEGIN CERTIFICATE-----\" f\n".to_owned(), ""),
        ("awk.sh", "awk '\n/-----BEGIN CERTIFICATE-----/{n++}\n' x\n".to_owned(), ""),
        ("README", format!("Paste it here:\n{example}"), ""),
        ("ca", example.to_owned(), "ca=0 of 1"),
        ("app.yaml", format!("tls:\n  crt: |\n{}", lines.concat()), "app.yaml=1 of 1"),
        ("app.yaml", format!("text\n{damaged}"), "app.yaml=0 of 1"),
        ("app.json", format!("{{\"cert\": \"{escaped}\"}}"), "app.json=1 of 1"),
        (".env", format!("CERT=\"{escaped}\"\nX=1\n"), ".env=1 of 1"),
        ("CERT", escaped.clone(), "CERT=1 of 1"),
        ("tls.crt", escaped.clone(), "tls.crt=0 of 1"),
        ("cert", BASE64.encode(&good), "cert=1 of 1"),
        ("value", kubeconfig, "value, cluster c=1 of 1"),
        ("words", "nothing".to_owned(), ""),
    ] {
        let json =
            serde_json::json!({ "kind": "ConfigMap", "metadata": { "name": "c" }, "data": { name: text } });
        assert_eq!(shown(&json.to_string()).0, [format!("configmap c: {wanted}")], "{name}");
        let data = serde_json::json!({ name: BASE64.encode(&text) });
        let json = serde_json::json!({ "kind": "Secret", "metadata": { "name": "c" }, "data": data });
        assert_eq!(shown(&json.to_string()).0, [format!("secret c: {wanted}")], "{name}");
    }
}

#[test]
fn the_key_of_a_pair_is_expected_beside_its_certificate() {
    let certificate = BASE64.encode(pem());
    for (data, wanted) in [
        (serde_json::json!({ "tls.crt": certificate, "tls.key": "" }), "tls.crt=1 of 1, tls.key=a key"),
        (
            serde_json::json!({ "tls.crt": certificate, "tls.key": "anVuaw==" }),
            "tls.crt=1 of 1, tls.key=a key",
        ),
        (serde_json::json!({ "ca.crt": certificate, "api.key": "anVuaw==" }), "ca.crt=1 of 1"),
        // Whoever hands the list over may have taken the keys out.
        (serde_json::json!({ "tls.crt": certificate }), "tls.crt=1 of 1"),
    ] {
        let json = serde_json::json!({ "kind": "Secret", "metadata": { "name": "s" }, "data": data });
        assert_eq!(shown(&json.to_string()).0, [format!("secret s: {wanted}")]);
    }
}

#[test]
fn a_list_that_goes_on_elsewhere_is_not_at_its_end() {
    let page = |kind: &str, next: &str| {
        format!(
            r#"{{"kind":"{kind}List","metadata":{{"continue":"{next}","remainingItemCount":500}},"items":[]}}"#
        )
    };
    let missing = "500 objects are missing: it is one page of a list that goes on (metadata.continue)";
    for (json, wanted) in [
        (page("Secret", "abc"), Some(missing)),
        (page("Secret", ""), None),
        (page("Secret", "abc") + &page("Secret", ""), None),
        (page("Secret", "abc") + &page("ConfigMap", ""), Some(missing)),
    ] {
        assert_eq!(shown(&json).1.as_deref(), wanted, "{json}");
    }
}

#[test]
fn what_breaks_a_document_is_told_with_its_place_and_without_its_words() {
    let good = tls_secret("n", "s", &pem());
    for (json, objects, words) in [
        (format!("{good}\nhunter2"), 1, "line 3, column 1: expected value"),
        (format!(r#"{{"items":[{good},{{"data":{{"password":"hunter2""#), 1, "it ends in the middle"),
        (format!(r#"{{"items":[{good} {good}]}}"#), 1, "expected `,` or `]`"),
        (r#""hunter2""#.to_owned(), 0, "line 1, column 9: something else than a Kubernetes object"),
        (r#"{"items":"hunter2"}"#.to_owned(), 0, "something else than a Kubernetes object"),
        ("apiVersion: v1\nkind: Secret\n".to_owned(), 0, "line 1, column 1: expected value"),
    ] {
        let (seen, broken) = shown(&json);
        let broken = broken.unwrap();
        assert_eq!(seen.len(), objects, "{json}");
        assert!(broken.contains(words) && !broken.contains("hunter2"), "{json}: {broken}");
    }
}

#[test]
fn an_object_that_never_ends_does_not_fill_the_memory() {
    let endless = io::BufReader::new(b"{\"items\":[{\"kind\":\"".chain(io::repeat(b'a')));
    let broken = read(endless, &Passwords::default(), &mut |_| true).unwrap_err();
    assert!(broken.reason.contains("larger than 16 MiB"), "{broken}");
}

#[test]
fn whoever_takes_the_objects_may_have_enough() {
    let good = tls_secret("n", "s", &pem());
    let mut taken = 0;
    let json = format!(r#"{{"items":[{good},{good},{good}]}}{good}"#);
    let ended = read(json.as_bytes(), &Passwords::default(), &mut |_| {
        taken += 1;
        taken < 2
    });
    assert_eq!((taken, ended), (2, Ok(())));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes[..], &Passwords::default(), &mut |_| true);
    }

    #[test]
    fn any_cut_of_a_list_is_refused(cut in 1_usize..900) {
        let json = format!(r#"{{"items":[{}]}}"#, tls_secret("n", "s", "no certificate"));
        let cut = cut % json.len();
        prop_assume!(cut > 0);
        prop_assert!(read(&json.as_bytes()[..cut], &Passwords::default(), &mut |_| true).is_err());
    }
}
