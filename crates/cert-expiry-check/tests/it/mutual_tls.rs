//! Client certificates: who turns anonymous clients away, and whether ours is accepted. Against servers of
//! rustls and OpenSSL.

use std::{
    fs::Permissions,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::Command,
    time::Duration,
};

use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use testbed::tls_farm::{Authority, Behaviour, Farm, HangUp, Identity, Lifetime};

use crate::{
    openssl::{Server, openssl},
    support::{Bench, Outcome, eventually, text},
};

const REFUSED: &str = "refused us without a certificate, with the TLS alert";

/// An authority, a server's files, and a client's.
pub(crate) struct Scene {
    pub(crate) bench: Bench,
    authority: Authority,
    roots: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let (bench, authority) = (Bench::new(), Authority::new().unwrap());
        let roots = bench.write("ca.pem", authority.root_pem());
        let server = authority.issue(&["127.0.0.1", "localhost"], good()).unwrap();
        bench.write("server.pem", server.pem());
        bench.write("issuer.pem", server.with_chain(server.chain[1..].to_vec()).pem());
        bench.write("server.key", server.key_pem());
        Self { bench, authority, roots }
    }

    /// The flags that present a client certificate with this much left.
    fn client(&self, name: &str, identity: &Identity) -> [String; 4] {
        let certificate = self.bench.write(&format!("{name}.pem"), identity.pem());
        let key = self.bench.write(&format!("{name}.key"), identity.key_pem());
        std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        ["--client-cert".to_owned(), certificate, "--client-key".to_owned(), key]
    }

    pub(crate) fn known(&self) -> [String; 4] {
        self.client("known", &self.authority.issue_client("monitoring", good()).unwrap())
    }

    pub(crate) fn stranger(&self) -> [String; 4] {
        let elsewhere = Authority::named("Elsewhere", long(), long()).unwrap();
        self.client("stranger", &elsewhere.issue_client("stranger", good()).unwrap())
    }

    pub(crate) fn scan(&self, arguments: &[&[&str]]) -> Outcome {
        let all: Vec<_> = [arguments.concat(), vec!["--roots", &self.roots]].concat();
        self.bench.scan(&all)
    }
}

fn good() -> Lifetime {
    Lifetime::days_left(90, 60)
}

fn long() -> Lifetime {
    Lifetime::days_left(3650, 3000)
}

pub(crate) fn words(flags: &[String; 4]) -> [&str; 4] {
    flags.each_ref().map(String::as_str)
}

#[test]
fn required_means_that_an_anonymous_client_is_turned_away() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let identity = || scene.authority.issue(&["127.0.0.1"], good()).unwrap();
    let open = |behaviour| farm.open(behaviour).unwrap();
    let (old, new) = (
        open(Behaviour::Tls12DemandsClientCertificate(identity())),
        open(Behaviour::Tls13DemandsClientCertificate(identity())),
    );
    let (asking, silent) =
        (open(Behaviour::AsksForClientCertificate(identity())), open(Behaviour::Tls(identity())));
    let (dead, _guard) = farm.dead_port().unwrap();
    let banner = open(Behaviour::Banner(b"220 mail.example ESMTP\r\n"));
    let targets = [&old, &new, &asking, &silent, &banner]
        .map(|stand| stand.target())
        .into_iter()
        .chain([dead.to_string()]);
    let targets: Vec<_> = targets.collect();
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let check = "tls.client_certificate";

    let required = scene.scan(&[&targets, &["--client-certificate", "required"]]);
    assert_eq!(required.code, 2);
    required.expect(check, &old.target(), "passed", REFUSED);
    required.expect(check, &new.target(), "passed", REFUSED);
    required.expect(check, &asking.target(), "inconclusive", "cannot be told from the handshake");
    required.expect(check, &silent.target(), "failed", "lets anonymous clients in: it does not even ask");
    required.expect(check, &banner.target(), "not_checked", "no handshake came about");
    required.expect(check, &dead.to_string(), "not_checked", "no connection came about");

    let optional = scene.scan(&[&targets[..4], &["--client-certificate", "optional"]]);
    for (stand, outcome) in [(&old, "failed"), (&new, "failed"), (&asking, "passed"), (&silent, "failed")] {
        optional.expect(check, &stand.target(), outcome, "");
    }
    let none = scene.scan(&[&targets[..4], &["--client-certificate", "none"]]);
    for (stand, outcome) in [(&old, "failed"), (&new, "failed"), (&asking, "failed"), (&silent, "passed")] {
        none.expect(check, &stand.target(), outcome, "");
    }
    let unasked = scene.scan(&[&targets[..4]]);
    assert_eq!(unasked.of(check), [], "nobody said what is wanted");
    for stand in [&old, &new, &asking, &silent] {
        assert_eq!(stand.application_bytes(), 0, "nothing is sent unasked");
    }
}

