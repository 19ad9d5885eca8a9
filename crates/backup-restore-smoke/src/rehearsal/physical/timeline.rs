//! Which timelines recovery went through, by what the copy itself wrote down when it was promoted, held against the way
//! that the archive's histories told beforehand: a place in the log means other rows on each branch.

use std::path::Path;

use evidence_report::record::{Finding, Requirement};

use crate::{
    checks::RECOVERY_TIMELINE,
    timeline::{Lineage, history_name},
    wal::History,
};

const SUBJECT: &str = "timeline";

/// The history that the copy wrote: the newest of its log. Its last line is the timeline that was followed, and where
/// the copy left it.
pub(super) fn written(data: &Path) -> Option<History> {
    let folder = data.join("pg_wal");
    let entries = std::fs::read_dir(&folder).ok()?.flatten();
    let numbers = entries.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        u32::from_str_radix(name.strip_suffix(".history")?, 16).ok()
    });
    let text = std::fs::read_to_string(folder.join(history_name(numbers.max()?))).ok()?;
    Some(History::read(&text)).filter(|history| !history.0.is_empty())
}

/// Holds it against the way that was to be taken.
pub(super) fn judge(wanted: &Lineage, written: Option<&History>) -> Finding {
    let Some((followed, end, before)) = written.and_then(|history| {
        let ((followed, end), before) = history.0.split_last()?;
        Some((*followed, *end, History(before.to_vec())))
    }) else {
        let reason = "the copy's own history cannot be read";
        return RECOVERY_TIMELINE.not_checked(Requirement::Optional, SUBJECT, reason);
    };
    let took = Lineage { history: before, last: followed };
    let expected = format!("recovery along timeline {}", wanted.way(end));
    let observed = format!("the copy's own history says: to {end} on timeline {}", took.way(end));
    if took == *wanted {
        RECOVERY_TIMELINE.passed(SUBJECT).expected(expected).observed(observed)
    } else {
        RECOVERY_TIMELINE.failed(SUBJECT).expected(expected).observed(observed)
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn the_copys_own_history_decides() {
        let wanted = Lineage { history: History::read("1\t0/50\tx\n"), last: 2 };
        for (text, outcome, said) in [
            ("1\t0/50\tx\n2\t0/70\tx\n", Outcome::Passed, "to 0/70 on timeline 2 (1 until 0/50)"),
            // It stopped before the fork.
            ("1\t0/50\tx\n2\t0/40\tx\n", Outcome::Passed, "to 0/40 on timeline 1"),
            ("1\t0/70\tx\n", Outcome::Failed, "to 0/70 on timeline 1"),
            ("1\t0/60\tx\n2\t0/70\tx\n", Outcome::Failed, "1 until 0/60"),
        ] {
            let finding = judge(&wanted, Some(&History::read(text)));
            assert_eq!(finding.outcome, outcome, "{text}");
            assert!(finding.observed.contains(said), "{}", finding.observed);
        }
        assert!(matches!(judge(&wanted, None).outcome, Outcome::NotChecked(_)));
    }

    #[test]
    fn the_newest_history_of_a_copy_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(written(folder.path()), None);
        let log = folder.path().join("pg_wal");
        std::fs::create_dir(&log).unwrap();
        std::fs::write(log.join("00000002.history"), "1\t0/50\tx\n").unwrap();
        std::fs::write(log.join("0000000A.history"), "1\t0/50\tx\n9\t0/60\tx\n").unwrap();
        assert_eq!(written(folder.path()).unwrap().0.len(), 2);
    }
}
