//! The server that a setting's files are served by, on loopback, with the lies of a fault; and the ports beside it
//! that refuse and that drop. Everything ends with the stage.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

use super::fault::{Lie, Served};

/// A longer request is none of ours.
const LONGEST_REQUEST: usize = 64 * 1024;
/// The path at which a WebSocket is spoken.
const WEBSOCKET: &str = "/shell";
/// The path to which nobody has a right.
const CLOSED: &str = "/closed";

/// The ports of a fault.
#[derive(Debug)]
pub(super) struct Stage {
    /// Where the server listens.
    pub(super) server: SocketAddr,
    /// A port that refuses.
    pub(super) closed: SocketAddr,
    /// A port that drops.
    pub(super) silent: SocketAddr,
    listener: Option<TcpListener>,
    _closed: TcpSocket,
    _silent: (TcpListener, Vec<TcpStream>),
    _tasks: JoinSet<()>,
}

/// What is served.
#[derive(Debug)]
struct Play {
    folder: PathBuf,
    served: &'static [Served],
    lies: &'static [(&'static str, Lie)],
    /// How often each file was asked for.
    asked: Mutex<BTreeMap<&'static str, u32>>,
}

impl Stage {
    /// Takes the ports.
    pub(super) async fn set() -> std::io::Result<Self> {
        let any = || SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any()).await?;
        // Bound, and nobody listens: the port refuses, and is nobody else's meanwhile.
        let closed = TcpSocket::new_v4()?;
        closed.bind(any())?;
        let silent = silent(any()).await?;
        Ok(Self {
            server: listener.local_addr()?,
            closed: closed.local_addr()?,
            silent: silent.0.local_addr()?,
            listener: Some(listener),
            _closed: closed,
            _silent: silent,
            _tasks: JoinSet::new(),
        })
    }

    /// Begins to serve the files of this folder.
    pub(super) fn play(
        &mut self,
        folder: &Path,
        served: &'static [Served],
        lies: &'static [(&'static str, Lie)],
    ) {
        let Some(listener) = self.listener.take() else { return };
        let play = Arc::new(Play { folder: folder.to_owned(), served, lies, asked: Mutex::default() });
        self._tasks.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let play = Arc::clone(&play);
                talks.spawn(async move {
                    // A client that goes away in the middle is no news.
                    let _ = play.answer(stream).await;
                });
            }
        });
    }
}

/// A port whose queue of connections is full: it drops whoever comes.
async fn silent(any: SocketAddr) -> std::io::Result<(TcpListener, Vec<TcpStream>)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(any)?;
    let listener = socket.listen(1)?;
    let (address, mut waiting) = (listener.local_addr()?, Vec::new());
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    Ok((listener, waiting))
}

/// A request, as far as it matters.
struct Request {
    path: String,
    query: String,
    key: Option<String>,
}

impl Play {
    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some(request) = read(&mut stream).await? else { return Ok(()) };
        let lie = self.lies.iter().find(|(path, _)| *path == request.path).map(|(_, lie)| *lie);
        if request.path == WEBSOCKET
            && let Some(key) = &request.key
            && !matches!(lie, Some(Lie::Status(_) | Lie::Silence | Lie::Page | Lie::Cut))
        {
            return talk(stream, key, lie).await;
        }
        let (headers, body) = self.found(&request).await;
        let whole = |status: &str, headers: &str, body: &[u8]| {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            [head.as_bytes(), body].concat()
        };
        let answer = match (lie, &body) {
            (Some(Lie::Silence), _) => {
                sleep(Duration::from_secs(3600)).await;
                return Ok(());
            }
            (Some(Lie::Endless), _) => {
                stream.write_all(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes()).await?;
                let chunk = [b'#'; 64 * 1024];
                loop {
                    stream.write_all(&chunk).await?;
                }
            }
            (Some(Lie::Status(status)), _) => whole(&format!("{status} Self-Test"), "", b"no sense"),
            (Some(Lie::Page), _) => {
                whole("200 OK", "Content-Type: text/html\r\n", b"<html><body>Please log in</body></html>")
            }
            (Some(Lie::Loop), _) => whole("302 Found", &format!("Location: {}\r\n", request.path), b""),
            (_, None) if request.path == CLOSED => whole("401 Unauthorized", "", b""),
            (_, None) => whole("404 Not Found", "", b""),
            (Some(Lie::Cut), Some(body)) => {
                let answer = whole("200 OK", headers, body);
                answer[..answer.len() - body.len() / 2 - 1].to_vec()
            }
            (Some(Lie::Headers(others)), Some(body)) => whole("200 OK", others, body),
            (late, Some(body)) => {
                if let Some(Lie::Late(after)) = late {
                    sleep(Duration::from_millis(after)).await;
                }
                whole("200 OK", headers, body)
            }
        };
        stream.write_all(&answer).await?;
        stream.shutdown().await
    }

    /// The headers and the file for a request.
    async fn found(&self, request: &Request) -> (&'static str, Option<Vec<u8>>) {
        let fits = |served: &&Served| served.path == request.path && request.query.contains(served.asking);
        let Some(served) = self.served.iter().find(fits) else { return ("", None) };
        let times = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let times = asked.entry(served.file).or_default();
            *times += 1;
            *times
        };
        let file = if times == 1 { served.file } else { served.again };
        let text = tokio::fs::read(self.folder.join(file)).await.unwrap_or_default();
        let body = match String::from_utf8(text) {
            Ok(text) => text.replace("{query}", &request.query).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        (served.headers, Some(body))
    }
}

/// Speaks as a WebSocket that sends back what it gets.
async fn talk(mut stream: TcpStream, key: &str, lie: Option<Lie>) -> std::io::Result<()> {
    let key = if lie == Some(Lie::WrongKey) { "another" } else { key };
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if lie != Some(Lie::Mute) && matches!(message, Message::Text(_) | Message::Binary(_)) {
            let _ = socket.send(message).await;
        }
    }
    Ok(())
}

/// Reads a request to the end of its body. `None` when it is none.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > LONGEST_REQUEST || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let header = |wanted: &str| {
        text.lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned()))
    };
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head + 4 + length.min(LONGEST_REQUEST) {
        if stream.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    let target = text.split_whitespace().nth(1).unwrap_or("/");
    let Ok(url) = reqwest::Url::parse(&format!("http://stage{target}")) else { return Ok(None) };
    let query: Vec<_> = url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    let key = header("sec-websocket-key");
    Ok(Some(Request { path: url.path().to_owned(), query: query.join("&"), key }))
}
