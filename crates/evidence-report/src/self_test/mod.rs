//! What the `self-test` of every tool has in common: faults are made on the spot, each is looked at as if somebody
//! had typed it, and each has to be caught by its own check. How a fault is made and looked at is the tool's.
//!
//! A tool proves with it that its build still notices what it claims to notice:
//!
//! ```
//! use evidence_report::{
//!     record::{Check, Outcome},
//!     self_test::{Error, Expected, Proof, Proven, Session, Tally},
//! };
//! use std::process::ExitCode;
//!
//! static CHECK: Check = Check {
//!     id: "demo.answer",
//!     title: "It answers",
//!     explanation: "Who asks gets an answer within 1 s.",
//!     remedy: "Start it.",
//! };
//!
//! let expected = Expected { check: &CHECK, outcome: Outcome::Failed, says: &["no answer"] };
//! let findings = [CHECK.failed("127.0.0.1:1").observed("no answer within 1 s")];
//! let proven = Proven { title: "a silent server", expected, proof: Proof::of(&findings, &expected) };
//! assert_eq!(Tally::of(std::slice::from_ref(&proven)).words(), "1 of 1 fault caught, 0 slipped through");
//!
//! fn end(session: Session, proven: &[Proven<'_>]) -> Result<ExitCode, Error> {
//!     session.finish(proven, Vec::new())
//! }
//! ```

mod proof;
mod withheld;

use std::{process::ExitCode, time::Duration};

pub use self::{
    proof::{Expected, Proof, Proven, Tally},
    withheld::could_be_lost,
};
use crate::{
    formats::wording::word,
    record::{Finding, Outcome, Tool},
    run::{
        self, Defaults, PublishError, Run, RunError, Settings, SettingsError, SharedConfig, SharedFlags,
        Usage,
    },
};

/// Why a self-test could not be made, or its result not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag that has no place in it.
    #[error(transparent)]
    Usage(#[from] Usage),
    /// Settings that make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The run could not start.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The result could not be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// A self-test that runs. It prints a line a fault, unless formats were asked for; and it is no evidence unless
/// asked, for it proves the tool, and nothing about what the tool looks at.
#[derive(Debug)]
pub struct Session {
    run: Run,
    as_lines: bool,
    quiet: bool,
}

impl Session {
    /// Starts it. What a user's configuration says has no place in it; `brings` is what it brings instead.
    ///
    /// # Errors
    /// When a configuration or a dry run is asked for, or the run cannot start.
    pub fn start(
        tool: &'static Tool,
        shared: &SharedFlags,
        defaults: &Defaults,
        brings: &str,
    ) -> Result<Self, Error> {
        if shared.config.is_some() || shared.dry_run {
            let why = format!("self-test brings its own {brings}; leave --config and --dry-run out");
            return Err(Usage(why).into());
        }
        let mut settings = Settings::resolve(shared, &SharedConfig::default(), defaults)?;
        let as_lines = shared.format.is_empty();
        if as_lines {
            settings.formats.clear();
        }
        let quiet = settings.quiet;
        Ok(Self { run: Run::start(tool, settings)?, as_lines, quiet })
    }

    /// The run in whose folder faults are made, and whose stop ends them.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Writes what came of the faults, and what else was found: exit code 0 when every fault is caught, 2 when one
    /// slipped through, 3 when one could not be made.
    ///
    /// # Errors
    /// When the result cannot be written.
    pub fn finish(self, proven: &[Proven<'_>], more: Vec<Finding>) -> Result<ExitCode, Error> {
        let said = lines(proven, &more, self.run.elapsed());
        let is_well = proven.iter().all(|row| row.proof.is_good())
            && more.iter().all(|finding| finding.outcome == Outcome::Passed);
        self.run.findings(proven.iter().map(Proven::finding));
        self.run.findings(more);
        let code = self.run.finish().publish()?;
        if self.as_lines && !(self.quiet && is_well) {
            run::print(&said)?;
        }
        Ok(code)
    }
}

fn lines(proven: &[Proven<'_>], more: &[Finding], took: Duration) -> String {
    let mut text: String = proven.iter().map(|row| row.line() + "\n").collect();
    for finding in more.iter().filter(|finding| finding.outcome != Outcome::Passed) {
        text.push_str(&format!("{} {}: {}\n", word(finding.outcome), finding.check.id, finding.observed));
    }
    text.push_str(&format!("{}; {:.1} s\n", Tally::of(proven).words(), took.as_secs_f64()));
    text
}
