//! TCP and WebSocket probes.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{BasicAuth, Duration, HeaderName, Pattern};

/// A host and a port: `db.example:5432`, `[::1]:5432`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Address {
    #[schemars(skip)]
    pub(crate) host: String,
    #[schemars(skip)]
    pub(crate) port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no address: write host:port, an IPv6 address in brackets");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let good = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(plain),
        };
        let port = port.parse().ok().filter(|&port: &u16| port > 0 && good).ok_or_else(wrong)?;
        Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What must become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reach {
    /// It is accepted.
    #[default]
    Open,
    /// A network policy drops it: nothing comes back.
    Blocked,
}

/// A port that must be open, or that a network policy must keep from us.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TcpConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Host and port.
    pub(crate) address: Address,
    /// `open` (if not given) or `blocked`.
    #[serde(default)]
    pub(crate) expect: Reach,
    /// With `blocked`: an address that is open from here, asked before and after. Without it nobody could tell a
    /// policy from a network that is down.
    pub(crate) control: Option<Address>,
    /// With `blocked`: whether a refusal counts, because the policy rejects instead of dropping. If not, a refusal
    /// means that packets arrive and nobody happens to listen.
    #[serde(default)]
    pub(crate) refused_counts: bool,
    /// How long opening the connection may take at most.
    pub(crate) latency: Option<Duration>,
    /// Whether every address behind the name is tried, and not the first that answers.
    #[serde(default)]
    pub(crate) every_node: bool,
    /// How long to wait; 3 s if not given.
    pub(crate) timeout: Option<Duration>,
}

/// A WebSocket: its handshake, and a message and its answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebSocketConfig {
    /// What the evidence calls it.
    pub(crate) name: String,
    /// Where: ws or wss, without user name and password.
    pub(crate) url: super::WebSocketUrl,
    /// Headers that are no secret, for example `Origin`.
    #[serde(default)]
    pub(crate) headers: BTreeMap<HeaderName, String>,
    /// Headers whose value is the content of a file.
    #[serde(default)]
    pub(crate) header_files: BTreeMap<HeaderName, PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`.
    pub(crate) bearer_token_file: Option<PathBuf>,
    /// User name and password, sent as `Authorization: Basic …`.
    pub(crate) basic_auth: Option<BasicAuth>,
    /// Subprotocols that are offered; the server must choose one of them.
    #[serde(default)]
    pub(crate) subprotocols: Vec<String>,
    /// Whether the handshake must be refused: by status 401 or 403. A gateway that lets anybody in fails; another status
    /// from 400 to 499 is a warning, because a wrong path is refused to everybody.
    #[serde(default)]
    pub(crate) refused: bool,
    /// Text to send once the handshake is done. Without it a ping is sent, and its pong awaited.
    pub(crate) send: Option<String>,
    /// Text that one of the messages that come back must contain; with `send` alone the same text must come back.
    pub(crate) expect_contains: Option<String>,
    /// Regular expression that must match in one of the messages that come back.
    pub(crate) expect_matches: Option<Pattern>,
    /// How long it may take at most, from the connection to the answer.
    pub(crate) latency: Option<Duration>,
    /// Whether every address behind the name is asked.
    #[serde(default)]
    pub(crate) every_node: bool,
    /// How long it may take before it is given up.
    pub(crate) timeout: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_what_is_none_is_refused() {
        for (text, host, port) in [
            ("db.example:5432", "db.example", 5432),
            ("[::1]:80", "::1", 80),
            ("127.0.0.1:1", "127.0.0.1", 1),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), text);
        }
        for wrong in ["db", "db:", ":5432", "db:0", "db:65536", "::1:80", "http://db:80", "a b:1", "[x]:1"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
