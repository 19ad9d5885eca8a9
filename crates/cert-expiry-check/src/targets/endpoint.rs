//! A TLS server as the user names it: host, port, and the name to ask for.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use evidence_report::run::redact;
use rustls::pki_types::ServerName;

use super::NoTarget;
use crate::assess::name::Host;

/// The port of HTTPS, where none is named.
const DEFAULT_PORT: u16 = 443;

/// A TLS server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Whom to connect to.
    pub host: Host,
    /// The TCP port, never 0.
    pub port: u16,
    /// The name to ask for, where it is not the host.
    pub sni: Option<Host>,
    /// The one of the host's addresses that is meant, where it is one of several.
    pub address: Option<IpAddr>,
}

impl Endpoint {
    /// From `https://host[:port][/…]`. Userinfo, path and query play no part.
    pub(super) fn from_url(url: &str) -> Result<Self, NoTarget> {
        let shown = redact::url(url);
        let refuse = |reason: &str| NoTarget { word: shown.clone(), reason: reason.to_owned() };
        let Some((scheme, rest)) = url.split_once("://") else { return Err(refuse("it has no scheme")) };
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(refuse("only https:// is read; name any other TLS server as host:port"));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Self::from_authority(authority).map_err(|error| refuse(&error.reason))
    }

    /// From `host`, `host:port`, `[address]:port` or a bare IPv6 address.
    pub(super) fn from_authority(word: &str) -> Result<Self, NoTarget> {
        let refuse = |reason: &str| NoTarget { word: word.to_owned(), reason: reason.to_owned() };
        if let Ok(address) = word.parse::<Ipv6Addr>() {
            return Ok(Self {
                host: Host::Address(address.into()),
                port: DEFAULT_PORT,
                sni: None,
                address: None,
            });
        }
        let (host, port) = match word.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) =
                    rest.split_once(']').ok_or_else(|| refuse("the bracket is not closed"))?;
                let address: Ipv6Addr =
                    address.parse().map_err(|_| refuse("only an IPv6 address stands in brackets"))?;
                (Host::Address(address.into()), rest.strip_prefix(':').or((!rest.is_empty()).then_some("x")))
            }
            None => match word.split_once(':') {
                Some((host, port)) => (parse_host(host).map_err(|reason| refuse(&reason))?, Some(port)),
                None => (parse_host(word).map_err(|reason| refuse(&reason))?, None),
            },
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|&port| port != 0 && text.bytes().all(|byte| byte.is_ascii_digit()))
                .ok_or_else(|| refuse("the port is no number from 1 to 65535"))?,
        };
        Ok(Self { host, port, sni: None, address: None })
    }

    /// The name that the client asks for, and that the certificate must cover.
    #[must_use]
    pub fn asked_as(&self) -> &Host {
        self.sni.as_ref().unwrap_or(&self.host)
    }

    /// Asks for another name than the host.
    pub fn ask_as(&mut self, name: Host) {
        self.sni = (name != self.host).then_some(name);
    }

    /// The same server at one of its addresses.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self.clone() }
    }

    /// The same for rustls. An address is not sent as SNI (RFC 6066, 3).
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>, String> {
        match self.asked_as() {
            Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| error.to_string()),
        }
    }
}

/// A host as it is typed: an address, or a DNS name (lower case, the root's dot taken off).
///
/// # Errors
/// Why it is none.
pub(crate) fn parse_host(text: &str) -> Result<Host, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Host::Address(address));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.is_empty() {
        return Err(
            if text.is_empty() { "it is empty, there is no host" } else { "there is no host" }.to_owned()
        );
    }
    if !name.is_ascii() {
        return Err("a name with letters beyond ASCII is written in its xn-- form".to_owned());
    }
    match ServerName::try_from(name.clone()) {
        Ok(_) if !name.ends_with('.') => Ok(Host::Name(name)),
        _ => Err("that is no host name; write host:port, a file, a folder, or a pattern of files".to_owned()),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port)?,
            host => write!(f, "{host}:{}", self.port)?,
        }
        if let Some(address) = self.address {
            write!(f, " at {address}")?;
        }
        match &self.sni {
            Some(name) => write!(f, " as {name}"),
            None => Ok(()),
        }
    }
}
