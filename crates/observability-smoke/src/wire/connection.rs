//! From a name to a connection, with TLS where it is wanted. Each address of a name can be taken for itself.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout_at,
};

use super::{
    Phases,
    trouble::{Cause, Trouble},
    trust::client_config,
};
use crate::http::{HttpError, Trust};

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether TLS is spoken there.
    pub(crate) secure: bool,
}

/// A stream of bytes, plain or encrypted.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open connection.
pub(crate) struct Connected {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) phases: Phases,
}

/// Opens connections. Proxies of the environment are not used: what is measured is the target.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    tls: Arc<ClientConfig>,
}

impl Place {
    /// Where a URL leads; `None` when it names no host or no port that we know.
    pub(crate) fn of(url: &reqwest::Url) -> Option<Self> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let secure = matches!(url.scheme(), "https" | "wss");
        let standard = if secure { 443 } else { 80 };
        Some(Self { host, port: url.port().unwrap_or(standard), secure })
    }
}

impl Wire {
    /// Prepares TLS.
    pub(crate) fn new(trust: Trust<'_>) -> Result<Self, HttpError> {
        Ok(Self { tls: client_config(trust)? })
    }

    /// The addresses behind a name, each once, and how long it took to find them.
    pub(crate) async fn resolve(
        &self,
        place: &Place,
        deadline: Instant,
    ) -> Result<(Vec<SocketAddr>, Duration), Trouble> {
        let started = Instant::now();
        if let Ok(address) = place.host.parse::<IpAddr>() {
            return Ok((vec![SocketAddr::new(address, place.port)], Duration::ZERO));
        }
        let look_up = tokio::net::lookup_host((place.host.as_str(), place.port));
        let found = match timeout_at(deadline.into(), look_up).await {
            Err(_) => {
                return Err(Trouble::new(
                    Cause::Unresolved,
                    "no connection: the name was not resolved in time",
                ));
            }
            Ok(Err(error)) => {
                return Err(Trouble::new(Cause::Unresolved, format!("no connection: {error}")));
            }
            Ok(Ok(found)) => found,
        };
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(Trouble::new(Cause::Unresolved, "no connection: the name has no address"));
        }
        Ok((addresses, started.elapsed()))
    }

    /// Connects to the place, or to this node of it, until `deadline`.
    pub(crate) async fn connect(
        &self,
        place: &Place,
        node: Option<SocketAddr>,
        deadline: Instant,
    ) -> Result<Connected, Trouble> {
        let (addresses, resolve) = match node {
            Some(node) => (vec![node], Duration::ZERO),
            None => self.resolve(place, deadline).await?,
        };
        let started = Instant::now();
        let stream = open_first(&addresses, deadline).await?;
        let mut phases = Phases { resolve, connect: started.elapsed(), ..Phases::default() };
        let _ = stream.set_nodelay(true);
        if !place.secure {
            return Ok(Connected { stream: Box::new(stream), phases });
        }
        let name = ServerName::try_from(place.host.clone())
            .map_err(|_| Trouble::talk(format!("TLS knows no server of the name {}", place.host)))?;
        let started = Instant::now();
        let handshake = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        match timeout_at(deadline.into(), handshake).await {
            Err(_) => Err(Trouble::new(Cause::Silent, "no connection: TLS was not negotiated in time")),
            Ok(Err(error)) => Err(Trouble::talk(format!("no connection: {}", innermost(&error)))),
            Ok(Ok(stream)) => {
                phases.tls = started.elapsed();
                Ok(Connected { stream: Box::new(stream), phases })
            }
        }
    }
}

/// The first of the addresses that can be connected to. Each has its share of the time that is left, so that
/// one that never answers does not keep the next from being tried.
async fn open_first(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Trouble> {
    let mut last = Trouble::new(Cause::Unresolved, "no connection: there is no address");
    for (index, &address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        last = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Trouble::connecting(&error),
            Err(_) => Trouble::late("no connection: no answer", share),
        };
    }
    Err(last)
}

/// The cause of all causes.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let words = evidence_report::run::redact::text(&cause.to_string());
    if words.contains("CaUsedAsEndEntity") {
        return "the server shows a CA's own certificate (as `openssl req -x509` makes it), which no server may: issue one with CA:FALSE".to_owned();
    }
    words
}
