//! Revocation: OCSP responses stapled by real servers and made by OpenSSL's responder, and lists from files
//! and, only where asked for, from addresses.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use cert_expiry_check::{certificate::Certificate, stores::ocsp::OcspResponse};
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CustomExtension, ExtendedKeyUsagePurpose,
    KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use testbed::tls_farm::{Behaviour, Farm, Stand};

use crate::{
    pki::{Somebody, pem},
    support::{Bench, Outcome},
};

const DAY: u64 = 86_400;

/// A root, and a server that it certified itself.
struct Scene {
    bench: Bench,
    farm: Farm,
    root: Somebody,
    server: Somebody,
    leaf: CertificateDer<'static>,
    roots: String,
}

impl Scene {
    fn new(server: Somebody) -> Self {
        let (bench, root) = (Bench::new(), Somebody::issuer("Signing Root"));
        let roots = bench.write("ca.pem", pem(&[&root.by_itself()]));
        let leaf = server.by(&root);
        Self { bench, farm: Farm::start().unwrap(), root, server, leaf, roots }
    }

    fn serve(&self, staple: Vec<u8>) -> Stand {
        let identity = self.server.presenting(&[&self.leaf]).stapling(staple);
        self.farm.open(Behaviour::Tls(identity)).unwrap()
    }

    fn scan(&self, stand: &Stand, arguments: &[&str]) -> Outcome {
        let target = stand.target();
        self.bench.scan(&[&[target.as_str(), "--roots", &self.roots], arguments].concat())
    }

    fn serial(&self) -> String {
        Certificate::read_only(&self.leaf).unwrap().serial
    }

    /// What OpenSSL's responder says about the server's certificate; `status` as in its index. The responder is
    /// somebody whom `certifier` certified, or the root itself.
    fn response(&self, status: Status, responder: Option<&(Somebody, CertificateDer<'static>)>) -> Vec<u8> {
        self.response_until(status, responder, &["-ndays", "7"])
    }

    /// The same with another word about the next update.
    fn response_until(
        &self,
        status: Status,
        responder: Option<&(Somebody, CertificateDer<'static>)>,
        next_update: &[&str],
    ) -> Vec<u8> {
        let serial = self.serial().to_uppercase();
        let line = match status {
            Status::Good => format!("V\t301231000000Z\t\t{serial}\tunknown\t/CN=localhost\n"),
            Status::Revoked => {
                format!("R\t301231000000Z\t261101000000Z,keyCompromise\t{serial}\tunknown\t/CN=localhost\n")
            }
            Status::Unknown => "V\t301231000000Z\t\t00FF\tunknown\t/CN=other\n".to_owned(),
        };
        let index = self.bench.write("index.txt", line);
        let leaf = self.bench.write("leaf.pem", pem(&[&self.leaf]));
        let (signer, certificate) = match responder {
            Some((responder, certificate)) => (responder, certificate.clone()),
            None => (&self.root, self.root.by_itself()),
        };
        let certificate = self.bench.write("responder.pem", pem(&[&certificate]));
        let key = self.bench.write("responder.key", signer.presenting(&[]).key_pem());
        let (request, answer) = (self.path("request.der"), self.path("answer.der"));
        openssl(&["ocsp", "-no_nonce", "-issuer", &self.roots, "-cert", &leaf, "-reqout", &request]);
        let arguments = [
            "ocsp",
            "-index",
            &index,
            "-CA",
            &self.roots,
            "-rsigner",
            &certificate,
            "-rkey",
            &key,
            "-reqin",
            &request,
            "-respout",
            &answer,
        ];
        openssl(&[&arguments[..], next_update].concat());
        std::fs::read(answer).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.bench.path(name).display().to_string()
    }

    /// The root's list, with these serial numbers on it, made and ending so many days from now.
    fn list(&self, revoked: &[&str], made: i64, ends: i64) -> Vec<u8> {
        list(&self.root, revoked, made, ends)
    }
}

#[derive(Clone, Copy)]
enum Status {
    Good,
    Revoked,
    Unknown,
}

fn list(issuer: &Somebody, revoked: &[&str], made: i64, ends: i64) -> Vec<u8> {
    let bytes = |hexadecimal: &str| -> Vec<u8> {
        let digits = (0..hexadecimal.len()).step_by(2);
        digits.map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap()).collect()
    };
    let at = |days: i64| {
        let span = Duration::from_secs(days.unsigned_abs() * DAY);
        if days < 0 { SystemTime::now() - span } else { SystemTime::now() + span }
    };
    let revoked_certs = revoked
        .iter()
        .map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&bytes(serial)),
            revocation_time: at(-3).into(),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        })
        .collect();
    let parameters = CertificateRevocationListParams {
        this_update: at(made).into(),
        next_update: at(ends).into(),
        crl_number: SerialNumber::from(7),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    parameters.signed_by(&issuer.signing()).unwrap().der().to_vec()
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {stderr}");
}