#[test]
fn the_client_certificate_is_presented_where_it_is_asked_for() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let identity = || scene.authority.issue(&["127.0.0.1"], good()).unwrap();
    let old = farm.open(Behaviour::Tls12DemandsClientCertificate(identity())).unwrap();
    let new = farm.open(Behaviour::Tls13DemandsClientCertificate(identity())).unwrap();
    let silent = farm.open(Behaviour::Tls(identity())).unwrap();
    let targets = [&old, &new, &silent].map(|stand| stand.target());
    let targets = targets.each_ref().map(String::as_str);
    let required = ["--client-certificate", "required"];

    let known = scene.known();
    let outcome = scene.scan(&[&targets[..2], &words(&known), &required]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    for stand in [&old, &new] {
        outcome.expect("tls.client_accepted", &stand.target(), "passed", "did not refuse 'monitoring'");
        outcome.expect("tls.client_certificate", &stand.target(), "passed", REFUSED);
        eventually(|| stand.handshakes() == 1);
        assert_eq!(stand.connections(), 2, "one with, one without");
    }
    let ours = format!("client certificate {}", known[1]);
    outcome.expect("client.lifetime", &ours, "passed", "in 60 d");
    outcome.expect("client.identity", &ours, "passed", "");
    let evidence = std::fs::read_to_string(scene.bench.evidence()).unwrap();
    assert!(evidence.contains("monitoring @ client certificate"), "it stands in the timeline");
    let key = std::fs::read_to_string(&known[3]).unwrap();
    let digits = key.lines().nth(1).unwrap();
    assert!(![&evidence, &outcome.stdout, &outcome.stderr].into_iter().any(|text| text.contains(digits)));

    let outcome = scene.scan(&[&targets[2..], &words(&known)]);
    assert_eq!(outcome.of("tls.client_accepted"), [], "it does not ask");
    assert_eq!(silent.connections(), 1);

    let stranger = scene.stranger();
    let outcome = scene.scan(&[&targets[..2], &words(&stranger)]);
    assert_eq!(outcome.code, 2);
    for stand in [&old, &new] {
        let found = outcome.one("tls.client_accepted", &stand.target());
        assert_eq!(found.outcome, "failed");
        assert!(
            found
                .observed
                .starts_with("refused the client certificate 'stranger', with the TLS alert UnknownCA")
        );
        assert!(found.remedy.contains("'Elsewhere Intermediate CA'"), "{found:#?}");
    }
}

#[test]
fn a_client_certificate_that_ends_is_judged_once_and_refused_by_name() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let identity = || scene.authority.issue(&["127.0.0.1"], good()).unwrap();
    let stands = [
        farm.open(Behaviour::Tls12DemandsClientCertificate(identity())).unwrap(),
        farm.open(Behaviour::Tls13DemandsClientCertificate(identity())).unwrap(),
    ];
    let targets = stands.each_ref().map(|stand| stand.target());
    let targets = targets.each_ref().map(String::as_str);
    let ending = scene.authority.issue_client("monitoring", Lifetime::days_left(90, 5)).unwrap();
    let flags = scene.client("ending", &ending);
    let outcome = scene.scan(&[&targets, &words(&flags)]);
    assert_eq!((outcome.code, outcome.not_passed()), (2, vec!["client.lifetime".to_owned()]));
    let found = outcome.one("client.lifetime", &format!("client certificate {}", flags[1]));
    assert!(found.observed.contains("in 5 d"), "{found:#?}");
    assert!(found.remedy.contains("which this monitoring presents to servers"), "{found:#?}");

    let expired = scene.authority.issue_client("monitoring", Lifetime::expired(90, 3)).unwrap();
    let flags = scene.client("expired", &expired);
    let outcome = scene.scan(&[&targets, &words(&flags)]);
    for target in targets {
        outcome.expect("tls.client_accepted", target, "failed", "with the TLS alert CertificateExpired");
    }
    assert_eq!(outcome.not_passed(), ["client.lifetime", "tls.client_accepted"]);
}

