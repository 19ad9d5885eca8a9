//! TCP and WebSockets: ports that are open, closed, silent; handshakes and echoes that are right, wrong or late,
//! also through a real nginx.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio_tungstenite::tungstenite::{
    Message, accept_hdr,
    handshake::server::{ErrorResponse, Request, Response},
};

use crate::support::{Run, Server, Tool, closed_port};

/// A port whose queue is full: further connections are dropped, as a network policy drops them.
struct Silent {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
    _listener: tokio::net::TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Silent {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            socket.listen(1).unwrap()
        });
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
        let waiting: Vec<_> = std::iter::from_fn(|| connect().ok()).take(16).collect();
        assert!(waiting.len() < 16, "the queue never filled up");
        Self { address, _runtime: runtime, _listener: listener, _waiting: waiting }
    }
}

#[test]
fn a_blocked_port_is_told_apart_from_a_refused_one_and_from_a_dead_network() {
    let (silent, open) = (Silent::start(), Server::start(|_, _| {}));
    let (silent, open, dead) = (silent.address, open.address, closed_port());
    let config = format!(
        "tcp:\n  - {{name: open, address: '{open}', latency: 1s}}\n  - {{name: refused, address: '127.0.0.1:{dead}'}}\n  - {{name: silent, address: '{silent}', timeout: 200ms}}\n  - {{name: policy, address: '{silent}', expect: blocked, control: '{open}', timeout: 200ms}}\n  - {{name: leak, address: '{open}', expect: blocked, control: '127.0.0.1:{dead}', timeout: 200ms}}\n  - {{name: nobody, address: '127.0.0.1:{dead}', expect: blocked, control: '{open}'}}\n  - {{name: rejects, address: '127.0.0.1:{dead}', expect: blocked, control: '{open}', refused_counts: true}}\n  - {{name: blind, address: '{silent}', expect: blocked, control: '127.0.0.1:{dead}', timeout: 200ms}}\n",
    );
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "probe.tcp", "open: ");
    run.line("passed", "probe.latency", "open: ");
    run.line("FAILED", "probe.tcp", "refused: ");
    run.line("FAILED", "probe.tcp", "no answer within");
    run.line("passed", "probe.blocked", "policy: ");
    run.line("FAILED", "probe.blocked", "leak: ");
    run.line("FAILED", "probe.blocked", "packets arrive there");
    run.line("passed", "probe.blocked", "rejected, while the control is open");
    run.line("INCONCLUSIVE", "probe.blocked", "the control is not open either");
}

#[test]
fn what_our_own_machine_prevents_is_inconclusive() {
    let tool = Tool::new();
    let config = tool.write(
        "smoke.yaml",
        "tcp:\n  - {name: open, address: '127.0.0.1:9'}\n  - {name: policy, address: '127.0.0.1:9', expect: blocked, control: '127.0.0.1:10'}\nhttp:\n  - {name: api, url: 'http://127.0.0.1:9/'}\n",
    );
    // A network namespace of its own, whose loopback is down.
    let mut command = Command::new("unshare");
    command.arg("-rn").arg(env!("CARGO_BIN_EXE_observability-smoke"));
    command.args(["run", "--verbose", "--evidence", "evidence.md", "--config"]).arg(config);
    command.current_dir(tool.folder.path()).env("OPS_SMOKE_RUN_BASE", tool.path("runs"));
    command.env_remove("GITHUB_ACTIONS");
    let run: Run = match command.output() {
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("unshare:") => output.into(),
        _ => {
            println!("skipped: this machine allows no network namespace");
            return;
        }
    };
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "probe.tcp", "unreachable");
    run.line("INCONCLUSIVE", "probe.blocked", "unreachable");
    run.line("INCONCLUSIVE", "probe.http", "unreachable");
}

#[test]
fn contradictory_sockets_are_refused() {
    let tool = Tool::new();
    for (config, says) in [
        ("tcp:\n  - {name: a, address: 'a:1', expect: blocked}\n", "without a control"),
        ("tcp:\n  - {name: a, address: 'a:1', expect: blocked, control: 'a:1'}\n", "its own control"),
        ("tcp:\n  - {name: a, address: 'a:1', control: 'b:1'}\n", "only `expect: blocked` needs"),
        ("tcp:\n  - {name: a, address: 'a'}\n", "line 2, column"),
        ("websocket:\n  - {name: a, url: 'http://a/'}\n", "ws://"),
        ("websocket:\n  - {name: a, url: 'ws://a/', refused: true, send: x}\n", "must be refused"),
        ("websocket:\n  - {name: a, url: 'ws://me:hunter2@a/'}\n", "basic_auth"),
    ] {
        let run = tool.run(config, &[]);
        assert_eq!(run.code, 3, "{config}{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(says) && !run.stderr.contains("hunter2"), "{config}{}", run.stderr);
    }
}

/// A real WebSocket server that behaves as the path says.
struct Sockets {
    address: SocketAddr,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sockets {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&done);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                std::thread::spawn(move || talk(stream));
            }
        });
        Self { address, done, thread: Some(thread) }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[expect(clippy::result_large_err, reason = "the signature that the library asks for")]
