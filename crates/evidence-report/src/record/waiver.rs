//! What somebody has decided to live with for a while.

use jiff::Timestamp;

use super::finding::Outcome;

/// Why a finding that failed or warned is set aside, who decided it, and until when.
///
/// ```
/// # use evidence_report::record::{Check, Waived};
/// # static CONTENT: Check = Check { id: "restore.content", title: "Content", explanation: "…", remedy: "…" };
/// let until = "2026-12-31T23:59:59Z".parse().unwrap();
/// let found = CONTENT.failed("public.orders").waive("Data lead", "rebuilt in December", until);
/// let waived: &Waived = found.waived.as_deref().unwrap();
/// assert_eq!(waived.approver, "Data lead");
/// assert_eq!(found.outcome.verdict(), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waived {
    /// What came of the check.
    pub was: Outcome,
    /// Who decided.
    pub approver: String,
    /// Why.
    pub reason: String,
    /// The last moment at which it holds.
    pub until: Timestamp,
}
