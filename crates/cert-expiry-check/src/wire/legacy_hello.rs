//! A hello of our own to servers that rustls has nothing in common with: TLS 1.0 to 1.2 with every suite that
//! carries a certificate, and a bounded reader of what comes back up to the certificate. No key is ever agreed
//! on, and nothing is sent after the hello but a goodbye. Pure: bytes in, bytes out.

use rustls::pki_types::CertificateDer;

use super::{
    cipher_suite::{CipherSuite, OFFERED},
    observation::Protocol,
};

/// How much a server may send up to the end of its certificates, in bytes. Long chains have ten thousand.
pub const LONGEST_FLIGHT: usize = 128 * 1024;

/// Two alerts, each a warning: the user cancels, and closes (RFC 5246, 7.2).
pub(super) const GOODBYE: [u8; 14] = [21, 3, 1, 0, 2, 1, 90, 21, 3, 1, 0, 2, 1, 0];

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;

/// Secure renegotiation is understood (RFC 5746): some servers insist. It stands among the suites, where old
/// servers pass over it.
const RENEGOTIATION: u16 = 0x00ff;

/// x25519, P-256, P-384, P-521, ffdhe2048, ffdhe3072.
const GROUPS: [u16; 6] = [0x001d, 0x0017, 0x0018, 0x0019, 0x0100, 0x0101];

/// ECDSA, RSA-PSS, Ed25519, RSA, then SHA-1 and DSA, which only old servers still choose.
const SIGNATURES: [u16; 18] = [
    0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0807, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
    0x0203, 0x0201, 0x0402, 0x0202, 0x0101,
];

/// The hello, in one record. The name is left out where an address is asked for (RFC 6066, 3).
#[must_use]
pub fn client_hello(name: Option<&str>, random: &[u8; 32]) -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend(random);
    // No session to resume.
    hello.push(0);
    let suites = OFFERED.iter().map(|(number, _)| *number).chain([RENEGOTIATION]);
    put(&mut hello, 2, &pairs(suites));
    // No compression.
    hello.extend([1, 0]);
    let extensions = padded(extensions(name), hello.len());
    put(&mut hello, 2, &extensions);
    let mut handshake = vec![1];
    put(&mut handshake, 3, &hello);
    let mut record = vec![HANDSHAKE, 3, 1];
    put(&mut record, 2, &handshake);
    record
}

fn extensions(name: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut extension = |kind: u16, content: &[u8]| {
        all.extend(kind.to_be_bytes());
        put(&mut all, 2, content);
    };
    if let Some(name) = name {
        let mut host = vec![0];
        put(&mut host, 2, name.as_bytes());
        extension(0, &prefixed(&host));
    }
    extension(10, &prefixed(&pairs(GROUPS)));
    // Points without compression.
    extension(11, &[1, 0]);
    extension(13, &prefixed(&pairs(SIGNATURES)));
    all
}

/// Some load balancers hang on a hello of 256 to 511 bytes: RFC 7685 fills it up.
fn padded(mut extensions: Vec<u8>, before: usize) -> Vec<u8> {
    const HANDSHAKE_HEADER: usize = 4;
    const LENGTH: usize = 2;
    let total = HANDSHAKE_HEADER + before + LENGTH + extensions.len();
    if (256..512).contains(&total) {
        let fill = (512 - total).saturating_sub(4);
        extensions.extend(21_u16.to_be_bytes());
        put(&mut extensions, 2, &vec![0; fill]);
    }
    extensions
}

fn pairs(numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    numbers.into_iter().flat_map(u16::to_be_bytes).collect()
}

fn prefixed(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 2, content);
    bytes
}

/// Appends content behind its length of so many octets.
fn put(bytes: &mut Vec<u8>, octets: usize, content: &[u8]) {
    let length = content.len().to_be_bytes();
    bytes.extend(&length[length.len() - octets..]);
    bytes.extend(content);
}

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
fn record(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let &[kind, _, _, high, low] = bytes.first_chunk()?;
    let end = 5 + usize::from(u16::from_be_bytes([high, low]));
    Some((kind, bytes.get(5..end)?, end))
}

