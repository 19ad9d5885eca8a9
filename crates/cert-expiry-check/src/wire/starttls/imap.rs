//! IMAP (RFC 9051, 6.2.1): greeting, capabilities unless the greeting named them, STARTTLS.

use super::{
    Dialogue, StartTrouble, Step, foreign,
    lines::{has_word, line},
    refused,
};

#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    #[default]
    Greeting,
    Capability,
    StartTls,
}

/// The dialogue.
#[derive(Debug, Default)]
pub(super) struct Imap {
    stage: Stage,
    offered: bool,
}

impl Imap {
    fn greeted(&mut self, line: &[u8], taken: usize) -> Step {
        if !status(line).eq_ignore_ascii_case(b"OK") {
            // PREAUTH lets nobody turn TLS on any more; BYE turns away.
            return refused("the connection", line);
        }
        if has_word(line, "STARTTLS") {
            return self.start(taken);
        }
        self.stage = Stage::Capability;
        Step::Say(taken, b"a1 CAPABILITY\r\n".to_vec())
    }

    fn start(&mut self, taken: usize) -> Step {
        self.stage = Stage::StartTls;
        Step::Say(taken, b"a2 STARTTLS\r\n".to_vec())
    }

    /// A line of the server's own accord, or a part of an answer.
    fn untagged(&mut self, line: &[u8], taken: usize) -> Step {
        if status(line).eq_ignore_ascii_case(b"BYE") {
            return refused(self.asked(), line);
        }
        self.offered |= has_word(line, "CAPABILITY") && has_word(line, "STARTTLS");
        Step::Say(taken, Vec::new())
    }

    fn tagged(&mut self, line: &[u8], taken: usize) -> Step {
        let agreed = status(line).eq_ignore_ascii_case(b"OK");
        match self.stage {
            Stage::StartTls if agreed => Step::Tls(taken, Vec::new()),
            Stage::Capability if agreed && self.offered => self.start(taken),
            Stage::Capability if agreed => Step::Refuse(StartTrouble::NotOffered(None)),
            _ => refused(self.asked(), line),
        }
    }

    fn asked(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "the connection",
            Stage::Capability => "CAPABILITY",
            Stage::StartTls => "STARTTLS",
        }
    }

    fn tag(&self) -> &'static [u8] {
        match self.stage {
            Stage::Greeting => b"*",
            Stage::Capability => b"a1 ",
            Stage::StartTls => b"a2 ",
        }
    }
}

/// The word behind the tag.
fn status(line: &[u8]) -> &[u8] {
    line.split(u8::is_ascii_whitespace).nth(1).unwrap_or_default()
}

impl Dialogue for Imap {
    fn step(&mut self, received: &[u8]) -> Step {
        let of_imap = |tag: &[u8]| received.iter().zip(tag).all(|(ours, theirs)| ours == theirs);
        if !of_imap(b"* ") && !of_imap(self.tag()) {
            return foreign(received);
        }
        match (line(received), self.stage) {
            (None, _) => Step::Wait,
            (Some((line, taken)), Stage::Greeting) => self.greeted(line, taken),
            (Some((line, taken)), _) if line.starts_with(b"*") => self.untagged(line, taken),
            (Some((line, taken)), _) => self.tagged(line, taken),
        }
    }

    fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "its greeting",
            Stage::Capability => "its answer to CAPABILITY",
            Stage::StartTls => "its answer to STARTTLS",
        }
    }

    fn goodbye(&self) -> &'static [u8] {
        b"a3 LOGOUT\r\n"
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
    fn capabilities_are_asked_for_unless_the_greeting_names_them() {
        let (said, turn) = rehearse(
            StartTls::Imap,
            &[
                b"* OK ready\r\n",
                b"* CAPABILITY IMAP4rev1 STARTTLS\r\n* OK still here\r\na1 OK done\r\n",
                b"* OK wait\r\na2 OK begin TLS\r\n",
            ],
        );
        assert_eq!(
            (said, turn),
            (vec!["a1 CAPABILITY\r\n".to_owned(), "a2 STARTTLS\r\n".to_owned()], Turn::Tls(Vec::new()))
        );
        let greeting = b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] Dovecot ready.\r\n";
        let (said, turn) = rehearse(StartTls::Imap, &[greeting, b"a2 OK Begin TLS negotiation now.\r\n"]);
        assert_eq!((said, turn), (vec!["a2 STARTTLS\r\n".to_owned()], Turn::Tls(Vec::new())));
    }

    #[test]
    fn refusals_keep_the_servers_words() {
        let offer: &[u8] = b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n";
        let refused = |what, words: &str| StartTrouble::Refused(what, words.to_owned());
        for (answers, expected) in [
            (&[&b"* BYE too many\r\n"[..]][..], refused("the connection", "* BYE too many")),
            (&[b"* PREAUTH in already\r\n"], refused("the connection", "* PREAUTH in already")),
            (
                &[b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1 XSTARTTLS\r\na1 OK\r\n"],
                StartTrouble::NotOffered(None),
            ),
            (&[b"* OK hi\r\n", b"a1 BAD what?\r\n"], refused("CAPABILITY", "a1 BAD what?")),
            (&[offer, b"a2 NO not OK today\r\n"], refused("STARTTLS", "a2 NO not OK today")),
            (
                &[offer, b"a2 BAD TLS support isn't enabled.\r\n"],
                refused("STARTTLS", "a2 BAD TLS support isn't enabled."),
            ),
            (&[offer, b"* BYE shutting down\r\n"], refused("STARTTLS", "* BYE shutting down")),
        ] {
            assert_eq!(at_once(StartTls::Imap, answers), Turn::Failed(expected, b"a3 LOGOUT\r\n"));
        }
        let turn = at_once(StartTls::Imap, &[offer, b"a2 OK go\r\n* CAPABILITY AUTH=PLAIN\r\n"]);
        assert_eq!(trouble(turn), StartTrouble::Pipelined(b"* CAPABILITY AUTH=PLAIN\r\n".to_vec()));
        let turn = at_once(StartTls::Imap, &[b"+OK pop3\r\n"]);
        assert_eq!(trouble(turn), StartTrouble::Foreign(b"+OK pop3\r\n".to_vec()));
    }
}
