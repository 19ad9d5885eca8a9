//! A fault of the field: how to make it, which check has to catch it, and what that has to say.

use std::{any::Any, fmt, path::PathBuf};

use evidence_report::{
    record::{Check, Outcome},
    self_test::Expected,
};
use futures_util::future::BoxFuture;

use super::{
    meanwhile::Meanwhile,
    workshop::{Bench, Trouble},
};

/// Makes a fault.
pub type Build = for<'b> fn(&'b Bench<'b>) -> BoxFuture<'b, Result<Scene, Trouble>>;

/// A fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// The check that has to catch it.
    pub proves: &'static Check,
    /// What that check has to come to. The exit code of the rehearsal follows from it.
    pub outcome: Outcome,
    /// What it has to observe, among other things: one of these, where two may notice and either may be the first.
    /// Nothing for what is sound.
    pub says: &'static [&'static str],
    /// Makes it.
    pub build: Build,
}

/// A fault that is there, and how to look at it.
#[derive(Debug)]
pub struct Scene {
    /// Its own folder: the rehearsal stands in it, and has its run folders below it.
    pub(super) home: PathBuf,
    /// What is typed after `backup-restore-smoke`.
    pub(super) words: Vec<String>,
    /// Variables of the environment.
    pub(super) variables: Vec<(&'static str, String)>,
    /// Programs by way of which it is started, for a place of its own.
    pub(super) by_way_of: Vec<String>,
    /// What happens while it runs.
    pub(super) meanwhile: Meanwhile,
    /// Folders in which nothing may change.
    pub(super) untouched: Vec<PathBuf>,
    /// Whether it waits more than it works: it then takes nobody's turn.
    pub(super) idle: bool,
    /// What has to live as long as the fault: a session that holds a lock, a writer, a proxy.
    pub(super) held: Vec<Box<dyn Hold>>,
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
    /// What its rehearsal has to come to.
    #[must_use]
    pub fn expected(&self) -> Expected<'static> {
        Expected { check: self.proves, outcome: self.outcome, says: self.says }
    }
}

impl Scene {
    /// The same, with more words at the end.
    #[must_use]
    pub fn with_words<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// The same, with this variable of the environment.
    #[must_use]
    pub fn with_variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// The same, started by way of these words.
    #[must_use]
    pub fn by_way_of(mut self, words: Vec<String>) -> Self {
        self.by_way_of = words;
        self
    }

    /// The same, and this happens while it runs.
    #[must_use]
    pub fn meanwhile(mut self, meanwhile: Meanwhile) -> Self {
        self.meanwhile = meanwhile;
        self
    }

    /// The same, and nothing in this folder may change.
    #[must_use]
    pub fn leaving(mut self, folder: PathBuf) -> Self {
        self.untouched.push(folder);
        self
    }

    /// The same, which waits more than it works.
    #[must_use]
    pub fn idle(mut self) -> Self {
        self.idle = true;
        self
    }

    /// The same, and this lives as long.
    #[must_use]
    pub fn holding(mut self, held: impl Any + Send + Sync) -> Self {
        self.held.push(Box::new(held));
        self
    }
}
