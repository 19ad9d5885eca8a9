//! A TLS server as the user names it: what turns TLS on there, host, port, where to connect, and the name to
//! ask for.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use evidence_report::run::redact;
use reqwest::Url;
use rustls::pki_types::ServerName;

use super::{
    KeyKind, NoTarget,
    scheme::{Scheme, StartTls},
};
use crate::assess::name::Host;

/// The port of HTTPS, where none is named.
pub(crate) const DEFAULT_PORT: u16 = 443;

/// A TLS server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What turns TLS on there; nothing where TLS begins at once.
    pub start: Option<StartTls>,
    /// Who it is: whom to connect to, unless `address` says where.
    pub host: Host,
    /// The TCP port, never 0.
    pub port: u16,
    /// The name to ask for, where it is not the host.
    pub sni: Option<Host>,
    /// Where to connect instead of asking the resolver: the one of the host's addresses that is meant, or an
    /// address that was named for it.
    pub address: Option<IpAddr>,
    /// The port there, where it is not `port`.
    pub port_there: Option<u16>,
    /// Whether a network led to it, so that nobody knows under which name it is asked.
    pub in_network: bool,
    /// The only kind of key that it is asked for; any, where there is none.
    pub key: Option<KeyKind>,
}

impl Endpoint {
    /// A server that speaks TLS at once, under its own name.
    #[must_use]
    pub fn new(host: Host, port: u16) -> Self {
        Self {
            start: None,
            host,
            port,
            sni: None,
            address: None,
            port_there: None,
            in_network: false,
            key: None,
        }
    }

    /// One of the addresses of a network.
    pub(super) fn in_network(address: IpAddr, port: u16, sni: Option<Host>) -> Self {
        Self { sni, in_network: true, ..Self::new(Host::Address(address), port) }
    }

    /// From `scheme://host[:port][@address[:port]][/…]`. Userinfo, path and query play no part.
    pub(super) fn from_url(url: &str) -> Result<Self, NoTarget> {
        let shown = redact::url(url);
        let refuse = |reason: &str| NoTarget { word: shown.clone(), reason: reason.to_owned() };
        let Some((word, rest)) = url.split_once("://") else { return Err(refuse("it has no scheme")) };
        let scheme = Scheme::parse(word).map_err(|reason| refuse(&reason))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let whole = authority.len() == rest.len();
        let authority = match authority.rsplit_once('@') {
            Some(_) if whole && names_its_address(authority) => authority,
            Some((who, there)) if whole && is_either(who, there) => {
                return Err(refuse(&format!(
                    "is '{who}' a user or the server's name? A server at another address is written with its \
                     port, as in {word}://{who}:PORT@{there}"
                )));
            }
            Some((_, host)) => host,
            None => authority,
        };
        let read = Self::read(authority, scheme.port).map_err(|reason| refuse(&reason))?;
        if let Host::Address(address) = read.host
            && let Some(bits) = bare_number(rest)
        {
            let network = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
            return Err(refuse(&format!(
                "networks take no scheme, and are looked at where TLS begins at once: {network}/{bits}:{}",
                read.port
            )));
        }
        Ok(Self { start: scheme.start, ..read })
    }

    /// From `host`, `host:port`, `[address]:port` or a bare IPv6 address; behind `@`, where to connect.
    pub(crate) fn from_authority(word: &str) -> Result<Self, NoTarget> {
        Self::read(word, Some(DEFAULT_PORT)).map_err(|reason| {
            let reason = match word.contains(char::is_whitespace) {
                true => {
                    "a blank stands in it; name each target as a word, or in a list on a line, of its own"
                        .to_owned()
                }
                false => reason,
            };
            NoTarget { word: without_password(word), reason }
        })
    }

