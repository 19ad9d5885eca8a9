//! A WebSocket: the handshake, and a message that must come back. What the messages hold is not shown.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use evidence_report::record::{Finding, Measurement};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout_at;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error as WebSocketError, Message, client::IntoClientRequest, protocol::WebSocketConfig as Limits,
    },
};

use super::{
    checks::{PROBE_ECHO, PROBE_WEBSOCKET},
    http::latency,
    nodes::{self, troubled},
};
use crate::{
    plan::WebSocketProbe,
    wire::{Connected, Phases, Place, Trouble, Wire},
};

/// A longer message, or so many of them without the one that is awaited, are refused.
const LONGEST_MESSAGE: usize = 1024 * 1024;
const MOST_MESSAGES: u32 = 1000;
/// What is sent along with a ping.
const PING: &[u8] = b"observability-smoke";

/// What each node did.
pub(crate) type Seen = Vec<(Option<SocketAddr>, Result<Talk, Trouble>)>;

/// How far a talk came.
#[derive(Debug)]
pub(crate) struct Talk {
    handshake: Handshake,
    /// What came back, once the handshake was done.
    echo: Option<Result<(), String>>,
    took: Duration,
    phases: Phases,
}

/// The answer to the request for an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Handshake {
    Done,
    /// Another status than 101.
    Status(u16),
    /// 101, and something of it is wrong.
    Wrong(String),
}

/// Connects and talks, to one node or to each.
pub(crate) async fn observe(wire: &Wire, probe: &WebSocketProbe) -> Seen {
    let Some(place) = Place::of(&probe.url.0) else {
        return vec![(None, Err(Trouble::talk("the URL names no host")))];
    };
    match nodes::behind(wire, &place, probe.every_node, probe.timeout).await {
        Err(trouble) => vec![(None, Err(trouble))],
        Ok(found) => {
            let asked = found.into_iter().map(async |node| (node, talk(wire, probe, &place, node).await));
            futures_util::future::join_all(asked).await
        }
    }
}

async fn talk(
    wire: &Wire,
    probe: &WebSocketProbe,
    place: &Place,
    node: Option<SocketAddr>,
) -> Result<Talk, Trouble> {
    let started = Instant::now();
    let deadline = started + probe.timeout;
    let Connected { stream, mut phases } = wire.connect(place, node, deadline).await?;
    let asked = Instant::now();
    let request = request(probe)?;
    let limits =
        Limits::default().max_message_size(Some(LONGEST_MESSAGE)).max_frame_size(Some(LONGEST_MESSAGE));
    let upgrade = client_async_with_config(request, stream, Some(limits));
    let late = |_| Trouble::late("no whole handshake", probe.timeout);
    let upgraded = timeout_at(deadline.into(), upgrade).await.map_err(late)?;
    phases.first_byte = asked.elapsed();
    let mut talk = Talk { handshake: Handshake::Done, echo: None, took: Duration::ZERO, phases };
    match upgraded {
        Ok((mut socket, _)) => {
            if !probe.refused {
                let exchange = timeout_at(deadline.into(), exchange(&mut socket, probe));
                talk.echo = Some(exchange.await.unwrap_or_else(|_| {
                    Err(format!("no such message within {} s", probe.timeout.as_secs_f64()))
                }));
            }
            talk.took = started.elapsed();
            // The goodbye is a courtesy: nobody waits for its answer.
            let _ = timeout_at(deadline.into(), socket.close(None)).await;
        }
        Err(WebSocketError::Http(response)) => talk.handshake = Handshake::Status(response.status().as_u16()),
        Err(WebSocketError::Io(error)) => {
            return Err(Trouble::talk(format!("no answer to the handshake: {error}")));
        }
        Err(other) => talk.handshake = Handshake::Wrong(words(&other)),
    }
    if talk.took.is_zero() {
        talk.took = started.elapsed();
    }
    Ok(talk)
}

fn request(
    probe: &WebSocketProbe,
) -> Result<tokio_tungstenite::tungstenite::handshake::client::Request, Trouble> {
    let request = probe.url.0.as_str().into_client_request();
    let mut request = request.map_err(|_| Trouble::talk("the URL is none that a WebSocket can use"))?;
    let headers = request.headers_mut();
    for (name, value) in &probe.headers.0 {
        headers.insert(name, value.clone());
    }
    if !probe.subprotocols.is_empty() {
        let offered = probe.subprotocols.join(", ").parse();
        let offered = offered.map_err(|_| Trouble::talk("a subprotocol holds what no header may hold"))?;
        headers.insert("sec-websocket-protocol", offered);
    }
    Ok(request)
}

