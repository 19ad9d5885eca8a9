//! Servers of today's TLS that insist on what hardly any client offers: their certificates are seen all the same,
//! and what they insist on is named.

use crate::{legacy::make, openssl::Server, support::Bench};

#[test]
fn what_a_server_insists_on_is_named_and_its_certificate_judged() {
    let bench = Bench::new();
    let rsa = make(&bench, "rsa", &["-newkey", "rsa:2048"]);
    let table: [(&[&str], &str); 5] = [
        (&["-groups", "P-521"], "TLS 1.3 with the key exchange group P-521 (secp521r1) only: Chromium and"),
        (&["-groups", "P-521", "-tls1_3"], "TLS 1.3 with the key exchange group P-521 (secp521r1) only"),
        (&["-groups", "P-521", "-tls1_2"], "TLS 1.2 with the key exchange group P-521 (secp521r1) only"),
        (
            &["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"],
            "TLS 1.3 with TLS_AES_128_CCM_SHA256 only: browsers, and clients built with OpenSSL as it comes",
        ),
        (
            &["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256:@SECLEVEL=0"],
            "TLS 1.3 with TLS_AES_128_CCM_8_SHA256 only",
        ),
    ];
    let servers = table.map(|(arguments, words)| {
        let arguments = [&["-cert", "rsa.pem", "-key", "rsa.key"], arguments].concat();
        (Server::start_for(&bench, 3, &arguments), words)
    });
    let mut arguments: Vec<&str> = servers.iter().map(|(server, _)| server.1.as_str()).collect();
    arguments.extend(["--roots", &rsa]);
    let outcome = bench.scan(&arguments);
    assert_eq!(outcome.code, 2);
    for (server, words) in &servers {
        outcome.expect("tls.handshake", &server.1, "failed", words);
        outcome.expect("tls.lifetime", &server.1, "passed", "(lifetime 12 d)");
        outcome.expect("tls.trust", &server.1, "passed", "the certificate itself");
    }
}

#[test]
fn a_server_that_takes_what_is_rare_as_well_passes_at_once() {
    let bench = Bench::new();
    let rsa = make(&bench, "rsa", &["-newkey", "rsa:2048"]);
    let both: [&[&str]; 2] = [
        &["-groups", "P-521:X25519"],
        &["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256:TLS_AES_128_GCM_SHA256", "-serverpref"],
    ];
    let servers = both.map(|arguments| {
        let arguments = [&["-cert", "rsa.pem", "-key", "rsa.key"], arguments].concat();
        Server::start_for(&bench, 1, &arguments)
    });
    let outcome = bench.scan(&[&servers[0].1, &servers[1].1, "--roots", &rsa]);
    for server in &servers {
        outcome.expect("tls.handshake", &server.1, "passed", "TLS 1.3, 1 certificate");
    }
}

#[test]
fn the_demand_for_a_client_certificate_is_seen_behind_what_is_rare() {
    let bench = Bench::new();
    let rsa = make(&bench, "rsa", &["-newkey", "rsa:2048"]);
    let arguments =
        ["-cert", "rsa.pem", "-key", "rsa.key", "-groups", "P-521", "-Verify", "1", "-CAfile", "rsa.pem"];
    let server = Server::start_for(&bench, 2, &arguments);
    let outcome = bench.scan(&[&server.1, "--roots", &rsa, "--client-certificate", "required"]);
    outcome.expect("tls.handshake", &server.1, "failed", "P-521 (secp521r1) only");
    outcome.expect("tls.client_certificate", &server.1, "passed", "refused us without a certificate");
}

#[test]
fn certificates_for_keys_that_few_clients_take_are_seen() {
    let bench = Bench::new();
    let curve = |name| ["-newkey", "ec", "-pkeyopt", name];
    let roots = [
        make(&bench, "ed448", &["-newkey", "ed448"]),
        make(&bench, "pss", &["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"]),
        make(&bench, "brainpool", &curve("ec_paramgen_curve:brainpoolP256r1")),
        make(&bench, "secp256k1", &curve("ec_paramgen_curve:secp256k1")),
    ];
    let table = [
        ("ed448", "-tls1_3", "TLS 1.3 with signatures of the kind ed448 only: browsers"),
        ("ed448", "-tls1_2", "with a key of a kind that browsers and most other clients do not take"),
        ("pss", "-tls1_3", "TLS 1.3 with signatures of the kind rsa_pss_pss_sha256 only"),
        ("pss", "-tls1_2", "with a key of a kind that browsers and most other clients do not take"),
        ("brainpool", "-tls1_2", "with a key of a kind that browsers and most other clients do not take"),
        ("secp256k1", "-tls1_2", "with a key of a kind that browsers and most other clients do not take"),
    ];
    let servers = table.map(|(name, version, words)| {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        (Server::start_for(&bench, 3, &["-cert", &certificate, "-key", &key, version]), words)
    });
    let mut arguments: Vec<&str> = servers.iter().map(|(server, _)| server.1.as_str()).collect();
    roots.iter().for_each(|root| arguments.extend(["--roots", root]));
    let outcome = bench.scan(&arguments);
    for (server, words) in &servers {
        outcome.expect("tls.handshake", &server.1, "failed", words);
        outcome.expect("tls.lifetime", &server.1, "passed", "(lifetime 12 d)");
    }
}
