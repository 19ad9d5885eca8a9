//! What the tests stand on: the command with a clean environment, servers that answer as they are told, and a
//! real Prometheus. Everything ends with the value that holds it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The command, with folders of its own and nothing of the ambient environment.
pub(crate) struct Tool {
    pub(crate) folder: TempDir,
}

impl Tool {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("obs").tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_observability-smoke"));
        command.current_dir(self.folder.path()).env("OPS_SMOKE_RUN_BASE", self.path("runs"));
        for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NO_COLOR", "CI", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs `metrics` on a text from standard input.
    pub(crate) fn metrics(&self, text: &[u8], arguments: &[&str]) -> Run {
        let mut command = self.command();
        command.args(["metrics", "-"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(text);
        child.wait_with_output().unwrap().into()
    }

    /// Runs `run` with this configuration; the evidence goes to `evidence.md`.
    pub(crate) fn run(&self, config: &str, arguments: &[&str]) -> Run {
        let config = self.write("smoke.yaml", config);
        let mut command = self.command();
        command
            .args(["run", "--verbose", "--evidence", "evidence.md", "--config"])
            .arg(config)
            .args(arguments);
        command.output().unwrap().into()
    }

    pub(crate) fn evidence(&self) -> String {
        std::fs::read_to_string(self.path("evidence.md")).unwrap()
    }
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// The line of the finding with this outcome, check and text. A further finding of a subject stands in
    /// short below the first, `also` before it: it is given back with the subject, as far as that can be told.
    #[track_caller]
    pub(crate) fn line(&self, outcome: &str, check: &str, text: &str) -> String {
        let mut head = "";
        for line in self.stdout.lines().map(str::trim_start).filter(|line| !line.starts_with('→')) {
            let Some(further) = line.strip_prefix("also ") else {
                head = line;
                if fits(line, outcome, check, text) {
                    return line.to_owned();
                }
                continue;
            };
            let Some(rest) = further.strip_prefix(outcome) else { continue };
            // The outcome stands before it, twelve characters wide.
            let subject = head.get(13..).unwrap_or_default();
            let subjects = subject.match_indices(": ").map(|(end, _)| &subject[..end]);
            let mut whole = subjects.map(|subject| format!("{outcome} {subject}:{rest}"));
            if let Some(whole) = whole.find(|line| fits(line, outcome, check, text)) {
                return whole;
            }
        }
        panic!("no `{outcome} … {text} … [{check}]` in\n{}{}", self.stdout, self.stderr)
    }
}

fn fits(line: &str, outcome: &str, check: &str, text: &str) -> bool {
    line.starts_with(outcome) && line.contains(&format!("[{check}]")) && line.contains(text)
}

/// A request, as far as the tests look at it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) head: String,
}

/// A server on loopback that answers each request by a function, and says what it was asked.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Where an answer is written to. Writing fails when the client is gone.
pub(crate) struct Wire {
    pub(crate) stream: Box<dyn Write + Send>,
    done: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) fn send(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes());
    }

    /// A whole answer.
    pub(crate) fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        self.send(&format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ));
    }

    pub(crate) fn text(&mut self, body: &str) {
        self.answer("200 OK", "Content-Type: text/plain; version=0.0.4\r\n", body);
    }

    pub(crate) fn bytes(&mut self, content_type: &str, body: &[u8]) {
        let length = body.len();
        self.send(&format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        ));
        let _ = self.stream.write_all(body);
    }

    pub(crate) fn json(&mut self, body: &str) {
        self.answer("200 OK", "Content-Type: application/json\r\n", body);
    }

    /// Says nothing until the test is over.
    pub(crate) fn silence(&self) {
        while !self.done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends this again and again until the client has enough.
    pub(crate) fn forever(&mut self, text: &str) {
        while !self.done.load(Ordering::Relaxed) && self.stream.write_all(text.as_bytes()).is_ok() {}
    }
}

impl Server {
    pub(crate) fn start(respond: impl Fn(&Request, &mut Wire) + Send + Sync + 'static) -> Self {
        Self::listening(None, respond)
    }

    /// The same over TLS.
    pub(crate) fn start_tls(
        tls: Arc<rustls::ServerConfig>,
        respond: impl Fn(&Request, &mut Wire) + Send + Sync + 'static,
    ) -> Self {
        Self::listening(Some(tls), respond)
    }

