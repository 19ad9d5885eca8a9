//! Drives one dialogue over bytes: it keeps what was received and not dealt with, bounds it, and lets nothing
//! pass into TLS that came in plain text.

use super::{Dialogue, FIRST, StartTrouble, Step, dialogue};
use crate::{assess::name::Host, targets::StartTls};

/// How much a server may say before TLS begins, in bytes. Real ones stay below two thousand; a long greeting has four.
pub const LONGEST: usize = 16 * 1024;

/// A dialogue under way.
#[derive(Debug)]
pub struct Exchange {
    dialogue: Box<dyn Dialogue>,
    pending: Vec<u8>,
    heard: usize,
}

/// What to do after something was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Listen on.
    Wait,
    /// Send this, and listen on.
    Say(Vec<u8>),
    /// Send this, which may be nothing, and begin with TLS.
    Tls(Vec<u8>),
    /// There will be no TLS; send this, and go.
    Failed(StartTrouble, &'static [u8]),
}

impl Exchange {
    /// With a server that goes by this name.
    #[must_use]
    pub fn new(start: StartTls, name: &Host) -> Self {
        Self { dialogue: dialogue(start, name), pending: Vec::new(), heard: 0 }
    }

    /// What the client says first; empty where the server does.
    #[must_use]
    pub fn opening(&self) -> Vec<u8> {
        self.dialogue.opening()
    }

    /// What is waited for, in words.
    #[must_use]
    pub fn waits_for(&self) -> &'static str {
        self.dialogue.waits_for()
    }

    /// Whether anything was heard at all.
    #[must_use]
    pub fn has_heard(&self) -> bool {
        self.heard > 0
    }

    /// Takes in what came, and says what to do.
    pub fn hear(&mut self, bytes: &[u8]) -> Turn {
        self.heard = self.heard.saturating_add(bytes.len());
        if self.heard > LONGEST {
            return Turn::Failed(StartTrouble::Endless(LONGEST), b"");
        }
        self.pending.extend_from_slice(bytes);
        let mut to_say = Vec::new();
        loop {
            match self.dialogue.step(&self.pending) {
                Step::Wait if to_say.is_empty() => return Turn::Wait,
                Step::Wait => return Turn::Say(to_say),
                Step::Say(taken, words) => {
                    // A step that takes nothing in would be asked for ever.
                    if taken == 0 {
                        return Turn::Failed(StartTrouble::Malformed("an empty answer"), b"");
                    }
                    self.pending.drain(..taken.min(self.pending.len()));
                    to_say.extend(words);
                }
                Step::Tls(taken, last_words) => return self.tls(taken, &to_say, last_words),
                Step::Refuse(trouble) => {
                    // Who speaks another language would not understand a goodbye.
                    let is_foreign = matches!(trouble, StartTrouble::Foreign(_));
                    let goodbye = if is_foreign { b"" } else { self.dialogue.goodbye() };
                    return Turn::Failed(trouble, goodbye);
                }
            }
        }
    }

    /// Nothing may stand between the server's consent and our first word of TLS: who sends it answers a
    /// question that was not put yet, or somebody in between speaks for it (the class of CVE-2011-0411).
    fn tls(&self, taken: usize, unsaid: &[u8], last_words: Vec<u8>) -> Turn {
        let (consent, behind) = self.pending.split_at(taken.min(self.pending.len()));
        let plain = if unsaid.is_empty() { behind } else { consent };
        if plain.is_empty() {
            Turn::Tls(last_words)
        } else {
            Turn::Failed(StartTrouble::Pipelined(plain[..plain.len().min(FIRST)].to_vec()), b"")
        }
    }
}
