//! NNTP (RFC 4642): greeting, CAPABILITIES where it is known, STARTTLS.

use super::{
    Dialogue, StartTrouble, Step, foreign,
    lines::{Reply, lines, reply},
    not_offered, refused,
};

#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    #[default]
    Greeting,
    Capabilities,
    StartTls,
    /// STARTTLS was said to a server that does not know CAPABILITIES.
    StartTlsUnasked,
}

/// The dialogue.
#[derive(Debug, Default)]
pub(super) struct Nntp {
    stage: Stage,
}

impl Nntp {
    fn start(&mut self, stage: Stage, taken: usize) -> Step {
        self.stage = stage;
        Step::Say(taken, b"STARTTLS\r\n".to_vec())
    }

    /// The list of capabilities ends with a line that is a dot.
    fn capabilities(&mut self, received: &[u8]) -> Step {
        let (mut taken, mut offered) = (0, false);
        for (line, length) in lines(received) {
            taken += length;
            offered |= line.trim_ascii().eq_ignore_ascii_case(b"STARTTLS");
            if line == b"." {
                return if offered {
                    self.start(Stage::StartTls, taken)
                } else {
                    Step::Refuse(StartTrouble::NotOffered(None))
                };
            }
        }
        Step::Wait
    }
}

impl Dialogue for Nntp {
    fn step(&mut self, received: &[u8]) -> Step {
        let (code, text, taken) = match reply(received) {
            Reply::Unfinished => return Step::Wait,
            Reply::Foreign => return foreign(received),
            Reply::Whole { code, text, taken } => (code, text, taken),
        };
        match (self.stage, code) {
            (Stage::Greeting, 200 | 201) => {
                self.stage = Stage::Capabilities;
                Step::Say(taken, b"CAPABILITIES\r\n".to_vec())
            }
            (Stage::Greeting, _) => refused("the connection", text),
            (Stage::Capabilities, 101) => self.capabilities(received),
            (Stage::Capabilities, _) => self.start(Stage::StartTlsUnasked, taken),
            (Stage::StartTls | Stage::StartTlsUnasked, 382) => Step::Tls(taken, Vec::new()),
            (Stage::StartTls, _) => refused("STARTTLS", text),
            (Stage::StartTlsUnasked, _) => not_offered(text),
        }
    }

    fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "its greeting",
            Stage::Capabilities => "its answer to CAPABILITIES",
            Stage::StartTls | Stage::StartTlsUnasked => "its answer to STARTTLS",
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
        tests::{at_once, rehearse},
    };
    use super::*;
    use crate::targets::StartTls;

    #[test]
    fn tls_is_asked_for_with_or_without_capabilities() {
        let list: &[u8] = b"101 list:\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n";
        let (said, turn) = rehearse(StartTls::Nntp, &[b"200 hi\r\n", list, b"382 go\r\n"]);
        assert_eq!((said.concat().as_str(), turn), ("CAPABILITIES\r\nSTARTTLS\r\n", Turn::Tls(Vec::new())));
        let turn = at_once(StartTls::Nntp, &[b"201 hi\r\n", b"500 what?\r\n", b"382 go\r\n"]);
        assert_eq!(turn, Turn::Tls(Vec::new()));
        let turn = at_once(StartTls::Nntp, &[b"200 hi\r\n", b"101 list:\r\nREADER\r\n.\r\n"]);
        assert_eq!(turn, Turn::Failed(StartTrouble::NotOffered(None), b"QUIT\r\n"));
        let turn = at_once(StartTls::Nntp, &[b"200 hi\r\n", list, b"580 no key\r\n"]);
        let refused = StartTrouble::Refused("STARTTLS", "580 no key".to_owned());
        assert_eq!(turn, Turn::Failed(refused, b"QUIT\r\n"));
    }
}
