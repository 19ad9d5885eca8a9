//! What somebody has decided to live with for a while.

use jiff::Timestamp;

use super::finding::Outcome;

/// Why a finding that failed or warned is set aside, who decided it, and until when.
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