/// The handshake message at the front, likewise.
fn message(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message_of(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        put(&mut bytes, 3, content);
        bytes
    }

    fn record_of(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 3, 1];
        put(&mut bytes, 2, content);
        bytes
    }

    fn hello_of(version: [u8; 2], suite: u16) -> Vec<u8> {
        let mut content = version.to_vec();
        content.extend([7; 32]);
        content.push(4);
        content.extend([9; 4]);
        content.extend(suite.to_be_bytes());
        content.push(0);
        message_of(2, &content)
    }

    fn certificates_of(chain: &[&[u8]]) -> Vec<u8> {
        let mut list = Vec::new();
        for certificate in chain {
            put(&mut list, 3, certificate);
        }
        let mut content = Vec::new();
        put(&mut content, 3, &list);
        message_of(11, &content)
    }

    fn answer() -> Vec<u8> {
        [
            hello_of([3, 2], 0x002f),
            certificates_of(&[b"leaf", &[5; 20_000]]),
            message_of(13, &[1, 1]),
            message_of(14, b""),
        ]
        .concat()
    }

    fn expected() -> Presented {
        Presented {
            protocol: Protocol::Tls11,
            suite: CipherSuite(0x002f),
            chain: vec![b"leaf".to_vec().into(), vec![5; 20_000].into()],
        }
    }

    #[test]
    fn the_hello_says_what_it_means() {
        let hello = client_hello(Some("shop.example"), &[1; 32]);
        assert_eq!(&hello[..3], &[22, 3, 1]);
        let (kind, content, taken) = record(&hello).unwrap();
        assert_eq!((kind, taken), (HANDSHAKE, hello.len()));
        let (kind, body, taken) = message(content).unwrap();
        assert_eq!((kind, taken), (1, content.len()));
        assert_eq!(body[..2], [3, 3]);
        assert!(hello.windows(12).any(|bytes| bytes == b"shop.example"));
        assert!(!client_hello(None, &[1; 32]).windows(4).any(|bytes| bytes == [0, 0, 0, 17]));
    }

    #[test]
    fn no_hello_has_the_length_at_which_load_balancers_hang() {
        for length in 1..=253 {
            let handshake = client_hello(Some(&"a".repeat(length)), &[1; 32]).len() - 5;
            assert!(!(256..512).contains(&handshake), "a name of {length}: {handshake} bytes");
        }
    }

    #[test]
    fn rustls_takes_our_hello_for_one() {
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor.read_tls(&mut &client_hello(Some("shop.example"), &[1; 32])[..]).unwrap();
        let accepted = acceptor.accept().unwrap().unwrap();
        assert_eq!(accepted.client_hello().server_name(), Some("shop.example"));
        assert_eq!(accepted.client_hello().cipher_suites().len(), OFFERED.len() + 1);
    }

    #[test]
    fn messages_are_put_together_from_records_of_any_size() {
        for size in [1, 3, 100, 16_000] {
            let records: Vec<u8> =
                answer().chunks(size).flat_map(|part| record_of(HANDSHAKE, part)).collect();
            let mut flight = Flight::default();
            let last = records.chunks(1000).map(|bytes| flight.hear(bytes)).last();
            if records.len() < LONGEST_FLIGHT {
                assert_eq!(last, Some(Progress::Done), "records of {size}");
                assert_eq!(flight.presented(), Some(expected()));
            }
        }
    }

    #[test]
    fn what_came_before_the_end_is_kept() {
        let mut flight = Flight::default();
        let cut = [hello_of([3, 1], 0x000a), certificates_of(&[b"leaf"])].concat();
        assert_eq!(flight.hear(&record_of(HANDSHAKE, &cut)), Progress::More);
        let presented = flight.presented().unwrap();
        assert_eq!((presented.protocol, presented.chain.len()), (Protocol::Tls10, 1));
        let mut flight = Flight::default();
        assert_eq!(flight.hear(&record_of(HANDSHAKE, &hello_of([3, 1], 0x000a))), Progress::More);
        assert_eq!(flight.presented(), None);
    }

    #[test]
    fn alerts_refuse_and_warnings_do_not() {
        let warning = record_of(ALERT, &[1, 112]);
        let mut flight = Flight::default();
        assert_eq!(flight.hear(&[warning, record_of(HANDSHAKE, &answer()[..80])].concat()), Progress::More);
        assert_eq!(flight.hear(&record_of(ALERT, &[2, 40])), Progress::Refused(40));
    }

    #[test]
    fn nonsense_is_told_from_tls() {
        for (bytes, why) in [
            (record_of(23, b"data"), "a record of another kind"),
            (b"HTTP/1.1 400 Bad Request".to_vec(), "a record of another kind"),
            (record_of(HANDSHAKE, &message_of(11, &[0, 0, 0])), "a message that does not belong here"),
            (record_of(HANDSHAKE, &message_of(2, &[3, 4])), "a broken ServerHello"),
            (
                record_of(HANDSHAKE, &[hello_of([3, 1], 1), message_of(11, &[0, 0, 9])].concat()),
                "a broken Certificate message",
            ),
        ] {
            let mut flight = Flight::default();
            let mut progress = flight.hear(&bytes);
            if progress == Progress::More {
                progress = flight.hear(&vec![0; LONGEST_FLIGHT]);
            }
            match why {
                "a record of another kind" => assert!(matches!(progress, Progress::Unreadable(_))),
                why => assert_eq!(progress, Progress::Unreadable(why)),
            }
        }
        let mut flight = Flight::default();
        let endless = record_of(HANDSHAKE, &[0; 16_384]);
        let progress = (0..10).map(|_| flight.hear(&endless)).find(|progress| *progress != Progress::More);
        assert_eq!(progress, Some(Progress::Unreadable("it is too long")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut flight = Flight::default();
            let _ = flight.hear(&bytes);
            let _ = flight.presented();
        }

        #[test]
        fn an_answer_with_a_byte_turned_is_read_or_refused(at in 0_usize..20_100, value: u8) {
            let mut bytes = record_of(HANDSHAKE, &answer()[..16_000]);
            bytes.extend(record_of(HANDSHAKE, &answer()[16_000..]));
            let at = at % bytes.len();
            bytes[at] = value;
            let mut flight = Flight::default();
            let _ = flight.hear(&bytes);
            let _ = flight.presented();
        }
    }
}
