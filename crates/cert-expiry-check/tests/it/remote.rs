//! Certificates at URLs: a small HTTP server of our own, plain or behind TLS.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use testbed::tls_farm::{Authority, Identity, Lifetime};

use crate::support::Bench;

/// A server that answers each path in its own way, until the test ends.
struct Site {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<String>>>,
}

type Answers = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

impl Site {
    fn plain(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::open("http", None, Arc::new(answer))
    }

    fn tls(identity: &Identity, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), identity.key())
            .unwrap();
        Self::open("https", Some(Arc::new(config)), Arc::new(answer))
    }

    fn open(scheme: &'static str, tls: Option<Arc<ServerConfig>>, answer: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = Self { address: listener.local_addr().unwrap(), scheme, requests: Arc::default() };
        let requests = Arc::clone(&site.requests);
        // The threads end with the process of this test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, answer, requests) = (tls.clone(), Arc::clone(&answer), Arc::clone(&requests));
                std::thread::spawn(move || match tls {
                    None => serve(stream, &answer, &requests),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &answer, &requests);
                    }
                });
            }
        });
        site
    }

    fn url(&self, path: &str) -> String {
        format!("pem+{}://{}{path}", self.scheme, self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(stream: impl Read + Write, answer: &Answers, requests: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        match stream.read_line(&mut request) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    requests.lock().unwrap().push(request);
    let _ = stream.get_mut().write_all(&answer(&path));
    let _ = stream.get_mut().flush();
}

fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

fn pem(authority: &Authority, days: u64) -> String {
    authority.issue(&["shop.example"], Lifetime::days_left(90, days)).unwrap().leaf_only().pem()
}

#[test]
fn certificates_at_a_url_are_judged_like_a_files() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let (good, bad) = (pem(&authority, 60), pem(&authority, 3));
    let site = Site::plain(move |path| if path.starts_with("/good") { ok(&good) } else { ok(&bad) });
    let (good, bad) = (site.url("/good.pem"), site.url("/bad.pem"));
    let outcome = bench.scan(&[&good, &bad]);
    assert_eq!(outcome.code, 2);
    outcome.expect("file.lifetime", &good, "passed", "in 60 d");
    outcome.expect("file.lifetime", &bad, "failed", "in 3 d");
    assert!(outcome.one("file.lifetime", &bad).location.is_empty());
    assert!(site.requests().iter().all(|request| request.starts_with("GET ")), "{:?}", site.requests());
}

#[test]
fn https_is_trusted_by_the_same_roots_as_everything_else() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let identity = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
    let body = pem(&authority, 60);
    let site = Site::tls(&identity, move |_| ok(&body));
    let url = site.url("/ca.pem");
    let outcome = bench.scan(&[&url, "--roots", &roots]);
    assert_eq!(outcome.code, 0, "{:#?}", outcome.findings());
    outcome.expect("file.lifetime", &url, "passed", "in 60 d");
    let outcome = bench.scan(&[&url]);
    assert_eq!(outcome.code, 2);
    outcome.expect("file.readable", &url, "failed", "UnknownIssuer");
}

#[test]
fn redirects_are_followed_within_reason() {
    let bench = Bench::new();
    let authority = Authority::new().unwrap();
    let roots = bench.write("ca.pem", authority.root_pem());
    let identity = authority.issue(&["127.0.0.1"], Lifetime::days_left(90, 60)).unwrap();
    let body = pem(&authority, 60);
    let plain = Site::plain(move |path| match path {
        "/1" => redirect("/2"),
        "/2" => redirect("/3"),
        "/3" => redirect("/end.pem"),
        "/0" => redirect("/1"),
        "/file" => redirect("file:///etc/passwd"),
        _ => ok(&body),
    });
    let unsafe_place = format!("http://{}/end.pem?token=hunter2", plain.address);
    let secure = Site::tls(&identity, move |_| redirect(&unsafe_place));
    for (url, outcome, words) in [
        (plain.url("/1"), "passed", ""),
        (plain.url("/0"), "failed", "redirects more than 3 times"),
        (plain.url("/file"), "failed", "file:///etc/passwd, which is not followed"),
        (secure.url("/down"), "failed", "redirects from https to http://127.0.0.1"),
    ] {
        let seen = bench.scan(&[&url, "--roots", &roots]);
        seen.expect("file.readable", &url, outcome, words);
        assert!(!seen.stdout.contains("hunter2"));
    }
}