    fn listening(
        tls: Option<Arc<rustls::ServerConfig>>,
        respond: impl Fn(&Request, &mut Wire) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, over, respond) = (Arc::clone(&requests), Arc::clone(&done), Arc::new(respond));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, over, respond, tls) =
                    (Arc::clone(&seen), Arc::clone(&over), Arc::clone(&respond), tls.clone());
                std::thread::spawn(move || serve(stream, tls, &seen, over, respond.as_ref()));
            }
        });
        Self { address, requests, done, thread: Some(thread) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    seen: &Mutex<Vec<Request>>,
    done: Arc<AtomicBool>,
    respond: &(dyn Fn(&Request, &mut Wire) + Send + Sync),
) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    match tls {
        None => {
            let Some(request) = read_request(&stream) else { return };
            seen.lock().unwrap().push(request.clone());
            respond(&request, &mut Wire { stream: Box::new(stream), done });
        }
        Some(tls) => {
            let Ok(connection) = rustls::ServerConnection::new(tls) else { return };
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let Some(request) = read_request(&mut stream) else { return };
            seen.lock().unwrap().push(request.clone());
            respond(&request, &mut Wire { stream: Box::new(stream), done });
        }
    }
}

fn read_request(stream: impl Read) -> Option<Request> {
    let mut head = String::new();
    // One byte at a time: what follows the head stays where it is.
    let mut reader = BufReader::with_capacity(1, stream);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    Some(Request { path, head })
}

/// The record of a run, asked for with [`RECORD`].
pub(crate) const RECORD: [&str; 4] = ["--format", "text", "--format", "json=record.json"];

/// Each check that passed is owed: its observation cannot be lost unseen.
#[track_caller]
pub(crate) fn assert_all_owed(tool: &Tool) {
    let text = std::fs::read_to_string(tool.path("record.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    let owed = record["owed"].as_array().unwrap();
    for count in record["counts"].as_array().unwrap() {
        assert!(
            count["passed"] == 0 || owed.contains(&count["check"]),
            "{} may be missing without a word",
            count["check"]
        );
    }
}

/// A port of loopback that nobody listens on. It lies below those that the kernel gives to connections and to whoever
/// binds none in particular, and is not given twice by one test.
pub(crate) fn closed_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id().wrapping_mul(61).wrapping_add(number)) % 20_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A real Prometheus on loopback, with a storage folder of its own.
pub(crate) struct Prometheus {
    pub(crate) url: String,
    program: PathBuf,
    child: Child,
    folder: TempDir,
}

impl Prometheus {
    /// Another configuration on disk; in force once it is asked to reload.
    pub(crate) fn write_config(&self, config: &str) {
        std::fs::write(self.folder.path().join("prometheus.yml"), config).unwrap();
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again where it was, with its data, and waits until it is ready.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let address = self.url.trim_start_matches("http://").to_owned();
        self.child = Command::new(&self.program)
            .arg(format!("--config.file={}", self.folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", self.folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        assert!(self.becomes_ready(), "prometheus did not come back");
    }

    /// Asks it to read its configuration again.
    pub(crate) fn reload(&self) {
        let asked = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    /// Starts it with this configuration (and rules, in `rules.yml` beside it), and waits until it is ready.
    pub(crate) fn start(config: &str, rules: &str) -> Self {
        Self::start_with(config, rules, &[])
    }

    /// The same with further flags.
    pub(crate) fn start_with(config: &str, rules: &str, flags: &[&str]) -> Self {
        Self::start_program(Path::new("prometheus"), config, rules, flags)
    }

    /// The same with this program.
    pub(crate) fn start_program(program: &Path, config: &str, rules: &str, flags: &[&str]) -> Self {
        for _ in 0..5 {
            let folder = tempfile::Builder::new().prefix("prom").tempdir().unwrap();
            std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
            std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
            // The port may be taken by another test between here and the start: then the next one is tried.
            let port = closed_port();
            let child = Command::new(program)
                .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(flags)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("prometheus must be installed: scripts/test installs it");
            let url = format!("http://127.0.0.1:{port}");
            let mut prometheus = Self { url, program: program.to_owned(), child, folder };
            if prometheus.becomes_ready() {
                return prometheus;
            }
        }
        panic!("prometheus did not become ready");
    }

    fn becomes_ready(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.get("/-/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// The whole answer to a request, head and body.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://")?).ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Asks until the answer is right.
    #[track_caller]
    pub(crate) fn wait_for(&self, path: &str, right: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut last = String::new();
        while Instant::now() < deadline {
            last = self.get(path).unwrap_or_default();
            if right(&last) {
                return last;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{path} never answered as it should: {last}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder with the test material that others wrote, where the environment names it.
pub(crate) fn corpora() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("OPS_SMOKE_CORPORA")?);
    assert!(Path::new(&folder).is_dir(), "OPS_SMOKE_CORPORA names no folder: {}", folder.display());
    Some(folder)
}
