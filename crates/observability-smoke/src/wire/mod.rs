//! Connections of the probes' own: each phase is timed (name, connection, TLS, first byte, whole answer), each
//! node behind a name can be asked for itself, and what our own environment prevents is told apart from what
//! the target does. It knows no configuration and judges nothing.

mod connection;
mod exchange;
mod trouble;
mod trust;

pub(crate) use connection::{Connected, Place, Wire};
pub(crate) use exchange::{Answer, Ask, Redirects};
pub(crate) use trouble::{Cause, Trouble};

use std::time::Duration;

/// How long each phase took. What did not happen took no time: an address needs no name server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Phases {
    /// The name was resolved.
    pub(crate) resolve: Duration,
    /// The connection was opened.
    pub(crate) connect: Duration,
    /// TLS was negotiated.
    pub(crate) tls: Duration,
    /// From the request to the beginning of the answer.
    pub(crate) first_byte: Duration,
    /// From there to the last byte.
    pub(crate) transfer: Duration,
}

impl Phases {
    /// Both one after the other.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            resolve: self.resolve + next.resolve,
            connect: self.connect + next.connect,
            tls: self.tls + next.tls,
            first_byte: self.first_byte + next.first_byte,
            transfer: self.transfer + next.transfer,
        }
    }

    /// The phases by the names that blackbox_exporter gives them.
    pub(crate) const fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("resolve", self.resolve),
            ("connect", self.connect),
            ("tls", self.tls),
            ("processing", self.first_byte),
            ("transfer", self.transfer),
        ]
    }
}