#[test]
fn what_is_no_answer_with_certificates_fails_by_its_reason() {
    let bench = Bench::new();
    let site = Site::plain(|path| match path {
        "/404" => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        "/204" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        "/cut" => b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nshort".to_vec(),
        "/says-large" => b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n".to_vec(),
        "/large" => [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; 9_000_000]].concat(),
        "/noise" => b"\x16\x03\x01 no HTTP\r\n\r\n".to_vec(),
        "/loop" => redirect("/loop"),
        _ => ok("<html>please log in</html>"),
    });
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("pem+http://{}/", listener.local_addr().unwrap())
    };
    for (url, words) in [
        (site.url("/404"), "the server answers 404 Not Found"),
        (site.url("/204"), "the server answers 204"),
        (site.url("/cut"), "the answer was cut off"),
        (site.url("/says-large"), "longer than 8 MiB"),
        (site.url("/large"), "longer than 8 MiB"),
        (site.url("/noise"), "no HTTP answer"),
        (site.url("/loop"), "more than 3 times"),
        (site.url("/login"), "it is a web page (HTML)"),
        (dead, "no connection: Connection refused"),
    ] {
        let outcome = bench.scan(&[&url]);
        assert_eq!(outcome.code, 2, "{url}");
        outcome.expect("file.readable", &url, "failed", words);
    }
}

#[test]
fn who_never_answers_is_waited_for_no_longer_than_the_run() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("pem+http://{}/", listener.local_addr().unwrap());
    let outcome = bench.scan(&[&url, "--timeout", "1s"]);
    assert_eq!(outcome.code, 3);
    outcome.expect("file.readable", &url, "not_checked", "deadline");
    let held: Vec<TcpStream> = listener.incoming().take(1).flatten().collect();
    assert_eq!(held.len(), 1, "it did connect");
}

#[test]
fn user_password_and_query_are_sent_to_their_server_and_shown_nowhere() {
    let bench = Bench::new();
    let body = pem(&Authority::new().unwrap(), 60);
    let other = Site::plain(move |_| ok(&body));
    let there = format!("http://{}/end.pem", other.address);
    let site = Site::plain(move |_| redirect(&there));
    let url = format!("pem+http://app:hunter2@{}/a.pem?token=hunter2", site.address);
    let outcome = bench.scan(&[&url, "--verbose"]);
    outcome.expect("file.readable", &site.url("/a.pem"), "passed", "");
    let first = site.requests().concat();
    assert!(
        first.contains("token=hunter2") && first.to_ascii_lowercase().contains("authorization: basic"),
        "{first}"
    );
    let second = other.requests().concat().to_ascii_lowercase();
    assert!(
        !second.contains("hunter2") && !second.contains("authorization") && !second.contains("referer"),
        "{second}"
    );
    let evidence = std::fs::read_to_string(bench.evidence()).unwrap();
    for written in [&outcome.stdout, &outcome.stderr, &evidence] {
        assert!(!written.contains("hunter2"), "{written}");
    }
    let plan = bench.run(&["scan", &url, "--dry-run", "--evidence", "none"]);
    assert!(plan.status.success());
    assert!(!String::from_utf8_lossy(&plan.stdout).contains("hunter2"));
    let wrong = bench.run(&["scan", "pem+ftp://app:hunter2@a.example/"]);
    let words = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(words.contains("https://") && !words.contains("hunter2"), "{words}");
}
