//! Client certificates that a server looks at only in its answer to a request: nginx, asked by `--ask-http`.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    mutual_tls::{Scene, words},
    support::text,
};

/// nginx in the foreground, ended when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const IN: &str = "return 200 'in';";

/// A server of nginx: where it listens, whether it verifies clients, and what it answers.
struct Site {
    address: &'static str,
    verify: &'static str,
    answer: &'static str,
}

fn site(verify: &'static str, answer: &'static str) -> Site {
    Site { address: "127.0.0.1:0", verify, answer }
}

/// Starts nginx with these servers, each on a port of its own.
fn nginx(scene: &Scene, sites: &[Site]) -> (Nginx, Vec<String>) {
    for _ in 0..10 {
        // nginx cannot be told to take any port: some that are free now may be taken when it starts.
        let held: Vec<_> = sites.iter().map(|site| TcpListener::bind(site.address).unwrap()).collect();
        let targets: Vec<_> = held.iter().map(|held| held.local_addr().unwrap().to_string()).collect();
        drop(held);
        let servers: String = (sites.iter().zip(&targets))
            .map(|(Site { verify, answer, .. }, target)| {
                format!("server {{ listen {target} ssl; ssl_verify_client {verify}; {answer} }}\n")
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
    let (_nginx, targets) = nginx(&scene, &["on", "optional", "off"].map(|verify| site(verify, IN)));
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

#[test]
fn an_ipv6_address_is_asked_as_http_wants_it() {
    let scene = Scene::new();
    let sites =
        [Site { address: "[::1]:0", ..site("optional", IN) }, Site { address: "[::1]:0", ..site("on", IN) }];
    let (_nginx, targets) = nginx(&scene, &sites);
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let asking = ["--client-certificate", "required", "--ask-http"];
    let outcome = scene.scan(&[&targets, &asking, &words(&scene.known())]);
    outcome.expect("tls.client_certificate", targets[0], "failed", "answers HTTP 200 without one");
    outcome.expect("tls.client_certificate", targets[1], "passed", "with HTTP 400");
    for target in targets {
        outcome.expect("tls.client_accepted", target, "passed", "answers HTTP 200");
    }
}

/// What a status says of the certificate, and what only another answer says.
#[test]
fn a_status_is_a_refusal_only_where_it_can_mean_nothing_else() {
    let scene = Scene::new();
    let sites = [
        site("optional", "return 403;"),
        site("optional", "if ($ssl_client_verify != SUCCESS) { return 403; } return 200 'in';"),
        site("optional", "return 401;"),
        site("optional", "return 444;"),
        site("optional", "return 503;"),
        site("on", "return 503;"),
        site("optional", "return 302 https://login.example/;"),
        site("optional", "if ($ssl_client_verify = SUCCESS) { return 401; } return 403;"),
    ];
    let (_nginx, targets) = nginx(&scene, &sites);
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let asking = ["--client-certificate", "required", "--ask-http"];
    let alone = scene.scan(&[&targets, &asking]);
    let both = scene.scan(&[&targets, &asking, &words(&scene.known())]);
    for (target, (anonymous, compared, accepted, said)) in targets.iter().zip([
        ("inconclusive", "inconclusive", "inconclusive", "HTTP 403 without one"),
        ("inconclusive", "passed", "passed", "accepted 'monitoring', and answers HTTP 200"),
        ("inconclusive", "inconclusive", "inconclusive", "HTTP 401 without one"),
        ("inconclusive", "inconclusive", "inconclusive", "as it does without one"),
        ("failed", "failed", "not_checked_optional", "got through the handshake with 'monitoring'"),
        ("passed", "passed", "passed", "got through the handshake with 'monitoring', where"),
        ("inconclusive", "inconclusive", "not_checked_optional", "redirects with HTTP 302"),
        ("inconclusive", "inconclusive", "failed", "and answers HTTP 403 without one"),
    ]) {
        alone.expect("tls.client_certificate", target, anonymous, "");
        both.expect("tls.client_certificate", target, compared, "");
        both.expect("tls.client_accepted", target, accepted, said);
    }
}
