//! A shelf of segments: whether the write-ahead log is whole from the backup's start to the target. PostgreSQL
//! itself takes the first gap for the end of the log, and starts without a word.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use evidence_report::record::Finding;

use crate::{
    checks::BACKUP_WAL,
    timeline::{Lineage, history_name},
    wal::{History, Lsn, Segment},
    wording::counted,
};

/// The first bytes of a segment (`XLogLongPageHeaderData`).
const HEADER_BYTES: usize = 40;

/// What to do where the log ends before the segment.
const NOT_YET: &str = "It may not have been archived yet: SELECT pg_switch_wal() on the source closes it (archive_timeout does so \
                       by itself, and bounds what an incident costs); rehearse when it has arrived. If it does not arrive, \
                       find out why: until then an incident loses what is in it.";

/// What is wrong with a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// So many bytes instead of a whole segment.
    Length(u64),
    /// Its head says that it is another one.
    Head(&'static str),
}

/// The segments that recovery may ask for.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    segment_bytes: u64,
    segments: BTreeMap<Segment, Option<Fault>>,
    histories: BTreeMap<u32, History>,
}

/// Which part of the log is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needed {
    /// Where recovery begins, and on which timeline.
    pub(crate) start: Lsn,
    pub(crate) timeline: u32,
    /// Where it ends; unknown for a time or a name, then everything that is there must be whole.
    pub(crate) end: Option<Lsn>,
}

