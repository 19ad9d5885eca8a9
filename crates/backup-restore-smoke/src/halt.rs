//! Why a rehearsal does not go on. Everything known so far is still written down.

use evidence_report::{record::Finding, run::Stopped};

/// The end of a rehearsal before its last phase.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The run was asked to stop (a signal, the deadline, a session that waited for us).
    Stopped,
    /// Something was found that leaves nothing to go on with.
    Found(Box<Finding>),
}

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Finding> for Halt {
    fn from(finding: Finding) -> Self {
        Self::Found(Box::new(finding))
    }
}
