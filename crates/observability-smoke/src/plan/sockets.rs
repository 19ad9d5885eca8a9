//! Ports and WebSockets, and what must become of them: what their configuration comes to.

use std::time::Duration;

use evidence_report::run::Usage;
use serde::Serialize;

use super::{Headers, headers, optional_seconds, seconds};
use crate::{
    config::{Pattern, Reach, TcpConfig, WebSocketConfig, WebSocketUrl},
    error::Error,
};

/// A port, and what must become of a connection to it.
#[derive(Debug, Serialize)]
pub(crate) struct TcpProbe {
    pub(crate) config: TcpConfig,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
}

/// A WebSocket.
#[derive(Debug, Serialize)]
pub(crate) struct WebSocketProbe {
    pub(crate) name: String,
    pub(crate) url: WebSocketUrl,
    pub(crate) headers: Headers,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) refused: bool,
    #[serde(skip)]
    pub(crate) send: Option<String>,
    pub(crate) expect_contains: Option<String>,
    pub(crate) expect_matches: Option<Pattern>,
    #[serde(serialize_with = "optional_seconds")]
    pub(crate) latency: Option<Duration>,
    pub(crate) every_node: bool,
    #[serde(serialize_with = "seconds")]
    pub(crate) timeout: Duration,
}

pub(super) fn tcp_probe(config: TcpConfig) -> Result<TcpProbe, Error> {
    let message = match (config.expect, &config.control) {
        (Reach::Blocked, None) => Some(
            "expects blocked without a control: name an address that is open from here, so that a policy can be told from a network that is down",
        ),
        (Reach::Blocked, Some(control)) if *control == config.address => {
            Some("names the address that must be blocked as its own control")
        }
        (Reach::Open, Some(_)) => Some("names a control, which only `expect: blocked` needs"),
        (Reach::Open, None) if config.refused_counts => {
            Some("says refused_counts, which only `expect: blocked` needs")
        }
        (Reach::Blocked, _) if config.latency.is_some() => Some("has a latency although it must be blocked"),
        _ => None,
    };
    if let Some(message) = message {
        return Err(Usage(format!("the tcp probe {} {message}", config.name)).into());
    }
    let timeout = config.timeout.map_or(Duration::from_secs(3), |timeout| timeout.0);
    Ok(TcpProbe { config, timeout })
}

pub(super) fn websocket_probe(config: WebSocketConfig, timeout: Duration) -> Result<WebSocketProbe, Error> {
    let answers = config.expect_contains.is_some() || config.expect_matches.is_some();
    if config.refused && (answers || config.send.is_some()) {
        let message = format!(
            "the websocket probe {} must be refused, and cannot send or expect anything",
            config.name
        );
        return Err(Usage(message).into());
    }
    Ok(WebSocketProbe {
        headers: headers(
            &config.headers,
            &config.header_files,
            config.bearer_token_file.as_ref(),
            config.basic_auth.as_ref(),
        )?,
        name: config.name,
        url: config.url,
        subprotocols: config.subprotocols,
        refused: config.refused,
        send: config.send,
        expect_contains: config.expect_contains,
        expect_matches: config.expect_matches,
        latency: config.latency.map(|latency| latency.0),
        every_node: config.every_node,
        timeout: config.timeout.map_or(timeout, |timeout| timeout.0),
    })
}
