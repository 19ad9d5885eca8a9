//! What a server answers, up to its certificates, and no more of it than any chain is long.

use rustls::pki_types::CertificateDer;

use super::{
    super::{cipher_suite::CipherSuite, observation::Protocol},
    HANDSHAKE,
};

/// How much a server may send up to the end of its certificates, in bytes. Long chains have ten thousand.
pub const LONGEST_FLIGHT: usize = 128 * 1024;

pub(super) const ALERT: u8 = 21;

/// What a server chose and presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The version.
    pub protocol: Protocol,
    /// The suite.
    pub suite: CipherSuite,
    /// Its chain, as it came.
    pub chain: Vec<CertificateDer<'static>>,
}

/// How far a server's answer has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More is needed.
    More,
    /// All that was wanted is there, see [`Flight::presented`].
    Done,
    /// The server refuses, with this alert.
    Refused(u8),
    /// That is no answer of TLS.
    Unreadable(&'static str),
}

/// What a server presents that answered with these bytes.
#[must_use]
pub fn read_answer(bytes: &[u8]) -> Option<Presented> {
    let mut flight = Flight::default();
    let _ = flight.hear(bytes);
    flight.presented()
}

/// Reads what a server answers, record by record (RFC 5246, 6.2.1) and message by message (7.4).
#[derive(Debug, Default)]
pub struct Flight {
    /// Records that are not read yet.
    records: Vec<u8>,
    /// Handshake messages that are not read yet; one may span several records.
    messages: Vec<u8>,
    heard: usize,
    chosen: Option<(Protocol, CipherSuite)>,
    chain: Option<Vec<CertificateDer<'static>>>,
}

impl Flight {
    /// Takes in what came.
    pub fn hear(&mut self, bytes: &[u8]) -> Progress {
        self.heard = self.heard.saturating_add(bytes.len());
        if self.heard > LONGEST_FLIGHT {
            return Progress::Unreadable("it is too long");
        }
        self.records.extend_from_slice(bytes);
        while let Some((kind, content, taken)) = record(&self.records) {
            match kind {
                HANDSHAKE => {
                    self.messages.extend_from_slice(content);
                    self.records.drain(..taken);
                    match self.read_messages() {
                        Progress::More => {}
                        progress => return progress,
                    }
                }
                // A warning (such as: the name is not known) ends nothing.
                ALERT if content.first() == Some(&1) => {
                    self.records.drain(..taken);
                }
                ALERT => return Progress::Refused(content.get(1).copied().unwrap_or_default()),
                _ => return Progress::Unreadable("a record of another kind"),
            }
        }
        Progress::More
    }

    /// What the server presented, once its certificates have come, even where the rest has not.
    #[must_use]
    pub fn presented(self) -> Option<Presented> {
        let ((protocol, suite), chain) = self.chosen.zip(self.chain)?;
        (!chain.is_empty()).then_some(Presented { protocol, suite, chain })
    }

    fn read_messages(&mut self) -> Progress {
        const HELLO_REQUEST: u8 = 0;
        const SERVER_HELLO: u8 = 2;
        const CERTIFICATE: u8 = 11;
        const SERVER_KEY_EXCHANGE: u8 = 12;
        const CERTIFICATE_REQUEST: u8 = 13;
        const SERVER_HELLO_DONE: u8 = 14;
        const CERTIFICATE_STATUS: u8 = 22;
        while let Some((kind, content, taken)) = message(&self.messages) {
            match (kind, self.chosen.is_some(), self.chain.is_some()) {
                (SERVER_HELLO, false, _) => match server_hello(content) {
                    Some(chosen) => self.chosen = Some(chosen),
                    None => return Progress::Unreadable("a broken ServerHello"),
                },
                (CERTIFICATE, true, false) => match certificates(content) {
                    Some(chain) => self.chain = Some(chain),
                    None => return Progress::Unreadable("a broken Certificate message"),
                },
                (SERVER_HELLO_DONE, true, _) => return Progress::Done,
                (HELLO_REQUEST, ..)
                | (SERVER_KEY_EXCHANGE | CERTIFICATE_STATUS | CERTIFICATE_REQUEST, true, _) => {}
                _ => return Progress::Unreadable("a message that does not belong here"),
            }
            self.messages.drain(..taken);
        }
        Progress::More
    }
}

/// The record at the front: its kind, its content, its whole length.
pub(super) fn record(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let &[kind, _, _, high, low] = bytes.first_chunk()?;
    let end = 5 + usize::from(u16::from_be_bytes([high, low]));
    Some((kind, bytes.get(5..end)?, end))
}

/// The handshake message at the front, likewise.
pub(super) fn message(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&kind, rest) = bytes.split_first()?;
    let (content, _) = vector(rest)?;
    Some((kind, content, 4 + content.len()))
}

/// Content behind its length of three octets, and what follows.
fn vector(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[high, middle, low], rest) = bytes.split_first_chunk()?;
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    rest.split_at_checked(length)
}

fn server_hello(content: &[u8]) -> Option<(Protocol, CipherSuite)> {
    let protocol = match content.first_chunk()? {
        [3, 0] => Protocol::Ssl3,
        [3, 1] => Protocol::Tls10,
        [3, 2] => Protocol::Tls11,
        [3, 3] => Protocol::Tls12,
        _ => return None,
    };
    let session = usize::from(*content.get(2 + 32)?);
    let suite = content.get(2 + 32 + 1 + session..)?.first_chunk()?;
    Some((protocol, CipherSuite(u16::from_be_bytes(*suite))))
}

fn certificates(content: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let (mut list, _) = vector(content)?;
    let mut chain = Vec::new();
    while !list.is_empty() {
        let (certificate, rest) = vector(list)?;
        chain.push(CertificateDer::from(certificate.to_vec()));
        list = rest;
    }
    Some(chain)
}
