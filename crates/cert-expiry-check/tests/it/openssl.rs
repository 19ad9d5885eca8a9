//! OpenSSL as the yardstick: the same dates, serial numbers and verdicts on trust.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use cert_expiry_check::{
    assess::chain::{Roots, judge},
    certificate::Certificate,
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use testbed::tls_farm::{Authority, Identity, Lifetime};

use crate::support::{Bench, text};

pub(crate) fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What `openssl x509` says about the first certificate of a file.
fn said(path: &Path, option: &str) -> String {
    let (succeeded, printed) = openssl(&["x509", "-noout", option, "-in", &text(path)]);
    assert!(succeeded, "{printed}");
    printed.trim().split_once('=').unwrap().1.to_owned()
}

fn moment(printed: &str) -> Timestamp {
    let spaced = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    let civil = DateTime::strptime("%b %d %H:%M:%S %Y GMT", &spaced).unwrap();
    TimeZone::UTC.to_timestamp(civil).unwrap()
}

fn compare(path: &Path) {
    let pem = std::fs::read(path).unwrap();
    let block = cert_expiry_check::stores::pem::read(&pem).blocks.into_iter().next().unwrap();
    let ours = Certificate::read_only(&block.der.unwrap()).unwrap();
    assert_eq!(ours.validity.not_before, moment(&said(path, "-startdate")), "{}", path.display());
    assert_eq!(ours.validity.not_after, moment(&said(path, "-enddate")), "{}", path.display());
    assert_eq!(
        ours.serial.trim_start_matches('0').to_uppercase(),
        said(path, "-serial").trim_start_matches('0'),
        "{}",
        path.display()
    );
}

#[test]
fn dates_and_serials_agree_with_openssl() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    for (total, left) in [(1, 1), (6, 3), (47, 40), (90, 60), (398, 300), (3650, 3000), (20_000, 19_000)] {
        let name = format!("rcgen-{total}.pem");
        let identity = authority.issue(&["shop.example"], Lifetime::days_left(total, left)).unwrap();
        bench.write(&name, identity.leaf_only().pem());
        compare(&bench.path(&name));
    }
    let kinds: [(&str, &[&str]); 4] = [
        ("rsa", &["-newkey", "rsa:2048"]),
        ("p256", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("p384", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        ("ed25519", &["-newkey", "ed25519"]),
    ];
    for (kind, key) in kinds {
        // Over 9,300 days the year is past 2049, and written as GeneralizedTime.
        for days in ["1", "398", "10000"] {
            let path = bench.path(&format!("openssl-{kind}-{days}.pem"));
            let (path, key_file) = (text(&path), text(&bench.path("key.pem")));
            let mut arguments =
                vec!["req", "-x509", "-nodes", "-subj", "/O=Shop/CN=shop.example", "-days", days];
            arguments.extend(key);
            arguments.extend(["-keyout", &key_file, "-out", &path]);
            let (succeeded, _) = openssl(&arguments);
            assert!(succeeded, "{arguments:?}");
            compare(Path::new(&path));
        }
    }
}

#[test]
fn what_the_scan_says_of_a_file_agrees_with_openssl() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let identity = authority.issue(&["shop.example"], Lifetime::days_left(398, 300)).unwrap();
    let path = bench.write("shop.pem", identity.leaf_only().pem());
    let textfile = text(&bench.path("out.prom"));
    let outcome = bench.scan(&[&path, "--format", &format!("textfile={textfile}")]);
    let end = moment(&said(Path::new(&path), "-enddate"));
    let found = outcome.one("file.lifetime", &path);
    assert_eq!(found.hurts_at.parse::<Timestamp>().unwrap(), end);
    assert!(found.observed.contains(&end.strftime("%Y-%m-%d %H:%M UTC").to_string()), "{found:#?}");
    let told = std::fs::read_to_string(textfile).unwrap();
    let told = told.lines().find(|line| line.starts_with("x509_cert_not_after{")).unwrap();
    assert!(told.ends_with(&format!("}} {}", end.as_second())), "{told}");
}

/// `openssl verify` for a server's certificate at this moment.
fn openssl_trusts(bench: &Bench, chain: &Identity, roots: &str) -> bool {
    let leaf = bench.write("leaf.pem", chain.leaf_only().pem());
    let presented = bench.write("presented.pem", chain.pem());
    let roots = bench.write("roots.pem", roots);
    openssl(&[
        "verify",
        "-no-CApath",
        "-no-CAstore",
        "-purpose",
        "sslserver",
        "-CAfile",
        &roots,
        "-untrusted",
        &presented,
        &leaf,
    ])
    .0
}

/// Ours counts an expired root and an expired leaf, as OpenSSL does; each has its own finding in a scan.
fn we_trust(chain: &Identity, roots: &[&[u8]]) -> bool {
    let now = Timestamp::now();
    let read = |der: &[u8]| std::sync::Arc::new(Certificate::read_only(der).unwrap());
    let valid = |certificate: &Certificate| {
        (certificate.validity.not_before..=certificate.validity.not_after).contains(&now)
    };
    let roots = Roots::new("the test's roots", roots.iter().map(|der| read(der)));
    let chain: Vec<_> = chain.chain.iter().map(|der| read(der)).collect();
    valid(&chain[0]) && judge(&chain, &roots, now).is_ok_and(|path| valid(path.root()))
}

