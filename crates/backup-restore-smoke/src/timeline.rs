//! The timelines that a recovery goes through, and whether a backup lies on the way. A place in the write-ahead log
//! means other rows on each branch, so that nothing may be taken from a branch that was left. Pure: no file is read.

use crate::wal::{History, Lsn, Segment};

/// The way to one timeline: which were left where, and the one at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lineage {
    pub(crate) history: History,
    pub(crate) last: u32,
}

/// How a backup lies to a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Recovery can begin with it.
    OnTheWay,
    /// The way left the backup's timeline at this place, before the backup's end.
    LeftBefore(Lsn),
    /// The way does not lead over the backup's timeline.
    Elsewhere,
}

impl Lineage {
    /// Where a backup stands that was taken on this timeline and ended at this place. Of an unknown end only the
    /// timeline counts.
    pub(crate) fn standing(&self, timeline: u32, end: Option<Lsn>) -> Standing {
        if timeline == self.last {
            return Standing::OnTheWay;
        }
        let left = self.history.0.iter().find(|(known, _)| *known == timeline).map(|(_, left)| *left);
        match (left, end) {
            (None, _) => Standing::Elsewhere,
            (Some(left), Some(end)) if left < end => Standing::LeftBefore(left),
            (Some(_), _) => Standing::OnTheWay,
        }
    }

    /// Why recovery cannot begin with such a backup, in words; `None` where it can.
    pub(crate) fn objection(&self, timeline: u32, end: Option<Lsn>) -> Option<String> {
        let last = self.last;
        match self.standing(timeline, end) {
            Standing::OnTheWay => None,
            Standing::LeftBefore(left) => Some(format!(
                "it was taken on timeline {timeline} to {}, and the way to timeline {last} leaves that at {left}",
                end.map_or_else(|| "its end".to_owned(), |end| end.to_string())
            )),
            Standing::Elsewhere if timeline > last => {
                Some(format!("it was taken on timeline {timeline}, which began after timeline {last}"))
            }
            Standing::Elsewhere => Some(format!(
                "it was taken on timeline {timeline}, over which no way leads to timeline {last}"
            )),
        }
    }

    /// The way to a place, in words: `3 (1 until 0/5000000, 2 until 0/7000028)`.
    pub(crate) fn way(&self, place: Lsn) -> String {
        let left: Vec<_> = self.history.0.iter().take_while(|(_, left)| *left < place).collect();
        let on = self.history.0.get(left.len()).map_or(self.last, |(timeline, _)| *timeline);
        let before: Vec<_> = left.iter().map(|(timeline, left)| format!("{timeline} until {left}")).collect();
        if before.is_empty() { on.to_string() } else { format!("{on} ({})", before.join(", ")) }
    }

    /// The names under which a segment may stand: on the timeline in effect at its end, or at its beginning.
    pub(crate) fn names(&self, number: u64, segment_bytes: u64) -> Vec<String> {
        let start = Segment { timeline: 1, number }.start(segment_bytes);
        let end = Lsn(start.0.saturating_add(segment_bytes - 1));
        let mut timelines =
            vec![self.history.timeline_at(end, self.last), self.history.timeline_at(start, self.last)];
        timelines.dedup();
        timelines.into_iter().map(|timeline| Segment { timeline, number }.name(segment_bytes)).collect()
    }
}

/// The file name of a timeline's history.
pub(crate) fn history_name(timeline: u32) -> String {
    format!("{timeline:08X}.history")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB16: u64 = 16 << 20;

    fn to_three() -> Lineage {
        Lineage { history: History::read("1\t0/5000000\tx\n2\t0/7000028\tx\n"), last: 3 }
    }

    #[test]
    fn a_backup_lies_on_the_way_up_to_the_place_at_which_its_timeline_was_left() {
        for (timeline, end, standing) in [
            (1, 0x4FF_FFFF, Standing::OnTheWay),
            (1, 0x500_0000, Standing::OnTheWay),
            (1, 0x500_0001, Standing::LeftBefore(Lsn(0x500_0000))),
            (2, 0x700_0028, Standing::OnTheWay),
            (2, 0x700_0029, Standing::LeftBefore(Lsn(0x700_0028))),
            (3, u64::MAX, Standing::OnTheWay),
            (4, 0, Standing::Elsewhere),
        ] {
            assert_eq!(to_three().standing(timeline, Some(Lsn(end))), standing, "{timeline} {end:X}");
        }
        assert_eq!(to_three().standing(1, None), Standing::OnTheWay);
        // A clone was promoted from timeline 1, beside timeline 2.
        let clone = Lineage { history: History::read("1\t0/5000000\tx\n"), last: 3 };
        assert_eq!(clone.standing(2, Some(Lsn(0))), Standing::Elsewhere);
        assert!(clone.objection(2, None).unwrap().contains("no way leads"));
        assert!(to_three().objection(4, None).unwrap().contains("began after"));
    }

    #[test]
    fn the_way_is_told_up_to_a_place() {
        for (place, way) in [
            (0x500_0000, "1"),
            (0x500_0001, "2 (1 until 0/5000000)"),
            (0x700_0029, "3 (1 until 0/5000000, 2 until 0/7000028)"),
        ] {
            assert_eq!(to_three().way(Lsn(place)), way);
        }
    }

    #[test]
    fn at_a_fork_both_names_are_tried_the_newer_first() {
        let history = History::read("1\t0/3800000\tx\n");
        let names = |number| Lineage { history: history.clone(), last: 2 }.names(number, MIB16);
        assert_eq!(names(2), ["000000010000000000000002"]);
        assert_eq!(names(3), ["000000020000000000000003", "000000010000000000000003"]);
        assert_eq!(names(4), ["000000020000000000000004"]);
    }
}