fn talk(stream: TcpStream) {
    let mut path = String::new();
    let answer = |request: &Request, mut response: Response| {
        request.uri().path().clone_into(&mut path);
        let token = request.headers().get("authorization").is_some_and(|value| value == "Bearer tok3n");
        let closed = if path == "/elsewhere" { 404 } else { 401 };
        if path == "/elsewhere" || (path == "/private" && !token) {
            return Err(ErrorResponse::new(None).map(|_: Option<String>| None)).map_err(|mut refused| {
                *refused.status_mut() = closed.try_into().unwrap();
                refused
            });
        }
        if path == "/terminal" {
            response.headers_mut().insert("sec-websocket-protocol", "terminal.v1".parse().unwrap());
        }
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr(stream, answer) else { return };
    while let Ok(message) = socket.read() {
        let done = match (path.as_str(), message) {
            (_, Message::Ping(_)) => socket.flush(),
            ("/mute", _) => Ok(()),
            ("/close", Message::Text(_)) => socket.close(None),
            ("/other", Message::Text(_)) => socket.send(Message::text("welcome")),
            (_, Message::Text(text)) => {
                socket.send(Message::text("a prompt")).and_then(|()| socket.send(Message::text(text)))
            }
            _ => Ok(()),
        };
        if done.is_err() {
            return;
        }
    }
}

#[test]
fn handshake_echo_and_refusal_are_judged() {
    let server = Sockets::start();
    let tool = Tool::new();
    let token = tool.write("token", "tok3n");
    let base = format!("ws://{}", server.address);
    let config = format!(
        "websocket:\n  - {{name: ping, url: '{base}/'}}\n  - {{name: echo, url: '{base}/?token=hunter2', send: 'hello 1', latency: 5s}}\n  - {{name: mute, url: '{base}/mute', send: hello, timeout: 300ms}}\n  - {{name: close, url: '{base}/close', send: hello}}\n  - {{name: other, url: '{base}/other', send: hello, timeout: 300ms}}\n  - {{name: greeted, url: '{base}/other', send: hello, expect_contains: welc, expect_matches: 'e$'}}\n  - {{name: terminal, url: '{base}/terminal', subprotocols: [terminal.v1], send: ls}}\n  - {{name: protocol, url: '{base}/', subprotocols: [terminal.v2]}}\n  - {{name: closed door, url: '{base}/private', refused: true}}\n  - {{name: key, url: '{base}/private', bearer_token_file: '{token}'}}\n  - {{name: no key, url: '{base}/private'}}\n  - {{name: open door, url: '{base}/', refused: true}}\n  - {{name: wrong door, url: '{base}/elsewhere', refused: true}}\n",
        token = token.display(),
    );
    let run = tool.run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    for name in ["ping", "echo", "greeted", "terminal", "key"] {
        run.line("passed", "probe.websocket", &format!("{name}: ws"));
        run.line("passed", "probe.echo", &format!("{name}: ws"));
    }
    run.line("passed", "probe.latency", "echo: ws");
    run.line("passed", "probe.websocket", "closed door: ws");
    run.line("FAILED", "probe.echo", "mute: ws");
    run.line("FAILED", "probe.echo", "said goodbye");
    run.line("FAILED", "probe.echo", "other: ws");
    run.line("FAILED", "probe.websocket", "protocol: ws");
    run.line("FAILED", "probe.websocket", "no key: ws");
    run.line("FAILED", "probe.websocket", "status 101: let in");
    run.line("WARNED", "probe.websocket", "status 404: refused, and not because of a right that is missing");
    assert!(!run.stdout.contains("hunter2") && !tool.evidence().contains("hunter2"), "{}", run.stdout);
    assert!(!tool.evidence().contains("tok3n"));
}

#[test]
fn a_server_that_lies_about_its_websocket_gives_a_named_result() {
    const UPGRADED: &str =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let server = Server::start(|request, wire| match request.path.as_str() {
        "/key" => wire.send(&format!("{UPGRADED}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")),
        "/bare" => wire.send("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        "/silent" => wire.silence(),
        "/garbage" => wire.send("SSH-2.0-OpenSSH_9.2\r\n"),
        "/endless" => {
            wire.send("HTTP/1.1 101 Switching Protocols\r\n");
            wire.forever("X-A: b\r\n");
        }
        "/500" => wire.answer("500 Internal Server Error", "", ""),
        _ => {}
    });
    let base = format!("ws://{}", server.address);
    let mut config = "timeout: 500ms\nwebsocket:\n".to_owned();
    for name in ["key", "bare", "silent", "garbage", "endless", "500", "empty"] {
        config += &format!("  - {{name: {name:?}, url: '{base}/{name}'}}\n");
    }
    let started = Instant::now();
    let run = Tool::new().run(&config, &[]);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    for (name, says) in [
        ("key", "against the protocol"),
        ("bare", "against the protocol"),
        ("silent", "no whole handshake within 0.5 s"),
        ("garbage", "handshake"),
        ("endless", ""),
        ("500", "status 500"),
        ("empty", "against the protocol"),
    ] {
        let line = run.line("FAILED", "probe.websocket", &format!("{name}: ws"));
        assert!(line.contains(says), "{line}");
    }
}

/// nginx in front of the WebSocket server: one location passes the upgrade on, the other forgets it.
struct Nginx {
    port: u16,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Nginx {
    fn start(upstream: SocketAddr) -> Self {
        let folder = tempfile::Builder::new().prefix("ng").tempdir_in("/tmp").unwrap();
        let (root, port) = (folder.path().display(), closed_port());
        let config = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;\nevents {{}}\nhttp {{ access_log off; client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;\nserver {{ listen 127.0.0.1:{port};\nlocation /good/ {{ proxy_pass http://{upstream}/; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}\nlocation /forgets/ {{ proxy_pass http://{upstream}/; }} }} }}\n"
        );
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, config).unwrap();
        let program =
            if std::path::Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let mut child = Command::new(program)
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx must be installed: scripts/test installs it");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "nginx does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { port, child, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_ingress_that_forgets_the_upgrade_is_found() {
    let server = Sockets::start();
    let nginx = Nginx::start(server.address);
    let base = format!("127.0.0.1:{}", nginx.port);
    let config = format!(
        "websocket:\n  - {{name: good, url: 'ws://{base}/good/', send: ls}}\n  - {{name: forgets, url: 'ws://{base}/forgets/', send: ls}}\nhttp:\n  - {{name: nginx, url: 'http://{base}/nothing', status: 404, phases: {{first_byte: 5s}}, response_headers: {{Server: nginx}}}}\n",
    );
    let run = Tool::new().run(&config, &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("passed", "probe.websocket", "good: ws");
    run.line("passed", "probe.echo", "good: ws");
    run.line("FAILED", "probe.websocket", "forgets: ws");
    run.line("passed", "probe.http", "nginx: GET");
}

/// A server that answers the handshake rightly, and then breaks the protocol.
#[test]
fn frames_against_the_protocol_and_endless_messages_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        // A frame that is masked, one with a reserved bit, one that announces an exabyte, text that is not UTF-8.
        let wrong = [
            &[0x81, 0x81, 0, 0, 0, 0, b'a'][..],
            &[0xf1, 0x01, b'a'],
            &[0x82, 0x7f, 0x0f, 0, 0, 0, 0, 0, 0, 0],
            &[0x81, 0x02, 0xff, 0xfe],
        ];
        for frames in wrong {
            let (stream, _) = listener.accept().unwrap();
            let mut socket = tokio_tungstenite::tungstenite::accept(stream).unwrap();
            let _ = socket.read();
            let stream = socket.get_mut();
            let _ = stream.write_all(frames);
            let _ = stream.read(&mut [0; 64]);
        }
    });
    let config: String = ["masked", "reserved", "huge", "utf8"]
        .iter()
        .fold("concurrency: 1\nwebsocket:\n".to_owned(), |config, name| {
            config + &format!("  - {{name: {name}, url: 'ws://{address}/', timeout: 5s}}\n")
        });
    let run = Tool::new().run(&config, &[]);
    thread.join().unwrap();
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    for (name, says) in [
        ("masked", "against the protocol"),
        ("reserved", "against the protocol"),
        ("huge", "longer than"),
        ("utf8", "UTF-8"),
    ] {
        let line = run.line("FAILED", "probe.echo", &format!("{name}: ws"));
        assert!(line.contains(says), "{line}");
    }
}
