//! STARTTLS with the real servers: PostgreSQL, Dovecot, OpenLDAP and MariaDB, on loopback, each with TLS and
//! without. They start within a second or two, as a user without rights.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use testbed::tls_farm::{Authority, Lifetime};

use crate::support::{Bench, Outcome, text};

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65_534;

/// A folder with a certificate of 12 days for localhost, its key, and room for servers.
struct Scene {
    bench: Bench,
    roots: String,
}

impl Scene {
    fn new() -> Self {
        let (bench, authority) = (Bench::new(), Authority::new().unwrap());
        let identity = authority.issue(&["localhost", "127.0.0.1"], Lifetime::days_left(90, 12)).unwrap();
        let roots = bench.write("ca.pem", authority.root_pem());
        bench.write("cert.pem", identity.pem());
        let key = bench.write("key.pem", identity.key_pem());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(bench.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        let scene = Self { bench, roots };
        scene.hand_over(Path::new(&key));
        scene
    }

    /// A folder that belongs to the servers.
    fn room(&self, name: &str) -> PathBuf {
        let room = self.bench.path(name);
        fs::create_dir(&room).unwrap();
        self.hand_over(&room);
        room
    }

    fn hand_over(&self, path: &Path) {
        if is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn path(&self, name: &str) -> String {
        text(&self.bench.path(name))
    }

    fn scan(&self, targets: &[String]) -> Outcome {
        let mut arguments: Vec<&str> = targets.iter().map(String::as_str).collect();
        arguments.extend(["--roots", &self.roots]);
        self.bench.scan(&arguments)
    }

    /// The server's certificate comes out as it does at any endpoint, and a wrong name is found out.
    fn expect_seen(&self, targets: &[String]) {
        let outcome = self.scan(targets);
        assert_eq!(outcome.code, 1, "{:#?}", outcome.findings());
        for target in targets {
            outcome.expect("starttls.offered", target, "passed", "");
            outcome.expect("tls.handshake", target, "passed", "TLS 1.3, 2 certificates");
            outcome.expect("tls.lifetime", target, "warned", "in 12 d");
            outcome.expect("tls.name", target, "passed", "covered by 127.0.0.1");
            outcome.expect("tls.trust", target, "passed", "over 1 intermediate to the root 'Farm Root CA'");
        }
    }

    fn expect_refused(&self, targets: &[String], words: &str) {
        let outcome = self.scan(targets);
        assert_eq!(outcome.code, 2);
        for target in targets {
            outcome.expect("starttls.offered", target, "failed", words);
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program as a user without rights: `nobody` where we are root, otherwise ourselves. It dies with us.
fn unprivileged(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    }
    command.args(["--pdeathsig=KILL", program]).stdin(Stdio::null());
    command
}

fn name_of_user(option: &str) -> String {
    if is_root() {
        return if option == "-un" { "nobody" } else { "nogroup" }.to_owned();
    }
    let output = Command::new("id").arg(option).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let held = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// A server that runs, ended when dropped.
struct Server<const PORTS: usize> {
    child: Child,
    ports: [u16; PORTS],
}

impl<const PORTS: usize> Server<PORTS> {
    /// Starts a server and waits until all its ports answer. Somebody else may take a port before it does:
    /// then it is tried again with others.
    fn start(log: &Path, command: impl Fn([u16; PORTS]) -> Command) -> Self {
        for _ in 0..3 {
            let ports = free_ports();
            let output = fs::File::create(log).unwrap();
            let mut child =
                command(ports).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
            let patience = Instant::now() + Duration::from_secs(30);
            while child.try_wait().unwrap().is_none() && Instant::now() < patience {
                let answers =
                    |port: &u16| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *port))).is_ok();
                if ports.iter().all(answers) {
                    return Self { child, ports };
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("it does not start:\n{}", fs::read_to_string(log).unwrap_or_default());
    }

    fn targets(&self, words: [&str; PORTS]) -> Vec<String> {
        words.iter().zip(self.ports).map(|(word, port)| format!("{word}://127.0.0.1:{port}")).collect()
    }
}

impl<const PORTS: usize> Drop for Server<PORTS> {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let patience = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The newest of the installed versions, whose programs Debian keeps outside of the path.
fn postgres_program(name: &str) -> String {
    let pattern = format!("/usr/lib/postgresql/*/bin/{name}");
    let found = glob::glob(&pattern).unwrap().flatten().last();
    found.map_or_else(|| name.to_owned(), |path| text(&path))
}

#[test]
fn postgresql_with_ssl_and_without() {
    let scene = Scene::new();
    let data = text(&scene.room("data"));
    let made = unprivileged(&postgres_program("initdb"))
        .args(["-D", &data, "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"])
        .current_dir("/")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let serve = |ssl: &'static str| {
        let (data, certificate, key) = (data.clone(), scene.path("cert.pem"), scene.path("key.pem"));
        Server::start(&scene.bench.path("log"), move |[port]: [u16; 1]| {
            let mut command = unprivileged(&postgres_program("postgres"));
            command.args(["-D", &data, "-p", &port.to_string(), "-h", "127.0.0.1", "-k", "", "-F"]);
            let settings = [
                format!("ssl={ssl}"),
                format!("ssl_cert_file={certificate}"),
                format!("ssl_key_file={key}"),
                "shared_buffers=1MB".to_owned(),
            ];
            for setting in settings {
                command.args(["-c", &setting]);
            }
            command.current_dir("/");
            command
        })
    };
    let server = serve("on");
    scene.expect_seen(&server.targets(["postgres"]));
    drop(server);
    let server = serve("off");
    scene.expect_refused(&server.targets(["postgres"]), "it does not offer TLS");
}

#[test]
fn dovecot_with_ssl_and_without() {
    let scene = Scene::new();
    let serve = |ssl: &'static str| {
        let room = text(&scene.room(&format!("dovecot-{ssl}")));
        let configuration = scene.bench.path(&format!("dovecot-{ssl}.conf"));
        let (certificate, key) = (scene.path("cert.pem"), scene.path("key.pem"));
        Server::start(&scene.bench.path("log"), move |ports: [u16; 5]| {
            fs::write(&configuration, dovecot(ssl, &room, &certificate, &key, ports)).unwrap();
            let mut command = unprivileged("/usr/sbin/dovecot");
            command.arg("-F").arg("-c").arg(&configuration);
            command
        })
    };
    const WORDS: [&str; 5] = ["imap", "pop3", "sieve", "lmtp", "submission"];
    let server = serve("yes");
    scene.expect_seen(&server.targets(WORDS));
    drop(server);
    let server = serve("no");
    scene.expect_refused(&server.targets(WORDS), "it does not offer TLS");
}

/// Everything runs as one user, and nothing changes its root.
fn dovecot(ssl: &str, room: &str, certificate: &str, key: &str, ports: [u16; 5]) -> String {
    let [imap, pop3, sieve, lmtp, submission] = ports;
    let (user, group) = (name_of_user("-un"), name_of_user("-gn"));
    let mut text = format!(
        "protocols = imap pop3 sieve lmtp submission\n\
         base_dir = {room}/run\nstate_dir = {room}/state\nlog_path = {room}/log\nlisten = 127.0.0.1\n\
         default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
         ssl = {ssl}\nssl_cert = <{certificate}\nssl_key = <{key}\n\
         submission_relay_host = 127.0.0.1\n\
         passdb {{\n  driver = static\n}}\nuserdb {{\n  driver = static\n}}\n"
    );
    for service in ["anvil", "stats"] {
        text += &format!("service {service} {{\n  chroot =\n}}\n");
    }
    for (service, listener, port) in [
        ("imap-login", "imap", imap),
        ("pop3-login", "pop3", pop3),
        ("managesieve-login", "sieve", sieve),
        ("lmtp", "lmtp", lmtp),
        ("submission-login", "submission", submission),
    ] {
        text += &format!(
            "service {service} {{\n  chroot =\n  inet_listener {listener} {{\n    port = {port}\n  }}\n}}\n"
        );
    }
    // The ports that speak TLS at once stay closed.
    for (service, listener) in
        [("imap-login", "imaps"), ("pop3-login", "pop3s"), ("submission-login", "submissions")]
    {
        text += &format!("service {service} {{\n  inet_listener {listener} {{\n    port = 0\n  }}\n}}\n");
    }
    text
}

#[test]
fn openldap_with_tls_and_without() {
    let scene = Scene::new();
    let serve = |configuration: &str| {
        let path = scene.bench.write("slapd.conf", configuration);
        Server::start(&scene.bench.path("log"), move |[port]: [u16; 1]| {
            let mut command = unprivileged("/usr/sbin/slapd");
            command.args(["-d", "0", "-f", &path, "-h", &format!("ldap://127.0.0.1:{port}")]);
            command
        })
    };
    let room = text(&scene.room("slapd"));
    let tls = format!(
        "TLSCertificateFile {}\nTLSCertificateKeyFile {}\npidfile {room}/pid\n",
        scene.path("cert.pem"),
        scene.path("key.pem")
    );
    let server = serve(&tls);
    scene.expect_seen(&server.targets(["ldap"]));
    drop(server);
    let server = serve(&format!("pidfile {room}/pid\n"));
    scene.expect_refused(&server.targets(["ldap"]), "it does not offer TLS: \"protocolError (2)");
}

#[test]
fn mariadb_with_ssl_and_without() {
    let scene = Scene::new();
    let data = text(&scene.room("data"));
    let serve = |ssl: Vec<String>| {
        let data = data.clone();
        Server::start(&scene.bench.path("log"), move |[port]: [u16; 1]| {
            let mut command = unprivileged("/usr/sbin/mariadbd");
            command.args(["--no-defaults", "--bind-address=127.0.0.1", &format!("--port={port}")]);
            command.args([
                format!("--datadir={data}"),
                format!("--socket={data}/s"),
                format!("--pid-file={data}/pid"),
            ]);
            // Nobody logs in: without tables of users it starts in an empty folder at once.
            command.args(["--skip-grant-tables", "--skip-log-bin", "--innodb-buffer-pool-size=8M"]);
            command.args(&ssl);
            command
        })
    };
    let certificate = format!("--ssl-cert={}", scene.path("cert.pem"));
    let server = serve(vec![certificate, format!("--ssl-key={}", scene.path("key.pem"))]);
    scene.expect_seen(&server.targets(["mysql"]));
    drop(server);
    let server = serve(vec!["--skip-ssl".to_owned()]);
    scene.expect_refused(&server.targets(["mysql"]), "it does not offer TLS");
}

#[test]
fn prosody_with_tls_and_without() {
    let scene = Scene::new();
    let serve = |module: &'static str| {
        let room = text(&scene.room(&format!("prosody-{module}")));
        let (certificate, key) = (scene.path("cert.pem"), scene.path("key.pem"));
        let path = scene.bench.path(&format!("{module}.cfg.lua"));
        Server::start(&scene.bench.path("log"), move |[clients, servers]: [u16; 2]| {
            let configuration = format!(
                "pidfile = '{room}/pid'\ndata_path = '{room}'\nlog = '{room}/log'\ninterfaces = {{ '127.0.0.1' }}\n\
                 c2s_ports = {{ {clients} }}\ns2s_ports = {{ {servers} }}\nmodules_enabled = {{ '{module}', 'dialback' }}\n\
                 modules_disabled = {{ 's2s_auth_certs' }}\nVirtualHost 'localhost'\n\
                 ssl = {{ certificate = '{certificate}', key = '{key}' }}\n"
            );
            fs::write(&path, configuration).unwrap();
            let mut command = unprivileged("/usr/bin/prosody");
            command.arg("-F").arg("--config").arg(&path).env("HOME", &room);
            command
        })
    };
    let targets = |server: &Server<2>| {
        let [clients, servers] = server.ports;
        [format!("xmpp://127.0.0.1:{clients}"), format!("xmpp-server://127.0.0.1:{servers}")]
    };
    let server = serve("tls");
    let addresses = targets(&server);
    scene.expect_refused(&addresses, "it does not know itself as 127.0.0.1");
    let named = scene.scan(&[addresses.to_vec(), vec!["--sni".to_owned(), "localhost".to_owned()]].concat());
    assert_eq!(named.code, 1, "{:#?}", named.findings());
    for target in addresses.map(|target| format!("{target} as localhost")) {
        named.expect("starttls.offered", &target, "passed", "");
        named.expect("tls.lifetime", &target, "warned", "in 12 d");
        named.expect("tls.name", &target, "passed", "covered by localhost");
    }
    drop(server);
    let server = serve("ping");
    let [clients, _] = server.ports;
    let outcome = scene.scan(&[format!("xmpp://localhost:{clients}@127.0.0.1")]);
    let subject = format!("xmpp://localhost:{clients} at 127.0.0.1");
    outcome.expect("starttls.offered", &subject, "failed", "No stream features to proceed with");
}
