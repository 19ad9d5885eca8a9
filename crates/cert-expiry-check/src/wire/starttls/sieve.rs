//! ManageSieve (RFC 5804): its greeting lists what it offers and ends with OK; then STARTTLS.

use super::{Dialogue, StartTrouble, Step, foreign, lines::lines, refused};

#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    #[default]
    Greeting,
    StartTls,
}

/// The dialogue.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    stage: Stage,
}

impl Dialogue for Sieve {
    fn step(&mut self, received: &[u8]) -> Step {
        if !received.first().is_none_or(|first| b"\"ONBonb".contains(first)) {
            return foreign(received);
        }
        let (mut taken, mut offered) = (0, false);
        for (line, length) in lines(received) {
            taken += length;
            if line.starts_with(b"\"") {
                offered |= line.trim_ascii().eq_ignore_ascii_case(b"\"STARTTLS\"");
                continue;
            }
            let status = line.split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
            let agreed = status.eq_ignore_ascii_case(b"OK");
            return match self.stage {
                Stage::StartTls if agreed => Step::Tls(taken, Vec::new()),
                Stage::StartTls => refused("STARTTLS", line),
                Stage::Greeting if agreed && offered => {
                    self.stage = Stage::StartTls;
                    Step::Say(taken, b"STARTTLS\r\n".to_vec())
                }
                Stage::Greeting if agreed => Step::Refuse(StartTrouble::NotOffered(None)),
                Stage::Greeting => refused("the connection", line),
            };
        }
        Step::Wait
    }

    fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "its greeting",
            Stage::StartTls => "its answer to STARTTLS",
        }
    }

    fn goodbye(&self) -> &'static [u8] {
        b"LOGOUT\r\n"
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
    fn tls_is_asked_for_where_the_greeting_offers_it() {
        let greeting: &[u8] =
            b"\"IMPLEMENTATION\" \"Example\"\r\n\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK \"ready\"\r\n";
        let (said, turn) = rehearse(StartTls::Sieve, &[greeting, b"OK \"Begin TLS negotiation now.\"\r\n"]);
        assert_eq!((said.concat().as_str(), turn), ("STARTTLS\r\n", Turn::Tls(Vec::new())));
        let turn = at_once(StartTls::Sieve, &[greeting, b"OK\r\n\"SASL\" \"PLAIN\"\r\nOK\r\n"]);
        assert!(matches!(trouble(turn), StartTrouble::Pipelined(_)));
        let turn = at_once(StartTls::Sieve, &[b"\"SASL\" \"STARTTLS\"\r\nOK\r\n"]);
        assert_eq!(trouble(turn), StartTrouble::NotOffered(None));
        let turn = at_once(StartTls::Sieve, &[b"BYE \"go away\"\r\n"]);
        assert_eq!(trouble(turn), StartTrouble::Refused("the connection", "BYE \"go away\"".to_owned()));
        let turn = at_once(StartTls::Sieve, &[greeting, b"NO \"no key\"\r\n"]);
        assert_eq!(trouble(turn), StartTrouble::Refused("STARTTLS", "NO \"no key\"".to_owned()));
    }
}
