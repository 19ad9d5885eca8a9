//! Places in the write-ahead log, the names of its segments, and timelines' histories. Pure: no file is read.

use std::{fmt, str::FromStr};

/// A place in the write-ahead log, for example `0/3000060`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lsn(pub(crate) u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl FromStr for Lsn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let half = |part: &str| {
            let plain = (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u64::from_str_radix(part, 16).ok()).flatten()
        };
        let halves = text.trim().split_once('/').map(|(high, low)| (half(high), half(low)));
        match halves {
            Some((Some(high), Some(low))) => Ok(Self(high << 32 | low)),
            _ => Err(format!("'{text}' is no place in the write-ahead log; write it as in 0/3000060")),
        }
    }
}

impl serde::Serialize for Lsn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One segment of the write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    /// The timeline that it was written on.
    pub(crate) timeline: u32,
    /// Counted from the beginning of the log.
    pub(crate) number: u64,
}

impl Segment {
    /// The segment that holds this place.
    pub(crate) fn holding(timeline: u32, place: Lsn, segment_bytes: u64) -> Self {
        Self { timeline, number: place.0 / segment_bytes.max(1) }
    }

    /// Reads a file name such as `000000010000000000000003`; `None` for anything else.
    pub(crate) fn from_name(name: &str, segment_bytes: u64) -> Option<Self> {
        let digits =
            name.len() == 24 && name.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
        if !digits {
            return None;
        }
        let part = |range| u64::from_str_radix(&name[range], 16).ok();
        let per_file = per_log_file(segment_bytes);
        let (log, within) = (part(8..16)?, part(16..24)?);
        let timeline = u32::from_str_radix(&name[..8], 16).ok()?;
        (within < per_file).then(|| Self { timeline, number: log * per_file + within })
    }

    /// Its file name.
    pub(crate) fn name(self, segment_bytes: u64) -> String {
        let per_file = per_log_file(segment_bytes);
        format!("{:08X}{:08X}{:08X}", self.timeline, self.number / per_file, self.number % per_file)
    }

    /// Where it begins.
    pub(crate) fn start(self, segment_bytes: u64) -> Lsn {
        Lsn(self.number.saturating_mul(segment_bytes))
    }
}

fn per_log_file(segment_bytes: u64) -> u64 {
    (0x1_0000_0000 / segment_bytes.max(1)).max(1)
}

/// The timelines that lead to one: which was left where, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct History(pub(crate) Vec<(u32, Lsn)>);

impl History {
    /// Reads a file such as `00000002.history`.
    pub(crate) fn read(text: &str) -> Self {
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let timeline = words.next()?.parse().ok()?;
            Some((timeline, words.next()?.parse().ok()?))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// The timeline that the place was written on, where this history ends on `last`.
    pub(crate) fn timeline_at(&self, place: Lsn, last: u32) -> u32 {
        self.0.iter().find(|(_, left)| place < *left).map_or(last, |(timeline, _)| *timeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB16: u64 = 16 << 20;

    #[test]
    fn places_are_read_and_shown_as_postgres_shows_them() {
        for (text, value) in
            [("0/3000060", 0x300_0060), ("1A/0", 0x1A << 32), ("FFFFFFFF/FFFFFFFF", u64::MAX)]
        {
            assert_eq!(text.parse::<Lsn>().unwrap(), Lsn(value));
            assert_eq!(Lsn(value).to_string(), text);
        }
        for text in ["", "0", "0/", "/0", "g/0", "0/123456789", "+1/0", "0/-1"] {
            assert!(text.parse::<Lsn>().is_err(), "{text}");
        }
    }

    #[test]
    fn segments_have_the_names_that_postgres_gives_them() {
        for (number, bytes, name) in [
            (3, MIB16, "000000010000000000000003"),
            (256, MIB16, "000000010000000100000000"),
            (5, 1 << 30, "000000010000000100000001"),
        ] {
            let segment = Segment { timeline: 1, number };
            assert_eq!(segment.name(bytes), name);
            assert_eq!(Segment::from_name(name, bytes), Some(segment));
        }
        assert_eq!(Segment::holding(2, Lsn(MIB16 * 7 + 5), MIB16), Segment { timeline: 2, number: 7 });
        for name in [
            "000000010000000000000100",
            "00000001000000000000000g",
            "00000002.history",
            "0000000100000000000000é",
        ] {
            assert_eq!(Segment::from_name(name, MIB16), None, "{name}");
        }
    }

    #[test]
    fn a_history_tells_which_timeline_a_place_was_written_on() {
        let history = History::read("1\t0/5000000\tno recovery target specified\n\n2\t0/7000028\tx\n");
        assert_eq!(history.0.len(), 2);
        for (place, timeline) in [(0, 1), (0x4FF_FFFF, 1), (0x500_0000, 2), (0x700_0027, 2), (0x700_0028, 3)]
        {
            assert_eq!(history.timeline_at(Lsn(place), 3), timeline);
        }
        assert_eq!(History::default().timeline_at(Lsn(9), 4), 4);
    }
}
