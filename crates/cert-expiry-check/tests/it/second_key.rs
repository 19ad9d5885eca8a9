//! Servers with a certificate for each kind of key: the second one is looked at where that is asked for.

use crate::{
    openssl::{Server, openssl},
    support::{Bench, text},
};

/// A self-signed certificate for 127.0.0.1, as `NAME.pem` and `NAME.key`.
fn make(bench: &Bench, name: &str, days: &str, key: &[&str]) -> String {
    let (certificate, key_file) = (bench.path(&format!("{name}.pem")), bench.path(&format!("{name}.key")));
    let (certificate, key_file) = (text(&certificate), text(&key_file));
    let mut arguments = vec!["req", "-x509", "-nodes", "-subj", "/CN=localhost", "-days", days];
    arguments.extend(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", &key_file, "-out", &certificate]);
    arguments.extend(key);
    assert!(openssl(&arguments).0, "{arguments:?}");
    certificate
}

const RSA: &[&str] = &["-newkey", "rsa:2048"];
const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const BOTH: [&str; 8] = ["-cert", "ec.pem", "-key", "ec.key", "-dcert", "rsa.pem", "-dkey", "rsa.key"];

#[test]
fn the_certificate_that_few_clients_see_is_found_where_it_is_asked_for() {
    let bench = Bench::new();
    let (ec, rsa) = (make(&bench, "ec", "60", P256), make(&bench, "rsa", "60", RSA));
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Server::start_for(&bench, 3, &[&BOTH[..], &[version]].concat());
        let alone = bench.scan(&[&server.1, "--roots", &ec, "--roots", &rsa]);
        assert_eq!(alone.of("tls.lifetime").len(), 1, "{:#?}", alone.findings());
        let both = bench.scan(&[&server.1, "--roots", &ec, "--roots", &rsa, "--every-key"]);
        let second = format!("{} with RSA", server.1);
        both.expect("tls.lifetime", &server.1, "passed", "(lifetime 60 d)");
        both.expect("tls.lifetime", &second, "passed", "(lifetime 60 d)");
        both.expect("tls.key", &second, "passed", "RSA, 2048 bits");
        both.expect("tls.trust", &second, "passed", "the certificate itself");
        assert_eq!((both.code, both.not_passed()), (0, vec![]), "{:#?}", both.findings());
    }
}

#[test]
fn each_certificate_is_held_against_the_file_with_its_kind_of_key() {
    let bench = Bench::new();
    let (ec, rsa) = (make(&bench, "ec", "90", P256), make(&bench, "rsa", "90", RSA));
    let server = Server::start_for(&bench, 2, &BOTH);
    let outcome = bench.scan(&[&server.1, &ec, &rsa, "--roots", &ec, "--roots", &rsa, "--every-key"]);
    let second = format!("{} with RSA", server.1);
    for (subject, file) in [(&server.1, &ec), (&second, &rsa)] {
        outcome.expect("tls.agreement", subject, "passed", "serves it");
        let expected = outcome.one("tls.agreement", subject).expected;
        assert!(expected.contains(file.as_str()), "{expected}");
    }
}

#[test]
fn a_server_with_one_certificate_is_judged_once() {
    let bench = Bench::new();
    let (ec, rsa) = (make(&bench, "ec", "60", P256), make(&bench, "rsa", "60", RSA));
    let one = |name: &str, version: &'static str| {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        Server::start_for(&bench, 2, &["-cert", &certificate, "-key", &key, version])
    };
    let servers = [one("ec", "-tls1_3"), one("rsa", "-tls1_3"), one("ec", "-tls1_2"), one("rsa", "-tls1_2")];
    let mut arguments: Vec<&str> = servers.iter().map(|server| server.1.as_str()).collect();
    arguments.extend(["--roots", &ec, "--roots", &rsa, "--every-key"]);
    let outcome = bench.scan(&arguments);
    assert_eq!((outcome.code, outcome.of("tls.lifetime").len()), (0, 4), "{:#?}", outcome.findings());
}

#[test]
fn a_renewal_of_the_certificate_that_few_clients_see_is_due_where_it_is_asked_for() {
    let bench = Bench::new();
    make(&bench, "ec", "60", P256);
    make(&bench, "rsa", "2", RSA);
    let server = Server::start_for(&bench, 3, &BOTH);
    let ask = |flags: &[&str]| {
        let arguments = [&["renew-due", &server.1, "--remaining", "5d"], flags].concat();
        let output = bench.run(&arguments);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(ask(&[]).0, Some(1), "the one that clients of today see");
    let (code, said) = ask(&["--every-key"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with(&format!("due: {} with RSA: ", server.1)), "{said}");
}
