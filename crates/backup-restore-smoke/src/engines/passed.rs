//! Whether a segment already lies behind a target that only its content can tell: a time, or a restore point. Then
//! nothing more is fetched, and what is missing further on is of no matter to this recovery.

use std::path::Path;

use evidence_report::run::Run;
use jiff::Timestamp;

use crate::{plan::RecoveryTarget, programs::Programs};

/// The records of a segment that we ask for take no more room than this; of more, the last.
const OUTPUT_KEPT: usize = 4 << 20;

/// What `pg_waldump` is asked for.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// A transaction that was committed after this time.
    Committed(Timestamp),
    /// A restore point of this name.
    RestorePoint(String),
}

impl Mark {
    /// What tells that this target was passed; places need no look.
    pub(super) fn of(target: &RecoveryTarget) -> Option<Self> {
        match target {
            RecoveryTarget::Time(at) => Some(Self::Committed(*at)),
            RecoveryTarget::Name(name) => Some(Self::RestorePoint(name.clone())),
            RecoveryTarget::Consistent | RecoveryTarget::Lsn(_) | RecoveryTarget::End { .. } => None,
        }
    }

    /// Whether it stands in this segment. What cannot be read has not passed it: recovery itself will judge.
    pub(super) async fn stands_in(&self, run: &Run, programs: &Programs, segment: &Path) -> bool {
        let records = if matches!(self, Self::Committed(_)) { "Transaction" } else { "XLOG" };
        let command = programs.child(run, "pg_waldump").env("TZ", "UTC").keep(OUTPUT_KEPT);
        let command = command.arg(format!("--rmgr={records}")).arg(segment);
        match command.output(run.stop()).await {
            Ok(output) => self.stands_among(&output.stdout),
            Err(_) => false,
        }
    }

    fn stands_among(&self, records: &str) -> bool {
        records.lines().filter_map(|line| line.split_once("desc: ")).any(|(_, record)| match self {
            Self::Committed(after) => committed(record).is_some_and(|at| at > *after),
            Self::RestorePoint(name) => record.strip_prefix("RESTORE_POINT ") == Some(name),
        })
    }
}

/// Reads `COMMIT 2026-11-26 21:45:50.938141 UTC; inval msgs: …`.
fn committed(record: &str) -> Option<Timestamp> {
    let rest = record.strip_prefix("COMMIT ").or_else(|| record.strip_prefix("COMMIT_PREPARED "))?;
    let (instant, _) = rest.split_once(" UTC")?;
    format!("{}Z", instant.trim()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITS: &str = "rmgr: Transaction len (rec/tot):     34/    34, tx:        742, lsn: 0/09000028, prev \
        0/08006988, desc: COMMIT 2026-11-26 21:39:11.809107 UTC; inval msgs: catcache 80\n\
        rmgr: Transaction len (rec/tot): 34/34, tx: 743, lsn: 0/1, prev 0/1, desc: ABORT 2027-01-01 00:00:00 UTC\n";

    #[test]
    fn a_commit_behind_the_time_passes_it() {
        let stands = |text: &str| Mark::Committed(text.parse().unwrap()).stands_among(COMMITS);
        assert!(stands("2026-11-26T21:39:11.809106Z"));
        assert!(!stands("2026-11-26T21:39:11.809107Z"), "at the time itself more may follow");
        assert!(!stands("2026-12-31T00:00:00Z"), "an abort is no commit");
    }

    #[test]
    fn a_restore_point_is_known_by_its_whole_name() {
        let records =
            "rmgr: XLOG len (rec/tot): 98/98, tx: 0, lsn: 0/1, prev 0/1, desc: RESTORE_POINT hello world\n";
        let stands = |name: &str| Mark::RestorePoint(name.to_owned()).stands_among(records);
        assert!(stands("hello world"));
        assert!(!stands("hello"));
    }
}
