//! Which files of the write-ahead log a recovery will ask for, brought one by one from an archive that is only
//! reached through a tool. It knows no tool, and no server: the recovering server asks nobody but the landing.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use evidence_report::{record::Finding, run::Run};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    base_backup::Label,
    passed::Mark,
    physical::{Chosen, Landing},
};
use crate::{
    checks::{BACKUP_WAL, ENVIRONMENT, RECOVERY_TIMELINE},
    halt::Halt,
    plan::{Recovery, RecoveryTarget},
    programs::Programs,
    timeline::{Lineage, history_name},
    wal::{History, Lsn, Segment},
    wording::counted,
};

/// No cluster has changed its timeline more often since its oldest backup.
const TIMELINES_TRIED: u32 = 1000;

/// Behind a segment that is missing, so many are asked for: a gap is no end.
const LOOKED_BEHIND: u64 = 2;

/// So many segments are brought before they are looked into for the target.
const LOOKED_INTO: usize = 16;

/// Whether an archive has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has been brought.
    Brought,
    /// It is not there.
    Absent,
}

/// An archive that brings one file when asked for it by its name.
pub(super) trait Archive {
    /// Brings the file to this place.
    ///
    /// # Errors
    /// A finding when the archive has it and cannot give it, or that the run was asked to stop.
    async fn bring(&self, file: &str, to: &Path) -> Result<Answer, Halt>;
}

/// From where to where recovery reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    /// The timeline of the backup, and where it begins.
    pub(super) timeline: u32,
    pub(super) start: Lsn,
    pub(super) segment_bytes: u64,
    /// Where the backup ended, where that is known.
    pub(super) end: Option<Lsn>,
    /// Up to here everything must be there.
    pub(super) needed: Option<Lsn>,
    /// Behind this place nothing is needed.
    pub(super) enough: Option<Lsn>,
    /// The newest segment of the archive, where its tool tells.
    pub(super) newest: Option<Segment>,
    /// `latest`, `current`, or a number.
    pub(super) followed: &'a str,
}

impl<'a> Reach<'a> {
    /// What a backup and a target ask for.
    pub(super) fn of(chosen: &Chosen, recovery: &'a Recovery, start: (u32, Lsn), segment_bytes: u64) -> Self {
        let (needed, enough) = match &recovery.target {
            RecoveryTarget::Consistent => (chosen.stop_lsn, chosen.stop_lsn),
            RecoveryTarget::Lsn(place) => (Some(*place), Some(*place)),
            RecoveryTarget::End { expected } => (Some(*expected), None),
            RecoveryTarget::Time(_) | RecoveryTarget::Name(_) => (chosen.stop_lsn, None),
        };
        Self {
            timeline: start.0,
            start: start.1,
            segment_bytes,
            end: chosen.stop_lsn,
            needed: needed.max(chosen.stop_lsn),
            enough: enough.map(|enough| enough.max(chosen.stop_lsn.unwrap_or(enough))),
            newest: None,
            followed: &recovery.timeline,
        }
    }

    fn first(&self) -> u64 {
        Segment::holding(self.timeline, self.start, self.segment_bytes).number
    }

    /// The number of the segment in which a place ends; a place at a border belongs to what lies before it.
    fn number_before(&self, place: Lsn) -> u64 {
        Segment::holding(self.timeline, Lsn(place.0.saturating_sub(1)), self.segment_bytes).number
    }

    /// The newest segment that is of use: the one behind the last place too, because a target is only passed when
    /// a record behind it is read.
    fn last(&self) -> u64 {
        self.enough.map_or(u64::MAX, |place| self.number_before(place) + 1)
    }

    /// Whether a missing segment leaves a hole, rather than being the archive's end.
    fn must_have(&self, number: u64) -> bool {
        let known = self.newest.map(|segment| segment.number).filter(|newest| *newest <= self.last());
        let needed = self.needed.map(|place| self.number_before(place));
        known.max(needed).is_some_and(|last| number <= last)
    }
}

/// Where the files go, and how the target is known in them.
pub(super) struct Into<'a> {
    pub(super) landing: &'a Landing,
    pub(super) programs: &'a Programs,
    pub(super) mark: Option<Mark>,
    pub(super) at_once: usize,
}

