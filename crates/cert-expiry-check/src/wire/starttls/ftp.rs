//! FTP (RFC 4217): greeting, AUTH TLS.

use super::{
    Dialogue, Step, foreign,
    lines::{Reply, reply},
    not_offered, refused,
};

#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    #[default]
    Greeting,
    Auth,
}

/// The dialogue.
#[derive(Debug, Default)]
pub(super) struct Ftp {
    stage: Stage,
}

impl Dialogue for Ftp {
    fn step(&mut self, received: &[u8]) -> Step {
        let (code, text, taken) = match reply(received) {
            Reply::Unfinished => return Step::Wait,
            Reply::Foreign => return foreign(received),
            Reply::Whole { code, text, taken } => (code, text, taken),
        };
        match (self.stage, code) {
            (Stage::Greeting, 220) => {
                self.stage = Stage::Auth;
                Step::Say(taken, b"AUTH TLS\r\n".to_vec())
            }
            // "Service ready in a few minutes": the greeting comes then.
            (Stage::Greeting, 120) => Step::Say(taken, Vec::new()),
            (Stage::Greeting, _) => refused("the connection", text),
            (Stage::Auth, 234) => Step::Tls(taken, Vec::new()),
            // Not known; 530 says a server without TLS to whatever comes before the login.
            (Stage::Auth, 500..=504 | 530) => not_offered(text),
            (Stage::Auth, _) => refused("AUTH TLS", text),
        }
    }

    fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "its greeting",
            Stage::Auth => "its answer to AUTH TLS",
        }
    }

    fn goodbye(&self) -> &'static [u8] {
        b"QUIT\r\n"
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        StartTrouble, Turn,
        tests::{at_once, rehearse, trouble},
    };
    use crate::targets::StartTls;

    #[test]
    fn tls_is_asked_for_behind_a_greeting_of_many_lines() {
        let greeting: &[u8] = b"220-Welcome\r\nto our\r\n 220 files\r\n220 ready\r\n";
        let (said, turn) = rehearse(StartTls::Ftp, &[greeting, b"234 AUTH TLS successful\r\n"]);
        assert_eq!((said.concat().as_str(), turn), ("AUTH TLS\r\n", Turn::Tls(Vec::new())));
        let turn = at_once(StartTls::Ftp, &[b"120 in 1 minute\r\n", b"220 ready\r\n", b"234 go\r\n"]);
        assert_eq!(turn, Turn::Tls(Vec::new()));
    }

    #[test]
    fn refusals_keep_the_servers_words() {
        let not_offered = |words: &str| StartTrouble::NotOffered(Some(words.to_owned()));
        for (answers, expected) in [
            (&[&b"421 busy\r\n"[..]][..], StartTrouble::Refused("the connection", "421 busy".to_owned())),
            (&[b"220 hi\r\n", b"500 what?\r\n"], not_offered("500 what?")),
            (
                &[b"220 hi\r\n", b"530 Please login with USER and PASS.\r\n"],
                not_offered("530 Please login with USER and PASS."),
            ),
            (&[b"220 hi\r\n", b"431 no key\r\n"], StartTrouble::Refused("AUTH TLS", "431 no key".to_owned())),
        ] {
            assert_eq!(at_once(StartTls::Ftp, answers), Turn::Failed(expected, b"QUIT\r\n"));
        }
        let turn = at_once(StartTls::Ftp, &[b"220 hi\r\n", b"234 go\r\n230 in\r\n"]);
        assert_eq!(trouble(turn), StartTrouble::Pipelined(b"230 in\r\n".to_vec()));
    }
}
