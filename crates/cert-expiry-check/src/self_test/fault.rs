//! A fault of the field: how to make it, which check has to catch it, and what that has to say.

use std::{any::Any, fmt, net::IpAddr, slice};

use evidence_report::{
    record::{Check, Outcome},
    self_test::Expected,
};

use super::workshop::{Bench, Trouble};

/// Makes a fault.
pub type Build = fn(&Bench<'_>) -> Result<Scene, Trouble>;

/// A fault.
#[derive(Debug)]
pub struct Fault {
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// The check that has to catch it.
    pub proves: &'static Check,
    /// What that check has to come to; [`Outcome::Passed`] for what is sound.
    pub outcome: Outcome,
    /// What it has to observe, among other things.
    pub says: &'static str,
    /// Makes it.
    pub build: Build,
}

/// A fault that is there, and how to look at it.
#[derive(Debug)]
pub struct Scene {
    /// What is typed after `cert-expiry-check`.
    pub words: Vec<String>,
    /// The addresses to which the one host of the command line is taken to resolve, where that matters: loopback
    /// has no name with several of them everywhere.
    pub addresses: Vec<IpAddr>,
    /// What has to live as long as the fault: a port that stays taken.
    pub held: Vec<Box<dyn Hold>>,
}

/// Something that is held.
pub trait Hold: Any + Send + Sync {}

impl<T: Any + Send + Sync> Hold for T {}

impl fmt::Debug for dyn Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

impl Fault {
    /// What its scan has to come to.
    #[must_use]
    pub fn expected(&self) -> Expected<'_> {
        let says: &[&str] = if self.outcome == Outcome::Passed { &[] } else { slice::from_ref(&self.says) };
        Expected { check: self.proves, outcome: self.outcome, says }
    }
}

impl Scene {
    /// What is typed after `cert-expiry-check`.
    #[must_use]
    pub fn typed(words: Vec<String>) -> Self {
        Self { words, addresses: Vec::new(), held: Vec::new() }
    }

    /// The same, with more words at the end.
    #[must_use]
    pub fn with_words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(ToString::to_string));
        self
    }

    /// The same, and this lives as long.
    #[must_use]
    pub fn holding(mut self, held: impl Any + Send + Sync) -> Self {
        self.held.push(Box::new(held));
        self
    }
}