/// Brings histories and segments into the landing, a few at a time; says how many segments that were.
///
/// # Errors
/// A finding that names the file that is missing or cannot be given, that space runs out, or that the run was asked
/// to stop.
pub(super) async fn bring(
    run: &Run,
    archive: &impl Archive,
    reach: Reach<'_>,
    into: &Into<'_>,
) -> Result<u64, Halt> {
    let lineage = histories(archive, &reach, into.landing).await?;
    // Of the archive's newest segment only that counts which lies on the timeline that is followed.
    let reach = Reach { newest: reach.newest.filter(|segment| segment.timeline == lineage.last), ..reach };
    let known = reach.enough.map(|_| reach.last()).or(reach.newest.map(|newest| newest.number));
    let whole =
        known.map(|last| (last + 1).saturating_sub(reach.first()).saturating_mul(reach.segment_bytes));
    let bar = run.progress().bytes(whole, "write-ahead log");
    let mut brought = 0;
    let mut unseen: Vec<PathBuf> = Vec::new();
    let mut next = reach.first();
    while next <= reach.last() {
        if run.stop().is_requested() {
            return Err(Halt::Stopped);
        }
        refuse_without_space(into.landing, reach.segment_bytes.saturating_mul(into.at_once as u64))?;
        let end = next.saturating_add(into.at_once as u64 - 1).min(reach.last());
        let batch: Vec<Option<PathBuf>> = stream::iter(next..=end)
            .map(|number| segment(archive, &reach, &lineage, into.landing, number))
            .buffered(into.at_once)
            .try_collect()
            .await?;
        let length = batch.len();
        let here: Vec<_> = batch.into_iter().map_while(|path| path).collect();
        brought += here.len() as u64;
        bar.set(brought.saturating_mul(reach.segment_bytes));
        let gap = here.len() < length;
        let absent = next + here.len() as u64;
        unseen.extend(here);
        if (gap || unseen.len() >= LOOKED_INTO) && has_passed(run, into, &mut unseen).await {
            return Ok(brought);
        }
        if gap {
            refuse_gap(archive, &reach, &lineage, into.landing, absent).await?;
            return Ok(brought);
        }
        next = end.saturating_add(1);
    }
    Ok(brought)
}

/// Looks into the segments that were not looked into yet.
async fn has_passed(run: &Run, into: &Into<'_>, unseen: &mut Vec<PathBuf>) -> bool {
    let Some(mark) = &into.mark else { return false };
    for path in unseen.drain(..) {
        if mark.stands_in(run, into.programs, &path).await {
            return true;
        }
    }
    false
}

async fn histories(archive: &impl Archive, reach: &Reach<'_>, landing: &Landing) -> Result<Lineage, Halt> {
    let name = history_name;
    let mut last = reach.timeline;
    let until = match reach.followed {
        "current" => reach.timeline,
        "latest" => reach.timeline.saturating_add(TIMELINES_TRIED),
        number => number.parse().unwrap_or(reach.timeline),
    };
    if until < reach.timeline {
        refuse_other_branch(&Lineage { history: History::default(), last: until }, reach)?;
    }
    for timeline in reach.timeline..=until {
        // The first timeline of all has no history.
        if timeline == 1 {
            continue;
        }
        let answer = archive.bring(&name(timeline), &landing.wal.join(name(timeline))).await?;
        match answer {
            Answer::Brought => last = timeline,
            Answer::Absent if timeline == reach.timeline => {}
            Answer::Absent if reach.followed == "latest" => break,
            Answer::Absent => {}
        }
    }
    if let Ok(number) = reach.followed.parse::<u32>()
        && number != last
    {
        return Err(missing(&name(number)).remedy("name a timeline that the archive has").into());
    }
    let text = std::fs::read_to_string(landing.wal.join(name(last))).unwrap_or_default();
    let lineage = Lineage { history: History::read(&text), last };
    refuse_other_branch(&lineage, reach)?;
    Ok(lineage)
}