#[test]
fn what_cannot_be_presented_is_refused_with_both_files() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let identity = scene.authority.issue(&["127.0.0.1"], good()).unwrap();
    let stand = farm.open(Behaviour::Tls(identity)).unwrap();
    let (known, stranger) = (scene.known(), scene.stranger());
    let sealed = text(&scene.bench.path("sealed.key"));
    let sealing = Command::new("openssl")
        .args(["pkey", "-aes256", "-passout", "pass:hunter2", "-in", &known[3], "-out", &sealed])
        .output()
        .unwrap();
    assert!(sealing.status.success());
    let missing = text(&scene.bench.path("missing.key"));
    let [weak, weak_key] = ["weak.pem", "weak.key"].map(|name| text(&scene.bench.path(name)));
    let short = ["req", "-x509", "-nodes", "-subj", "/CN=weak", "-newkey", "rsa:1024", "-out", &weak];
    assert!(openssl(&[&short[..], &["-keyout", &weak_key]].concat()).0);
    for (certificate, key, said) in [
        (&known[1], &stranger[3], vec![known[1].as_str(), stranger[3].as_str(), "does not belong"]),
        (&known[1], &sealed, vec![sealed.as_str(), "holds an encrypted key"]),
        (&weak, &weak_key, vec![weak_key.as_str(), "holds an RSA key that is too short"]),
        (&known[1], &known[1], vec![known[1].as_str(), "holds no private key"]),
        (&known[3], &known[3], vec![known[3].as_str(), "holds no certificate"]),
        (
            &known[1],
            &missing,
            vec!["reading the client certificate's key from", missing.as_str(), "No such file"],
        ),
    ] {
        let output = scene.bench.run(&[
            "scan",
            &stand.target(),
            "--client-cert",
            certificate,
            "--client-key",
            key,
            "--evidence",
            "none",
        ]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(said.iter().all(|words| stderr.contains(words)), "{said:?}: {stderr}");
    }
    let output = scene.bench.run(&["scan", &stand.target(), "--client-cert", &known[1]]);
    assert_eq!(output.status.code(), Some(3), "the key is missing");
    assert_eq!(stand.connections(), 0);
}

#[test]
fn a_key_that_everybody_may_read_and_a_server_s_certificate_are_said() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let server = || scene.authority.issue(&["127.0.0.1"], good()).unwrap();
    let stand = farm.open(Behaviour::Tls13DemandsClientCertificate(server())).unwrap();
    let known = scene.known();
    std::fs::set_permissions(&known[3], Permissions::from_mode(0o644)).unwrap();
    let outcome = scene.scan(&[&[&stand.target()], &words(&known)]);
    let ours = format!("client certificate {}", known[1]);
    outcome.expect("client.identity", &ours, "warned", "every user of this machine can read its key");
    let remedy = outcome.one("client.identity", &ours).remedy;
    assert!(remedy.starts_with("Close it to other users (chmod o= "), "{remedy}");
    assert_eq!(outcome.code, 1);
    // A group that reads it, as a monitoring's own, is somebody's intent.
    std::fs::set_permissions(&known[3], Permissions::from_mode(0o640)).unwrap();
    let outcome = scene.scan(&[&[&stand.target()], &words(&known)]);
    outcome.expect("client.identity", &ours, "passed", "");
    let flags = scene.client("server-for-client", &server());
    let outcome = scene.scan(&[&[&stand.target()], &words(&flags)]);
    let ours = format!("client certificate {}", flags[1]);
    outcome.expect("client.identity", &ours, "failed", "extended key usage");
    outcome.expect("tls.client_accepted", &stand.target(), "failed", "refused the client certificate");
}

