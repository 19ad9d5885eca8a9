//! Ports that begin in plain text and turn TLS on when asked to: one protocol a file, each a small machine
//! over bytes. None of them knows a socket, sends credentials, or gives a command that does anything but ask
//! for TLS and say goodbye. [`Exchange`] bounds what a server may say, `begin` is the only part that talks.

mod conversation;
mod exchange;
mod ftp;
mod imap;
mod ldap;
mod lines;
mod mysql;
mod nntp;
mod pop3;
mod postgres;
mod sieve;
mod smtp;
mod xmpp;

pub(super) use conversation::begin;
pub use exchange::{Exchange, LONGEST, Turn};

use std::time::Duration;

use crate::{assess::name::Host, targets::StartTls};

/// How an exchange goes with a server whose words are recorded: the first byte stands for the protocol, the
/// second for the size of the pieces in which the rest arrives. Corpora and fuzz targets go this way.
#[must_use]
pub fn hear_recorded(recording: &[u8]) -> Turn {
    let (&[protocol, piece], words) = recording.split_first_chunk().unwrap_or((&[0, 0], &[]));
    let start = StartTls::ALL[usize::from(protocol) % StartTls::ALL.len()];
    let mut exchange = Exchange::new(start, &Host::Name("server.example".to_owned()));
    let turns = words.chunks(usize::from(piece).max(1)).map(|piece| exchange.hear(piece));
    let ended = |turn: &Turn| matches!(turn, Turn::Tls(_) | Turn::Failed(..));
    turns.into_iter().find(ended).unwrap_or(Turn::Wait)
}

/// What a machine wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// It cannot tell yet: more bytes have to come.
    Wait,
    /// So many bytes are dealt with; these are to be sent.
    Say(usize, Vec<u8>),
    /// So many bytes are dealt with, and TLS begins behind them, once these are sent.
    Tls(usize, Vec<u8>),
    /// There will be no TLS.
    Refuse(StartTrouble),
}

/// One protocol's way to TLS.
trait Dialogue: std::fmt::Debug + Send {
    /// What the client says before it has heard anything.
    fn opening(&self) -> Vec<u8> {
        Vec::new()
    }

    /// What to do about the bytes that were received and not dealt with yet.
    fn step(&mut self, received: &[u8]) -> Step;

    /// What the client waits for, in words: `its greeting`.
    fn waits_for(&self) -> &'static str;

    /// How the client takes its leave where it still speaks plain text.
    fn goodbye(&self) -> &'static [u8];
}

fn dialogue(start: StartTls, name: &Host) -> Box<dyn Dialogue> {
    match start {
        StartTls::Smtp | StartTls::Submission => Box::new(smtp::Smtp::new(smtp::Hello::Ehlo)),
        StartTls::Lmtp => Box::new(smtp::Smtp::new(smtp::Hello::Lhlo)),
        StartTls::Imap => Box::new(imap::Imap::default()),
        StartTls::Pop3 => Box::new(pop3::Pop3::default()),
        StartTls::Sieve => Box::new(sieve::Sieve::default()),
        StartTls::Ftp => Box::new(ftp::Ftp::default()),
        StartTls::Ldap => Box::new(ldap::Ldap),
        StartTls::Postgres => Box::new(postgres::Postgres),
        StartTls::Mysql => Box::new(mysql::Mysql),
        StartTls::Xmpp => Box::new(xmpp::Xmpp::new("jabber:client", name)),
        StartTls::XmppServer => Box::new(xmpp::Xmpp::new("jabber:server", name)),
        StartTls::Nntp => Box::new(nntp::Nntp::default()),
    }
}

/// Why TLS was not turned on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartTrouble {
    /// Not one byte came for so long.
    Silent(Duration),
    /// Something came, and then not what was waited for, for so long.
    Unfinished(&'static str, Duration),
    /// The server closed the connection instead of what was waited for.
    Closed(&'static str),
    /// The server reset the connection instead of what was waited for.
    Reset(&'static str),
    /// It speaks another language; its first bytes.
    Foreign(Vec<u8>),
    /// It does not offer TLS; its answer, where it gave one.
    NotOffered(Option<String>),
    /// It refused: what, and in which words.
    Refused(&'static str, String),
    /// It went on for more than so many bytes.
    Endless(usize),
    /// It sent these bytes behind its consent, in plain text, where only TLS may follow.
    Pipelined(Vec<u8>),
    /// It breaks the rules of its protocol.
    Malformed(&'static str),
    /// The connection broke in another way.
    Broken(String),
}

/// Longest kept answer of a server, in bytes.
const ANSWER: usize = 300;

/// Longest kept part of what is no answer at all.
const FIRST: usize = 96;

fn refused(what: &'static str, answer: &[u8]) -> Step {
    Step::Refuse(StartTrouble::Refused(what, words(answer)))
}

fn not_offered(answer: &[u8]) -> Step {
    Step::Refuse(StartTrouble::NotOffered(Some(words(answer))))
}

fn foreign(received: &[u8]) -> Step {
    Step::Refuse(StartTrouble::Foreign(received[..received.len().min(FIRST)].to_vec()))
}

/// A server's words, cut.
fn words(answer: &[u8]) -> String {
    String::from_utf8_lossy(&answer[..answer.len().min(ANSWER)]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a client says to a server that answers each of its words with the next of these.
    pub(super) fn rehearse(start: StartTls, answers: &[&[u8]]) -> (Vec<String>, Turn) {
        let mut exchange = Exchange::new(start, &Host::Name("mail.example".to_owned()));
        let mut said = Vec::new();
        let mut say = |words: &[u8]| said.push(String::from_utf8_lossy(words).into_owned());
        let opening = exchange.opening();
        if !opening.is_empty() {
            say(&opening);
        }
        for answer in answers {
            // Byte by byte: whatever the network does to the answer, it is read the same.
            let (last, first) = answer.split_last().unwrap();
            for byte in first {
                assert_eq!(exchange.hear(&[*byte]), Turn::Wait, "at {byte:?} of {answer:?}, {said:?}");
            }
            match exchange.hear(&[*last]) {
                Turn::Say(words) => say(&words),
                turn => return (said, turn),
            }
        }
        (said, Turn::Wait)
    }

    /// The same with each answer in one piece.
    pub(super) fn at_once(start: StartTls, answers: &[&[u8]]) -> Turn {
        let mut exchange = Exchange::new(start, &Host::Name("mail.example".to_owned()));
        for answer in answers {
            match exchange.hear(answer) {
                Turn::Say(_) | Turn::Wait => {}
                turn => return turn,
            }
        }
        Turn::Wait
    }

    #[track_caller]
    pub(super) fn trouble(turn: Turn) -> StartTrouble {
        match turn {
            Turn::Failed(trouble, _) => trouble,
            turn => panic!("no trouble: {turn:?}"),
        }
    }

    #[test]
    fn a_port_that_speaks_another_language_is_told_at_its_first_byte() {
        for start in StartTls::ALL {
            let turn = at_once(start, &[b"\x15\x03\x01\x00\x02\x02\x0a"]);
            assert_eq!(
                trouble(turn),
                StartTrouble::Foreign(b"\x15\x03\x01\x00\x02\x02\x0a".to_vec()),
                "{start}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end_within_bounds(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
            number in 0_usize..13,
        ) {
            let mut exchange = Exchange::new(StartTls::ALL[number], &Host::Name("mail.example".to_owned()));
            for chunk in &chunks {
                if !matches!(exchange.hear(chunk), Turn::Wait | Turn::Say(_)) {
                    break;
                }
            }
        }
    }
}
