//! LDAP (RFC 4511, 4.14): the extended request for StartTLS, and its response in BER.

use super::{Dialogue, LONGEST, StartTrouble, Step, foreign, not_offered, refused};

/// Message 1: ExtendedRequest 1.3.6.1.4.1.1466.20037.
const REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Message 2: UnbindRequest.
const UNBIND: &[u8] = b"\x30\x05\x02\x01\x02\x42\x00";

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const OCTET_STRING: u8 = 0x04;
const EXTENDED_RESPONSE: u8 = 0x78;

/// The dialogue.
#[derive(Debug)]
pub(super) struct Ldap;

/// One element of BER.
#[derive(Debug, PartialEq, Eq)]
enum Element<'b> {
    /// Its end has not come yet.
    Unfinished,
    /// Its length is indefinite, or beyond every bound.
    Unreadable,
    Whole {
        tag: u8,
        content: &'b [u8],
        taken: usize,
    },
}

/// Reads the element at the front (X.690, 8.1; LDAP allows only definite lengths).
fn element(bytes: &[u8]) -> Element<'_> {
    let Some((&[tag, length], rest)) = bytes.split_first_chunk() else { return Element::Unfinished };
    let (length, header) = match length {
        0..=0x7f => (usize::from(length), 2),
        0x81..=0x84 => {
            let count = usize::from(length & 0x7f);
            let Some(digits) = rest.get(..count) else { return Element::Unfinished };
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), 2 + count)
        }
        _ => return Element::Unreadable,
    };
    if length > LONGEST {
        return Element::Unreadable;
    }
    match bytes.get(header..header + length) {
        Some(content) => Element::Whole { tag, content, taken: header + length },
        None => Element::Unfinished,
    }
}

/// The content of the element at the front, which must be of this kind, and what follows it.
fn take(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    match element(bytes) {
        Element::Whole { tag, content, taken } if tag == expected => Some((content, &bytes[taken..])),
        _ => None,
    }
}

/// What an ExtendedResponse says: message number, result code, the server's words.
fn response(message: &[u8]) -> Option<(u8, u8, &[u8])> {
    let (number, rest) = take(message, INTEGER)?;
    let (response, _) = take(rest, EXTENDED_RESPONSE)?;
    let (code, rest) = take(response, ENUMERATED)?;
    let (_matched, rest) = take(rest, OCTET_STRING)?;
    let (words, _) = take(rest, OCTET_STRING)?;
    Some((*number.last()?, *code.last()?, words))
}

fn answer(code: u8, words: &[u8]) -> Vec<u8> {
    let name = match code {
        1 => "operationsError",
        2 => "protocolError",
        8 => "strongerAuthRequired",
        13 => "confidentialityRequired",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        _ => "result",
    };
    [format!("{name} ({code}) ").as_bytes(), words].concat()
}

impl Dialogue for Ldap {
    fn opening(&self) -> Vec<u8> {
        REQUEST.to_vec()
    }

    fn step(&mut self, received: &[u8]) -> Step {
        if received.first().is_some_and(|&first| first != SEQUENCE) {
            return foreign(received);
        }
        let (message, taken) = match element(received) {
            Element::Unfinished => return Step::Wait,
            Element::Unreadable => {
                return Step::Refuse(StartTrouble::Malformed("an LDAP message of unreadable length"));
            }
            Element::Whole { content, taken, .. } => (content, taken),
        };
        match response(message) {
            Some((0, code, words)) => refused("the connection", &answer(code, words)),
            Some((_, 0, _)) => Step::Tls(taken, Vec::new()),
            Some((_, code @ 2, words)) => not_offered(&answer(code, words)),
            Some((_, code, words)) => refused("StartTLS", &answer(code, words)),
            None => Step::Refuse(StartTrouble::Malformed("no LDAP response to StartTLS")),
        }
    }

    fn waits_for(&self) -> &'static str {
        "its answer to StartTLS"
    }

    fn goodbye(&self) -> &'static [u8] {
        UNBIND
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Turn,
        tests::{at_once, rehearse, trouble},
    };
    use super::*;
    use crate::targets::StartTls;
    use proptest::prelude::*;

    /// A response as servers send it; `wide` lengths take four octets, as Active Directory writes them.
    fn reply(number: u8, code: u8, words: &str, wide: bool) -> Vec<u8> {
        let put = |tag: u8, content: &[u8]| {
            let length = u8::try_from(content.len()).unwrap();
            let length = if wide { vec![0x84, 0, 0, 0, length] } else { vec![length] };
            [vec![tag], length, content.to_vec()].concat()
        };
        let result =
            [put(ENUMERATED, &[code]), put(OCTET_STRING, b""), put(OCTET_STRING, words.as_bytes())].concat();
        put(SEQUENCE, &[put(INTEGER, &[number]), put(EXTENDED_RESPONSE, &result)].concat())
    }

    #[test]
    fn the_result_code_decides() {
        let (said, turn) = rehearse(StartTls::Ldap, &[&reply(1, 0, "", false)]);
        assert_eq!(
            (said, turn),
            (vec![String::from_utf8_lossy(REQUEST).into_owned()], Turn::Tls(Vec::new()))
        );
        assert_eq!(at_once(StartTls::Ldap, &[&reply(1, 0, "", true)]), Turn::Tls(Vec::new()));
        for (reply, expected) in [
            (
                reply(1, 2, "unsupported", false),
                StartTrouble::NotOffered(Some("protocolError (2) unsupported".to_owned())),
            ),
            (
                reply(1, 52, "no key", true),
                StartTrouble::Refused("StartTLS", "unavailable (52) no key".to_owned()),
            ),
            (
                reply(0, 52, "bye", false),
                StartTrouble::Refused("the connection", "unavailable (52) bye".to_owned()),
            ),
            (
                b"\x30\x84\x7f\xff\xff\xff\x02".to_vec(),
                StartTrouble::Malformed("an LDAP message of unreadable length"),
            ),
            (
                b"\x30\x80\x02\x01\x01\x00\x00".to_vec(),
                StartTrouble::Malformed("an LDAP message of unreadable length"),
            ),
            (b"\x30\x03\x02\x01\x01".to_vec(), StartTrouble::Malformed("no LDAP response to StartTLS")),
        ] {
            assert_eq!(at_once(StartTls::Ldap, &[&reply]), Turn::Failed(expected, UNBIND));
        }
        let pipelined = [reply(1, 0, "", false), b"0more".to_vec()].concat();
        assert_eq!(
            trouble(at_once(StartTls::Ldap, &[&pipelined])),
            StartTrouble::Pipelined(b"0more".to_vec())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [b"\x30", &bytes[..]].concat();
            let _ = Ldap.step(&bytes);
        }
    }
}