/// Brings one segment; says where it is now, where the archive has it.
async fn segment(
    archive: &impl Archive,
    reach: &Reach<'_>,
    lineage: &Lineage,
    landing: &Landing,
    number: u64,
) -> Result<Option<PathBuf>, Halt> {
    for name in lineage.names(number, reach.segment_bytes) {
        let path = landing.wal.join(&name);
        if archive.bring(&name, &path).await? == Answer::Brought {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// A segment that is missing is the archive's end only when nothing is needed from there on, and nothing stands
/// behind it.
async fn refuse_gap(
    archive: &impl Archive,
    reach: &Reach<'_>,
    lineage: &Lineage,
    landing: &Landing,
    absent: u64,
) -> Result<(), Halt> {
    let mut is_hole = reach.must_have(absent);
    for behind in absent + 1..=(absent + LOOKED_BEHIND).min(reach.last()) {
        is_hole = is_hole || segment(archive, reach, lineage, landing, behind).await?.is_some();
    }
    match is_hole {
        true => Err(missing(&lineage.names(absent, reach.segment_bytes).swap_remove(0)).into()),
        false => Ok(()),
    }
}

/// Recovery along a timeline can only begin with a backup that lies on the way to it.
fn refuse_other_branch(lineage: &Lineage, reach: &Reach<'_>) -> Result<(), Halt> {
    match lineage.objection(reach.timeline, reach.end) {
        None => Ok(()),
        Some(why) => Err(RECOVERY_TIMELINE
            .failed(format!("timeline {}", lineage.last))
            .expected(format!("a backup from which a way leads to timeline {}", lineage.last))
            .observed(why)
            .into()),
    }
}

/// Says that a file of the write-ahead log is lost.
pub(super) fn missing(name: &str) -> Finding {
    BACKUP_WAL
        .failed(name)
        .expected("every file of the write-ahead log from the backup to the target")
        .observed("the archive does not have it: nothing behind it can be recovered")
}

fn refuse_without_space(landing: &Landing, bytes: u64) -> Result<(), Halt> {
    let Ok(space) = rustix::fs::statvfs(&landing.wal) else { return Ok(()) };
    let (free, total) = (space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize);
    if free >= bytes.saturating_add(total / 10) {
        return Ok(());
    }
    Err(ENVIRONMENT
        .inconclusive("space for the write-ahead log")
        .expected("a tenth of the file system stays free")
        .observed(format!("{} free", counted(free, "byte")))
        .remedy("name a folder with more space with --scratch, or a target nearer to the backup")
        .into())
}

/// Takes away the segments that a tool brought and that lie behind the target: what stands in them is none of this
/// recovery's business.
///
/// # Errors
/// When a folder cannot be read or changed.
pub(super) async fn cut(run: &Run, reach: &Reach<'_>, into: &Into<'_>) -> std::io::Result<()> {
    let mut all: Vec<(Segment, PathBuf)> = Vec::new();
    for folder in [into.landing.data.join("pg_wal"), into.landing.wal.clone()] {
        for entry in fs_err::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            all.extend(Segment::from_name(&name, reach.segment_bytes).map(|segment| (segment, path)));
        }
    }
    all.sort_by_key(|(segment, _)| (segment.number, segment.timeline));
    let lineage = lineage_there(reach, into.landing);
    let here: BTreeSet<_> = all.iter().map(|(segment, _)| segment.name(reach.segment_bytes)).collect();
    let mut last = reach.last();
    for (segment, path) in all {
        // A branch that was left passes the target's time too, and says nothing of the one that is followed; where it
        // was left the segment is there on both.
        let names = lineage.names(segment.number, reach.segment_bytes);
        let is_followed =
            names.iter().find(|name| here.contains(*name)) == Some(&segment.name(reach.segment_bytes));
        if segment.number > last {
            fs_err::remove_file(&path)?;
        } else if last == u64::MAX
            && is_followed
            && let Some(mark) = &into.mark
            && mark.stands_in(run, into.programs, &path).await
        {
            last = segment.number;
        }
    }
    Ok(())
}

/// The timelines that recovery will go through, by the histories that a tool has brought.
fn lineage_there(reach: &Reach<'_>, landing: &Landing) -> Lineage {
    let read = |timeline: u32| {
        let places = [
            landing.wal.join(history_name(timeline)),
            landing.data.join("pg_wal").join(history_name(timeline)),
        ];
        places.iter().find_map(|path| std::fs::read_to_string(path).ok())
    };
    let last = match reach.followed {
        "current" => reach.timeline,
        "latest" => (reach.timeline..)
            .take_while(|timeline| *timeline == reach.timeline || read(*timeline).is_some())
            .last()
            .unwrap_or(reach.timeline),
        number => number.parse().unwrap_or(reach.timeline),
    };
    Lineage { history: History::read(&read(last).unwrap_or_default()), last }
}

/// Where recovery begins, as the backup's own label says: timeline and place.
pub(super) fn start_of(data: &Path) -> Option<(u32, Lsn)> {
    let label = Label::read(&std::fs::read_to_string(data.join("backup_label")).ok()?);
    label.timeline.zip(label.start_lsn)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB16: u64 = 16 << 20;

    fn reach(enough: Option<u64>, needed: Option<u64>) -> Reach<'static> {
        Reach {
            timeline: 1,
            start: Lsn(2 * MIB16 + 0x28),
            segment_bytes: MIB16,
            end: None,
            needed: needed.map(Lsn),
            enough: enough.map(Lsn),
            newest: None,
            followed: "latest",
        }
    }

    #[test]
    fn the_segment_behind_a_place_is_fetched_too_and_not_needed() {
        let exact = reach(Some(4 * MIB16), Some(4 * MIB16));
        assert_eq!(
            (exact.first(), exact.last()),
            (2, 4),
            "a place at a border belongs to what lies before it"
        );
        assert!(exact.must_have(3) && !exact.must_have(4));
        let within = reach(Some(4 * MIB16 + 1), Some(4 * MIB16 + 1));
        assert_eq!(within.last(), 5);
        assert!(within.must_have(4) && !within.must_have(5));
    }

    #[test]
    fn what_lies_before_the_archives_newest_is_a_hole() {
        let newest = |number| Some(Segment { timeline: 1, number });
        let open = Reach { newest: newest(9), ..reach(None, None) };
        assert!(open.must_have(8) && open.must_have(9) && !open.must_have(10));
        let bounded = Reach { newest: newest(9), ..reach(Some(4 * MIB16), Some(4 * MIB16)) };
        assert!(!bounded.must_have(4), "behind the target nothing is needed");
    }
}
