//! A finding: one check, made on one subject, with what was expected and what was seen.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{check::Check, verdict::Verdict, waiver::Waived};

/// Whether a check that was not made stands in the way of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// Not made means that nothing can be concluded.
    Required,
    /// Not made is shown, and neutral.
    Optional,
}

/// What came of a check.
///
/// ```
/// use evidence_report::record::{Outcome, Requirement, Verdict};
///
/// assert_eq!(Outcome::NotChecked(Requirement::Required).verdict(), Some(Verdict::Inconclusive));
/// assert_eq!(Outcome::NotChecked(Requirement::Optional).verdict(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Made, and right.
    Passed,
    /// Made: right today, but someone should act.
    Warned,
    /// Made, and wrong.
    Failed,
    /// Tried, and kept from a result by our own environment.
    Inconclusive,
    /// Not made. The reason stands in [`Finding::observed`].
    NotChecked(Requirement),
    /// Made, and failed or warned; set aside for a while by somebody who is named in [`Finding::waived`].
    Waived,
}

impl Outcome {
    /// What the outcome counts for in the run's verdict; `None` is neutral.
    #[must_use]
    pub const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Passed => Some(Verdict::Passed),
            Self::Warned => Some(Verdict::Warned),
            Self::Failed => Some(Verdict::Failed),
            Self::Inconclusive | Self::NotChecked(Requirement::Required) => Some(Verdict::Inconclusive),
            Self::NotChecked(Requirement::Optional) | Self::Waived => None,
        }
    }

    /// Sorting key: the worst first.
    #[must_use]
    pub const fn severity(self) -> u8 {
        match self {
            Self::Failed => 6,
            Self::Inconclusive => 5,
            Self::NotChecked(Requirement::Required) => 4,
            Self::Warned => 3,
            Self::Waived => 2,
            Self::NotChecked(Requirement::Optional) => 1,
            Self::Passed => 0,
        }
    }
}

/// A place in a file that a finding is about. Lines and columns count from 1.
///
/// ```
/// # use evidence_report::record::Check;
/// # static CONTENT: Check = Check { id: "restore.content", title: "Content", explanation: "…", remedy: "…" };
/// let found = CONTENT.failed("line 7").at("ops/targets.txt", Some(7));
/// let place: evidence_report::record::Location = found.location.unwrap();
/// assert_eq!((place.path.as_str(), place.line), ("ops/targets.txt", Some(7)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, as the user named it.
    pub path: String,
    /// The line, where there is one.
    pub line: Option<u32>,
}

/// One check made (or not made) on one subject. Built from a [`Check`], never from a string:
///
/// ```
/// use evidence_report::record::{Check, Finding};
///
/// const LIFETIME: Check = Check {
///     id: "tls.lifetime", title: "Lifetime left", explanation: "…", remedy: "Renew the certificate.",
/// };
/// let finding: Finding = LIFETIME.failed("shop.example:443").expected("more than 7 d left").observed("3 d 4 h left");
/// assert_eq!(finding.check.id, "tls.lifetime");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// What came of it.
    pub outcome: Outcome,
    /// What it was made on: an endpoint, a table, an alert.
    pub subject: String,
    /// What would have been right.
    pub expected: String,
    /// What was seen; for a check that was not made, why.
    pub observed: String,
    /// What to do; the check's own remedy where the finding says nothing better (not copied: there may be ten
    /// thousand findings).
    pub remedy: Cow<'static, str>,
    /// When it will hurt, where that can be told.
    pub hurts_at: Option<Timestamp>,
    /// Where in a file it stands.
    pub location: Option<Location>,
    /// Who set it aside, why, and until when; there exactly where the outcome is [`Outcome::Waived`].
    pub waived: Option<Box<Waived>>,
}

impl Finding {
    pub(super) fn new(check: &'static Check, outcome: Outcome, subject: String) -> Self {
        Self {
            check,
            outcome,
            subject,
            expected: String::new(),
            observed: String::new(),
            remedy: Cow::Borrowed(check.remedy),
            hurts_at: None,
            location: None,
            waived: None,
        }
    }

    /// Says what would have been right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    /// Says what was seen.
    #[must_use]
    pub fn observed(mut self, observed: impl Into<String>) -> Self {
        self.observed = observed.into();
        self
    }

    /// Replaces the check's remedy by a better one. It is a sentence of its own wherever it is shown, so its first
    /// word gets a capital letter, unless it is a name (`pg_dump`, `max_connections`).
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        let mut remedy = remedy.into();
        let word = remedy.split(' ').next().unwrap_or_default();
        if word.trim_end_matches([',', ':', ';']).chars().all(|letter| letter.is_ascii_lowercase())
            && let Some(first) = remedy.get_mut(..1)
        {
            first.make_ascii_uppercase();
        }
        self.remedy = Cow::Owned(remedy);
        self
    }

    /// Says when it will hurt.
    #[must_use]
    pub fn hurts_at(mut self, at: Timestamp) -> Self {
        self.hurts_at = Some(at);
        self
    }

    /// Sets a failure or a warning aside. Anything else stays what it is: what was not seen cannot be
    /// forgiven.
    #[must_use]
    pub fn waive(mut self, approver: &str, reason: &str, until: Timestamp) -> Self {
        if matches!(self.outcome, Outcome::Failed | Outcome::Warned) {
            let (approver, reason) = (approver.to_owned(), reason.to_owned());
            self.waived = Some(Box::new(Waived { was: self.outcome, approver, reason, until }));
            self.outcome = Outcome::Waived;
        }
        self
    }

    /// Says where in a file it stands.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>, line: Option<u32>) -> Self {
        self.location = Some(Location { path: path.into(), line });
        self
    }
}
