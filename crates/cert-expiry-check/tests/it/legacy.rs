//! Servers that clients of today have nothing in common with: their certificates are seen all the same, and
//! the protocol is named.

use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime, Line};

use crate::{
    openssl::{Server, openssl},
    support::{Bench, text},
};

/// A self-signed certificate for 127.0.0.1 of 12 days, as `NAME.pem` and `NAME.key`.
pub(crate) fn make(bench: &Bench, name: &str, key: &[&str]) -> String {
    let (certificate, key_file) = (bench.path(&format!("{name}.pem")), bench.path(&format!("{name}.key")));
    let (certificate, key_file) = (text(&certificate), text(&key_file));
    let mut arguments = vec!["req", "-x509", "-nodes", "-subj", "/CN=localhost", "-days", "12"];
    arguments.extend(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", &key_file, "-out", &certificate]);
    arguments.extend(key);
    assert!(openssl(&arguments).0, "{arguments:?}");
    certificate
}

#[test]
fn the_certificates_of_old_servers_are_judged_like_any_other() {
    let bench = Bench::new();
    let rsa = make(&bench, "rsa", &["-newkey", "rsa:2048"]);
    make(&bench, "p521", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"]);
    let table: [(&[&str], &str); 10] = [
        (&["rsa", "-tls1", "-cipher", "ALL:@SECLEVEL=0"], "speaks TLS 1.0 at most (TLS_ECDHE_RSA_WITH_AES_"),
        (
            &["rsa", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            "speaks TLS 1.1 at most (TLS_ECDHE_RSA_WITH_AES_",
        ),
        (
            &["rsa", "-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"],
            "speaks TLS 1.0 at most (TLS_RSA_WITH_AES_128_CBC_SHA)",
        ),
        (
            &["p521", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            "speaks TLS 1.1 at most (TLS_ECDHE_ECDSA_WITH_AES_",
        ),
        (
            &["rsa", "-tls1_2", "-cipher", "AES128-SHA"],
            "TLS 1.2 (TLS_RSA_WITH_AES_128_CBC_SHA) with RSA key exchange only",
        ),
        (
            &["rsa", "-tls1_2", "-cipher", "AES256-GCM-SHA384"],
            "TLS 1.2 (TLS_RSA_WITH_AES_256_GCM_SHA384) with RSA key exchange only",
        ),
        (
            &["rsa", "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
            "TLS 1.2 (TLS_DHE_RSA_WITH_AES_128_GCM_SHA256) with finite-field Diffie-Hellman only",
        ),
        (
            &["rsa", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"],
            "TLS 1.2 (TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA) with nothing better",
        ),
        (&["rsa", "-tls1_2", "-cipher", "NULL:@SECLEVEL=0"], "TLS 1.2 (TLS_"),
        (
            &["p521", "-tls1_2"],
            "with a key on P-521 only: Chromium and clients built with rustls do not offer",
        ),
    ];
    let servers: Vec<_> = table
        .iter()
        .map(|(arguments, _)| {
            let (certificate, key) = (format!("{}.pem", arguments[0]), format!("{}.key", arguments[0]));
            let arguments = [&["-cert", &certificate, "-key", &key], &arguments[1..]].concat();
            Server::start_for(&bench, 3, &arguments)
        })
        .collect();
    let mut arguments: Vec<&str> = servers.iter().map(|server| server.1.as_str()).collect();
    arguments.extend(["--roots", &rsa]);
    let outcome = bench.scan(&arguments);
    assert_eq!(outcome.code, 2);
    for ((arguments, words), server) in table.iter().zip(&servers) {
        outcome.expect("tls.handshake", &server.1, "failed", words);
        outcome.expect("tls.lifetime", &server.1, "passed", "(lifetime 12 d)");
        outcome.expect("tls.name", &server.1, "passed", "127.0.0.1");
        let trusted = if arguments[0] == "rsa" { "passed" } else { "failed" };
        outcome.expect("tls.trust", &server.1, trusted, "");
    }
}

/// A certificate of version 1, as old appliances make them: no extension, and webpki does not read it.
fn make_version_1(bench: &Bench, name: &str) -> String {
    let [request, key, certificate] =
        ["csr", "key", "pem"].map(|ending| text(&bench.path(&format!("{name}.{ending}"))));
    let new = ["req", "-new", "-nodes", "-subj", "/CN=appliance", "-newkey", "rsa:2048"];
    assert!(openssl(&[&new[..], &["-keyout", &key, "-out", &request]].concat()).0);
    let sign = ["x509", "-req", "-days", "90", "-in", &request, "-signkey", &key, "-out", &certificate];
    assert!(openssl(&sign).0);
    certificate
}

#[test]
fn the_key_of_a_certificate_that_clients_do_not_read_is_proven_all_the_same() {
    let bench = Bench::new();
    let own = make_version_1(&bench, "v1");
    let servers = ["-tls1_2", "-tls1_3"]
        .map(|version| Server::start_for(&bench, 2, &["-cert", "v1.pem", "-key", "v1.key", version]));
    let farm = Farm::start().unwrap();
    let held = Authority::new().unwrap().issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
    let der = cert_expiry_check::stores::pem::read(&std::fs::read(&own).unwrap());
    let der = der.blocks.into_iter().next().unwrap().der.unwrap();
    let shown = held.with_chain(vec![der.to_vec().into()]);
    let liar = farm.open(Behaviour::WrongKey(shown, held)).unwrap();
    let outcome = bench.scan(&[&servers[0].1, &servers[1].1, &liar.target()]);
    for server in &servers {
        outcome.expect("tls.handshake", &server.1, "passed", "1 certificate");
    }
    outcome.expect("tls.handshake", &liar.target(), "failed", "does not prove that it holds");
    let trusting = bench.scan(&[&servers[0].1, &servers[1].1, "--roots", &own]);
    for server in &servers {
        trusting.expect("tls.trust", &server.1, "passed", "the certificate itself");
    }
}

#[test]
fn an_old_server_behind_starttls_is_seen_too() {
    let bench = Bench::new();
    let rsa = make(&bench, "rsa", &["-newkey", "rsa:2048"]);
    let old = ["-cert", "rsa.pem", "-key", "rsa.key", "-tls1", "-cipher", "ALL:@SECLEVEL=0"];
    let server = Server::start_for(&bench, 3, &old);
    // A mail server that hands every connection to the old one, once TLS is agreed upon.
    let relay = Relay::start(&server.1);
    let target = format!("smtp://{}", relay.address);
    let outcome = bench.scan(&[&target, "--roots", &rsa]);
    outcome.expect("starttls.offered", &target, "passed", "");
    outcome.expect("tls.handshake", &target, "failed", "speaks TLS 1.0 at most");
    outcome.expect("tls.trust", &target, "passed", "the certificate itself");
}

/// SMTP with STARTTLS in front of another server; it serves three connections.
struct Relay {
    address: std::net::SocketAddr,
}

impl Relay {
    fn start(behind: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let behind = behind.to_owned();
        std::thread::spawn(move || {
            for connection in listener.incoming().take(3) {
                let behind = behind.clone();
                std::thread::spawn(move || serve(connection.unwrap(), &behind));
            }
        });
        Self { address }
    }
}

fn serve(mut client: std::net::TcpStream, behind: &str) {
    use std::io::{BufRead, BufReader, Write};
    let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
    client.write_all(b"220 old.example\r\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "EHLO [127.0.0.1]");
    client.write_all(b"250-old.example\r\n250 STARTTLS\r\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "STARTTLS");
    let server = std::net::TcpStream::connect(behind).unwrap();
    client.write_all(b"220 go\r\n").unwrap();
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let back = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut client, &mut &server);
    let _ = server.shutdown(std::net::Shutdown::Write);
    let _ = back.join();
}

#[test]
fn a_server_that_says_no_to_everybody_keeps_its_first_word() {
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let identity = Authority::new().unwrap().issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
    let alert = farm.open(Behaviour::Banner(&[21, 3, 3, 0, 2, 2, 40])).unwrap();
    let closes = farm.open(Behaviour::Close).unwrap();
    let silent = farm.open(Behaviour::Tarpit).unwrap();
    let good = farm.open(Behaviour::Tls(identity)).unwrap();
    let name = farm.open(Behaviour::Banner(&[21, 3, 3, 0, 2, 2, 112])).unwrap();
    let targets = [&alert, &closes, &silent, &good, &name].map(|stand| stand.target());
    let mut arguments: Vec<&str> = targets.iter().map(String::as_str).collect();
    arguments.extend(["--handshake-timeout", "1s"]);
    let outcome = bench.scan(&arguments);
    outcome.expect("tls.handshake", &targets[0], "failed", "refused with the TLS alert HandshakeFailure");
    outcome.expect("tls.handshake", &targets[1], "failed", "closed the connection without a TLS answer");
    outcome.expect("tls.handshake", &targets[4], "failed", "refused with the TLS alert UnrecognisedName");
    // Asked again only where the answer may mean that it insists on what is rare, or on old TLS.
    let connections = [&alert, &closes, &silent, &good, &name].map(|stand| stand.connections());
    assert_eq!(connections, [3, 2, 1, 1, 1]);
    assert!([&alert, &closes].iter().all(|stand| stand.application_bytes() == 0));
}

#[test]
fn a_broken_answer_to_the_old_hello_is_no_certificate() {
    const HELLO: &[u8] = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01\
        01234567890123456789012345678901\x00\x00\x2f\x00";
    const NO_CHAIN: &[u8] =
        b"\x16\x03\x01\x00\x07\x0b\x00\x00\x03\x00\x00\x00\x16\x03\x01\x00\x04\x0e\x00\x00\x00";
    const NONSENSE: &[u8] = b"\x16\x03\x01\x00\x0e\x0b\x00\x00\x0a\x00\x00\x07\x00\x00\x04oops\x16\x03\x01\x00\x04\x0e\x00\x00\x00";
    let bench = Bench::new();
    let farm = Farm::start().unwrap();
    let open = |script: &[Line]| {
        let identity = Authority::new().unwrap().issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
        farm.open(Behaviour::Scripted(script.to_vec(), identity)).unwrap()
    };
    use Line::{Hear, Say};
    let empty = open(&[Hear(&[3, 3]), Say(HELLO), Say(NO_CHAIN)]);
    let nonsense = open(&[Hear(&[3, 3]), Say(HELLO), Say(NONSENSE)]);
    let endless = open(&[Hear(&[3, 3]), Say(HELLO), Line::SayForEver(&[22, 3, 1, 0, 4, 0, 0, 0, 0])]);
    let (empty, nonsense, endless) = (empty.target(), nonsense.target(), endless.target());
    let outcome = bench.scan(&[&empty, &nonsense, &endless, "--handshake-timeout", "2s"]);
    assert_eq!(outcome.code, 2);
    outcome.expect("tls.handshake", &empty, "failed", "neither TLS 1.2 nor TLS 1.3");
    outcome.expect("tls.handshake", &endless, "failed", "neither TLS 1.2 nor TLS 1.3");
    outcome.expect(
        "tls.handshake",
        &nonsense,
        "failed",
        "speaks TLS 1.0 at most (TLS_RSA_WITH_AES_128_CBC_SHA)",
    );
    outcome.expect("tls.certificate", &format!("{nonsense}, element 1"), "failed", "");
}