#[test]
fn trust_agrees_with_openssl() {
    let bench = Bench::new();
    let (long, good) = (Lifetime::days_left(3650, 3000), Lifetime::days_left(90, 60));
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let expired_root = Authority::with_lifetimes(Lifetime::expired(3650, 1), long).unwrap();
    let expired_issuer = Authority::with_lifetimes(long, Lifetime::expired(3650, 1)).unwrap();
    let future_issuer = Authority::with_lifetimes(long, Lifetime::begins_in(3650, 1)).unwrap();
    let issue = |authority: &Authority, lifetime| authority.issue(&["shop.example"], lifetime).unwrap();
    let whole = issue(&authority, good);
    let turned = whole.with_chain(whole.chain.iter().rev().cloned().collect());
    let with_root = whole.with_chain([whole.chain.clone(), vec![authority.root().clone()]].concat());
    let padded = whole.with_chain(
        [whole.chain[..1].to_vec(), vec![other.intermediate().clone()], whole.chain[1..].to_vec()].concat(),
    );
    let table = [
        ("whole", whole.with_chain(whole.chain.clone()), &authority, true),
        ("with its root", with_root, &authority, true),
        ("with a stranger between", padded, &authority, true),
        ("missing intermediate", whole.leaf_only(), &authority, false),
        ("other root", whole, &other, false),
        ("issuer first", turned, &authority, false),
        ("expired", issue(&authority, Lifetime::expired(90, 1)), &authority, false),
        ("not yet valid", issue(&authority, Lifetime::begins_in(90, 1)), &authority, false),
        ("expired root", issue(&expired_root, good), &expired_root, false),
        ("expired intermediate", issue(&expired_issuer, good), &expired_issuer, false),
        ("intermediate not yet valid", issue(&future_issuer, good), &future_issuer, false),
    ];
    for (what, chain, trusted, expected) in table {
        assert_eq!(we_trust(&chain, &[trusted.root()]), expected, "ours: {what}");
        assert_eq!(openssl_trusts(&bench, &chain, &trusted.root_pem()), expected, "openssl: {what}");
    }
}

/// One server of OpenSSL's own, ended when dropped.
pub(crate) struct Server(Child, pub(crate) String);

impl Server {
    pub(crate) fn start(bench: &Bench, arguments: &[&str]) -> Self {
        Self::start_for(bench, 1, arguments)
    }

    /// For so many connections.
    pub(crate) fn start_for(bench: &Bench, connections: u8, arguments: &[&str]) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-naccept", &connections.to_string()])
            .args(arguments)
            .current_dir(bench.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let target = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned));
        // Its later output goes nowhere, and must not block it.
        std::thread::spawn(move || lines.count());
        Self(child, target.expect("the server listens"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_servers_of_openssl_are_captured() {
    let bench = Bench::new();
    let make = |name: &str, key: &[&str]| {
        let (certificate, key_file) = (format!("{name}.pem"), format!("{name}.key"));
        let (certificate, key_file) = (text(&bench.path(&certificate)), text(&bench.path(&key_file)));
        let mut arguments = vec!["req", "-x509", "-nodes", "-subj", "/CN=localhost", "-days", "90"];
        arguments.extend([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            &key_file,
            "-out",
            &certificate,
        ]);
        arguments.extend(key);
        assert!(openssl(&arguments).0, "{arguments:?}");
        certificate
    };
    let rsa = make("rsa", &["-newkey", "rsa:2048"]);
    make("weak", &["-newkey", "rsa:1024"]);
    make("p384", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    make("ed25519", &["-newkey", "ed25519"]);
    let rsa_with = |more: &'static [&'static str]| [&["-cert", "rsa.pem", "-key", "rsa.key"], more].concat();
    let old: &[&str] = &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    let table = [
        (rsa_with(&["-tls1_2"]), "passed", "TLS 1.2, 1 certificate"),
        (rsa_with(&["-tls1_3"]), "passed", "TLS 1.3, 1 certificate"),
        (vec!["-cert", "p384.pem", "-key", "p384.key"], "passed", "TLS 1.3"),
        (vec!["-cert", "ed25519.pem", "-key", "ed25519.key"], "passed", "TLS 1.3"),
        (rsa_with(&["-tls1_2", "-Verify", "1"]), "passed", "demands a client certificate"),
        (rsa_with(&["-tls1_3", "-Verify", "1"]), "passed", "demands a client certificate"),
        (
            rsa_with(&["-tls1_3", "-verify", "1"]),
            "passed",
            "asks for a client certificate, and does not insist",
        ),
        (rsa_with(old), "failed", "speaks neither TLS 1.2 nor TLS 1.3"),
        (rsa_with(&["-tls1_2", "-cipher", "AES128-SHA"]), "failed", "TLS alert HandshakeFailure"),
        (vec!["-nocert", "-tls1_2"], "failed", "TLS alert HandshakeFailure"),
        (
            vec!["-cert", "weak.pem", "-key", "weak.key", "-cipher", "ALL:@SECLEVEL=0"],
            "not_checked_optional",
            "so weak a key: see tls.key",
        ),
    ];
    let servers: Vec<_> = table.iter().map(|(arguments, ..)| Server::start(&bench, arguments)).collect();
    let mut arguments: Vec<&str> = servers.iter().map(|server| server.1.as_str()).collect();
    arguments.extend(["--roots", &rsa]);
    let outcome = bench.scan(&arguments);
    for ((_, expected, words), server) in table.iter().zip(&servers) {
        outcome.expect("tls.handshake", &server.1, expected, words);
    }
    let weak = servers.last().unwrap();
    outcome.expect("tls.key", &weak.1, "failed", "RSA, 1024 bits: fewer than 2048");
    outcome.expect("tls.lifetime", &servers[10].1, "passed", "lifetime 90 d");
}
