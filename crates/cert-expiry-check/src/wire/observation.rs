//! What was seen at an endpoint, as values: whatever goes wrong there has a name of its own.

use std::{fmt, net::SocketAddr, time::Duration};

use rustls::pki_types::CertificateDer;

use super::{cipher_suite::CipherSuite, starttls::StartTrouble};

/// What was seen at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// No TCP connection came about.
    Unreached(ReachTrouble),
    /// Somebody accepted the connection.
    Reached(Capture),
}

/// What a server showed of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Where it answered.
    pub address: SocketAddr,
    /// The version that was agreed upon, as far as the handshake went.
    pub protocol: Option<Protocol>,
    /// The certificates that it presented, in its order; empty when the handshake did not come so far.
    pub chain: Vec<CertificateDer<'static>>,
    /// The OCSP response that it stapled (RFC 6066, 8), as it came; empty where there was none.
    pub stapled: Vec<u8>,
    /// Whether it wanted a certificate from us.
    pub client_certificate: ClientCertificate,
    /// What it did when the handshake was done, where it had asked for a certificate.
    pub afterwards: Afterwards,
    /// Whether it showed that the handshake was done for it, too: over TLS 1.2 it speaks last, over TLS 1.3 a session
    /// ticket shows it, or data, or a goodbye. Whatever it thinks of our certificate in the handshake is thought by then.
    pub is_confirmed: bool,
    /// What kept the handshake from its end.
    pub trouble: Option<HandshakeTrouble>,
}

/// What a server does after it has asked for a client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Afterwards {
    /// There was nothing to wait for.
    #[default]
    Nothing,
    /// Nothing for so long: it may have let us in, or refuse later.
    Silent(Duration),
    /// It refused us.
    Refused(Refusal),
    /// It ended the connection without an alert: it may have refused us, or have let us in and ended.
    Closed(Closing),
    /// It began to speak: we are in.
    Greeted,
    /// It answered one HTTP request with this status; only where it was to be asked.
    Answered(u16),
    /// It did not answer it with HTTP: with something else, or not in time.
    NotHttp,
}

/// When a server ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Before we had sent anything behind the handshake.
    AtOnce,
    /// When we had sent an HTTP request.
    AfterRequest,
}

/// How a server refuses a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// With this alert (RFC 8446, 6.2).
    Alert(String),
    /// It closed or reset the connection without a word, in the middle of the handshake.
    Cut,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// RFC 6101.
    Ssl3,
    /// RFC 2246.
    Tls10,
    /// RFC 4346.
    Tls11,
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// Whether a server wants a certificate from its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ClientCertificate {
    /// It did not ask.
    #[default]
    NotAsked,
    /// It asked, and did not refuse us in the handshake.
    Optional,
    /// It asked, and turned us away without one.
    Demanded,
}

/// Why no TCP connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReachTrouble {
    /// The name has no address; the resolver's words.
    Unresolved(String),
    /// Nobody listens there.
    Refused,
    /// Nobody answered for so long.
    TimedOut(Duration),
    /// The connection failed in another way, out there.
    Failed(String),
    /// This machine could not even try: no descriptor, no port, no route, no permission.
    Ours(String),
}

/// What a server insists on that clients of today do not offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rare {
    /// A cipher suite, by its name in the registry.
    Suite(String),
    /// A key exchange group, by its name in the registry.
    Group(String),
    /// A kind of signature, by its name in the registry; it was not verified.
    Signature(String),
    /// Nothing of these is rare, or the handshake did not come so far that they are known.
    Neither,
}

/// What kept a handshake from its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeTrouble {
    /// The port begins in plain text, and did not turn TLS on.
    NotStarted(StartTrouble),
    /// Not one byte came for so long.
    Silent(Duration),
    /// So many bytes came, and then no end of the handshake, for so long.
    Unfinished(Duration, u64),
    /// The server closed the connection.
    Closed,
    /// The server reset the connection.
    Reset,
    /// It speaks another language; its first bytes.
    NotTls(Vec<u8>),
    /// The server sent this fatal alert.
    Alert(String),
    /// It speaks neither TLS 1.2 nor 1.3.
    TooOld,
    /// It presented its certificate only to a client that takes what clients of today do not; the version is
    /// [`Capture::protocol`].
    OnlyOld(CipherSuite),
    /// It refused the usual hello, and took one that offers what hardly any client does.
    OnlyRare(Rare),
    /// No cipher suite, group or signature scheme in common.
    NothingInCommon(String),
    /// It does not prove that it holds the certificate's key.
    NoProof(String),
    /// It breaks the rules of TLS in another way.
    Broken(String),
}

impl Capture {
    /// Whether the handshake came to its end, be it with words that hardly any client knows.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.trouble, None | Some(HandshakeTrouble::OnlyRare(_)))
    }

    /// Of a server that showed nothing of itself.
    #[must_use]
    pub fn broken(address: SocketAddr, trouble: HandshakeTrouble) -> Self {
        Self {
            address,
            protocol: None,
            chain: Vec::new(),
            stapled: Vec::new(),
            client_certificate: ClientCertificate::NotAsked,
            afterwards: Afterwards::Nothing,
            is_confirmed: false,
            trouble: Some(trouble),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(alert) => write!(f, "with the TLS alert {alert}"),
            Self::Cut => f.write_str("by cutting the connection"),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}
