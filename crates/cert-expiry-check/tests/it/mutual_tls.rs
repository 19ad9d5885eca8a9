//! Client certificates: who turns anonymous clients away, and whether ours is accepted. Against servers of
//! rustls, OpenSSL and nginx.

use std::{
    fs::Permissions,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use testbed::tls_farm::{Authority, Behaviour, Farm, Identity, Lifetime};

use crate::{
    openssl::Server,
    support::{Bench, Outcome, eventually, text},
};

const REFUSED: &str = "refused us without a certificate, with the TLS alert";

/// An authority, a server's files, and a client's.
struct Scene {
    bench: Bench,
    authority: Authority,
    roots: String,
}

impl Scene {
    fn new() -> Self {
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

    fn known(&self) -> [String; 4] {
        self.client("known", &self.authority.issue_client("monitoring", good()).unwrap())
    }

    fn stranger(&self) -> [String; 4] {
        let elsewhere = Authority::named("Elsewhere", long(), long()).unwrap();
        self.client("stranger", &elsewhere.issue_client("stranger", good()).unwrap())
    }

    fn scan(&self, arguments: &[&[&str]]) -> Outcome {
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

fn words(flags: &[String; 4]) -> [&str; 4] {
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
    for (certificate, key, said) in [
        (&known[1], &stranger[3], vec![known[1].as_str(), stranger[3].as_str(), "does not belong"]),
        (&known[1], &sealed, vec![sealed.as_str(), "holds an encrypted key"]),
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
    assert_eq!(outcome.code, 1);
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

/// nginx in the foreground, ended when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts nginx with these values of `ssl_verify_client`, each on a port of its own.
fn nginx(scene: &Scene, verify: &[&str]) -> (Nginx, Vec<String>) {
    for _ in 0..10 {
        // nginx cannot be told to take any port: some that are free now may be taken when it starts.
        let held: Vec<_> = verify.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let targets: Vec<_> = held.iter().map(|held| held.local_addr().unwrap().to_string()).collect();
        drop(held);
        let servers: String = (verify.iter().zip(&targets))
            .map(|(verify, target)| {
                format!("server {{ listen {target} ssl; ssl_verify_client {verify}; return 200 'in'; }}\n")
            })
            .collect();
        let folder = scene.bench.path("");
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
            .collect();
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;\nevents {{ worker_connections 64; }}\nhttp {{ access_log off;\n\
             {temporary}ssl_certificate server.pem; ssl_certificate_key server.key;\nssl_verify_depth 3; ssl_client_certificate ca.pem;\n{servers}}}\n"
        );
        let config = scene.bench.write("nginx.conf", config);
        let child = Command::new("nginx")
            .args(["-e", "stderr", "-p", &text(&folder), "-c", &config])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        let mut nginx = Nginx(child);
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            if targets.iter().all(|target| TcpStream::connect(target).is_ok()) {
                return (nginx, targets);
            }
            if nginx.0.try_wait().unwrap().is_some() {
                break;
            }
            assert!(Instant::now() < patience, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    panic!("nginx does not start");
}

#[test]
fn nginx_refuses_only_in_its_answer_and_is_asked_only_by_name() {
    let scene = Scene::new();
    let (_nginx, targets) = nginx(&scene, &["on", "optional", "off"]);
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let [on, optional, off] = targets[..] else { unreachable!() };
    let check = "tls.client_certificate";
    let outcome = scene.scan(&[&targets, &["--client-certificate", "required"]]);
    for target in [on, optional] {
        outcome.expect(check, target, "inconclusive", "cannot be told from the handshake");
        assert!(outcome.one(check, target).remedy.contains("--ask-http"));
    }
    outcome.expect(check, off, "failed", "does not even ask");

    let known = scene.known();
    // Whoever turns nobody away in the handshake does not accept anybody there either.
    for client in [&known, &scene.stranger()] {
        let outcome = scene.scan(&[&[on, optional], &words(client)]);
        for target in [on, optional] {
            outcome.expect("tls.client_accepted", target, "not_checked_optional", "nor anybody without a");
            assert!(outcome.one("tls.client_accepted", target).remedy.contains("--ask-http"));
        }
    }
    let asking = ["--client-certificate", "required", "--ask-http"];
    let outcome = scene.scan(&[&targets, &asking, &words(&known)]);
    outcome.expect(check, on, "passed", "refused our request without a certificate, with HTTP 400");
    outcome.expect(check, optional, "failed", "answers HTTP 200 without one");
    outcome.expect("tls.client_accepted", on, "passed", "accepted 'monitoring', and answers HTTP 200");
    let outcome = scene.scan(&[&[on], &asking, &words(&scene.stranger())]);
    outcome.expect("tls.client_accepted", on, "failed", "with HTTP 400");
}
