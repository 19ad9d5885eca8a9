//! The time in a file's name: `shop-2026-03-01_02-30.dump`, `20260301T023000Z`, `shop_20260301.sql.gz`. Pure.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::{Offset, TimeZone},
};

/// What a name says about when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameTime {
    /// Day and time.
    Instant(Timestamp),
    /// The day only: its first moment.
    Day(Timestamp),
}

/// Reads the last date of the name, and the time behind it. `offset` is what the names' clock is ahead of UTC;
/// a `Z` or an offset behind the time overrules it.
pub(crate) fn name_time(name: &str, offset: Offset) -> Option<NameTime> {
    let bytes = name.as_bytes();
    (0..bytes.len()).rev().find_map(|start| {
        // A digit before it would make it part of a longer number.
        let alone = start == 0 || !bytes[start - 1].is_ascii_digit();
        alone.then(|| at(bytes, start, offset)).flatten()
    })
}

fn at(bytes: &[u8], start: usize, offset: Offset) -> Option<NameTime> {
    let mut rest = &bytes[start..];
    let year = number(&mut rest, 4)?;
    let separated = skip(&mut rest, b"-_.");
    let month = number(&mut rest, 2)?;
    if separated != skip(&mut rest, b"-_.") {
        return None;
    }
    let day = number(&mut rest, 2)?;
    if !(1990..2200).contains(&year) {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let (time, offset) = match clock(rest) {
        Some((time, said)) => (Some(time), said.unwrap_or(offset)),
        None if rest.first().is_some_and(u8::is_ascii_digit) => return None,
        None => (None, offset),
    };
    let zone = TimeZone::fixed(offset);
    let instant = |time| zone.to_timestamp(date.to_datetime(time)).ok();
    match time {
        Some(time) => instant(time).map(NameTime::Instant),
        None => instant(Time::midnight()).map(NameTime::Day),
    }
}

/// `023000`, `T0230`, `_02-30-00Z`, `T02:30:00+02:00`; with its offset where that is said.
fn clock(mut rest: &[u8]) -> Option<(Time, Option<Offset>)> {
    let is_iso = rest.first().is_some_and(|byte| byte.eq_ignore_ascii_case(&b't'));
    skip(&mut rest, b"T_- t.");
    let hour = number(&mut rest, 2)?;
    skip(&mut rest, b"-:_.h");
    let minute = number(&mut rest, 2)?;
    let mut tail = rest;
    skip(&mut tail, b"-:_.m");
    // `T0100-0500`: an offset, and no second.
    let second = match number(&mut tail, 2) {
        Some(second) if zone(rest, is_iso).is_none() => {
            rest = tail;
            second
        }
        _ => 0,
    };
    let said = zone(rest, is_iso);
    if said.is_none() && rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let small = |number: i16| i8::try_from(number).ok();
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some((time, said))
}

/// `Z`, `+02:00`, `+0200`, `+02`, also behind a fraction of the second. A minus might as well come before a number of
/// another kind: it counts in ISO's form only, and before hours and minutes that some zone has.
fn zone(rest: &[u8], is_iso: bool) -> Option<Offset> {
    let mut rest = rest;
    let mut fraction = rest;
    if skip(&mut fraction, b".,") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            rest = &fraction[digits..];
        }
    }
    let (sign, mut rest) = rest.split_first()?;
    let sign = match sign {
        b'z' | b'Z' => return Some(Offset::UTC),
        b'+' => 1,
        b'-' if is_iso => -1,
        _ => return None,
    };
    let hours = number(&mut rest, 2)?;
    let mut tail = rest;
    skip(&mut tail, b":_");
    let minutes = match number(&mut tail, 2) {
        Some(minutes) => {
            rest = tail;
            minutes
        }
        None if sign > 0 => 0,
        None => return None,
    };
    let exists = hours <= 14 && minutes < 60 && minutes % 15 == 0;
    let ends = !rest.first().is_some_and(u8::is_ascii_digit);
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    (exists && ends).then(|| Offset::from_seconds(seconds).ok()).flatten()
}

fn number(rest: &mut &[u8], digits: usize) -> Option<i16> {
    let (head, tail) = rest.split_at_checked(digits)?;
    let number = head.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(head).ok()?.parse().ok())?;
    *rest = tail;
    number
}

fn skip(rest: &mut &[u8], any_of: &[u8]) -> bool {
    let found = rest.first().is_some_and(|byte| any_of.contains(byte));
    if found {
        *rest = &rest[1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Option<NameTime> {
        Some(NameTime::Instant(text.parse().unwrap()))
    }

    #[test]
    fn the_usual_names_are_read() {
        for name in [
            "shop-2026-03-01_02-30.dump",
            "shop_20260301_0230.sql.gz",
            "20260301T023000Z",
            "shop.20260301023000.tar",
            "2026-03-01T02:30:00",
            "pg15-shop-20260301-023000",
        ] {
            assert_eq!(name_time(name, Offset::UTC), instant("2026-03-01T02:30:00Z"), "{name}");
        }
        let day = NameTime::Day("2026-03-01T00:00:00Z".parse().unwrap());
        for name in ["shop_20260301.sql.gz", "shop-2026-03-01", "2026-03-01-weekly.dump", "20260301.7z"] {
            assert_eq!(name_time(name, Offset::UTC), Some(day), "{name}");
        }
    }

    #[test]
    fn the_clock_of_the_names_is_said_or_stands_in_them() {
        let ahead = Offset::from_hours(2).unwrap();
        assert_eq!(name_time("a-20260301-0230", ahead), instant("2026-03-01T00:30:00Z"));
        assert_eq!(name_time("a-20260301T0230Z", ahead), instant("2026-03-01T02:30:00Z"));
        for (name, time) in [
            ("shop-2026-11-28T01:00:00+02:00.dump", "2026-11-27T23:00:00Z"),
            ("shop-2026-11-28T01:00:00,123456789+02:00.dump", "2026-11-27T23:00:00Z"),
            ("shop-20261128T010000+0530.dump", "2026-11-27T19:30:00Z"),
            ("shop-20261128T010000+02.dump", "2026-11-27T23:00:00Z"),
            ("shop-20261128T0100-0500.dump", "2026-11-28T06:00:00Z"),
            ("shop-2026-11-28T01:00:00-05:00.dump", "2026-11-28T06:00:00Z"),
            // Numbers of another kind.
            ("shop-20261128-010000-0500.dump", "2026-11-28T01:00:00Z"),
            ("shop-20261128T010000-01.dump", "2026-11-28T01:00:00Z"),
            ("shop-20261128T010000-0007.dump", "2026-11-28T01:00:00Z"),
            ("shop-20261128T010000.7z", "2026-11-28T01:00:00Z"),
        ] {
            assert_eq!(name_time(name, Offset::UTC), instant(time), "{name}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for name in ["shop.dump", "20261301", "12345678901234567", "shop-15.2", "v2026-03", "", "0000-00-00"]
        {
            assert_eq!(name_time(name, Offset::UTC), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_name_breaks_it(name in ".{0,40}|[0-9TZ_:-]{0,30}") {
            let _ = name_time(&name, Offset::UTC);
        }
    }
}