#[test]
fn openssl_refuses_over_either_version_of_tls() {
    let scene = Scene::new();
    let arguments = |version| {
        let (demand, verify) = (["-Verify", "3"], ["-verify_return_error", "-CAfile", "ca.pem"]);
        let own = [
            "-cert",
            "server.pem",
            "-key",
            "server.key",
            "-cert_chain",
            "issuer.pem",
            version,
            "-naccept",
            "9",
        ];
        [&own[..], &demand, &verify].concat()
    };
    let servers = ["-tls1_2", "-tls1_3"].map(|version| Server::start(&scene.bench, &arguments(version)));
    let targets = servers.each_ref().map(|server| server.1.as_str());
    let (required, known, stranger) = (["--client-certificate", "required"], scene.known(), scene.stranger());
    let outcome = scene.scan(&[&targets, &required, &words(&known)]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    for target in targets {
        outcome.expect("tls.client_certificate", target, "passed", REFUSED);
        outcome.expect("tls.client_accepted", target, "passed", "did not refuse 'monitoring'");
    }
    let outcome = scene.scan(&[&targets, &required, &words(&stranger)]);
    for target in targets {
        outcome.expect("tls.client_accepted", target, "failed", "refused the client certificate 'stranger'");
    }
}

#[test]
fn a_client_certificate_that_may_not_sign_is_said_as_openssl_says_it() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let stand = farm.open(Behaviour::Tls(scene.authority.issue(&["127.0.0.1"], good()).unwrap())).unwrap();
    let purpose = |uses: Vec<KeyUsagePurpose>| {
        scene.authority.issue_changed(&["monitoring"], good(), |parameters| {
            parameters.key_usages = uses;
            parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    };
    for (name, uses, outcome) in [
        ("signs", vec![KeyUsagePurpose::DigitalSignature], "passed"),
        ("agrees", vec![KeyUsagePurpose::KeyAgreement], "passed"),
        ("enciphers", vec![KeyUsagePurpose::KeyEncipherment], "failed"),
        ("issues", vec![KeyUsagePurpose::KeyCertSign], "failed"),
    ] {
        let flags = scene.client(name, &purpose(uses).unwrap());
        let (verified, _) = openssl(&[
            "verify",
            "-purpose",
            "sslclient",
            "-CAfile",
            &scene.roots,
            "-untrusted",
            &flags[1],
            &flags[1],
        ]);
        assert_eq!(verified, outcome == "passed", "OpenSSL on {name}");
        let found = scene.scan(&[&[&stand.target()], &words(&flags)]);
        let said =
            if outcome == "passed" { "" } else { "its key usage does not allow it to stand for a client" };
        found.expect("client.identity", &format!("client certificate {}", flags[1]), outcome, said);
    }
}

#[test]
fn the_issuers_that_are_presented_are_judged_with_the_client_certificate() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let stand = farm.open(Behaviour::Tls(scene.authority.issue(&["127.0.0.1"], good()).unwrap())).unwrap();
    for (name, intermediate, outcome) in
        [("sound", long(), "passed"), ("expired", Lifetime::expired(90, 2), "failed")]
    {
        let authority = Authority::named(name, long(), intermediate).unwrap();
        let ours = authority.issue_client("monitoring", good()).unwrap();
        let whole = [&ours.chain[..], &[authority.root().clone()]].concat();
        let flags = scene.client(name, &ours.with_chain(whole));
        let found = scene.scan(&[&[&stand.target()], &words(&flags)]);
        let place = format!("client certificate {}", flags[1]);
        found.expect("client.lifetime", &place, "passed", "");
        found.expect("client.lifetime", &format!("{place}, element 2"), outcome, "");
        assert_eq!(found.of("client.lifetime").len(), 2, "servers have the root themselves");
        assert_eq!(found.code, if outcome == "passed" { 0 } else { 2 });
    }
    let known = scene.known();
    let damaged = std::fs::read_to_string(&known[1]).unwrap()
        + "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    scene.bench.write("known.pem", damaged);
    let found = scene.scan(&[&[&stand.target()], &words(&known)]);
    let place = format!("client certificate {}", known[1]);
    found.expect("client.identity", &place, "failed", "element 3 is no X.509 certificate");
}

/// A cut behind the handshake is no refusal: whoever lets everybody in, and hangs up, demands nothing.
#[test]
fn an_end_without_an_alert_proves_nothing() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let stands = [HangUp::BehindTls12, HangUp::BehindTls13, HangUp::OnRequest].map(|hang_up| {
        let identity = scene.authority.issue(&["127.0.0.1"], good()).unwrap();
        farm.open(Behaviour::AsksAndHangsUp(identity, hang_up)).unwrap()
    });
    let targets = stands.each_ref().map(|stand| stand.target());
    let targets = targets.each_ref().map(String::as_str);
    let required = ["--client-certificate", "required", "--ask-http"];
    let outcome = scene.scan(&[&targets, &required, &words(&scene.known())]);
    assert_eq!(outcome.code, 3, "{:#?}", outcome.findings());
    for (target, how) in targets.into_iter().zip([
        "ends the handshake without one, and closes the connection",
        "without one closes the connection without an alert",
        "closes the connection on an HTTP request",
    ]) {
        outcome.expect("tls.client_certificate", target, "inconclusive", how);
        assert!(outcome.one("tls.client_certificate", target).remedy.starts_with("Make it refuse"));
        outcome.expect("tls.client_accepted", target, "inconclusive", "as it does without one");
        let handshake = outcome.one("tls.handshake", target);
        assert_eq!(handshake.outcome, "passed");
        assert!(!handshake.observed.contains("demands"), "{handshake:#?}");
    }
    let optional = scene.scan(&[&targets[..1], &["--client-certificate", "optional"]]);
    optional.expect("tls.client_certificate", targets[0], "inconclusive", "");
}

