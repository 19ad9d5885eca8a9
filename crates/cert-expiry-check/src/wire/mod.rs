//! What a TLS server presents, captured without sending it a byte of application data. Nothing is judged
//! here.

mod address;
mod behind_handshake;
mod capture;
mod cipher_suite;
pub mod fetch;
mod first_bytes;
mod http_answer;
mod identity;
pub mod legacy_hello;
mod observation;
mod old_handshake;
mod pace;
mod proof;
mod rare;
pub mod starttls;

pub use address::addresses;
pub use capture::capture;
pub use cipher_suite::{CipherSuite, KeyExchange};
pub use identity::{Identity, IdentityError};
pub use observation::{
    Afterwards, Capture, ClientCertificate, Closing, HandshakeTrouble, Observation, Protocol, Rare,
    ReachTrouble, Refusal,
};
pub use pace::{Pace, Rate};
pub use starttls::StartTrouble;

use std::time::Duration;

use serde::Serialize;

/// How servers are approached.
#[derive(Debug, Clone)]
pub struct Approach {
    /// How long each may take.
    pub timeouts: Timeouts,
    /// What is presented to those that ask for a client certificate.
    pub identity: Option<Identity>,
    /// How fast connections are opened, over all of the run.
    pub pace: Pace,
    /// Whether one that asks for a client certificate, and does not refuse us in the handshake, is sent one
    /// HTTP request: some refuse only in their answer.
    pub ask_http: bool,
    /// For which kinds of keys its certificate is looked at.
    pub keys: Keys,
}

/// For which kinds of keys a server's certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// The one that client and server agree upon.
    #[default]
    FirstPresented,
    /// RSA and ECDSA, where it has both.
    Every,
}

impl Approach {
    /// The same, with nothing to present.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { identity: None, ..self.clone() }
    }
}

/// How long a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For resolving the name and for the TCP connection, together.
    pub connect: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
}
