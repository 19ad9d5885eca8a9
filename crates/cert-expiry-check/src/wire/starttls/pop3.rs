//! POP3 (RFC 2595): greeting, CAPA where it is known, STLS.

use super::{
    Dialogue, StartTrouble, Step, foreign,
    lines::{line, lines},
    not_offered, refused,
};

#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    #[default]
    Greeting,
    Capa,
    /// STLS was said to a server that offers it.
    Stls,
    /// STLS was said to a server that does not know CAPA.
    StlsUnasked,
}

/// The dialogue.
#[derive(Debug, Default)]
pub(super) struct Pop3 {
    stage: Stage,
}

impl Pop3 {
    fn say_stls(&mut self, stage: Stage, taken: usize) -> Step {
        self.stage = stage;
        Step::Say(taken, b"STLS\r\n".to_vec())
    }

    /// The list of capabilities ends with a line that is a dot.
    fn capabilities(&mut self, received: &[u8]) -> Step {
        let (mut taken, mut offered) = (0, false);
        for (line, length) in lines(received) {
            taken += length;
            offered |= line.trim_ascii().eq_ignore_ascii_case(b"STLS");
            if line == b"." {
                return if offered {
                    self.say_stls(Stage::Stls, taken)
                } else {
                    Step::Refuse(StartTrouble::NotOffered(None))
                };
            }
        }
        Step::Wait
    }
}

impl Dialogue for Pop3 {
    fn step(&mut self, received: &[u8]) -> Step {
        let begins = |with: &[u8]| received.iter().zip(with).all(|(ours, theirs)| ours == theirs);
        if !begins(b"+OK") && !begins(b"-ERR") {
            return foreign(received);
        }
        let Some((line, taken)) = line(received) else { return Step::Wait };
        match (self.stage, line.starts_with(b"+OK")) {
            (Stage::Greeting, true) => {
                self.stage = Stage::Capa;
                Step::Say(taken, b"CAPA\r\n".to_vec())
            }
            (Stage::Greeting, false) => refused("the connection", line),
            (Stage::Capa, true) => self.capabilities(received),
            (Stage::Capa, false) => self.say_stls(Stage::StlsUnasked, taken),
            (Stage::Stls | Stage::StlsUnasked, true) => Step::Tls(taken, Vec::new()),
            (Stage::Stls, false) => refused("STLS", line),
            (Stage::StlsUnasked, false) => not_offered(line),
        }
    }

    fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "its greeting",
            Stage::Capa => "its answer to CAPA",
            Stage::Stls | Stage::StlsUnasked => "its answer to STLS",
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
    fn tls_is_asked_for_with_or_without_capa() {
        let capabilities: &[u8] = b"+OK\r\nTOP\r\nSTLS\r\nSASL PLAIN\r\n.\r\n";
        let (said, turn) = rehearse(StartTls::Pop3, &[b"+OK ready\r\n", capabilities, b"+OK begin\r\n"]);
        assert_eq!((said.concat().as_str(), turn), ("CAPA\r\nSTLS\r\n", Turn::Tls(Vec::new())));
        let (said, turn) = rehearse(StartTls::Pop3, &[b"+OK ready\r\n", b"-ERR what?\r\n", b"+OK begin\r\n"]);
        assert_eq!((said.concat().as_str(), turn), ("CAPA\r\nSTLS\r\n", Turn::Tls(Vec::new())));
    }

    #[test]
    fn refusals_keep_the_servers_words() {
        let (greeting, offer): (&[u8], &[u8]) = (b"+OK ready\r\n", b"+OK\r\nSTLS\r\n.\r\n");
        let refused = |what, words: &str| StartTrouble::Refused(what, words.to_owned());
        for (answers, expected) in [
            (&[&b"-ERR busy\r\n"[..]][..], refused("the connection", "-ERR busy")),
            (&[greeting, b"+OK\r\nTOP\r\nX-STLS\r\n.\r\n"], StartTrouble::NotOffered(None)),
            (
                &[greeting, b"-ERR no\r\n", b"-ERR neither\r\n"],
                StartTrouble::NotOffered(Some("-ERR neither".to_owned())),
            ),
            (&[greeting, offer, b"-ERR no key\r\n"], refused("STLS", "-ERR no key")),
        ] {
            assert_eq!(at_once(StartTls::Pop3, answers), Turn::Failed(expected, b"QUIT\r\n"));
        }
        let turn = at_once(StartTls::Pop3, &[greeting, offer, b"+OK go\r\n+OK in\r\n"]);
        assert_eq!(trouble(turn), StartTrouble::Pipelined(b"+OK in\r\n".to_vec()));
    }
}