/// Forwards to a server, and holds a flight that carries a certificate for more than a second, as a server does that
/// asks its CA about it. It ends with the test's process.
fn hold_certificates(server: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
            std::thread::spawn(move || forward(up.0, up.1, Duration::from_millis(1200)));
            std::thread::spawn(move || forward(down.0, down.1, Duration::ZERO));
        }
    });
    target
}

fn forward(mut from: TcpStream, mut to: TcpStream, hold: Duration) {
    let (mut buffer, mut is_first) = ([0; 9000], true);
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        if !is_first && bytes > 400 {
            std::thread::sleep(hold);
        }
        is_first = false;
        if to.write_all(&buffer[..bytes]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_refusal_that_takes_its_time_is_waited_for() {
    let (scene, farm) = (Scene::new(), Farm::start().unwrap());
    let identity = scene.authority.issue(&["127.0.0.1"], good()).unwrap();
    let stand = farm.open(Behaviour::Tls13DemandsClientCertificate(identity)).unwrap();
    let slow = hold_certificates(stand.address);
    let outcome = scene.scan(&[&[&slow], &words(&scene.stranger())]);
    outcome.expect("tls.client_accepted", &slow, "failed", "with the TLS alert UnknownCA");
    let outcome = scene.scan(&[&[&slow], &words(&scene.known())]);
    outcome.expect(
        "tls.client_accepted",
        &slow,
        "passed",
        "did not refuse 'monitoring' in the handshake, where",
    );
}

/// A server that sends no session ticket does not show that it is content: how long was waited is said.
#[test]
fn without_a_ticket_the_wait_has_an_end_and_is_said() {
    let scene = Scene::new();
    let own = [
        "-cert",
        "server.pem",
        "-key",
        "server.key",
        "-cert_chain",
        "issuer.pem",
        "-tls1_3",
        "-naccept",
        "9",
    ];
    let demand = ["-Verify", "3", "-verify_return_error", "-CAfile", "ca.pem", "-num_tickets", "0"];
    let server = Server::start(&scene.bench, &[&own[..], &demand].concat());
    let outcome = scene.scan(&[&[&server.1], &words(&scene.known())]);
    let said = "did not refuse 'monitoring' within 3.";
    outcome.expect("tls.client_accepted", &server.1, "passed", said);
    let outcome = scene.scan(&[&[&server.1], &words(&scene.stranger())]);
    outcome.expect("tls.client_accepted", &server.1, "failed", "with the TLS alert");
}