/// A server's certificate that promises a staple (RFC 7633).
fn must_staple() -> Somebody {
    let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]);
    Somebody::server().with(|server| server.custom_extensions.push(extension))
}

fn responder() -> Somebody {
    let purposes = vec![ExtendedKeyUsagePurpose::OcspSigning];
    Somebody::server().with(|responder| responder.extended_key_usages = purposes)
}

#[test]
fn a_promised_staple_that_does_not_come_fails() {
    let scene = Scene::new(must_staple());
    let stand = scene.serve(Vec::new());
    let outcome = scene.scan(&stand, &[]);
    assert_eq!((outcome.code, outcome.not_passed()), (2, vec!["tls.staple".to_owned()]));
    outcome.expect("tls.staple", &stand.target(), "failed", "none was stapled");
    let stand = scene.serve(scene.response(Status::Good, None));
    let outcome = scene.scan(&stand, &[]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("tls.staple", &stand.target(), "passed", "good, until");
    // Nothing is said where nothing was promised and nothing came.
    let scene = Scene::new(Somebody::server());
    let stand = scene.serve(Vec::new());
    assert!(scene.scan(&stand, &[]).of("tls.staple").is_empty());
}

#[test]
fn staples_are_verified_whoever_signed_them() {
    let scene = Scene::new(Somebody::server());
    let certified = |somebody: Somebody, by: &Somebody| {
        let certificate = somebody.by(by);
        (somebody, certificate)
    };
    let delegated = certified(responder(), &scene.root);
    let unfit = certified(Somebody::server(), &scene.root);
    let foreign = certified(responder(), &Somebody::issuer("Signing Root"));
    let mut damaged = scene.response(Status::Good, None);
    let Ok(OcspResponse::Answered(answered)) = OcspResponse::read_only(&damaged) else {
        panic!("{damaged:?}")
    };
    let signature = damaged.windows(answered.signature.len()).position(|bytes| bytes == answered.signature);
    damaged[signature.unwrap() + answered.signature.len() - 1] ^= 1;
    let other = Scene::new(Somebody::server());
    let table = [
        (scene.response(Status::Good, None), "passed", "good, until"),
        (scene.response(Status::Good, Some(&delegated)), "passed", "good, until"),
        (scene.response(Status::Revoked, None), "failed", "(key compromise), says its issuer"),
        (scene.response(Status::Revoked, Some(&delegated)), "failed", "revoked 2026-11-01 00:00 UTC"),
        (scene.response(Status::Unknown, None), "warned", "the responder does not know the certificate"),
        (scene.response(Status::Good, Some(&unfit)), "warned", "who may not (no OCSPSigning)"),
        (scene.response(Status::Good, Some(&foreign)), "warned", "whom 'Signing Root' did not certify"),
        (damaged, "warned", "its signature is neither that of 'Signing Root' nor"),
        (other.response(Status::Good, None), "warned", "about another certificate"),
        (vec![0x30, 3, 0x0a, 1, 3], "warned", "the responder's refusal: tryLater"),
        (b"hello".to_vec(), "warned", "no OCSP response"),
    ];
    for (staple, expected, words) in table {
        let stand = scene.serve(staple);
        let outcome = scene.scan(&stand, &[]);
        outcome.expect("tls.staple", &stand.target(), expected, words);
        let code = match expected {
            "passed" => 0,
            "warned" => 1,
            _ => 2,
        };
        assert_eq!(outcome.code, code, "{words}: {:#?}", outcome.findings());
    }
}

#[test]
fn a_stale_staple_is_warned_of_and_fails_where_one_was_promised() {
    for (promises, expected) in [(false, "warned"), (true, "failed")] {
        for (next_update, days, outcome, words) in [
            (&["-ndays", "7"][..], 8, expected, "the response is stale: it ended"),
            (&[], 2, expected, "and names no next update: clients believe it for a day at most"),
            (&["-ndays", "400"], 9, "passed", "good, until"),
            (&["-ndays", "400"], 12, "warned", "Mozilla's verifier believe none older than 10 d"),
        ] {
            let scene = Scene::new(if promises { must_staple() } else { Somebody::server() });
            let stand = scene.serve(scene.response_until(Status::Good, None, next_update));
            let later = SystemTime::now() + Duration::from_secs(days * DAY);
            let later = jiff::Timestamp::try_from(later).unwrap().strftime("%Y-%m-%d").to_string();
            let target = stand.target();
            let arguments = ["scan", &target, "--roots", &scene.roots, "--as-of", &later, "--format", "json"];
            let came = Outcome::read(&scene.bench.run(&arguments));
            came.expect("tls.staple", &stand.target(), outcome, words);
        }
    }
}

#[test]
fn openssl_staples_too() {
    let scene = Scene::new(must_staple());
    let staple = scene.bench.path("staple.der");
    std::fs::write(&staple, scene.response(Status::Revoked, None)).unwrap();
    let identity = scene.server.presenting(&[&scene.leaf]);
    scene.bench.write("server.pem", identity.pem());
    scene.bench.write("server.key", identity.key_pem());
    let server = crate::openssl::Server::start(
        &scene.bench,
        &["-cert", "server.pem", "-key", "server.key", "-status_file", "staple.der"],
    );
    let outcome = scene.bench.scan(&[&server.1, "--roots", &scene.roots]);
    outcome.expect("tls.staple", &server.1, "failed", "(key compromise), says its issuer");
}

#[test]
fn a_list_that_is_named_decides() {
    let scene = Scene::new(Somebody::server());
    let stand = scene.serve(Vec::new());
    let (serial, target) = (scene.serial(), stand.target());
    let with = |list: Vec<u8>| {
        let file = scene.bench.write("issuer.crl", list);
        scene.scan(&stand, &["--crl", &file])
    };
    let outcome = with(scene.list(&["0a", &serial, "0b"], -1, 6));
    assert_eq!((outcome.code, outcome.not_passed()), (2, vec!["tls.revocation".to_owned()]));
    outcome.expect(
        "tls.revocation",
        &target,
        "failed",
        "3 d ago (key compromise), says the list of 'Signing Root' in",
    );

    let outcome = with(scene.list(&["0a"], -1, 6));
    assert_eq!((outcome.code, outcome.not_passed()), (0, vec![]));
    outcome.expect("tls.revocation", &target, "passed", "not on the list of 'Signing Root'");

    // A list that has ended still proves a revocation, and no longer its absence.
    let outcome = with(scene.list(&[&serial], -9, -2));
    outcome.expect("tls.revocation", &target, "failed", "(key compromise)");
    let outcome = with(scene.list(&[], -9, -2));
    outcome.expect("tls.revocation", &target, "not_checked_optional", "the list ended");
    assert_eq!(outcome.not_passed(), ["crl.freshness", "tls.revocation"], "{:#?}", outcome.findings());

    // A list in the name of the issuer that somebody else signed.
    let outcome = with(list(&Somebody::issuer("Signing Root"), &[&serial], -1, 6));
    outcome.expect(
        "tls.revocation",
        &target,
        "not_checked_optional",
        "its signature is not that of the certificate's issuer",
    );
    assert_eq!(outcome.code, 0);

    // A list of somebody else says nothing about this certificate.
    let outcome = with(list(&Somebody::issuer("Other Root"), &[&serial], -1, 6));
    assert!(outcome.of("tls.revocation").is_empty(), "{:#?}", outcome.findings());
}

#[test]
fn lists_among_the_targets_count_too_and_files_are_judged_by_them() {
    let scene = Scene::new(Somebody::server());
    let file = scene.bench.write("tls/server.pem", pem(&[&scene.leaf]));
    scene.bench.write("tls/issuer.crl", scene.list(&[&scene.serial()], -1, 6));
    let folder = scene.bench.path("tls").display().to_string();
    let outcome = scene.bench.scan(&[&folder, "--roots", &scene.roots]);
    assert_eq!(outcome.code, 2);
    outcome.expect("tls.revocation", &file, "failed", "issuer.crl");
}

#[test]
fn a_file_without_a_list_is_refused() {
    let scene = Scene::new(Somebody::server());
    let stand = scene.serve(Vec::new());
    for (content, words) in [
        (&b"hello"[..], "holds no revocation list"),
        (&[0x30, 0x82, 1, 0, 0x30][..], ""),
        (pem(&[&scene.leaf]).as_bytes(), "holds no revocation list"),
    ] {
        let file = scene.bench.write("no.crl", content);
        let output = scene.bench.run(&["scan", &stand.target(), "--crl", &file, "--evidence", "none"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("no.crl") && stderr.contains(words), "{stderr}");
    }
}

/// A server that answers every request with the same bytes, and notes who asked for what.
struct Http {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Http {
    fn start(status: &'static str, body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, ending) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicBool::new(false)));
        let (noted, end) = (Arc::clone(&requests), Arc::clone(&ending));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    break;
                }
                answer(stream, status, &body, &noted);
            }
        });
        Self { address, requests, ending, thread: Some(thread) }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn url(&self) -> String {
        format!("http://{}/root.crl", self.address)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, status: &str, body: &[u8], noted: &Mutex<Vec<String>>) {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).unwrap_or(0);
    let text = String::from_utf8_lossy(&request[..length]);
    noted.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// A server's certificate that says where its issuer publishes its list.
fn published_at(addresses: &[String]) -> Somebody {
    let point = CrlDistributionPoint { uris: addresses.to_vec() };
    let points = if addresses.is_empty() { Vec::new() } else { vec![point] };
    Somebody::server().with(|server| server.crl_distribution_points = points)
}

#[test]
fn nobody_is_contacted_unasked_and_each_address_once() {
    let root = Somebody::issuer("Signing Root");
    let http = Http::start("200 OK", list(&root, &[], -1, 6));
    let bench = Bench::new();
    let roots = bench.write("ca.pem", pem(&[&root.by_itself()]));
    let farm = Farm::start().unwrap();
    let stands: Vec<_> = (0..3)
        .map(|_| {
            let server = published_at(&[http.url(), "ldap://127.0.0.1/cn=root".to_owned()]);
            farm.open(Behaviour::Tls(server.presenting(&[&server.by(&root)]))).unwrap()
        })
        .collect();
    let targets: Vec<_> = stands.iter().map(Stand::target).collect();
    let mut arguments: Vec<_> = targets.iter().map(String::as_str).collect();
    arguments.extend(["--roots", &roots]);
    let outcome = bench.scan(&arguments);
    assert_eq!((outcome.code, http.requests()), (0, vec![]), "nobody asked for it");
    assert!(outcome.of("tls.revocation").is_empty());

    arguments.push("--fetch-crls");
    let outcome = Outcome::read(&bench.scan_command(&arguments).env("NO_PROXY", "*").output().unwrap());
    assert_eq!(http.requests(), ["GET /root.crl HTTP/1.1"]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    for target in &targets {
        outcome.expect("tls.revocation", target, "passed", &http.url());
    }
}

#[test]
fn what_is_fetched_is_judged_and_an_outage_is_no_failure() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root = Somebody::issuer("Signing Root");
    let missing = Http::start("404 Not Found", Vec::new());
    let garbage = Http::start("200 OK", b"<html>".to_vec());
    let stale = Http::start("200 OK", list(&root, &[], -9, -2));
    let bench = Bench::new();
    let roots = bench.write("ca.pem", pem(&[&root.by_itself()]));
    let farm = Farm::start().unwrap();
    let scan = |addresses: &[String]| {
        let server = published_at(addresses);
        let stand = farm.open(Behaviour::Tls(server.presenting(&[&server.by(&root)]))).unwrap();
        let arguments = [&stand.target(), "--roots", roots.as_str(), "--fetch-crls"];
        let output = bench.scan_command(&arguments).env("NO_PROXY", "*").output().unwrap();
        (Outcome::read(&output), stand.target())
    };
    for (address, words) in [
        (format!("http://{closed}/root.crl"), "refused"),
        (missing.url(), "404"),
        (garbage.url(), "holds no revocation list"),
        (stale.url(), "the list ended"),
        ("ldap://127.0.0.1/cn=root".to_owned(), "only http and https"),
    ] {
        let (outcome, target) = scan(std::slice::from_ref(&address));
        assert_eq!(outcome.code, 0, "{address}: {:#?}", outcome.findings());
        outcome.expect("tls.revocation", &target, "not_checked_optional", words);
    }
    let (outcome, target) = scan(&[]);
    outcome.expect(
        "tls.revocation",
        &target,
        "not_checked_optional",
        "names no address of its issuer's list",
    );

    // One address is down, and another one has the list, with this certificate on it.
    let revoking = Http::start("200 OK", list(&root, &["5555555555555555"], -1, 6));
    let server = published_at(&[format!("http://{closed}/root.crl"), revoking.url()])
        .with(|server| server.serial_number = Some(SerialNumber::from_slice(&[0x55; 8])));
    let stand = farm.open(Behaviour::Tls(server.presenting(&[&server.by(&root)]))).unwrap();
    let arguments = [&stand.target(), "--roots", roots.as_str(), "--fetch-crls"];
    let outcome = Outcome::read(&bench.scan_command(&arguments).env("NO_PROXY", "*").output().unwrap());
    assert_eq!(outcome.code, 2);
    outcome.expect("tls.revocation", &stand.target(), "failed", &revoking.url());
}
