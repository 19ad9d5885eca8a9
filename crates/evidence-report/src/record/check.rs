//! The registry of checks: every tool has one table, and every finding is made from one of its constants.

use super::finding::{Finding, Outcome, Requirement};

/// One thing that a tool can check, with everything that is said about it anywhere.
///
/// A tool declares its checks as constants in its `checks` module; `--explain`, the evidence file and the
/// documentation are written from them.
///
/// ```
/// use evidence_report::record::{Check, Outcome, Requirement};
///
/// static CONTENT: Check = Check {
///     id: "restore.content",
///     title: "Content restored",
///     explanation: "Every table of the copy has the rows of its source.",
///     remedy: "Do not rely on this backup.",
/// };
/// let unseen = CONTENT.not_checked(Requirement::Required, "public.orders", "the copy did not start");
/// assert_eq!(unseen.outcome, Outcome::NotChecked(Requirement::Required));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable dotted id, for example `restore.content`. Never reused for another meaning.
    pub id: &'static str,
    /// A few words, as they stand in the evidence table.
    pub title: &'static str,
    /// What is checked, and why it matters.
    pub explanation: &'static str,
    /// What to do when it does not pass.
    pub remedy: &'static str,
}

impl Check {
    /// The check was made on `subject` and was right.
    #[must_use]
    pub fn passed(&'static self, subject: impl Into<String>) -> Finding {
        Finding::new(self, Outcome::Passed, subject.into())
    }

    /// The check was made on `subject`: right today, but someone should act.
    #[must_use]
    pub fn warned(&'static self, subject: impl Into<String>) -> Finding {
        Finding::new(self, Outcome::Warned, subject.into())
    }

    /// The check was made on `subject` and was wrong.
    #[must_use]
    pub fn failed(&'static self, subject: impl Into<String>) -> Finding {
        Finding::new(self, Outcome::Failed, subject.into())
    }

    /// Our own environment kept the check from a result (a missing program, a full disk, a stop).
    #[must_use]
    pub fn inconclusive(&'static self, subject: impl Into<String>) -> Finding {
        Finding::new(self, Outcome::Inconclusive, subject.into())
    }

    /// The check was not made, for `reason`. A required one counts as inconclusive; an optional one is shown
    /// and neutral.
    #[must_use]
    pub fn not_checked(
        &'static self,
        requirement: Requirement,
        subject: impl Into<String>,
        reason: impl Into<String>,
    ) -> Finding {
        Finding::new(self, Outcome::NotChecked(requirement), subject.into()).observed(reason)
    }
}

/// What a tool is called and what it can check: the one static value that it hands to [`crate::run`].
///
/// ```
/// # use evidence_report::record::{Check, Tool};
/// # static CONTENT: Check = Check { id: "restore.content", title: "Content", explanation: "…", remedy: "…" };
/// static TOOL: Tool = Tool { name: "restore-smoke", version: "1.0.0", checks: &[&CONTENT] };
/// assert_eq!(TOOL.check("restore.content"), Some(&CONTENT));
/// ```
#[derive(Debug)]
pub struct Tool {
    /// The command's name.
    pub name: &'static str,
    /// The command's version (`env!("CARGO_PKG_VERSION")`).
    pub version: &'static str,
    /// Every check that the tool can make.
    pub checks: &'static [&'static Check],
}

impl Tool {
    /// The check of this id.
    #[must_use]
    pub fn check(&self, id: &str) -> Option<&'static Check> {
        self.checks.iter().copied().find(|check| check.id == id)
    }
}
