//! A fault of the field: how to make it, which check has to catch it, and what that has to say.

use std::{any::Any, fmt, net::IpAddr};

use evidence_report::record::{Check, Outcome, Requirement};

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

/// What a scan has to come to.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// By this check.
    pub check: &'static Check,
    /// This.
    pub outcome: Outcome,
    /// With these words.
    pub says: &'static str,
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
    pub fn expected(&self) -> Expected {
        Expected { check: self.proves, outcome: self.outcome, says: self.says }
    }

    /// Whether it is none: something sound, of which nothing may be said.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.outcome == Outcome::Passed
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

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Passed => return f.write_str("nothing to complain of"),
            Outcome::Warned => "warned",
            Outcome::Failed => "failed",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Waived => "waived",
            Outcome::NotChecked(Requirement::Required) => "not checked",
            Outcome::NotChecked(Requirement::Optional) => "not checked, and not needed",
        };
        write!(f, "{outcome}, with the words '{}'", self.says)
    }
}
