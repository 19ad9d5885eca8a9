//! Which backups there were: those that had finished at the incident, and before the place at which recovery is to
//! end. Pure.

use jiff::{Timestamp, ToSpan as _};

use crate::{plan::RecoveryTarget, wal::Lsn};

/// The incident that is rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// A backup must have finished at this time.
    pub(super) finished_by: Timestamp,
    /// A backup must have ended at this place.
    pub(super) ended_by: Option<Lsn>,
    words: String,
}

impl Incident {
    /// The incident is at this time; recovery ends at this target.
    pub(crate) fn new(at: Timestamp, target: &RecoveryTarget) -> Self {
        let (finished_by, ended_by) = match target {
            // Catalogues cut the time to whole seconds: one that finished within the target's own is too young.
            RecoveryTarget::Time(target) => (at.min(target.checked_sub(1.second()).unwrap_or(*target)), None),
            RecoveryTarget::Lsn(place) => (at, Some(*place)),
            RecoveryTarget::Consistent | RecoveryTarget::Name(_) | RecoveryTarget::End { .. } => (at, None),
        };
        Self { finished_by, ended_by, words: format!("finished at the incident ({at}), and before {target}") }
    }

    /// What is expected of a backup, in words.
    pub(super) fn wanted(&self) -> String {
        format!("the newest backup that had {}", self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_lies_before_the_target() {
        let at: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let time = |text: &str| Incident::new(at, &RecoveryTarget::Time(text.parse().unwrap())).finished_by;
        assert_eq!(time("2026-01-01T11:00:00.5Z").to_string(), "2026-01-01T10:59:59.5Z");
        assert_eq!(time("2027-01-01T00:00:00Z"), at);
        let place = Incident::new(at, &RecoveryTarget::Lsn(Lsn(5)));
        assert_eq!((place.finished_by, place.ended_by), (at, Some(Lsn(5))));
        assert!(Incident::new(at, &RecoveryTarget::Name("x".into())).wanted().contains("\"x\""));
    }
}