impl Shelf {
    /// Looks at every segment of a folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn look(folder: &Path, segment_bytes: u64, system_identifier: &str) -> io::Result<Self> {
        let (mut segments, mut histories) = (BTreeMap::new(), BTreeMap::new());
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(segment) = Segment::from_name(&name, segment_bytes) {
                let fault = look_at(&path, segment, segment_bytes, system_identifier)?;
                segments.insert(segment, fault);
            } else if let Some(timeline) = name.strip_suffix(".history")
                && let Ok(timeline) = u32::from_str_radix(timeline, 16)
            {
                histories.insert(timeline, History::read(&fs_err::read_to_string(&path)?));
            }
        }
        Ok(Self { folder: folder.to_owned(), segment_bytes, segments, histories })
    }

    /// Where the segments lie.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file name of a segment.
    pub(crate) fn name(&self, segment: Segment) -> String {
        segment.name(self.segment_bytes)
    }

    /// Whether the segment holds this place.
    pub(crate) fn holds(&self, segment: &Segment, place: Lsn) -> bool {
        Segment::holding(segment.timeline, place, self.segment_bytes) == *segment
    }

    /// Unbroken runs of segments from a place on, each on one timeline: first and last.
    pub(crate) fn runs(&self, start: Lsn) -> Vec<(Segment, Segment)> {
        let first = Segment::holding(0, start, self.segment_bytes).number;
        let mut runs: Vec<(Segment, Segment)> = Vec::new();
        for segment in self.segments.keys().filter(|segment| segment.number >= first) {
            match runs.last_mut() {
                Some((_, last)) if last.timeline == segment.timeline && last.number + 1 == segment.number => {
                    *last = *segment;
                }
                _ => runs.push((*segment, *segment)),
            }
        }
        runs
    }

    /// Judges whether what is needed is there and whole. `followed` is the timeline that recovery follows to.
    pub(crate) fn judge(&self, needed: Needed, followed: Option<u32>) -> Finding {
        let Lineage { history, last: last_timeline } = self.lineage(needed.timeline, followed);
        let first = Segment::holding(needed.timeline, needed.start, self.segment_bytes).number;
        let last = match needed.end {
            // A place at the very start of a segment ends in the one before it.
            Some(end) => Lsn(end.0.saturating_sub(1)).0 / self.segment_bytes,
            None => self.last_on(&history, last_timeline).unwrap_or(first),
        };
        let until = needed.end.map_or_else(|| "the end of what is there".to_owned(), |end| end.to_string());
        let expected = format!("every segment from {} to {until}", needed.start);
        let last = last.max(first);
        if let Some(lost) = self.gap_of_histories(last_timeline, followed) {
            let observed = format!(
                "a later timeline has one, and this one is missing: PostgreSQL looks for one after the other, and would \
                 go on along timeline {last_timeline}, which was left"
            );
            return BACKUP_WAL.failed(history_name(lost)).expected(expected).observed(observed);
        }
        if let Some(lost) = self.lost_history(needed, first, last_timeline, followed) {
            let observed = format!(
                "segments of timeline {lost} are there, and not the history that says where it begins: recovery \
                 would go on along timeline {last_timeline}, which was left"
            );
            return BACKUP_WAL.failed(history_name(lost)).expected(expected).observed(observed);
        }
        for number in first..=last {
            let begins = Segment { timeline: 0, number }.start(self.segment_bytes);
            let ends = Lsn(begins.0 + self.segment_bytes - 1);
            // A segment in which the timeline was left is there on both.
            let on = [history.timeline_at(begins, last_timeline), history.timeline_at(ends, last_timeline)];
            let there = on.iter().rev().find_map(|timeline| {
                let segment = Segment { timeline: *timeline, number };
                self.segments.get(&segment).map(|fault| (segment, fault.clone()))
            });
            let wanted = Segment { timeline: on[1], number };
            let observed = match there {
                None if self.is_behind_all(number) => {
                    return BACKUP_WAL
                        .failed(self.name(wanted))
                        .expected(expected)
                        .observed("the segment is missing, and so is every later one")
                        .remedy(NOT_YET);
                }
                None => "the segment is missing".to_owned(),
                Some((_, None)) => continue,
                Some((_, Some(Fault::Length(bytes)))) => {
                    format!("the segment has {bytes} of {} bytes", self.segment_bytes)
                }
                Some((_, Some(Fault::Head(what)))) => format!("the segment's head does not fit: {what}"),
            };
            return BACKUP_WAL.failed(self.name(wanted)).expected(expected).observed(observed);
        }
        let count = counted(last - first + 1, "segment");
        BACKUP_WAL
            .passed("write-ahead log")
            .expected(expected)
            .observed(format!("{count}, none missing or cut"))
    }

    /// Whether the shelf ends before this segment, as while it is still being written to.
    fn is_behind_all(&self, number: u64) -> bool {
        self.segments.keys().all(|segment| segment.number < number)
    }

    /// The last segment on the way to a timeline. A branch that was left may be longer.
    fn last_on(&self, history: &History, last_timeline: u32) -> Option<u64> {
        let on_the_way = |segment: &&Segment| {
            let begins = segment.start(self.segment_bytes);
            let ends = Lsn(begins.0 + self.segment_bytes - 1);
            [begins, ends].map(|place| history.timeline_at(place, last_timeline)).contains(&segment.timeline)
        };
        self.segments.keys().filter(on_the_way).map(|segment| segment.number).max()
    }

    /// A later timeline of which segments are there and no history. Whoever asks for the newest, or for that one,
    /// would be led along the old branch, whose places mean other rows.
    fn lost_history(&self, needed: Needed, first: u64, last: u32, followed: Option<u32>) -> Option<u32> {
        let wanted = |timeline: u32| followed.map_or(timeline > last, |followed| timeline == followed);
        let later = self.segments.keys().filter(|segment| segment.number >= first);
        let mut lost = later.map(|segment| segment.timeline).filter(|timeline| {
            *timeline > needed.timeline && wanted(*timeline) && !self.histories.contains_key(timeline)
        });
        lost.next()
    }

    /// The timelines that recovery goes through from a backup of this one; to the newest where none is named.
    pub(crate) fn lineage(&self, from: u32, followed: Option<u32>) -> Lineage {
        let last = followed.unwrap_or_else(|| self.newest_timeline(from));
        Lineage { history: self.histories.get(&last).cloned().unwrap_or_default(), last }
    }

    /// Whether it is known where a timeline began: the first of all has no history.
    pub(crate) fn knows(&self, timeline: u32) -> bool {
        timeline == 1 || self.histories.contains_key(&timeline)
    }

    /// The newest timeline as PostgreSQL looks for it: each next one, until one has no history.
    fn newest_timeline(&self, from: u32) -> u32 {
        let mut newest = from;
        while self.histories.contains_key(&(newest + 1)) {
            newest += 1;
        }
        newest
    }

    /// The history that is missing between the newest that is found and a later one.
    fn gap_of_histories(&self, newest: u32, followed: Option<u32>) -> Option<u32> {
        let later = self.histories.keys().any(|timeline| *timeline > newest);
        (followed.is_none() && later).then_some(newest + 1)
    }
}