/// Sends what is to be sent, and waits for what must come back.
async fn exchange<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    probe: &WebSocketProbe,
) -> Result<(), String> {
    let expects_message = probe.expect_contains.is_some() || probe.expect_matches.is_some();
    let message = match &probe.send {
        Some(text) => Some(Message::text(text.clone())),
        None if expects_message => None,
        None => Some(Message::Ping(PING.into())),
    };
    if let Some(message) = message {
        socket.send(message).await.map_err(|error| words(&error))?;
    }
    for _ in 0..MOST_MESSAGES {
        match socket.next().await {
            None => return Err("the server closed the connection before it came".to_owned()),
            Some(Err(error)) => return Err(words(&error)),
            Some(Ok(Message::Close(frame))) => {
                let code =
                    frame.map_or("no code".to_owned(), |frame| format!("code {}", u16::from(frame.code)));
                return Err(format!("the server said goodbye ({code}) before it came"));
            }
            Some(Ok(message)) if is_awaited(probe, expects_message, &message) => return Ok(()),
            Some(Ok(_)) => {}
        }
    }
    Err(format!("not among the first {MOST_MESSAGES} messages"))
}

fn is_awaited(probe: &WebSocketProbe, expects_message: bool, message: &Message) -> bool {
    if probe.send.is_none() && !expects_message {
        return matches!(message, Message::Pong(data) if data.as_ref() == PING);
    }
    let text = match message {
        Message::Text(text) => text.as_str(),
        Message::Binary(data) => std::str::from_utf8(data).unwrap_or_default(),
        _ => return false,
    };
    if !expects_message {
        return probe.send.as_deref() == Some(text);
    }
    probe.expect_contains.as_deref().is_none_or(|wanted| text.contains(wanted))
        && probe.expect_matches.as_ref().is_none_or(|pattern| pattern.0.is_match(text))
}

/// An error of the protocol, without what was received.
fn words(error: &WebSocketError) -> String {
    match error {
        WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed => {
            "the server closed the connection".to_owned()
        }
        WebSocketError::Io(error) => format!("the connection broke: {error}"),
        WebSocketError::Protocol(error) => format!("against the protocol: {error}"),
        WebSocketError::Capacity(_) => format!("a message is longer than {LONGEST_MESSAGE} bytes"),
        WebSocketError::Utf8(_) => "a text message is not UTF-8".to_owned(),
        _ => "the answer to the handshake is no HTTP that can be read".to_owned(),
    }
}

/// Judges the talks.
pub(crate) fn assess(probe: &WebSocketProbe, seen: &Seen) -> (Vec<Finding>, Vec<Measurement>) {
    let whole = format!("{}: {}", probe.name, probe.url);
    let (mut findings, mut measurements) = (Vec::new(), Vec::new());
    let expected = match (probe.refused, probe.subprotocols.is_empty()) {
        (true, _) => "a refusal, status 401 or 403".to_owned(),
        (false, true) => "status 101 and a right handshake".to_owned(),
        (false, false) => format!("status 101 and one of {}", probe.subprotocols.join(", ")),
    };
    for (node, talk) in seen {
        let subject = nodes::subject(&whole, *node);
        let talk = match talk {
            Ok(talk) => talk,
            Err(trouble) => {
                findings.push(troubled(&PROBE_WEBSOCKET, subject, trouble).expected(&expected));
                continue;
            }
        };
        let handshake = match (&talk.handshake, probe.refused) {
            (Handshake::Done, false) => PROBE_WEBSOCKET.passed(&subject).observed("status 101"),
            (Handshake::Done, true) => PROBE_WEBSOCKET.failed(&subject).observed("status 101: let in"),
            (Handshake::Status(status @ (401 | 403)), true) => {
                PROBE_WEBSOCKET.passed(&subject).observed(format!("status {status}"))
            }
            (Handshake::Status(status @ 400..=499), true) => PROBE_WEBSOCKET
                .warned(&subject)
                .observed(format!("status {status}: refused, and not because of a right that is missing"))
                .remedy("Look whether the path and the handshake are right: a wrong path is refused to everybody."),
            (Handshake::Status(status), _) => {
                PROBE_WEBSOCKET.failed(&subject).observed(format!("status {status}"))
            }
            (Handshake::Wrong(why), _) => PROBE_WEBSOCKET.failed(&subject).observed(why),
        };
        findings.push(handshake.expected(&expected));
        if let Some(echo) = &talk.echo {
            let finding = match echo {
                Ok(()) => PROBE_ECHO.passed(&subject).observed("it came"),
                Err(why) => PROBE_ECHO.failed(&subject).observed(why),
            };
            findings.push(finding.expected(awaited(probe)));
            let (slow, measurement) = latency(&subject, probe.latency, talk.took, &talk.phases);
            findings.extend(slow.filter(|_| echo.is_ok()));
            let measurement = measurement.label("probe", &probe.name);
            measurements.push(match node {
                Some(node) => measurement.label("node", node.to_string()),
                None => measurement,
            });
        }
    }
    (findings, measurements)
}

fn awaited(probe: &WebSocketProbe) -> String {
    match (&probe.expect_contains, &probe.expect_matches, &probe.send) {
        (Some(text), None, _) => format!("a message with `{text}`"),
        (None, Some(pattern), _) => format!("a message that matches /{}/", pattern.0),
        (Some(text), Some(pattern), _) => format!("a message with `{text}` that matches /{}/", pattern.0),
        (None, None, Some(_)) => "the text that was sent".to_owned(),
        (None, None, None) => "a pong to our ping".to_owned(),
    }
}
