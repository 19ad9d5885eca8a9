//! PostgreSQL (its protocol 3.0, "SSL Session Encryption"): SSLRequest, and one letter in answer.

use super::{Dialogue, LONGEST, StartTrouble, Step, foreign, refused};

/// Length 8, request code 80877103.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// The dialogue.
#[derive(Debug)]
pub(super) struct Postgres;

/// The words of an ErrorResponse: fields that each begin with a letter and end with a zero; `M` is for people.
fn message(fields: &[u8]) -> &[u8] {
    let field = |letter| {
        let mut fields = fields.split(|&byte| byte == 0);
        fields.find_map(move |field| field.strip_prefix(&[letter]))
    };
    // Servers older than protocol 3 send one text without letters.
    field(b'M').unwrap_or_else(|| fields.split(|&byte| byte == 0).next().unwrap_or_default())
}

impl Dialogue for Postgres {
    fn opening(&self) -> Vec<u8> {
        REQUEST.to_vec()
    }

    fn step(&mut self, received: &[u8]) -> Step {
        match received {
            [] => Step::Wait,
            [b'S', ..] => Step::Tls(1, Vec::new()),
            [b'N', ..] => Step::Refuse(StartTrouble::NotOffered(None)),
            [b'E', rest @ ..] => {
                let Some((length, fields)) = rest.split_first_chunk() else { return Step::Wait };
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                if !(4..=LONGEST).contains(&length) {
                    return refused("the SSL request", rest);
                }
                match fields.get(..length - 4) {
                    Some(fields) => refused("the SSL request", message(fields)),
                    None => Step::Wait,
                }
            }
            _ => foreign(received),
        }
    }

    fn waits_for(&self) -> &'static str {
        "its answer to the SSL request"
    }

    /// There is no word of leave before a session begins.
    fn goodbye(&self) -> &'static [u8] {
        b""
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

    #[test]
    fn one_letter_decides() {
        let (said, turn) = rehearse(StartTls::Postgres, &[b"S"]);
        assert_eq!((said.len(), turn), (1, Turn::Tls(Vec::new())));
        assert_eq!(trouble(at_once(StartTls::Postgres, &[b"N"])), StartTrouble::NotOffered(None));
        // CVE-2021-23222.
        let pipelined = trouble(at_once(StartTls::Postgres, &[b"SR\0\0\0\x08\0\0\0\0"]));
        assert_eq!(pipelined, StartTrouble::Pipelined(b"R\0\0\0\x08\0\0\0\0".to_vec()));
    }

    #[test]
    fn an_error_keeps_the_servers_words() {
        let refused = |words: &str| StartTrouble::Refused("the SSL request", words.to_owned());
        let error = b"E\0\0\0\x23SFATAL\0C53300\0Mtoo many of us\0\0";
        assert_eq!(error.len(), 0x23 + 1);
        assert_eq!(trouble(rehearse(StartTls::Postgres, &[error]).1), refused("too many of us"));
        assert_eq!(trouble(at_once(StartTls::Postgres, &[b"E\0\0\0\x08no\0\0"])), refused("no"));
        assert_eq!(
            trouble(at_once(StartTls::Postgres, &[b"Ebad news, old server\n\0"])),
            refused("bad news, old server\n\0")
        );
        assert_eq!(at_once(StartTls::Postgres, &[b"E\0\0\0\x20half"]), Turn::Wait);
    }
}
