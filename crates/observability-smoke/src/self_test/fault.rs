//! A fault of the field: the files that make it, how it is looked at, which check has to catch it, and what that
//! has to say.

use evidence_report::record::{Check, Outcome};

/// A fault.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What is wrong, in a few words.
    pub(crate) title: &'static str,
    /// The check that has to catch it.
    pub(crate) proves: &'static Check,
    /// What that check has to come to; [`Outcome::Passed`] for what is sound.
    pub(crate) outcome: Outcome,
    /// What it has to observe, among other things.
    pub(crate) says: &'static str,
    /// Its files, by name.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// What is typed after `observability-smoke`; `{folder}` is the folder of its files.
    pub(crate) words: &'static [&'static str],
}

impl Fault {
    /// Whether it is none: something sound, of which nothing may be said.
    #[must_use]
    pub(crate) fn is_sound(&self) -> bool {
        self.outcome == Outcome::Passed
    }
}

/// How one alert called `A` is drilled: to its notification, on an embedded stack.
pub(crate) const DRILLED: &[&str] = &[
    "--config",
    "{folder}/config.yml",
    "drill",
    "--embedded",
    "--rules",
    "{folder}/rules.yml",
    "--alert",
    "A",
    "--until",
    "received",
];