    fn read(authority: &str, default: Option<u16>) -> Result<Self, String> {
        let (who, there) = match authority.rsplit_once('@') {
            Some((who, there)) => (who, Some(host_and_port(there)?)),
            None => (authority, None),
        };
        let (host, port) = host_and_port(who)?;
        let port = port.or(default).ok_or("it needs a port: write tls://host:port")?;
        let endpoint = Self::new(host, port);
        Ok(match there {
            None => endpoint,
            Some((Host::Address(address), port_there)) => Self {
                address: Some(address),
                port_there: port_there.filter(|there| *there != port),
                ..endpoint
            },
            // Another name to connect to: that is what --sni says of one target.
            Some((name, port_there)) => {
                let mut there = Self::new(name, port_there.unwrap_or(port));
                there.ask_as(endpoint.host);
                there
            }
        })
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

    /// What a user would type for it if TLS were turned on like this; the name to ask for plays no part.
    #[must_use]
    pub(crate) fn typed_with(&self, start: StartTls) -> String {
        let there = |address| SocketAddr::new(address, self.connect_port());
        let plain = Self { start: Some(start), sni: None, address: None, port_there: None, ..self.clone() };
        self.address.map_or_else(|| plain.to_string(), |address| format!("{plain}@{}", there(address)))
    }

    /// The port to connect to.
    #[must_use]
    pub fn connect_port(&self) -> u16 {
        self.port_there.unwrap_or(self.port)
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

/// `host`, `host:port`, `[address]:port` or a bare IPv6 address.
fn host_and_port(word: &str) -> Result<(Host, Option<u16>), String> {
    if let Ok(address) = word.parse::<Ipv6Addr>() {
        return Ok((Host::Address(address.into()), None));
    }
    let before_zone = word.split_once('%').map(|(address, _)| address.trim_start_matches('['));
    if before_zone.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) {
        return Err(
            "an address with a zone (%…) cannot be looked at; name another of its addresses".to_owned()
        );
    }
    let (host, port) = match word.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or("the bracket is not closed")?;
            let address: Ipv6Addr =
                address.parse().map_err(|_| "only an IPv6 address stands in brackets".to_owned())?;
            (Host::Address(address.into()), rest.strip_prefix(':').or((!rest.is_empty()).then_some("x")))
        }
        None => match word.split_once(':') {
            Some((host, port)) => (parse_host(host)?, Some(port)),
            None => (parse_host(word)?, None),
        },
    };
    let port = port.map(|text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let port = text.parse().ok().filter(|&port: &u16| port != 0 && digits);
        port.ok_or("the port is no number from 1 to 65535")
    });
    Ok((host, port.transpose()?))
}

/// The `24` of `10.0.0.0/24`: no path of a URL that somebody means.
fn bare_number(rest: &str) -> Option<&str> {
    let (_, path) = rest.split_once('/')?;
    (!path.is_empty() && path.bytes().all(|byte| byte.is_ascii_digit())).then_some(path)
}

/// A word as it may be shown: `user:password@host` was meant for a URL.
fn without_password(word: &str) -> String {
    match word.rsplit_once('@') {
        Some((who, there)) if host_and_port(who).is_err() => format!("***@{there}"),
        _ => word.to_owned(),
    }
}

/// `mail.example:25@10.0.0.5`, and not `user:password@10.0.0.5`: the name has a dot (or is an address, or
/// `localhost`) and a port, and behind the `@` stands an address.
pub(super) fn names_its_address(authority: &str) -> bool {
    let Some((who, there)) = authority.rsplit_once('@') else { return false };
    let is_address = |text| matches!(host_and_port(text), Ok((Host::Address(_), _)));
    let is_name = match host_and_port(who) {
        Ok((Host::Name(name), Some(_))) => name.contains('.') || name == "localhost",
        Ok((Host::Address(_), Some(_))) => true,
        _ => false,
    };
    is_name && is_address(there)
}

/// `mail.example@10.0.0.5`: a user at an address, or a server at an address. A name alone is no secret.
fn is_either(who: &str, there: &str) -> bool {
    let is_name = matches!(host_and_port(who), Ok((Host::Name(name), None)) if name.contains('.'));
    is_name && matches!(host_and_port(there), Ok((Host::Address(_), _)))
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
    let name = if name.is_ascii() { name } else { in_ascii(&name)? };
    match ServerName::try_from(name.clone()) {
        Ok(_) if !name.ends_with('.') => Ok(Host::Name(name)),
        _ => Err("that is no host name; write host:port, a file, a folder, or a pattern of files".to_owned()),
    }
}

/// A name with letters beyond ASCII, as it stands in the DNS and in certificates (RFC 5891).
fn in_ascii(name: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '.' | '_');
    let url = name.chars().all(is_plain).then(|| Url::parse(&format!("https://{name}/")).ok()).flatten();
    url.as_ref()
        .and_then(|url| url.host_str())
        .map(str::to_owned)
        .ok_or_else(|| "it holds letters that no host name has; write it in its xn-- form".to_owned())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(start) = self.start {
            write!(f, "{start}://")?;
        }
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port)?,
            host => write!(f, "{host}:{}", self.port)?,
        }
        match (self.address, self.port_there) {
            (Some(address), Some(port)) => write!(f, " at {}", SocketAddr::new(address, port))?,
            (Some(address), None) => write!(f, " at {address}")?,
            (None, _) => {}
        }
        if let Some(name) = &self.sni {
            write!(f, " as {name}")?;
        }
        match self.key {
            Some(kind) => write!(f, " with {kind}"),
            None => Ok(()),
        }
    }
}
