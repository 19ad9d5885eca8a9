//! A real Alertmanager on loopback, with a storage folder of its own.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::closed_port;

/// Ends with the value that holds it.
pub(crate) struct Alertmanager {
    pub(crate) port: u16,
    child: Child,
    _folder: TempDir,
}

impl Alertmanager {
    /// Debian's, alone.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_program(Path::new("prometheus-alertmanager"), config, None)
    }

    /// This program; `cluster` is its own port and that of a member that it joins.
    pub(crate) fn start_program(program: &Path, config: &str, cluster: Option<(u16, Option<u16>)>) -> Self {
        for _ in 0..5 {
            let folder = tempfile::Builder::new().prefix("am").tempdir().unwrap();
            std::fs::write(folder.path().join("am.yml"), config).unwrap();
            // The port may be taken by another test between here and the start: then the next one is tried.
            let port = closed_port();
            let mut command = Command::new(program);
            command
                .arg(format!("--config.file={}", folder.path().join("am.yml").display()))
                .arg(format!("--storage.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"));
            match cluster {
                None => command.arg("--cluster.listen-address="),
                Some((own, peer)) => {
                    command.arg(format!("--cluster.listen-address=127.0.0.1:{own}"));
                    command.args(peer.map(|peer| format!("--cluster.peer=127.0.0.1:{peer}")))
                }
            };
            let child = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("prometheus-alertmanager must be installed: scripts/test installs it");
            let mut alertmanager = Self { port, child, _folder: folder };
            if alertmanager.becomes_ready() {
                return alertmanager;
            }
        }
        panic!("alertmanager did not become ready");
    }

    fn becomes_ready(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline && self.child.try_wait().unwrap().is_none() {
            if self.ask("GET", "/-/ready", "").is_some_and(|answer| answer.contains(" 200 ")) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// `http://127.0.0.1:…`
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The whole answer to a request, head and body.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Posts what must be taken.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &str) {
        let answer = self.ask("POST", path, body).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
