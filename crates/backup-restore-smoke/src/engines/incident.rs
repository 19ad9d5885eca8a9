//! Which backups there were: those that had finished at the incident, and before the place at which recovery is to
//! end. Pure.

use jiff::{Timestamp, ToSpan as _};

use crate::{plan::RecoveryTarget, wal::Lsn};

/// The incident that is rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// A backup must have finished at this time.
    pub(super) finished_by: Timestamp,
    /// The same for a catalogue that cuts the time at which one had finished to whole seconds.
    pub(super) finished_by_second: Timestamp,
    /// A backup must have ended at this place.
    pub(super) ended_by: Option<Lsn>,
    /// The timeline that recovery is to follow: `latest`, `current` or a number.
    pub(super) followed: String,
    words: String,
}

impl Incident {
    /// The incident is at this time; recovery ends at this target.
    pub(crate) fn new(at: Timestamp, target: &RecoveryTarget) -> Self {
        let (by_time, by_place) = match target {
            RecoveryTarget::Time(target) => (Some(*target), None),
            RecoveryTarget::Lsn(place) => (None, Some(*place)),
            RecoveryTarget::Consistent | RecoveryTarget::Name(_) | RecoveryTarget::End { .. } => (None, None),
        };
        // One that finished within the target's own second is too young: it may have finished behind it.
        let a_second_before = |time: Timestamp| time.checked_sub(1.second()).unwrap_or(time);
        Self {
            finished_by: by_time.map_or(at, |time| at.min(time)),
            finished_by_second: by_time.map_or(at, |time| at.min(a_second_before(time))),
            ended_by: by_place,
            followed: "latest".to_owned(),
            words: format!("finished at the incident ({at}), and before {target}"),
        }
    }

    /// The same, where recovery is to follow this timeline.
    #[must_use]
    pub(crate) fn along(mut self, timeline: &str) -> Self {
        timeline.clone_into(&mut self.followed);
        self
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
        let time = |text: &str| Incident::new(at, &RecoveryTarget::Time(text.parse().unwrap()));
        let earlier = time("2026-01-01T11:00:00.5Z");
        assert_eq!(earlier.finished_by.to_string(), "2026-01-01T11:00:00.5Z");
        assert_eq!(earlier.finished_by_second.to_string(), "2026-01-01T10:59:59.5Z");
        assert_eq!(time("2027-01-01T00:00:00Z").finished_by_second, at);
        let place = Incident::new(at, &RecoveryTarget::Lsn(Lsn(5)));
        assert_eq!((place.finished_by, place.ended_by), (at, Some(Lsn(5))));
        assert!(Incident::new(at, &RecoveryTarget::Name("x".into())).wanted().contains("\"x\""));
    }
}
