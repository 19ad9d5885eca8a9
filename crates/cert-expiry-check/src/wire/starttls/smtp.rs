//! SMTP (RFC 3207), and LMTP, which differs by one word: greeting, EHLO, its extensions, STARTTLS.

use super::{
    Dialogue, StartTrouble, Step, foreign,
    lines::{Reply, offers, reply},
    not_offered, refused,
};

/// The name by which we introduce ourselves: an address that tells nothing about this machine.
const INTRODUCTION: &str = "[127.0.0.1]";

/// The word that asks for the server's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hello {
    /// SMTP's.
    Ehlo,
    /// LMTP's (RFC 2033).
    Lhlo,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Greeting,
    Hello,
    StartTls,
}

/// The dialogue.
#[derive(Debug)]
pub(super) struct Smtp {
    hello: Hello,
    stage: Stage,
}

impl Smtp {
    pub(super) fn new(hello: Hello) -> Self {
        Self { hello, stage: Stage::Greeting }
    }

    fn answered(&mut self, code: u16, text: &[u8], taken: usize) -> Step {
        match (self.stage, code) {
            (Stage::Greeting, 220) => {
                self.stage = Stage::Hello;
                let word = match self.hello {
                    Hello::Ehlo => "EHLO",
                    Hello::Lhlo => "LHLO",
                };
                Step::Say(taken, format!("{word} {INTRODUCTION}\r\n").into_bytes())
            }
            (Stage::Greeting, _) => refused("the connection", text),
            (Stage::Hello, 250) if offers(text, "STARTTLS") => {
                self.stage = Stage::StartTls;
                Step::Say(taken, b"STARTTLS\r\n".to_vec())
            }
            (Stage::Hello, 250) => Step::Refuse(StartTrouble::NotOffered(None)),
            // It does not know EHLO, and hence no extensions.
            (Stage::Hello, 500..=504) => not_offered(text),
            (Stage::Hello, _) => refused("our introduction", text),
            (Stage::StartTls, 220) => Step::Tls(taken, Vec::new()),
            (Stage::StartTls, _) => refused("STARTTLS", text),
        }
    }
}

impl Dialogue for Smtp {
    fn step(&mut self, received: &[u8]) -> Step {
        match reply(received) {
            Reply::Unfinished => Step::Wait,
            Reply::Foreign => foreign(received),
            Reply::Whole { code, text, taken } => self.answered(code, text, taken),
        }
    }

    fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "its greeting",
            Stage::Hello => "its answer to EHLO",
            Stage::StartTls => "its answer to STARTTLS",
        }
    }

    fn goodbye(&self) -> &'static [u8] {
        b"QUIT\r\n"
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
    fn tls_is_asked_for_and_nothing_else() {
        let (said, turn) = rehearse(
            StartTls::Smtp,
            &[
                b"220-mail.example\r\n220 ESMTP ready\r\n",
                b"250-mail.example greets you\r\n250-SIZE 1000\r\n250-StartTLS\r\n250 HELP\r\n",
                b"220 2.0.0 Ready to start TLS\r\n",
            ],
        );
        assert_eq!(said, ["EHLO [127.0.0.1]\r\n", "STARTTLS\r\n"]);
        assert_eq!(turn, Turn::Tls(Vec::new()));
        let (said, _) = rehearse(StartTls::Lmtp, &[b"220 lmtp\r\n"]);
        assert_eq!(said, ["LHLO [127.0.0.1]\r\n"]);
    }

    #[test]
    fn refusals_keep_the_servers_words() {
        let greeting: &[u8] = b"220 mail\r\n";
        let offer: &[u8] = b"250-mail\r\n250 STARTTLS\r\n";
        let refused = |what, words: &str| StartTrouble::Refused(what, words.to_owned());
        for (answers, expected) in [
            (&[&b"554 5.7.1 go away\r\n"[..]][..], refused("the connection", "554 5.7.1 go away")),
            (&[b"421 too busy\r\n"], refused("the connection", "421 too busy")),
            (&[greeting, b"502 not known\r\n"], StartTrouble::NotOffered(Some("502 not known".to_owned()))),
            (&[greeting, b"550 who?\r\n"], refused("our introduction", "550 who?")),
            (&[greeting, b"250-mail\r\n250 SIZE\r\n"], StartTrouble::NotOffered(None)),
            (&[greeting, offer, b"454 4.7.0 no key\r\n"], refused("STARTTLS", "454 4.7.0 no key")),
        ] {
            assert_eq!(at_once(StartTls::Smtp, answers), Turn::Failed(expected, b"QUIT\r\n"));
        }
    }

    #[test]
    fn plain_text_behind_the_consent_is_refused() {
        let answers: [&[u8]; 3] =
            [b"220 mail\r\n", b"250-mail\r\n250 STARTTLS\r\n", b"220 go\r\n250 2.1.0 sender ok\r\n"];
        let expected = StartTrouble::Pipelined(b"250 2.1.0 sender ok\r\n".to_vec());
        assert_eq!(trouble(at_once(StartTls::Smtp, &answers)), expected);
        // All in one piece, before anything was asked.
        let turn = at_once(StartTls::Smtp, &[&answers.concat()[..answers.concat().len() - 21]]);
        assert_eq!(trouble(turn), StartTrouble::Pipelined(b"220 go\r\n".to_vec()));
    }

    #[test]
    fn a_greeting_without_end_is_cut_off() {
        let endless = b"220-welcome\r\n".repeat(6000);
        let turn = at_once(StartTls::Smtp, &[&endless]);
        assert_eq!(trouble(turn), StartTrouble::Endless(super::super::LONGEST));
    }
}