/// Compares length and head of a segment with its name.
fn look_at(
    path: &Path,
    segment: Segment,
    segment_bytes: u64,
    system_identifier: &str,
) -> io::Result<Option<Fault>> {
    let bytes = fs_err::metadata(path)?.len();
    if bytes != segment_bytes {
        return Ok(Some(Fault::Length(bytes)));
    }
    let mut head = [0; HEADER_BYTES];
    fs_err::File::open(path)?.read_exact(&mut head)?;
    Ok(fault_of(&head, segment, segment_bytes, system_identifier).map(Fault::Head))
}

/// The head is written in the byte order of the machine, which is ours: files of another do not start here.
fn fault_of(
    head: &[u8; HEADER_BYTES],
    segment: Segment,
    segment_bytes: u64,
    system_identifier: &str,
) -> Option<&'static str> {
    let u32_at = |at: usize| head[at..at + 4].try_into().map(u32::from_ne_bytes).unwrap_or_default();
    let u64_at = |at: usize| head[at..at + 8].try_into().map(u64::from_ne_bytes).unwrap_or_default();
    if u64_at(8) != segment.start(segment_bytes).0 {
        return Some("it is of another place in the log");
    }
    if u32_at(4) > segment.timeline {
        return Some("it is of a later timeline");
    }
    // The one that was left unfinished at a promotion begins with its parent's head.
    if u64_at(24).to_string() != system_identifier {
        return Some("it is of another cluster");
    }
    (u64::from(u32_at(32)) != segment_bytes).then_some("its segments have another size")
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    const BYTES: u64 = 1 << 20;

    fn head(timeline: u32, number: u64) -> [u8; HEADER_BYTES] {
        let mut head = [0; HEADER_BYTES];
        head[4..8].copy_from_slice(&timeline.to_ne_bytes());
        head[8..16].copy_from_slice(&(number * BYTES).to_ne_bytes());
        head[24..32].copy_from_slice(&77_u64.to_ne_bytes());
        head[32..36].copy_from_slice(&(BYTES as u32).to_ne_bytes());
        head
    }

    fn shelf(segments: &[(u32, u64)], histories: &[(u32, &str)]) -> Shelf {
        Shelf {
            folder: PathBuf::new(),
            segment_bytes: BYTES,
            segments: segments
                .iter()
                .map(|&(timeline, number)| (Segment { timeline, number }, None))
                .collect(),
            histories: histories.iter().map(|&(timeline, text)| (timeline, History::read(text))).collect(),
        }
    }

    fn needed(start: u64, end: Option<u64>) -> Needed {
        Needed { start: Lsn(start), timeline: 1, end: end.map(Lsn) }
    }

    #[test]
    fn a_gap_before_the_end_is_named_and_one_behind_it_does_not_matter() {
        let shelf = shelf(&[(1, 2), (1, 3), (1, 5)], &[]);
        for (end, outcome, subject) in [
            (Some(4 * BYTES), Outcome::Passed, "write-ahead log"),
            (Some(4 * BYTES + 1), Outcome::Failed, "000000010000000000000004"),
            (None, Outcome::Failed, "000000010000000000000004"),
        ] {
            let finding = shelf.judge(needed(2 * BYTES + 40, end), None);
            assert_eq!((finding.outcome, finding.subject.as_str()), (outcome, subject), "{end:?}");
        }
        assert_eq!(shelf.judge(needed(BYTES, Some(BYTES + 9)), None).outcome, Outcome::Failed);
        // The one that is still written to is missing in another way than one in between.
        let offers_to_switch = |segments: &[(u32, u64)]| {
            let finding = self::shelf(segments, &[]).judge(needed(2 * BYTES, Some(5 * BYTES)), None);
            (finding.outcome, finding.remedy.contains("pg_switch_wal()"))
        };
        assert_eq!(offers_to_switch(&[(1, 2), (1, 3)]), (Outcome::Failed, true));
        assert_eq!(offers_to_switch(&[(1, 2), (1, 3), (1, 5)]), (Outcome::Failed, false));
    }

    #[test]
    fn a_change_of_timeline_is_followed() {
        let left_at = format!("1\t{}\tpromoted\n", Lsn(3 * BYTES + 100));
        let all = shelf(&[(1, 2), (2, 3), (2, 4)], &[(2, &left_at)]);
        assert_eq!(all.judge(needed(2 * BYTES, None), None).outcome, Outcome::Passed);
        // On the old timeline the log ends before segment 3.
        assert_eq!(all.judge(needed(2 * BYTES, Some(4 * BYTES)), Some(1)).outcome, Outcome::Failed);
        // The old branch went on for longer.
        let longer = shelf(&[(1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 3), (2, 4)], &[(2, &left_at)]);
        assert_eq!(longer.judge(needed(2 * BYTES, None), None).outcome, Outcome::Passed);
        let lost = shelf(&[(1, 2), (1, 3), (2, 5)], &[(2, &left_at)]);
        assert_eq!(lost.judge(needed(2 * BYTES, None), None).subject, "000000020000000000000004");
    }

    #[test]
    fn a_later_timeline_without_its_history_is_told() {
        let left_at = format!("1\t{}\tpromoted\n", Lsn(3 * BYTES + 100));
        let both = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4)];
        let judged = |histories: &[(u32, &str)], followed| {
            shelf(&both, histories).judge(needed(2 * BYTES, Some(4 * BYTES)), followed)
        };
        assert_eq!(judged(&[(2, &left_at)], None).outcome, Outcome::Passed);
        for followed in [None, Some(2)] {
            let lost = judged(&[], followed);
            assert_eq!((lost.outcome, lost.subject.as_str()), (Outcome::Failed, "00000002.history"));
        }
        assert_eq!(judged(&[], Some(1)).outcome, Outcome::Passed, "who asks for the old branch gets it");
        let gap = judged(&[(3, &left_at)], None);
        assert_eq!((gap.outcome, gap.subject.as_str()), (Outcome::Failed, "00000002.history"));
    }

    #[test]
    fn heads_are_held_against_names() {
        let fault = |head: [u8; HEADER_BYTES], timeline, number| {
            fault_of(&head, Segment { timeline, number }, BYTES, "77").is_some()
        };
        assert!(!fault(head(1, 5), 1, 5));
        assert!(!fault(head(1, 5), 2, 5));
        assert!(fault(head(2, 5), 1, 5));
        assert!(fault(head(1, 4), 1, 5));
        assert!(fault_of(&head(1, 5), Segment { timeline: 1, number: 5 }, BYTES, "78").is_some());
        assert!(fault([0; HEADER_BYTES], 1, 5));
    }

    #[test]
    fn runs_are_unbroken_and_on_one_timeline() {
        let shelf = shelf(&[(1, 1), (1, 2), (1, 3), (1, 5), (2, 5), (2, 6)], &[]);
        let of = |timeline, number| Segment { timeline, number };
        let wanted = [(of(1, 2), of(1, 3)), (of(1, 5), of(1, 5)), (of(2, 5), of(2, 6))];
        assert_eq!(shelf.runs(Lsn(2 * BYTES + 5)), wanted);
    }
}
