//! Which backups lie on the way to the timeline that recovery is to follow. After a failover the newest backup may be
//! one of the server that was left: PostgreSQL cannot go from there to the new timeline. It knows no tool.

use std::collections::BTreeMap;

use evidence_report::record::Finding;

use crate::{
    halt::Halt,
    timeline::Lineage,
    wal::{History, Lsn},
};

/// No cluster has changed its timeline more often since its oldest backup.
const TIMELINES_TRIED: u32 = 1000;

/// Where the histories of timelines are kept.
pub(super) trait Histories {
    /// The text of a timeline's history; `None` where there is none, or where it cannot be asked for.
    ///
    /// # Errors
    /// That the run was asked to stop.
    async fn history(&self, timeline: u32) -> Result<Option<String>, Halt>;
}

/// What is looked at of a backup.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) label: &'a str,
    pub(super) timeline: Option<u32>,
    pub(super) end: Option<Lsn>,
}

/// The backups that were looked at, newest first.
#[derive(Debug)]
pub(super) struct Branches<'a> {
    /// `latest`, `current`, or a number.
    followed: &'a str,
    known: BTreeMap<u32, Option<History>>,
    /// Those that recovery cannot begin with, and why.
    passed_over: Vec<String>,
}

impl<'a> Branches<'a> {
    /// Nothing has been looked at.
    pub(super) fn to(followed: &'a str) -> Self {
        Self { followed, known: BTreeMap::new(), passed_over: Vec::new() }
    }

    /// Whether recovery can begin with this backup. What its catalogue does not tell is no objection.
    ///
    /// # Errors
    /// That the run was asked to stop.
    pub(super) async fn lead_over(&mut self, taken: Taken<'_>, at: &impl Histories) -> Result<bool, Halt> {
        let Some(timeline) = taken.timeline else { return Ok(true) };
        let last = match self.followed {
            "current" => timeline,
            "latest" => self.newest_after(timeline, at).await?,
            number => number.parse().unwrap_or(timeline),
        };
        let lineage = match self.history(last, at).await? {
            Some(history) => Lineage { history, last },
            // Of a timeline without a history nothing is known but that it comes after those before it.
            None if timeline < last => return Ok(true),
            None => Lineage { history: History::default(), last },
        };
        let objection = lineage.objection(timeline, taken.end);
        let stands = objection.is_none();
        self.passed_over.extend(objection.map(|why| format!("{}: {why}", taken.label)));
        Ok(stands)
    }

    /// As PostgreSQL looks for it: each next one, until there is none.
    async fn newest_after(&mut self, timeline: u32, at: &impl Histories) -> Result<u32, Halt> {
        let mut newest = timeline;
        while newest < timeline.saturating_add(TIMELINES_TRIED)
            && self.history(newest + 1, at).await?.is_some()
        {
            newest += 1;
        }
        Ok(newest)
    }

    async fn history(&mut self, timeline: u32, at: &impl Histories) -> Result<Option<History>, Halt> {
        if let Some(known) = self.known.get(&timeline) {
            return Ok(known.clone());
        }
        // The first timeline of all has none.
        let text = if timeline == 1 { None } else { at.history(timeline).await? };
        let history = text.as_deref().map(History::read);
        self.known.insert(timeline, history.clone());
        Ok(history)
    }

    /// What is to be added to a backup that was chosen in place of newer ones. It is a warning where nobody has said
    /// which branch counts.
    pub(super) fn remark(&self, finding: Finding) -> Finding {
        if self.passed_over.is_empty() {
            return finding;
        }
        let observed =
            format!("{}; newer ones are passed over: {}", finding.observed, self.passed_over.join("; "));
        match self.followed {
            "latest" => crate::checks::BACKUP_CHOSEN
                .warned(finding.subject)
                .expected(finding.expected)
                .observed(observed)
                .remedy("If the other branch is the one that counts, name it with --target-timeline."),
            _ => finding.observed(observed),
        }
    }

    /// What is to be said where none was left.
    pub(super) fn explain(&self, finding: Finding) -> Finding {
        match self.passed_over.is_empty() {
            true => finding,
            false => {
                let observed = format!(
                    "none of them is on the way to timeline {}: {}",
                    self.followed,
                    self.passed_over.join("; ")
                );
                finding.observed(observed).remedy("name the timeline that counts with --target-timeline")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kept(&'static [(u32, &'static str)]);

    impl Histories for Kept {
        async fn history(&self, timeline: u32) -> Result<Option<String>, Halt> {
            Ok(self.0.iter().find(|(known, _)| *known == timeline).map(|(_, text)| (*text).to_owned()))
        }
    }

    const KEPT: Kept = Kept(&[(2, "1\t0/50\tx\n"), (3, "1\t0/50\tx\n2\t0/70\tx\n")]);

    #[tokio::test]
    async fn only_backups_on_the_way_to_the_timeline_are_taken() {
        for (followed, timeline, end, taken) in [
            ("latest", 1, 0x50, true),
            ("latest", 1, 0x51, false),
            ("latest", 2, 0x70, true),
            ("latest", 2, 0x71, false),
            ("latest", 3, 0xFFFF, true),
            ("current", 1, 0xFFFF, true),
            ("1", 1, 0xFFFF, true),
            ("1", 2, 0x60, false),
            ("2", 1, 0x51, false),
            ("2", 2, 0xFFFF, true),
            ("2", 3, 0xFFFF, false),
            ("9", 1, 0xFFFF, true),
        ] {
            let mut branches = Branches::to(followed);
            let backup = Taken { label: "x", timeline: Some(timeline), end: Some(Lsn(end)) };
            assert_eq!(
                branches.lead_over(backup, &KEPT).await.unwrap(),
                taken,
                "{followed} {timeline} {end:X}"
            );
        }
    }

    #[tokio::test]
    async fn a_newer_backup_that_is_passed_over_is_told_and_warned_of_where_nobody_said_which_branch_counts()
    {
        for (followed, outcome) in [
            ("latest", evidence_report::record::Outcome::Warned),
            ("2", evidence_report::record::Outcome::Passed),
        ] {
            let mut branches = Branches::to(followed);
            let lost = Taken { label: "lost", timeline: Some(1), end: Some(Lsn(0x51)) };
            assert!(!branches.lead_over(lost, &KEPT).await.unwrap());
            let finding = branches.remark(crate::checks::BACKUP_CHOSEN.passed("good").observed("finished"));
            assert_eq!(finding.outcome, outcome);
            assert!(
                finding.observed.contains("lost: it was taken on timeline 1 to 0/51"),
                "{}",
                finding.observed
            );
        }
    }
}
