//! MySQL and MariaDB (protocol 10, "Connection Phase"): the server greets, the client's SSLRequest ends the
//! plain text; TLS begins without an answer.

use super::{Dialogue, StartTrouble, Step, foreign, refused};

const CLIENT_SSL: u16 = 0x0800;

/// Long passwords, protocol 4.1, TLS, its authentication, named authentication: what every client of today
/// says. No user and no password belong to it.
const CAPABILITIES: u32 = 0x0001 | 0x0200 | 0x0800 | 0x8000 | 0x0008_0000;

const LONGEST_PACKET: u32 = 1 << 24;

/// utf8mb4_general_ci.
const CHARACTER_SET: u8 = 45;

/// The dialogue.
#[derive(Debug)]
pub(super) struct Mysql;

/// Packet number 1, 32 bytes.
fn request() -> Vec<u8> {
    let mut packet = vec![32, 0, 0, 1];
    packet.extend(CAPABILITIES.to_le_bytes());
    packet.extend(LONGEST_PACKET.to_le_bytes());
    packet.push(CHARACTER_SET);
    packet.resize(4 + 32, 0);
    packet
}

/// The lower half of what a server can do, from its greeting: version text, connection number, eight bytes
/// of a random text and a zero stand before it.
fn capabilities(greeting: &[u8]) -> Option<u16> {
    let behind_version = greeting.iter().position(|&byte| byte == 0)? + 1;
    let bytes = greeting.get(behind_version + 4 + 9..)?;
    Some(u16::from_le_bytes(*bytes.first_chunk()?))
}

/// The words of an error: its number, and behind `#` a state of five characters where there is one.
fn error(packet: &[u8]) -> Vec<u8> {
    let Some((number, words)) = packet.split_first_chunk() else { return Vec::new() };
    let words = words.strip_prefix(b"#").map_or(words, |rest| rest.get(5..).unwrap_or_default());
    [format!("error {}: ", u16::from_le_bytes(*number)).as_bytes(), words].concat()
}

impl Dialogue for Mysql {
    fn step(&mut self, received: &[u8]) -> Step {
        let length = match received {
            &[low, middle, high, 0, 10 | 255, ..] => u32::from_le_bytes([low, middle, high, 0]),
            &[_, _, _] | &[_, _] | &[_] | &[] => return Step::Wait,
            &[_, _, _, 0] => return Step::Wait,
            _ => return foreign(received),
        };
        // A letter as the third byte would be a packet of megabytes: text, and no greeting.
        if length > 0xffff {
            return foreign(received);
        }
        let taken = 4 + usize::try_from(length).unwrap_or(usize::MAX - 4);
        let Some(packet) = received.get(4..taken) else { return Step::Wait };
        match packet {
            [255, rest @ ..] => refused("the connection", &error(rest)),
            [_, greeting @ ..] => match capabilities(greeting) {
                None => Step::Refuse(StartTrouble::Malformed("a MySQL greeting that is cut short")),
                Some(can) if can & CLIENT_SSL == 0 => Step::Refuse(StartTrouble::NotOffered(None)),
                Some(_) => Step::Tls(taken, request()),
            },
            [] => Step::Refuse(StartTrouble::Malformed("an empty MySQL greeting")),
        }
    }

    fn waits_for(&self) -> &'static str {
        "its greeting"
    }

    /// There is no word of leave before a session begins.
    fn goodbye(&self) -> &'static [u8] {
        b""
    }
}

#[cfg(test)]
mod tests {
    use super::super::Turn;
    use super::super::tests::{at_once, rehearse, trouble};
    use super::*;
    use crate::targets::StartTls;

    fn packet(payload: &[u8]) -> Vec<u8> {
        [&[u8::try_from(payload.len()).unwrap(), 0, 0, 0], payload].concat()
    }

    fn greeting(capabilities: u16) -> Vec<u8> {
        let [low, high] = capabilities.to_le_bytes();
        let tail = [low, high, 45, 2, 0, 0xff, 0x81, 21];
        packet(&[&b"\x0a10.11.19-MariaDB\0\x2a\0\0\0abcdefgh\0"[..], &tail, &[0; 10]].concat())
    }

    #[test]
    fn the_request_follows_a_greeting_that_offers_tls() {
        let (_, turn) = rehearse(StartTls::Mysql, &[&greeting(0xfffe)]);
        let Turn::Tls(said) = turn else { panic!("{turn:?}") };
        assert_eq!((said.len(), &said[..8]), (36, &[32, 0, 0, 1, 0x01, 0x8a, 0x08, 0][..]));
        let turn = at_once(StartTls::Mysql, &[&greeting(0xf7fe)]);
        assert_eq!(trouble(turn), StartTrouble::NotOffered(None));
        let turn = at_once(StartTls::Mysql, &[&[greeting(0xfffe), b"more".to_vec()].concat()]);
        assert_eq!(trouble(turn), StartTrouble::Pipelined(b"more".to_vec()));
    }

    #[test]
    fn a_refusal_keeps_the_servers_words() {
        let refused = |words: &str| StartTrouble::Refused("the connection", words.to_owned());
        let blocked = packet(b"\xff\x69\x04Host 'x' is not allowed");
        assert_eq!(
            trouble(at_once(StartTls::Mysql, &[&blocked])),
            refused("error 1129: Host 'x' is not allowed")
        );
        let full = packet(b"\xff\x10\x04#08004Too many connections");
        assert_eq!(trouble(at_once(StartTls::Mysql, &[&full])), refused("error 1040: Too many connections"));
        let short = trouble(at_once(StartTls::Mysql, &[&packet(b"\x0a8.0\0abc")]));
        assert_eq!(short, StartTrouble::Malformed("a MySQL greeting that is cut short"));
        for text in [&b"220 mail\r\n"[..], b"SSH-2.0-x\r\n"] {
            assert_eq!(trouble(at_once(StartTls::Mysql, &[text])), StartTrouble::Foreign(text.to_vec()));
        }
    }
}
